import TestSupport
import Testing

@testable import Accounts

/// Accounts that come from another system with the hashes of their passwords.
@Suite struct TransferTests {
    /// What Django stores for `goodPassword`, with few iterations.
    private static let djangoHash = "pbkdf2_sha256$1000$seasalt$DrdiWD40lyBuydnjvZiDrdQMx1S1mOA9O0QYex0R6ww="

    private static func transfer(
        _ name: String?, email: String, now: Instant = Instant(microseconds: 1_753_515_759_508_828)
    ) -> Transfer {
        var transfer = Transfer(now: now)
        transfer.entries[.username] = name.map(Entry.text)
        transfer.entries[.email] = .text(email)
        transfer.passwordHash = djangoHash
        return transfer
    }

    @Test func `somebody taken over signs in with the old password, and has a hash of ours then`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()

        let account = try accounts.takeOver(Self.transfer("anna", email: "anna@school.example"))
        let before = refusal { try accounts.signIn("anna", otherPassword) }
        let after = refusal { try accounts.signIn("anna") }

        #expect(before == "wrongCredentials")
        #expect(after == "none")
        #expect(
            try fixture.sql("SELECT LEFT(password_hash, 10) FROM accounts WHERE id = \(account.id)") == "$argon2id$")
        #expect(try fixture.sql("SELECT password_version FROM accounts WHERE id = \(account.id)") == "1")
    }

    @Test func `whoever brings no username gets one from the email`() throws {
        let accounts = try AccountsFixture().accounts()
        try accounts.register("anna")

        let account = try accounts.takeOver(Self.transfer(nil, email: "anna@other.example"))

        #expect(account.username == "anna2")
    }

    @Test func `an id is kept, and the next registration gets a later one`() throws {
        let accounts = try AccountsFixture().accounts()
        var transfer = Self.transfer("anna", email: "anna@school.example")
        transfer.account.id = 4000

        let account = try accounts.takeOver(transfer)
        let next = try accounts.register("bert").account

        #expect(account.id == 4000)
        #expect(next.id == 4001)
    }

    @Test func `an id, a name and an email that others have are refused and change nothing`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let id = try accounts.register("anna").account.id
        var other = Self.transfer("bert", email: "bert@school.example")
        other.account.id = id

        let names = violations { try accounts.takeOver(Self.transfer("ANNA", email: "Anna@School.Example")) }
        let ids = violations { try accounts.takeOver(other) }

        #expect(names == [Violation(.username, .taken), Violation(.email, .taken)])
        #expect(ids == [Violation(.id, .taken)])
        #expect(try fixture.sql("SELECT COUNT(*) FROM accounts") == "1")
    }

    @Test func `the rules for names, details and bio are those of a registration`() throws {
        let accounts = try AccountsFixture().accounts()
        var transfer = Self.transfer("a b", email: "nobody")
        transfer.entries[.phone] = .text(String(repeating: "1", count: 33))
        transfer.entries[.bio] = .text(String(repeating: "x", count: 501))

        let found = violations { try accounts.takeOver(transfer) }
        let foreign = violations { try accounts.takeOver(Self.transfer("a@b.org", email: "c@d.org")) }

        #expect(
            found == [
                Violation(.username, .malformed), Violation(.email, .malformed), Violation(.phone, .tooLong(32)),
                Violation(.bio, .tooLong(500)),
            ])
        #expect(foreign == [Violation(.username, .foreignAddress)])
    }

    @Test func `what somebody brings along stays as it was`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        var transfer = Self.transfer("anna", email: "anna@school.example")
        (transfer.account.role, transfer.account.isStaff, transfer.account.isSuperuser) = (.mentor, true, true)
        transfer.entries[.fullName] = .text("Anna A.")
        transfer.entries[.firstName] = .text("Anna")
        transfer.entries[.lastName] = .text("A.")
        transfer.entries[.phone] = .text("1")
        transfer.entries[.bio] = .text("here")
        transfer.account.status = .inactive
        (transfer.account.isEmailVerified, transfer.account.isPhoneVerified) = (true, true)
        (transfer.account.language, transfer.account.timezone, transfer.account.theme) = ("de", "Europe/Berlin", "dark")
        transfer.account.loginCount = 7
        transfer.account.createdAt = Instant(microseconds: 1_000_001)
        transfer.account.updatedAt = Instant(microseconds: 2_000_002)
        transfer.account.lastLoginAt = Instant(microseconds: 3_000_003)

        let account = try accounts.takeOver(transfer)
        let (page, behind) = (try accounts.page(after: 0), try accounts.page(after: account.id))

        #expect(account.role == .mentor && account.isStaff && account.isSuperuser)
        #expect(
            [account.fullName, account.firstName, account.lastName, account.phone] == ["Anna A.", "Anna", "A.", "1"])
        #expect(account.bio == "here" && account.status == .inactive)
        #expect(account.isEmailVerified && account.isPhoneVerified)
        #expect([account.language, account.timezone, account.theme] == ["de", "Europe/Berlin", "dark"])
        #expect(account.loginCount == 7)
        #expect(account.createdAt.microseconds == 1_000_001 && account.updatedAt.microseconds == 2_000_002)
        #expect(account.lastLoginAt?.microseconds == 3_000_003)
        #expect(page.map(\.account.id) == [account.id] && page.map(\.passwordHash) == [Self.djangoHash])
        #expect(behind.isEmpty)
    }

    @Test func `what somebody does not bring is as after a registration`() throws {
        let accounts = try AccountsFixture().accounts()
        let registered = try accounts.register("bert").account

        let account = try accounts.takeOver(
            Self.transfer("anna", email: "anna@school.example", now: accounts.now))

        #expect(account.status == .active && account.role == .student)
        #expect(account.language == registered.language && account.timezone == registered.timezone)
        #expect(account.theme == registered.theme)
        #expect(account.createdAt == registered.createdAt && account.updatedAt == account.createdAt)
        #expect(account.lastLoginAt == nil && account.loginCount == 0)
    }

    @Test func `an avatar belongs to one account, and its files are there`() throws {
        let accounts = try AccountsFixture().accounts()
        let anna = try accounts.register("anna")
        let path = try #require(try accounts.update(anna, avatar: try accounts.upload(onePixelPNG)).avatar)
        var transfer = Self.transfer("bert", email: "bert@school.example")
        transfer.account.avatar = path

        #expect(violations { try accounts.takeOver(transfer) } == [Violation(.avatar, .taken)])
        #expect(accounts.holdsAvatar(path))
        let others = [
            "avatars/\(String(repeating: "0", count: 32)).png", "avatars/../\(path)", "/etc/passwd", "", path + "\n",
        ]
        #expect(others.filter(accounts.holdsAvatar) == [])
    }

    @Test func `of eight at once with one email one is taken over`() throws {
        let fixture = try AccountsFixture()

        let outcomes = concurrently(8) { _ in
            fixture.accounts()
        } _: { _, accounts in
            refusal { try accounts.takeOver(Self.transfer("anna", email: "anna@school.example")) }
        }

        #expect(outcomes.count { $0 == "none" } == 1)
        #expect(outcomes.allSatisfy { $0 == "none" || $0.contains("taken") })
        #expect(try fixture.sql("SELECT COUNT(*) FROM accounts") == "1")
    }
}
