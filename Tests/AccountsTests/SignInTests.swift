import TestSupport
import Testing

@testable import Accounts
@testable import Database

@Suite struct SignInTests {
    @Test(arguments: ["anna", "ANNA", "Ａnna", " anna ", "anna@school.example", "Anna@SCHOOL.example\n"])
    func `one signs in by name or email in any spelling`(name: String) throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let id = try accounts.register("anna").account.id

        #expect(try accounts.signIn(name).account.id == id)
    }

    @Test(arguments: ["Correct horse battery", " correct horse battery", "correct horse battery\n", "wrong"])
    func `another password is refused`(password: String) throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        try accounts.register("anna")

        #expect(refusal { try accounts.signIn("anna", password) } == "wrongCredentials")
    }

    @Test(arguments: [
        "bert", "bert@school.example", "anna@", "'", "an na", "\0", String(repeating: "x", count: 10_000),
    ])
    func `an unknown name is refused like a wrong password`(name: String) throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        try accounts.register("anna")

        #expect(refusal { try accounts.signIn(name) } == "wrongCredentials")
    }

    @Test(
        arguments: [(.absent, .required), (.null, .null), (.notText, .notText), (.text(""), .blank)] as [(Entry, Rule)])
    func `name and password must be there as text`(entry: Entry, rule: Rule) throws {
        let fixture = try AccountsFixture()

        let found = violations { try fixture.accounts().signIn(SignIn(name: entry, password: entry), by: .pair) }

        #expect(found == [Violation(.username, rule), Violation(.password, rule)])
    }

    @Test func `a login is counted and its time kept`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna")
        fixture.clock.move(seconds: 60)

        try accounts.signIn("anna")
        fixture.clock.move(microseconds: 1)
        let account = try accounts.signIn("anna@school.example").account

        #expect(account.loginCount == 2)
        #expect(account.lastLoginAt == Instant(microseconds: 1_753_515_819_508_829))
        let read = try accounts.caller(new).account
        #expect(read.loginCount == 2)
        #expect(read.lastLoginAt == Instant(microseconds: 1_753_515_819_508_829))
    }

    @Test func `a failed login changes neither count nor time`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna")

        _ = refusal { try accounts.signIn("anna", "wrong") }

        let read = try accounts.caller(new).account
        #expect(read.loginCount == 0)
        #expect(read.lastLoginAt == nil)
    }

    @Test func `a login is no change of the profile`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna")
        fixture.clock.move(seconds: 60)

        try accounts.signIn("anna")

        #expect(try accounts.caller(new).account.updatedAt == Instant(microseconds: 1_753_515_759_508_828))
    }

    @Test(arguments: ["x", "\u{301}\u{323}"])
    func `a name that is too long for any is refused as every wrong one, and its failures are counted`(
        unit: String
    ) throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let name = "a" + String(repeating: unit, count: 30_000)
        try accounts.refreshPasswordForms()
        _ = accounts.takeUsage()
        let before = accounts.takeUsage()

        #expect(refusal { try accounts.signIn(name) } == "wrongCredentials")
        let long = accounts.takeUsage().roundTrips
        #expect(refusal { try accounts.signIn("nobody") } == "wrongCredentials")

        #expect(before.roundTrips == 0)
        #expect(accounts.takeUsage().roundTrips == long)
        for _ in 0..<9 { _ = refusal { try accounts.signIn(name) } }
        #expect(refusal { try accounts.signIn(name) } == "locked(retryAfter: 900)")
        #expect(refusal { try accounts.signIn(name + "b") } == "wrongCredentials")
    }

    @Test func `each login begins a session of its own`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let first = try accounts.caller(accounts.register("anna")).session.id

        let second = try accounts.caller(accounts.signIn("anna")).session.id
        let third = try accounts.caller(accounts.signIn("anna")).session.id

        #expect(Set([first, second, third]).count == 3)
    }

    @Test(arguments: [Status.inactive, .disabled])
    func `who is not active is told so only with the right password`(status: Status) throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let account = try accounts.register("anna").account
        try accounts.setStatus(status, of: account)

        #expect(refusal { try accounts.signIn("anna") } == "inactive")
        #expect(refusal { try accounts.signIn("anna", "wrong") } == "wrongCredentials")
        #expect(try fixture.sql("SELECT login_count FROM accounts") == "0")
    }

    @Test(arguments: [
        ("teacher", "none"),
        ("student", "invalid([Accounts.Violation(field: Accounts.Field.role, rule: Accounts.Rule.otherRole)])"),
    ])
    func `a role that is asked for must be the account's`(role: String, outcome: String) throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        try accounts.setRole(.teacher, of: accounts.register("anna").account)
        let form = SignIn(name: .text("anna"), password: .text(goodPassword), role: .text(role))

        #expect(refusal { try accounts.signIn(form, by: .pair) } == outcome)
    }

    @Test(arguments: ["student", "teacher"])
    func `with a wrong password the role decides nothing`(role: String) throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        try accounts.register("anna")
        let form = SignIn(name: .text("anna"), password: .text("wrong"), role: .text(role))

        #expect(refusal { try accounts.signIn(form, by: .pair) } == "wrongCredentials")
    }

    @Test func `known and unknown names cost the same statements`() throws {
        let fixture = try AccountsFixture()
        try fixture.accounts().register("anna")

        let known = try statements(fixture, of: "anna")
        let unknown = try statements(fixture, of: "bert")
        let knownEmail = try statements(fixture, of: "anna@school.example")
        let unknownEmail = try statements(fixture, of: "bert@school.example")

        #expect(known > 0)
        #expect([unknown, knownEmail, unknownEmail] == [known, known, known])
    }

    @Test func `a locked name costs the same statements whether or not anybody has it`() throws {
        let fixture = try AccountsFixture()
        try fixture.accounts().register("anna")
        try fixture.fail("anna", times: 10)
        try fixture.fail("bert", times: 10)

        #expect(try statements(fixture, of: "anna") == statements(fixture, of: "bert"))
    }

    @Test(arguments: [
        "pbkdf2_sha256$1000$saltsaltsaltsaltsalt12$hyXPd85Rd5dcF49RNGqcR/i//+BP2Rn+iXqv1mzJ8QQ=",
        "argon2$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$fUnNUswdZhs7ZRYdCX4Ea6OiCPNRe02ELcbi+pQ6yF4",
        "$argon2id$v=19$m=128,t=1,p=1$chQiYLaLwBlgk3WmZwTsWg$LLDyXjw+pBek6X7F4CNhy5rkGVneKRyi2TvWnzQg7Tw",
        "!unusable", "",
    ])
    func `a stored hash of another password is refused and stays`(hash: String) throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        try accounts.register("anna")
        try fixture.sql("UPDATE accounts SET password_hash = '\(hash)'")

        #expect(refusal { try accounts.signIn("anna") } == "wrongCredentials")
        #expect(try fixture.sql("SELECT password_hash FROM accounts") == hash)
    }

    @Test(arguments: oldHashes)
    func `a login with an older form of hash writes the wanted one`(hash: String) throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna")
        try fixture.sql("UPDATE accounts SET password_hash = '\(hash)'")

        try accounts.signIn("anna")

        let stored = try fixture.sql("SELECT password_hash, password_version FROM accounts")
        #expect(stored.hasPrefix("$argon2id$v=19$m=64,t=1,p=1$"))
        #expect(stored.hasSuffix("\t1"))
        #expect(refusal { try accounts.signIn("anna") } == "none")
        #expect(refusal { try accounts.caller(new) } == "none")
    }

    @Test func `a good hash is left as it is`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        try accounts.register("anna")
        let before = try fixture.sql("SELECT password_hash FROM accounts")

        try accounts.signIn("anna")

        #expect(try fixture.sql("SELECT password_hash FROM accounts") == before)
    }

    @Test func `a failed login writes no hash`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        try accounts.register("anna")
        try fixture.sql("UPDATE accounts SET password_hash = '\(oldHashes[0])'")

        _ = refusal { try accounts.signIn("anna", "wrong") }

        #expect(try fixture.sql("SELECT password_hash FROM accounts") == oldHashes[0])
    }

    // MARK: What happens while a password is being checked

    @Test func `a login under way when the lock came is refused`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        try accounts.register("anna")
        fixture.random.interrupt { try? fixture.fail("anna", times: 10) }

        #expect(refusal { try accounts.signIn("anna") } == "locked(retryAfter: 900)")
        #expect(try fixture.sql("SELECT login_count FROM accounts") == "0")
    }

    @Test func `a login under way when the account was disabled is refused`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let account = try accounts.register("anna").account
        fixture.random.interrupt { try? fixture.accounts().setStatus(.disabled, of: account) }

        #expect(refusal { try accounts.signIn("anna") } == "wrongCredentials")
        #expect(try fixture.sql("SELECT COUNT(*) FROM sessions") == "0")
    }

    @Test func `a login under way when the password changed is refused`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna")
        fixture.random.interrupt { try? fixture.accounts().changePassword(new) }

        #expect(refusal { try accounts.signIn("anna") } == "wrongCredentials")
        #expect(try fixture.sql("SELECT COUNT(*) FROM sessions") == "1")
    }

    @Test func `a rehash under way when the password changed does not bring the old one back`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna")
        try fixture.sql("UPDATE accounts SET password_hash = '\(oldHashes[0])'")
        fixture.random.interrupt { try? fixture.accounts().changePassword(new) }

        #expect(refusal { try accounts.signIn("anna") } == "wrongCredentials")
        #expect(refusal { try accounts.signIn("anna", otherPassword) } == "none")
    }

    @Test func `a login under way when the account was deleted is refused`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        try accounts.register("anna")
        fixture.random.interrupt { _ = try? fixture.sql("DELETE FROM accounts") }

        #expect(refusal { try accounts.signIn("anna") } == "wrongCredentials")
    }

    @Test func `20 logins at once are all counted`() throws {
        let fixture = try AccountsFixture()
        try fixture.accounts().register("anna")

        let outcomes = concurrently(20) { _ in
            fixture.accounts()
        } _: { _, accounts in
            refusal { try accounts.signIn("anna") }
        }

        #expect(Set(outcomes) == ["none"])
        #expect(try fixture.sql("SELECT login_count FROM accounts") == "20")
        #expect(try fixture.sql("SELECT COUNT(*) FROM sessions") == "21")
    }

    /// How many statements a failed sign-in executes.
    private func statements(_ fixture: AccountsFixture, of name: String) throws -> Int {
        let connection = Connection(fixture.address)
        let accounts = fixture.accounts(on: connection)
        _ = refusal { try accounts.signIn("warm up", "wrong") }
        let before = try #require(Int(connection.first(Executions()) ?? ""))
        _ = refusal { try accounts.signIn(name, "wrong") }
        return try #require(Int(connection.first(Executions()) ?? "")) - before - 1
    }
}

/// `correct horse battery`, hashed by Django 5.2, argon2-cffi and bcrypt.
private let oldHashes = [
    "pbkdf2_sha256$1000$saltsaltsaltsaltsalt12$/5khlUZtHc7+FlwT/3JFXmPSgN8muGdOiOA2/Hv/n9k=",
    "argon2$argon2id$v=19$m=64,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$QOKF1iG70GOhZX71bkTGoINw9zqSjKFirULQQtMxBVI",
    "bcrypt_sha256$$2b$04$CworbFfib00kj3cBeHhHreVEYnQt2GIi.GJ0TvA3ZTSrH2lF71KM6",
    "$argon2id$v=19$m=64,t=2,p=1$N4pso6txKeyc29L3UdqDKw$0vC6Ar8/gGWwO88LYmUi8YH+u7ppDg2C4x5PvDIUxdc",
    "$argon2i$v=19$m=64,t=1,p=1$DGm1lj+RnqxEaeTruMSsNg$/ogo6lWIVc4SXB/z3WEm3lnGrwQSxj+Rn78Lm7vWGvs",
    "$2b$04$NZVeaqnuFoYEvyufZATog.6bKkkCK35eYeNrCDSUm4VCSqHdFCCFa",
]

private struct Executions: Query {
    static let sql: SQL =
        "SELECT variable_value FROM information_schema.session_status WHERE variable_name = 'COM_STMT_EXECUTE'"
    var parameters: [SQLValue] { [] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> String { try columns.text() }
}
