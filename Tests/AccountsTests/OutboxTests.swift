import Database
import Mail
import Synchronization
import TestSupport
import Testing

@testable import Accounts

/// A mail that no server takes.
@Suite struct OutboxTests {
    @Test func `a mail that nobody takes is tried for a day, then no more until it is asked for again`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        try accounts.register("anna")
        try accounts.requestPasswordReset(email: .text("anna@school.example"))
        let deliver = {
            try accounts.deliverNext(publicURL: "https://school.example") { _, _ throws(MailTransport.Failure) in
                throw .smtp("550 no such mailbox")
            }
        }

        var (seconds, pause): (Int64, Int64) = (0, 5)
        while try deliver() {
            fixture.clock.move(seconds: pause)
            seconds += pause
            pause = min(2 * pause, 1800)
        }
        fixture.clock.move(seconds: 86_400)
        let later = try deliver()
        try accounts.requestPasswordReset(email: .text("anna@school.example"))
        let again = try deliver()

        #expect((86_400...90_000).contains(seconds))
        #expect(!later)
        #expect(again)
    }

    @Test func `a mail that went out while the database was away is not sent again`() throws {
        let fixture = try AccountsFixture()
        let pauses = Mutex(0)
        let accounts = fixture.accounts(on: Connection(fixture.address)) { _ in
            let count = pauses.withLock { count in
                count += 1
                return count
            }
            if count == 3 { _ = try? fixture.sql("RENAME TABLE away TO outbox") }
        }
        try accounts.register("anna")
        try accounts.requestPasswordReset(email: .text("anna@school.example"))
        var sent = 0
        let deliver = {
            try accounts.deliverNext(publicURL: "https://school.example") { message, _ throws(MailTransport.Failure) in
                sent += 1
                if sent == 1 { _ = try? fixture.sql("RENAME TABLE outbox TO away") }
            }
        }

        while try deliver() {}
        let first = sent
        fixture.clock.move(seconds: 86_000)
        while try deliver() {}

        #expect(pauses.withLock { $0 } == 3)
        #expect(first == sent)
        #expect(try fixture.sql("SELECT due_at FROM outbox") == "NULL")
    }
}
