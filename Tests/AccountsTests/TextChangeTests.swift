import Database
import TestSupport
import Testing

@testable import Accounts

struct TextChangeTests {
    private let fixture: AccountsFixture
    private let everybody: Accounts
    private let callers: [Caller]

    init() throws {
        fixture = try AccountsFixture()
        let everybody = fixture.accounts()
        self.everybody = everybody
        callers = try (0..<12).map { try everybody.caller(everybody.register("user\($0)")) }
    }

    private func change(_ number: Int, to change: ProfileChange) throws -> TextChange {
        try #require(everybody.textChange(change, of: callers[number]))
    }

    private func change(_ number: Int, to text: String) throws -> TextChange {
        try change(number, to: ProfileChange(bio: .text(text)))
    }

    /// What each is told: its bio, the refusal, or that it must be written alone.
    private func told(_ results: [Result<Account, AccountsError>?]) -> [String] {
        results.map { result in
            switch result {
            case .success(let account): account.bio ?? "none"
            case .failure(.refused(let refusal)): "\(refusal)"
            case .failure(let error): "\(error)"
            case nil: "alone"
            }
        }
    }

    private func bios() throws -> [String] {
        try fixture.sql("SELECT bio FROM accounts ORDER BY id").split(separator: "\n").map(String.init)
    }

    @Test func `texts written together stand each in its own row`() throws {
        let changes = try (0..<12).map { try change($0, to: "bio \($0)") }

        let told = self.told(everybody.write(changes))

        #expect(told == (0..<12).map { "bio \($0)" })
        #expect(try bios() == told)
    }

    @Test func `each of them changes only what it names`() throws {
        var first = ProfileChange(bio: .text("teaches maths"))
        first.details = [.fullName: .text("Anna Li"), .phone: .text("+49 30 1")]
        first.preferences = [.language: .text("en")]
        _ = try everybody.write([change(0, to: first), change(1, to: first)])[0]?.get()
        let again = fixture.accounts()
        let caller = try again.caller(again.signIn("user0"))
        var second = ProfileChange(bio: .null)
        second.details = [.phone: .text("")]
        second.preferences = [.theme: .text("dark")]
        let changes = try [#require(everybody.textChange(second, of: caller)), change(2, to: first)]

        let account = try #require(everybody.write(changes)[0]).get()

        #expect([account.fullName, account.phone, account.bio] == ["Anna Li", nil, nil])
        #expect([account.language, account.timezone, account.theme] == ["en", "Asia/Shanghai", "dark"])
        let stored = """
            SELECT CONCAT_WS('|', username, full_name, IFNULL(phone, '-'), IFNULL(bio, '-'), language, timezone, theme) \
            FROM accounts ORDER BY id LIMIT 4
            """
        #expect(
            try fixture.sql(stored) == """
                user0|Anna Li|-|-|en|Asia/Shanghai|dark
                user1|Anna Li|+49 30 1|teaches maths|en|Asia/Shanghai|light
                user2|Anna Li|+49 30 1|teaches maths|en|Asia/Shanghai|light
                user3|-|-|zh|Asia/Shanghai|light
                """)
    }

    @Test func `of one person's texts written together the last one stays`() throws {
        let changes = try ["a", "b", "c"].map { try change(0, to: $0) }

        #expect(told(everybody.write(changes)) == ["a", "b", "c"])
        #expect(try bios()[0] == "c")
    }

    @Test func `texts written together are the accounts' latest change`() throws {
        fixture.clock.move(seconds: 5)
        let changes = try [change(0, to: "a"), change(1, to: "b")]

        let account = try #require(everybody.write(changes)[1]).get()

        #expect(account.updatedAt == fixture.clock.now)
        #expect(try everybody.caller(everybody.signIn("user1")).account.updatedAt == fixture.clock.now)
    }

    @Test func `where one has no account any more the others' are written all the same`() throws {
        let changes = try (0..<6).map { try change($0, to: "bio \($0)") }
        try fixture.sql("DELETE FROM accounts WHERE id = \(callers[3].account.id)")

        let told = self.told(everybody.write(changes))

        #expect(told == ["bio 0", "bio 1", "bio 2", "badToken", "bio 4", "bio 5"])
        #expect(try bios().prefix(5) == ["bio 0", "bio 1", "bio 2", "bio 4", "bio 5"])
    }

    @Test func `a row that is locked is waited for by nobody`() throws {
        let changes = try (0..<6).map { try change($0, to: "bio \($0)") }
        let operatorsOwn = Connection(fixture.address)

        let told = try operatorsOwn.transaction { () throws(DatabaseError) -> [String] in
            _ = try operatorsOwn.first(LockedAccount(id: callers[3].account.id))
            return self.told(everybody.write(changes))
        }

        #expect(told == Array(repeating: "alone", count: 6))
        #expect(try bios() == Array(repeating: "NULL", count: 12))
    }

    @Test func `without the database nobody is told that a text is written`() throws {
        let changes = try [change(0, to: "a"), change(1, to: "b")]
        let nowhere = DatabaseAddress(
            transport: .socket(path: "/nowhere"), database: "homeroom", user: "homeroom", password: "")

        let told = self.told(fixture.accounts(on: Connection(nowhere)).write(changes))

        #expect(told == ["unavailable", "unavailable"])
    }

    @Test func `while other sessions end and the password changes, the session that stays can write`() throws {
        let credentials = try everybody.signIn("user0")
        let fixture = fixture

        let refusals = concurrently(5) { _ in
            fixture.accounts()
        } _: { number, accounts in
            (0..<40).map { round in
                refusal {
                    switch number {
                    case 0, 1: try accounts.endOtherSessions(of: accounts.caller(credentials))
                    case 2 where round % 10 == 0:
                        let (old, new) = round % 20 == 0 ? (goodPassword, otherPassword) : (otherPassword, goodPassword)
                        try accounts.changePassword(credentials, from: old, to: new)
                    default: _ = try accounts.update(credentials, bio: .text("\(number), \(round)"))
                    }
                }
            }
        }

        #expect(Set(refusals.joined()) == ["none"])
    }

    private static var others: [ProfileChange] {
        var unknown = ProfileChange()
        unknown.preferences = [.language: .text("xx")]
        var long = ProfileChange()
        long.details = [.fullName: .text(String(repeating: "a", count: 101))]
        return [
            ProfileChange(email: .text("a@example.org"), bio: .text("a")),
            ProfileChange(username: .text("other"), bio: .text("a")), ProfileChange(bio: .text("a"), avatar: .remove),
            ProfileChange(bio: .flag(true)), ProfileChange(bio: .text("a\u{0}")),
            ProfileChange(bio: .text(String(repeating: "a", count: 501))), unknown, long,
        ]
    }

    @Test func `what is more than texts, or no good ones, is not written with others`() {
        #expect(TextChangeTests.others.compactMap { everybody.textChange($0, of: callers[0]) }.isEmpty)
    }
}
