import TestSupport
import Testing

@testable import Accounts

@Suite struct PasswordChangeTests {
    @Test func `a changed password is the one that signs in`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna")

        try accounts.changePassword(new)

        #expect(refusal { try accounts.signIn("anna", otherPassword) } == "none")
        #expect(refusal { try accounts.signIn("anna", goodPassword) } == "wrongCredentials")
    }

    @Test func `a change ends all other sessions and keeps the own`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let own = try accounts.register("anna")
        let other = try accounts.signIn("anna")
        let bert = try accounts.register("bert")

        try accounts.changePassword(own)

        #expect(refusal { try accounts.caller(own) } == "none")
        #expect(refusal { try accounts.refresh(own.refresh) } == "none")
        #expect(refusal { try accounts.caller(other) } == "badToken")
        #expect(refusal { try accounts.refresh(other.refresh) } == "badRefreshToken")
        #expect(refusal { try accounts.caller(bert) } == "none")
    }

    @Test func `a wrong current password is refused and changes nothing`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let own = try accounts.register("anna")
        let other = try accounts.signIn("anna")

        let found = violations { try accounts.changePassword(own, from: "wrong") }

        #expect(found == [Violation(.currentPassword, .incorrect)])
        #expect(refusal { try accounts.caller(other) } == "none")
        #expect(refusal { try accounts.signIn("anna") } == "none")
    }

    @Test func `all that is wrong is found at once`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let caller = try accounts.caller(accounts.register("anna"))
        let form = PasswordChange(current: .text("wrong"), new: .text("1234567"), confirmation: .text("x"))

        let found = violations { try accounts.changePassword(of: caller, form, by: .pair) }

        #expect(
            found == [
                Violation(.currentPassword, .incorrect), Violation(.newPassword, .tooShort(8)),
                Violation(.newPassword, .common), Violation(.newPassword, .numeric),
                Violation(.newConfirmation, .mismatch),
            ])
    }

    @Test(
        arguments: [(.absent, .required), (.null, .null), (.notText, .notText), (.text(""), .blank)] as [(Entry, Rule)])
    func `every field must be there as text`(entry: Entry, rule: Rule) throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let caller = try accounts.caller(accounts.register("anna"))
        let form = PasswordChange(current: entry, new: entry, confirmation: entry)

        let found = violations { try accounts.changePassword(of: caller, form, by: .pair) }

        #expect(found == [.currentPassword, .newPassword, .newConfirmation].map { Violation($0, rule) })
    }

    @Test(arguments: [("anna-lena-1", Field.username), ("school.example", .email)])
    func `the new password must not be like name or email`(password: String, field: Field) throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna-lena", email: "boss@school.example")

        let found = violations { try accounts.changePassword(new, to: password) }

        #expect(found == [Violation(.newPassword, .similar(to: field))])
    }

    @Test func `the new password may be the old one`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna")

        #expect(refusal { try accounts.changePassword(new, to: goodPassword) } == "none")
    }

    @Test func `ten wrong current passwords lock the session's guessing, also against the right one`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna")

        for _ in 1...10 { _ = refusal { try accounts.changePassword(new, from: "wrong") } }

        #expect(refusal { try accounts.changePassword(new) } == "locked(retryAfter: 900)")
    }

    @Test func `a session's wrong guesses count for nobody else`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let thief = try accounts.register("anna")
        let owner = try accounts.signIn("anna")

        for _ in 1...10 { _ = refusal { try accounts.changePassword(thief, from: "wrong") } }

        #expect(refusal { try accounts.signIn("anna") } == "none")
        #expect(refusal { try accounts.changePassword(owner) } == "none")
    }

    @Test func `whoever is signed in can change the password while others have locked the account`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let owner = try accounts.register("anna")
        try fixture.fail("anna", times: 10)

        #expect(refusal { try accounts.changePassword(owner) } == "none")
        #expect(refusal { try accounts.signIn("anna", otherPassword) } == "locked(retryAfter: 900)")
    }

    @Test func `the right password is refused when the tenth guess came while it was checked`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let own = try accounts.register("anna")
        let subject = LoginSubject(session: try accounts.caller(own).session.id)
        fixture.random.interrupt {
            let others = fixture.accounts()
            for _ in 1...10 { try? others.countFailure(subject, accountID: nil) }
        }

        #expect(refusal { try accounts.changePassword(own) } == "locked(retryAfter: 900)")
        #expect(refusal { try accounts.signIn("anna") } == "none")
    }

    @Test func `a change that another one overtook is refused`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let own = try accounts.register("anna")
        let other = try accounts.signIn("anna")
        fixture.random.interrupt { try? fixture.accounts().changePassword(other, to: "overtaken by another") }

        let found = violations { try accounts.changePassword(own) }

        #expect(found == [Violation(.currentPassword, .incorrect)])
        #expect(refusal { try accounts.signIn("anna", "overtaken by another") } == "none")
    }

    @Test func `a change is a change of the account`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna")
        fixture.clock.move(seconds: 60)

        try accounts.changePassword(new)

        let account = try accounts.caller(new).account
        #expect(account.updatedAt == Instant(microseconds: 1_753_515_819_508_828))
        #expect(account.createdAt == Instant(microseconds: 1_753_515_759_508_828))
    }
}
