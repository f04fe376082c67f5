import Mail
import TestSupport
import Testing

@testable import Accounts

/// What stands in the log of what was done with accounts.
@Suite struct TrailTests {
    private let fixture: AccountsFixture
    private let accounts: Accounts
    private let anna: Credentials
    private let by = #"client(address: "203.0.113.7")"#

    init() throws {
        fixture = try AccountsFixture()
        accounts = fixture.accounts()
        accounts.actor = .client(address: "203.0.113.7")
        anna = try accounts.register("anna")
    }

    @Test func `registration, logins right and wrong, and logout`() throws {
        let session = try accounts.signIn("anna")
        _ = refusal { try accounts.signIn("anna", "wrong") }
        _ = refusal { try accounts.signIn("my password in the wrong field", "x") }
        try accounts.signOut(accounts.caller(session))

        #expect(
            fixture.trail() == [
                "registered 1 \(by)", "login 1 \(by)", "login failed 1 \(by)", "login failed - \(by)", "logout 1 \(by)",
            ])
    }

    @Test func `right passwords that sign nobody in`() throws {
        _ = refusal {
            try accounts.signIn(
                SignIn(name: .text("anna"), password: .text(goodPassword), role: .text("mentor")), by: .pair)
        }
        try fixture.sql("UPDATE accounts SET status = 'disabled'")
        _ = refusal { try accounts.signIn("anna") }

        #expect(fixture.trail().suffix(2) == ["login refused 1 \(by)", "login refused 1 \(by)"])
    }

    @Test func `changes and resets of the password`() throws {
        try accounts.changePassword(anna)
        try accounts.requestPasswordReset(email: .text("anna@school.example"))
        try accounts.requestPasswordReset(email: .text("nobody@school.example"))
        var token = ""
        while try accounts.deliverNext(
            publicURL: "",
            send: { message, _ in token = message.text.firstMatch(of: /#token=(\S+)/).map { String($0.1) } ?? "" })
        {}
        try accounts.resetPassword(token: .text(token), new: .text(goodPassword), by: .pair)

        #expect(
            fixture.trail().dropFirst() == [
                "password changed 1 \(by)", "password reset requested 1 \(by)", "password reset requested - \(by)",
                "password reset 1 \(by)",
            ])
    }

    @Test func `what an operator does`() throws {
        accounts.actor = .operator(name: "root")
        let account = anna.account

        try accounts.setRole(.teacher, of: account)
        try accounts.setStatus(.inactive, of: account)
        try accounts.setPassword("seven-Owls-42", of: account, rules: PasswordRules(shortest: 8))
        try accounts.endSessions(of: account)
        try accounts.unlock("anna")
        _ = try accounts.personalData(of: account.id)
        try accounts.delete(account)

        #expect(
            fixture.trail().dropFirst().map { $0.replacing(#" 1 operator(name: "root")"#, with: "") } == [
                "role set", "status set", "password set", "sessions ended", "login unlocked", "personal data exported",
                "account deleted",
            ])
    }

    // MARK: One source, many accounts

    private func sources() -> [String] {
        fixture.events().compactMap { if case .manyFailedLogins(let source) = $0 { source } else { nil } }
    }

    @Test func `a source that fails with ten names is reported once`() throws {
        for number in 1...30 { _ = refusal { try accounts.signIn("nobody\(number)", "x") } }

        #expect(sources() == ["203.0.113.7"])
    }

    @Test func `one that fails with nine names, however often, is not`() throws {
        for number in 1...9 {
            for _ in 1...3 { _ = refusal { try accounts.signIn("nobody\(number)", "x") } }
        }

        #expect(sources().isEmpty)
    }

    @Test func `addresses of one /64 are one source`() throws {
        for number in 1...10 {
            accounts.actor = .client(address: "2001:db8:1:2:\(number)::1")
            _ = refusal { try accounts.signIn("nobody\(number)", "x") }
        }

        #expect(sources() == ["2001:db8:1:2::/64"])
    }

    @Test func `a source is reported again 15 minutes later`() throws {
        for _ in 1...2 {
            for number in 1...10 { _ = refusal { try accounts.signIn("nobody\(number)", "x") } }
            fixture.clock.move(seconds: 900)
        }

        #expect(sources() == ["203.0.113.7", "203.0.113.7"])
    }

    @Test(arguments: [
        ("203.0.113.7", "203.0.113.7"), ("::ffff:203.0.113.7", "203.0.113.7"), ("2001:db8::1", "2001:db8::/64"),
        ("fe80::1", "fe80::/64"), ("unix:", "unix:"), ("", ""),
    ])
    func `a source is an address, or a network of 64 bits`(address: String, source: String) {
        #expect(FailedLoginSources.source(of: address) == source)
    }
}
