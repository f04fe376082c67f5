import TestSupport
import Testing

@testable import Accounts

@Suite struct RegistrationTests {
    @Test func `a new account is an active student who never signed in`() throws {
        let fixture = try AccountsFixture()

        let account = try fixture.accounts().register("Anna", email: "Anna@School.Example").account

        #expect(account.username == "Anna")
        #expect(account.email == "Anna@School.Example")
        #expect(account.role == .student)
        #expect(account.status == .active)
        #expect(!account.isStaff && !account.isSuperuser && !account.isEmailVerified)
        #expect(account.avatar == nil && account.bio == nil && account.fullName == nil)
        #expect(account.createdAt == Instant(microseconds: 1_753_515_759_508_828))
        #expect(account.lastLoginAt == nil)
        #expect(account.loginCount == 0)
    }

    @Test func `registration hands out tokens that work and is no login`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()

        let new = try accounts.register("anna")

        let caller = try accounts.caller(new)
        #expect(caller.account.id == new.account.id)
        #expect(caller.account.lastLoginAt == nil)
        #expect(caller.account.loginCount == 0)
        #expect(try accounts.refresh(new.refresh).refresh != nil)
    }

    @Test func `white space around name and email is dropped`() throws {
        let fixture = try AccountsFixture()

        let account = try fixture.accounts().register(" \t anna\u{3000}\n", email: "\u{A0}anna@b.org ").account

        #expect(account.username == "anna")
        #expect(account.email == "anna@b.org")
    }

    @Test(arguments: [" spaces stay ", "e\u{301}e\u{301}e\u{301}e\u{301}", "tab\tand\0NUL here", "🙂🙂🙂🙂🙂🙂🙂🙂"])
    func `a password is taken as it was typed`(password: String) throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        try accounts.register("anna", password: password)

        #expect(refusal { try accounts.signIn("anna", password) } == "none")
        #expect(refusal { try accounts.signIn("anna", password + " ") } == "wrongCredentials")
        #expect(refusal { try accounts.signIn("anna", password.uppercased() + "x") } == "wrongCredentials")
    }

    @Test func `composed and decomposed passwords are two`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        try accounts.register("anna", password: "caf\u{E9} cr\u{E8}me")

        #expect(refusal { try accounts.signIn("anna", "cafe\u{301} cre\u{300}me") } == "wrongCredentials")
    }

    @Test(arguments: ["anna", "ANNA", "Ａnna", " anna "])
    func `a name that somebody has is taken`(name: String) throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        try accounts.register("Anna", email: "first@b.org")

        let found = violations { try accounts.register(name, email: "second@b.org") }

        #expect(found == [Violation(.username, .taken)])
    }

    @Test(arguments: ["x@münchen.de", "x@xn--mnchen-3ya.de", "x@MÜNCHEN.de", "x@ｍüｎｃｈｅｎ.de"])
    func `an address in another spelling of its domain is taken, and signs in`(email: String) throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        try accounts.register("first", email: "x@München.de")

        #expect(violations { try accounts.register("second", email: email) } == [Violation(.email, .taken)])
        #expect(refusal { try accounts.signIn(email) } == "none")
    }

    @Test(arguments: ["a@b.org", "A@B.ORG", "ａ@b.org", " a@b.org"])
    func `an email that somebody has is taken`(email: String) throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        try accounts.register("first", email: "a@b.org")

        let found = violations { try accounts.register("second", email: email) }

        #expect(found == [Violation(.email, .taken)])
    }

    @Test func `name and email of two others are both taken`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        try accounts.register("anna", email: "anna@b.org")
        try accounts.register("bert", email: "bert@b.org")

        let found = violations { try accounts.register("anna", email: "bert@b.org") }

        #expect(found == [Violation(.username, .taken), Violation(.email, .taken)])
    }

    @Test func `a name with a dotless i is another name`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        try accounts.register("kim", email: "1@b.org")

        #expect(refusal { try accounts.register("kım", email: "2@b.org") } == "none")
    }

    @Test func `the own email may be the name`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()

        let account = try accounts.register("Anna@School.example", email: "anna@school.example").account

        #expect(account.username == "Anna@School.example")
    }

    @Test(arguments: ["bert@school.example", "@", "anna@", "anna@school.exampl"])
    func `another address is no name`(name: String) throws {
        let fixture = try AccountsFixture()

        let found = violations { try fixture.accounts().register(name, email: "anna@school.example") }

        #expect(found == [Violation(.username, .foreignAddress)])
    }

    @Test func `all that is wrong is found at once in the order of the fields`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        try accounts.register("anna", email: "anna@b.org")
        let form = Registration(
            username: .text("anna"), email: .text("nonsense"), password: .text("1234567"), confirmation: .text("x"))

        let found = violations { try accounts.registerSignedIn(form, by: .pair) }

        #expect(
            found == [
                Violation(.username, .taken), Violation(.email, .malformed), Violation(.password, .tooShort(8)),
                Violation(.password, .common), Violation(.password, .numeric), Violation(.confirmation, .mismatch),
            ])
    }

    @Test(
        arguments: [
            (.absent, .required), (.null, .null), (.notText, .notText), (.flag(true), .notText), (.text(""), .blank),
        ] as [(Entry, Rule)])
    func `every field must be there as text`(entry: Entry, rule: Rule) throws {
        let fixture = try AccountsFixture()
        let form = Registration(username: entry, email: entry, password: entry, confirmation: entry)

        let found = violations { try fixture.accounts().registerSignedIn(form, by: .pair) }

        #expect(found == [.username, .email, .password, .confirmation].map { Violation($0, rule) })
    }

    @Test func `blanks alone are a blank name and email`() throws {
        let fixture = try AccountsFixture()
        let form = Registration(
            username: .text(" \u{2003}"), email: .text("\t"), password: .text(goodPassword),
            confirmation: .text(goodPassword))

        let found = violations { try fixture.accounts().registerSignedIn(form, by: .pair) }

        #expect(found == [Violation(.username, .blank), Violation(.email, .blank)])
    }

    @Test(
        arguments: [
            ("a\0b", .nulCharacter), ("a\u{9B}31mb", .controlCharacter), ("a\u{1B}[31mb", .controlCharacter),
            ("a\u{85}b", .controlCharacter), ("a\nb", .controlCharacter), ("a\u{2028}b", .controlCharacter),
            ("\u{202E}nimda", .controlCharacter), ("a\u{200F}b", .controlCharacter), ("a\u{61C}b", .controlCharacter),
            ("a\u{2066}b\u{2069}c", .controlCharacter), (String(repeating: "x", count: 101), .tooLong(100)),
            (String(repeating: "x", count: 60_000), .tooLong(100)),
        ] as [(String, Rule)])
    func `a person's name has no control characters and none that turn its direction`(name: String, rule: Rule) throws {
        let fixture = try AccountsFixture()
        let details: [Field: Entry] = [.fullName: .text(name), .firstName: .text(name), .lastName: .text(name)]
        let form = Registration(
            username: .text("anna"), email: .text("anna@b.org"), password: .text(goodPassword),
            confirmation: .text(goodPassword), details: details)

        let found = violations { try fixture.accounts().registerSignedIn(form, by: .pair) }

        #expect(found == [.fullName, .firstName, .lastName].map { Violation($0, rule) })
    }

    @Test(arguments: ["José Ñ.", "王小明", "O'Brien-Smith", "علي", "प्रिया", "👩🏽‍🏫 Kim", "a\u{200C}b"])
    func `a person's name may be`(name: String) throws {
        let fixture = try AccountsFixture()
        let form = Registration(
            username: .text("anna"), email: .text("anna@b.org"), password: .text(goodPassword),
            confirmation: .text(goodPassword), details: [.fullName: .text(name)])

        #expect(try fixture.accounts().registerSignedIn(form, by: .pair).account.fullName == name)
    }

    @Test(arguments: [
        ("\u{202A}+49 30 1234\u{202C}", "+49 30 1234"), ("\u{FEFF}030\u{200B}1234\u{AD}", "0301234"),
        (" \u{200E}+86\u{200E} 138 ", "+86 138"), ("030\u{9B}1234", "0301234"), ("+49 30 1234", "+49 30 1234"),
        (String(repeating: "1\u{200B}", count: 32), String(repeating: "1", count: 32)),
    ])
    func `what is invisible in a phone number is dropped`(typed: String, phone: String) throws {
        let fixture = try AccountsFixture()
        let form = Registration(
            username: .text("anna"), email: .text("anna@b.org"), password: .text(goodPassword),
            confirmation: .text(goodPassword), details: [.phone: .text(typed)])

        let stored = try fixture.accounts().registerSignedIn(form, by: .pair).account.phone ?? ""

        #expect(Array(stored.unicodeScalars) == Array(phone.unicodeScalars))
    }

    @Test func `a refused registration leaves no row`() throws {
        let fixture = try AccountsFixture()

        _ = refusal { try fixture.accounts().register("anna", password: "short") }

        #expect(try fixture.sql("SELECT COUNT(*) FROM accounts") == "0")
        #expect(try fixture.sql("SELECT COUNT(*) FROM sessions") == "0")
    }

    @Test func `the password is stored as its hash alone`() throws {
        let fixture = try AccountsFixture()
        try fixture.accounts().register("anna")

        let stored = try fixture.sql("SELECT password_hash FROM accounts")

        #expect(stored.hasPrefix("$argon2id$v=19$m=64,t=1,p=1$"))
    }

    @Test func `of 50 who register one name at once one gets it`() throws {
        let fixture = try AccountsFixture()

        let outcomes = concurrently(50) { _ in
            fixture.accounts()
        } _: { number, accounts in
            outcome { try accounts.register("anna", email: "anna\(number)@b.org") }
        }

        #expect(outcomes.filter { $0 == "none" }.count == 1)
        #expect(outcomes.filter { $0 == "username taken" }.count == 49)
        #expect(try fixture.sql("SELECT COUNT(*) FROM accounts") == "1")
        #expect(try fixture.sql("SELECT COUNT(*) FROM sessions") == "1")
    }

    @Test func `of 20 who register one email at once one gets it`() throws {
        let fixture = try AccountsFixture()

        let outcomes = concurrently(20) { _ in
            fixture.accounts()
        } _: { number, accounts in
            outcome { try accounts.register("anna\(number)", email: "anna@b.org") }
        }

        #expect(outcomes.filter { $0 == "none" }.count == 1)
        #expect(outcomes.filter { $0 == "email taken" }.count == 19)
        #expect(try fixture.sql("SELECT COUNT(*) FROM accounts") == "1")
    }

    @Test func `registrations that cross in name and email end in rows or validation`() throws {
        let fixture = try AccountsFixture()

        let outcomes = concurrently(20) { _ in
            fixture.accounts()
        } _: { number, accounts in
            outcome { try accounts.register("anna\(number % 2)", email: "anna\(number / 2 % 2)@b.org") }
        }

        let rows = try fixture.sql("SELECT COUNT(*) FROM accounts")
        #expect(rows == "\(outcomes.filter { $0 == "none" }.count)")
        #expect(["1", "2"].contains(rows))
        #expect(
            Set(outcomes).subtracting(["none", "username taken", "email taken", "username taken, email taken"]).isEmpty)
    }

    @Test func `a name taken after it was looked up is the same finding`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        fixture.random.interrupt { _ = try? fixture.accounts().register("anna", email: "other@b.org") }

        let found = violations { try accounts.register("anna", email: "anna@b.org") }

        #expect(found == [Violation(.username, .taken)])
    }

    @Test func `an email taken after it was looked up is the same finding`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        fixture.random.interrupt { _ = try? fixture.accounts().register("other", email: "anna@b.org") }

        let found = violations { try accounts.register("anna", email: "anna@b.org") }

        #expect(found == [Violation(.email, .taken)])
    }
}

/// `none`, or what was wrong: `username taken`.
private func outcome<T>(_ body: () throws -> T) -> String {
    var name = ""
    let found = violations {
        do {
            _ = try body()
            name = "none"
        } catch {
            name = "\(error)"
            throw error
        }
    }
    return found.isEmpty ? name : found.map { "\($0.field) \($0.rule)" }.joined(separator: ", ")
}
