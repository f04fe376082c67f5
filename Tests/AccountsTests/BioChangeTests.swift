import Database
import TestSupport
import Testing

@testable import Accounts

struct BioChangeTests {
    private let school: School
    private let everybody: Accounts
    private let callers: [Caller]

    init() throws {
        school = try School()
        let everybody = school.accounts()
        self.everybody = everybody
        callers = try (0..<12).map { try everybody.caller(everybody.register("user\($0)")) }
    }

    private func change(_ number: Int, to text: String) throws -> BioChange {
        try #require(everybody.bioChange(ProfileChange(bio: .text(text)), of: callers[number]))
    }

    /// What each is told: its bio, the refusal, or that it must be written alone.
    private func told(_ results: [Result<Account, Refusal>?]) -> [String] {
        results.map { result in
            switch result {
            case .success(let account): account.bio ?? "none"
            case .failure(let refusal): "\(refusal)"
            case nil: "alone"
            }
        }
    }

    private func bios() throws -> [String] {
        try school.sql("SELECT bio FROM accounts ORDER BY id").split(separator: "\n").map(String.init)
    }

    @Test func `bios written together stand each in its own row`() throws {
        let changes = try (0..<12).map { try change($0, to: "bio \($0)") }

        let told = self.told(everybody.write(changes))

        #expect(told == (0..<12).map { "bio \($0)" })
        #expect(try bios() == told)
    }

    @Test func `of one person's bios written together the last one stays`() throws {
        let changes = try ["a", "b", "c"].map { try change(0, to: $0) }

        #expect(told(everybody.write(changes)) == ["a", "b", "c"])
        #expect(try bios()[0] == "c")
    }

    @Test func `bios written together are the accounts' latest change`() throws {
        school.clock.move(seconds: 5)
        let changes = try [change(0, to: "a"), change(1, to: "b")]

        let account = try #require(everybody.write(changes)[1]).get()

        #expect(account.updatedAt == school.clock.now)
        #expect(try everybody.caller(everybody.signIn("user1")).account.updatedAt == school.clock.now)
    }

    @Test func `where one has no account any more the others' are not taken for written`() throws {
        let changes = try (0..<6).map { try change($0, to: "bio \($0)") }
        try school.sql("DELETE FROM accounts WHERE id = \(callers[3].account.id)")

        #expect(told(everybody.write(changes)) == Array(repeating: "alone", count: 6))
    }

    @Test func `a row that is locked is waited for by nobody`() throws {
        let changes = try (0..<6).map { try change($0, to: "bio \($0)") }
        let operatorsOwn = Connection(school.address)

        let told = try operatorsOwn.transaction { () throws(DatabaseError) -> [String] in
            _ = try operatorsOwn.first(AvatarForUpdate(id: callers[3].account.id))
            return self.told(everybody.write(changes))
        }

        #expect(told == Array(repeating: "alone", count: 6))
        #expect(try bios() == Array(repeating: "NULL", count: 12))
    }

    @Test func `without the database nobody is told that the bio is written`() throws {
        let changes = try [change(0, to: "a"), change(1, to: "b")]
        let nowhere = DatabaseAddress(
            endpoint: .socket(path: "/nowhere"), database: "homeroom", user: "homeroom", password: "")

        let told = self.told(school.accounts(on: Connection(nowhere)).write(changes))

        #expect(told == ["unavailable", "unavailable"])
    }

    @Test func `what is more than a bio, or no good one, is not written with others`() {
        let changes = [
            ProfileChange(), ProfileChange(email: .text("a@example.org"), bio: .text("a")),
            ProfileChange(username: .text("other"), bio: .text("a")), ProfileChange(bio: .text("a"), avatar: .remove),
            ProfileChange(bio: .flag(true)), ProfileChange(bio: .text("a\u{0}")),
            ProfileChange(bio: .text(String(repeating: "a", count: 501))),
        ]

        #expect(changes.compactMap { everybody.bioChange($0, of: callers[0]) }.isEmpty)
    }
}
