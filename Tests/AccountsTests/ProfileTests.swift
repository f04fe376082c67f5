import TestSupport
import Testing

@testable import Accounts

@Suite struct ProfileTests {
    @Test func `what is not sent stays`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna")
        try accounts.update(new, bio: .text("about me"))

        let account = try accounts.update(new)

        #expect(account.username == "anna")
        #expect(account.email == "anna@school.example")
        #expect(account.bio == "about me")
    }

    @Test func `what is sent is there for the next request`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna")
        fixture.clock.move(seconds: 60)

        try accounts.update(new, email: .text(" Anna@New.example "), bio: .text("更新后的个人简介"))

        let account = try accounts.caller(new).account
        #expect(account.email == "Anna@New.example")
        #expect(account.bio == "更新后的个人简介")
        #expect(account.updatedAt == Instant(microseconds: 1_753_515_819_508_828))
    }

    @Test func `one person's change changes nobody else`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let anna = try accounts.register("anna")
        let bert = try accounts.register("bert")

        try accounts.update(anna, email: .text("new@b.org"), bio: .text("mine"))

        let account = try accounts.caller(bert).account
        #expect(account.email == "bert@school.example")
        #expect(account.bio == nil)
    }

    // MARK: The bio

    @Test(arguments: ["", " ", "two\nlines", "a\tb\r\nc\u{2028}d", "<b>'\"\\%_🙂", String(repeating: "🙂", count: 500)])
    func `a bio is kept as it was typed`(text: String) throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna")

        #expect(try accounts.update(new, bio: .text(text)).bio == text)
    }

    @Test func `a null bio removes it`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna")
        try accounts.update(new, bio: .text("about me"))

        #expect(try accounts.update(new, bio: .null).bio == nil)
    }

    @Test(
        arguments: [
            (.text(String(repeating: "x", count: 501)), .tooLong(500)), (.text("a\0b"), .nulCharacter),
            (.text("a\u{1B}[2Jb"), .controlCharacter), (.text("a\u{9B}2Jb"), .controlCharacter),
            (.text("a\u{202E}b"), .controlCharacter), (.text("a\u{2066}b"), .controlCharacter),
            (.notText, .notText),
            (.flag(true), .notText),
        ] as [(Entry, Rule)])
    func `a bio is refused and the old one stays`(entry: Entry, rule: Rule) throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna")
        try accounts.update(new, bio: .text("about me"))

        let found = violations { try accounts.update(new, bio: entry) }

        #expect(found == [Violation(.bio, rule)])
        #expect(try accounts.caller(new).account.bio == "about me")
    }

    // MARK: The email

    @Test func `a new email is no longer verified, the same one in other case is`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna")
        try fixture.sql("UPDATE accounts SET is_email_verified = TRUE")

        #expect(try accounts.update(new, email: .text("ANNA@school.example")).isEmailVerified)
        #expect(try !accounts.update(new, email: .text("anna@new.example")).isEmailVerified)
    }

    @Test func `the new email signs in and the old one no longer`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna")

        try accounts.update(new, email: .text("anna@new.example"))

        #expect(refusal { try accounts.signIn("anna@new.example") } == "none")
        #expect(refusal { try accounts.signIn("anna@school.example") } == "wrongCredentials")
        fixture.clock.move(seconds: 3 * 86_400)
        #expect(refusal { try accounts.register("other", email: "anna@school.example") } == "none")
    }

    @Test func `a username that is the email follows it`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("Anna@school.example", email: "anna@school.example")

        let account = try accounts.update(new, email: .text("Anna@New.example"))

        #expect(account.username == "Anna@New.example")
        #expect(refusal { try accounts.signIn("anna@new.example") } == "none")
        fixture.clock.move(seconds: 3 * 86_400)
        #expect(refusal { try accounts.register("anna@school.example", email: "anna@school.example") } == "none")
    }

    @Test func `another username does not follow the email`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna")

        #expect(try accounts.update(new, email: .text("new@b.org")).username == "anna")
    }

    @Test func `an email that is too long for the username that follows it is refused`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna@b.org", email: "anna@b.org")
        let long = "anna@" + String(repeating: "xxxxxxxxx.", count: 15) + "org"

        let found = violations { try accounts.update(new, email: .text(long)) }

        #expect(found == [Violation(.email, .tooLong(150))])
        #expect(try accounts.caller(new).account.email == "anna@b.org")
    }

    @Test(arguments: ["bert@school.example", "BERT@school.example"])
    func `an email that another has is taken`(email: String) throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let anna = try accounts.register("anna")
        try accounts.register("bert")

        let found = violations { try accounts.update(anna, email: .text(email), bio: .text("not kept")) }

        #expect(found == [Violation(.email, .taken)])
        #expect(try accounts.caller(anna).account.bio == nil)
    }

    @Test func `the own email is not taken`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna")

        #expect(try accounts.update(new, email: .text("Anna@School.Example")).email == "Anna@School.Example")
    }

    @Test(
        arguments: [(.null, .null), (.notText, .notText), (.text(""), .blank), (.text("x"), .malformed)]
            as [(Entry, Rule)])
    func `an email that is sent must be one`(entry: Entry, rule: Rule) throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna")

        let found = violations { try accounts.update(new, email: entry) }

        #expect(found == [Violation(.email, rule)])
    }

    @Test func `all that is wrong is found at once`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna")

        let found = violations { try accounts.update(new, email: .text("x"), bio: .notText, avatar: .notAFile) }

        #expect(
            found == [Violation(.email, .malformed), Violation(.bio, .notText), Violation(.avatar, .notAFile)])
    }

    @Test func `of 10 who take one email at once one gets it`() throws {
        let fixture = try AccountsFixture()
        let people = try (0..<10).map { try fixture.accounts().register("anna\($0)") }

        let outcomes = concurrently(10) { _ in
            fixture.accounts()
        } _: { number, accounts in
            let found = violations { try accounts.update(people[number], email: .text("one@b.org")) }
            return found.isEmpty ? "none" : "\(found[0].field) \(found[0].rule)"
        }

        #expect(outcomes.filter { $0 == "none" }.count == 1)
        #expect(outcomes.filter { $0 == "email taken" }.count == 9)
        #expect(try fixture.sql("SELECT COUNT(*) FROM accounts WHERE email_key = 'one@b.org'") == "1")
    }

    @Test func `a change for an account that was deleted in between is refused`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let caller = try accounts.caller(accounts.register("anna"))
        try fixture.sql("DELETE FROM accounts")

        let change = ProfileChange(bio: .text("too late"))

        #expect(refusal { try accounts.updateProfile(of: caller, change, by: .pair) } == "badToken")
    }
}
