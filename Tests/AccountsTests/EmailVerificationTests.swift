import Mail
import TestSupport
import Testing

@testable import Accounts

/// The proof that an account's owner reads its address.
@Suite struct EmailVerificationTests {
    private let fixture: AccountsFixture
    private let accounts: Accounts
    private let anna: Credentials

    init() throws {
        fixture = try AccountsFixture { $0.sendsMail = true }
        accounts = fixture.accounts()
        anna = try accounts.register("anna")
    }

    private struct Mail: Equatable {
        let recipient: String
        let page: String
        let token: String
    }

    /// All that is due.
    private func mails() throws -> [Mail] {
        var mails: [Mail] = []
        while try accounts.deliverNext(
            publicURL: "https://school.example",
            send: { message, _ in
                let link = message.text.firstMatch(of: #/school\.example/([\w-]+)#token=([\w\-]+)/#)
                mails.append(
                    Mail(
                        recipient: message.recipient, page: link.map { String($0.1) } ?? "",
                        token: link.map { String($0.2) } ?? ""))
            })
        {}
        return mails
    }

    private func ask() throws { try accounts.requestVerification(for: accounts.caller(anna)) }
    private func verify(_ mail: Mail) -> String { refusal { try accounts.verifyEmail(token: .text(mail.token)) } }
    private func isVerified() throws -> Bool { try accounts.caller(anna).account.isEmailVerified }

    private static let unknown =
        "invalid([Accounts.Violation(field: Accounts.Field.resetToken, rule: Accounts.Rule.unknown)])"
    private static let expired =
        "invalid([Accounts.Violation(field: Accounts.Field.resetToken, rule: Accounts.Rule.expired)])"

    @Test func `a registration is asked for proof, and the link gives it once`() throws {
        let mail = try #require(try mails().first)

        #expect(mail.recipient == "anna@school.example" && mail.page == "verify-email")
        #expect(verify(mail) == "none")
        #expect(try isVerified())
        #expect(verify(mail) == Self.unknown)
        #expect(fixture.trail().last == "email verified 1 unknown")
    }

    @Test func `where no mail is sent nobody is asked`() throws {
        let fixture = try AccountsFixture()
        try fixture.accounts().register("bob")

        #expect(try fixture.sql("SELECT COUNT(*) FROM email_verifications") == "0")
    }

    @Test func `within a minute there is no other mail, and the one of the registration counts`() throws {
        try ask()
        #expect(try mails().count == 1)
        try ask()
        #expect(try mails().isEmpty)
        fixture.clock.move(seconds: 61)
        try ask()
        #expect(try mails().count == 1)
    }

    @Test func `an account is sent no more mails than the limits allow`() throws {
        var sent = try mails().count
        for _ in 0..<10 {
            fixture.clock.move(seconds: 61)
            try ask()
            sent += try mails().count
        }

        #expect(sent == 6)
    }

    @Test func `a proven address is sent nothing`() throws {
        #expect(verify(try #require(try mails().first)) == "none")
        fixture.clock.move(seconds: 61)
        try ask()

        #expect(try mails().isEmpty)
    }

    @Test func `a link after three days is too old, and one that is none is unknown`() throws {
        let mail = try #require(try mails().first)
        fixture.clock.move(seconds: 3 * 86_400)

        #expect(verify(mail) == Self.expired)
        #expect(verify(Mail(recipient: "", page: "", token: "x")) == Self.unknown)
        #expect(try !fixture.sql("SELECT is_email_verified FROM accounts").contains("1"))
    }

    @Test func `a changed address is asked for proof, and the link to the old one proves nothing`() throws {
        let old = try #require(try mails().first)
        try accounts.update(anna, email: .text("new@school.example"))
        let new = try mails().filter { $0.page == "verify-email" }

        #expect(new.map(\.recipient) == ["new@school.example"])
        #expect(verify(old) == Self.unknown)
        #expect(try !isVerified())
        #expect(verify(try #require(new.first)) == "none")
        #expect(try isVerified())
    }

    @Test func `an address that comes back is not proven by the link from before`() throws {
        let old = try #require(try mails().first)
        try accounts.update(anna, email: .text("new@school.example"))
        try accounts.update(anna, email: .text("anna@school.example"))

        #expect(verify(old) == Self.unknown)
        #expect(try !isVerified())
    }

    @Test func `a link that was mailed while the address changed proves nothing`() throws {
        let accounts = fixture.accounts()
        var token = ""
        _ = try self.accounts.deliverNext(
            publicURL: "https://school.example",
            send: { message, _ in
                token = message.text.firstMatch(of: #/#token=([\w\-]+)/#).map { String($0.1) } ?? ""
                _ = try? accounts.update(anna, email: .text("new@school.example"))
            })

        #expect(refusal { try accounts.verifyEmail(token: .text(token)) } == Self.unknown)
        // The mail to the new address is not taken for sent.
        #expect(try mails().filter { $0.page == "verify-email" }.map(\.recipient) == ["new@school.example"])
    }

    @Test func `of twenty at once one spends a link`() throws {
        let token = try #require(try mails().first).token
        let fixture = fixture

        let answers = try concurrently(20) { _ in
            refusal { try fixture.accounts().verifyEmail(token: .text(token)) }
        }

        #expect(answers.count { $0 == "none" } == 1)
        #expect(answers.count { $0 == Self.unknown } == 19)
    }

    @Test func `a mail that is not taken is sent later, with another link`() throws {
        _ = try accounts.deliverNext(
            publicURL: "https://school.example",
            send: { _, _ throws(MailTransport.Failure) in throw .smtp("451 later") })
        #expect(try mails().isEmpty)
        fixture.clock.move(seconds: 6)

        #expect(verify(try #require(try mails().first)) == "none")
    }

    @Test func `a disabled account is sent nothing`() throws {
        try fixture.sql("UPDATE accounts SET status = 'disabled'")

        #expect(try mails().isEmpty)
        #expect(try fixture.sql("SELECT COUNT(*) FROM email_verifications WHERE due_at IS NOT NULL") == "0")
    }

    @Test func `links are cleaned up a day after their end, and mails that nobody sends`() throws {
        _ = try mails()
        try accounts.register("bob")
        fixture.clock.move(seconds: 4 * 86_400)
        while try accounts.sweep() {}

        #expect(try fixture.sql("SELECT COUNT(*) FROM email_verification_tokens") == "0")
        #expect(try fixture.sql("SELECT COUNT(*) FROM email_verifications WHERE due_at IS NOT NULL") == "0")
    }
}
