import TestSupport
import Testing

@testable import Accounts

/// How many mails strangers can have sent, and how many rows they can fill.
@Suite struct MailLimitTests {
    private let fixture: AccountsFixture
    private let accounts: Accounts

    init() throws {
        fixture = try AccountsFixture()
        accounts = fixture.accounts()
        try accounts.register("anna")
    }

    private func ask(_ name: String = "anna") throws {
        try accounts.requestPasswordReset(email: .text("\(name)@school.example"))
    }

    /// Sends what is due; how many mails that were.
    private func deliver() throws -> Int {
        var count = 0
        while try accounts.deliverNext(publicURL: "https://school.example", send: { _, _ in count += 1 }) {}
        return count
    }

    @Test func `an account is sent one mail a minute`() throws {
        try ask()
        let first = try deliver()
        fixture.clock.move(seconds: 59)
        try ask()
        let early = try deliver()
        fixture.clock.move(seconds: 1)
        try ask()
        let late = try deliver()

        #expect([first, early, late] == [1, 0, 1])
    }

    @Test func `an account is sent at most 5 mails in any hour`() throws {
        var sent: [Int] = []

        for _ in 1...120 {
            try ask()
            sent.append(try deliver())
            fixture.clock.move(seconds: 60)
        }

        #expect(sent.prefix(60).reduce(0, +) == 5)
        #expect(sent.indices.dropLast(60).allSatisfy { sent[$0..<$0 + 60].reduce(0, +) <= 5 })
        #expect(sent.reduce(0, +) == 10)
    }

    @Test func `an account is sent at most 20 mails in a day`() throws {
        var sent = 0

        for _ in 1...(24 * 12) {
            try ask()
            sent += try deliver()
            fixture.clock.move(seconds: 300)
        }

        #expect(sent == 20)
    }

    @Test func `each account has its own share`() throws {
        try accounts.register("bert")
        for _ in 1...10 {
            try ask()
            _ = try deliver()
            fixture.clock.move(seconds: 60)
        }

        try ask("bert")

        #expect(try deliver() == 1)
    }

    @Test func `addresses that nobody has leave no row that is due`() throws {
        for number in 1...50 { try ask("nobody\(number)") }

        #expect(
            try fixture.sql("SELECT COUNT(*) FROM outbox WHERE due_at IS NOT NULL OR account_id IS NOT NULL") == "0")
        #expect(try deliver() == 0)
    }

    @Test func `however many of them are asked for, their rows are at most 1,024`() throws {
        for number in 1...3000 { try ask("nobody\(number)") }

        #expect(Int(try fixture.sql("SELECT COUNT(*) FROM outbox")) ?? .max <= 1024)
    }

    @Test func `an address that nobody has writes as much as one that somebody has`() throws {
        try ask("nobody")
        try ask()
        fixture.clock.move(seconds: 10)
        try ask("nobody")
        try ask()

        let times = try fixture.sql("SELECT DISTINCT sent_at FROM outbox")

        #expect(times == "2025-07-26 07:42:49.508828")
    }

    @Test func `what nobody sends within a day is dropped`() throws {
        try ask()
        fixture.clock.move(seconds: 86_399)
        while try accounts.sweep() {}
        let before = try fixture.sql("SELECT COUNT(*) FROM outbox")
        fixture.clock.move(seconds: 1)
        while try accounts.sweep() {}

        #expect(before == "1")
        #expect(try fixture.sql("SELECT COUNT(*) FROM outbox") == "0")
        #expect(try deliver() == 0)
    }

    @Test func `the clean-up finds its rows by an index`() throws {
        let plans = try [
            "EXPLAIN SELECT 1 FROM outbox FORCE INDEX (due_sent) WHERE due_at IS NULL AND sent_at <= NOW() LIMIT 500",
            "EXPLAIN SELECT 1 FROM outbox WHERE due_at <= NOW() LIMIT 500",
        ].map { try fixture.sql($0) }

        #expect(plans.allSatisfy { $0.contains("due_sent") || $0.contains("due_at") }, "\(plans)")
    }

    @Test func `readiness counts no more than a thousand mails that wait`() throws {
        try fixture.sql(
            """
            INSERT INTO outbox (subject, due_at) SELECT UNHEX(SHA2(seq, 256)), '2025-07-26' FROM seq_1_to_5000
            """)

        #expect(accounts.health().waitingMails == 1000)
    }
}
