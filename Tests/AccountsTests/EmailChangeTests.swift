import Foundation
import Mail
import TestSupport
import Testing

@testable import Accounts

/// A changed address, which the old one can take back.
@Suite struct EmailChangeTests {
    private let fixture: AccountsFixture
    private let accounts: Accounts
    private let anna: Credentials

    init() throws {
        fixture = try AccountsFixture()
        accounts = fixture.accounts()
        anna = try accounts.register("anna")
    }

    private struct Mail {
        let recipient: String
        let link: String
        var token: String { link.split(separator: "#token=").last.map(String.init) ?? "" }
    }

    /// All that is due.
    private func mails() throws -> [Mail] {
        var mails: [Mail] = []
        while try accounts.deliverNext(
            publicURL: "https://school.example",
            send: { message, _ in
                let link = message.text.firstMatch(of: /https:\S+/).map { String($0.0) } ?? ""
                mails.append(Mail(recipient: message.recipient, link: link))
            })
        {}
        return mails
    }

    private func move(to name: String) throws {
        try accounts.update(anna, email: .text("\(name)@school.example"))
    }

    private func email() throws -> String { try fixture.sql("SELECT email FROM accounts WHERE id = 1") }

    private func undo(_ mail: Mail) -> String { refusal { try accounts.undoEmailChange(token: .text(mail.token)) } }

    private static let unknown =
        "invalid([Accounts.Violation(field: Accounts.Field.resetToken, rule: Accounts.Rule.unknown)])"
    private static let expired =
        "invalid([Accounts.Violation(field: Accounts.Field.resetToken, rule: Accounts.Rule.expired)])"

    @Test func `the old address is told, with a link`() throws {
        try move(to: "thief")

        let mails = try mails()

        #expect(mails.map(\.recipient) == ["anna@school.example"])
        #expect(mails.first?.link.hasPrefix("https://school.example/undo-email#token=") == true)
    }

    @Test func `the same address in another case is no change`() throws {
        try move(to: "ANNA")

        #expect(try mails().isEmpty)
        #expect(!fixture.trail().contains { $0.hasPrefix("email changed") })
    }

    @Test func `a change is in the trail`() throws {
        try move(to: "thief")

        #expect(fixture.trail().last == "email changed 1 unknown")
    }

    @Test func `undoing gives the address back, ends all sessions and mails the address a link for a new password`()
        throws
    {
        try fixture.sql("UPDATE accounts SET is_email_verified = TRUE")
        try move(to: "thief")
        let mail = try #require(try mails().first)

        let answer = undo(mail)
        let sent = try mails()

        #expect(answer == "none")
        #expect(try email() == "anna@school.example")
        #expect(try fixture.sql("SELECT is_email_verified FROM accounts") == "1")
        #expect(refusal { try accounts.caller(anna) } == "badToken")
        #expect(sent.map(\.recipient) == ["anna@school.example"])
        #expect(sent.first?.link.hasPrefix("https://school.example/reset-password#token=") == true)
        #expect(fixture.trail().contains("email change undone 1 unknown"))
    }

    @Test func `a username that followed the address follows it back`() throws {
        let bert = try accounts.register("bert@school.example", email: "bert@school.example")
        try accounts.update(bert, email: .text("thief@school.example"))
        let mail = try #require(try mails().first)

        _ = undo(mail)

        #expect(
            try fixture.sql("SELECT username, username_key FROM accounts WHERE id = 2")
                == "bert@school.example\tbert@school.example")
    }

    @Test func `a link works once`() throws {
        try move(to: "thief")
        let mail = try #require(try mails().first)

        #expect(undo(mail) == "none")
        #expect(undo(mail) == EmailChangeTests.unknown)
    }

    @Test func `of two who use a link at once one succeeds`() throws {
        try move(to: "thief")
        let token = try #require(try mails().first).token
        let fixture = fixture

        let answers = concurrently(2) { _ in
            fixture.accounts()
        } _: { _, accounts in
            refusal { try accounts.undoEmailChange(token: .text(token)) }
        }

        #expect(answers.sorted() == [EmailChangeTests.unknown, "none"].sorted())
    }

    @Test func `a link is good for three days`() throws {
        try move(to: "thief")
        let mail = try #require(try mails().first)

        fixture.clock.move(seconds: 3 * 86_400)

        #expect(undo(mail) == EmailChangeTests.expired)
        #expect(try email() == "thief@school.example")
    }

    @Test(arguments: ["", "x", "anna@school.example"])
    func `what is no token undoes nothing`(token: String) throws {
        try move(to: "thief")

        #expect(refusal { try accounts.undoEmailChange(token: .text(token)) } != "none")
        #expect(try email() == "thief@school.example")
    }

    @Test func `after two changes the first address's link works, and then the second's is dead`() throws {
        try move(to: "second")
        let first = try #require(try mails().first)
        try move(to: "third")
        let second = try #require(try mails().first)

        let answers = [undo(first), undo(second)]

        #expect(second.recipient == "second@school.example")
        #expect(answers == ["none", EmailChangeTests.unknown])
        #expect(try email() == "anna@school.example")
    }

    @Test func `whoever goes back by hand leaves the thief's address no link`() throws {
        try move(to: "thief")
        _ = try mails()

        try move(to: "anna")

        #expect(try mails().isEmpty)
        #expect(try fixture.sql("SELECT email FROM email_changes") == "anna@school.example")
    }

    @Test func `a thief who goes back and forth does not make the link dead`() throws {
        try move(to: "thief")
        let mail = try #require(try mails().first)
        for _ in 1...30 {
            try move(to: "anna")
            try move(to: "thief")
        }

        let more = try mails()

        #expect(more.allSatisfy { $0.recipient == "anna@school.example" })
        #expect(more.count <= 4)
        #expect(undo(mail) == "none")
        #expect(try email() == "anna@school.example")
    }

    @Test func `fifty changes send five mails in the first hour, and the first address's link works`() throws {
        try move(to: "thief1")
        let first = try #require(try mails().first)
        for number in 2...50 { try move(to: "thief\(number)") }

        let more = try mails()
        fixture.clock.move(seconds: 3599)
        let later = try mails()

        #expect(more.count == 4)
        #expect(later.isEmpty)
        #expect(try fixture.sql("SELECT COUNT(*) FROM email_changes") == "20")
        #expect(undo(first) == "none")
    }

    @Test func `an address whose mails are used up is told when it can be, and stays its account's`() throws {
        try move(to: "second")
        _ = try mails()
        for _ in 1...4 {
            fixture.clock.move(seconds: 60)
            try accounts.requestPasswordReset(email: .text("second@school.example"))
            _ = try mails()
        }

        try move(to: "thief")
        let early = try mails()
        let found = violations { try accounts.register("other", email: "second@school.example") }
        fixture.clock.move(seconds: 3600)
        let late = try mails()

        #expect(early.isEmpty)
        #expect(found == [Violation(.email, .taken)])
        #expect(late.map(\.recipient) == ["second@school.example"])
        #expect(undo(try #require(late.first)) == "none")
    }

    @Test func `whoever came back and is robbed then is told again`() throws {
        try move(to: "typo")
        try move(to: "anna")
        _ = try mails()

        try move(to: "thief")

        #expect(try mails().map(\.recipient) == ["anna@school.example"])
    }

    // MARK: Spellings of one name

    @Test(arguments: ["ａｎｎａ@school.example", "anna@ｓchool.example", "ANNA@School.Example"])
    func `another spelling of the address is no change of where mail goes`(spelling: String) throws {
        try accounts.update(anna, email: .text(spelling))
        try accounts.requestPasswordReset(email: .text("anna@school.example"))

        let mail = try #require(try mails().first)

        #expect(mail.recipient.lowercased() == spelling.lowercased() || mail.recipient == "anna@school.example")
        #expect(mail.recipient.split(separator: "@").first?.lowercased() == "anna")
    }

    @Test(arguments: [("kim", "\u{212A}im"), ("sam", "\u{17F}am"), ("gross", "gro\u{DF}"), ("fil", "\u{FB01}l")])
    func `letters that fold alike are other mailboxes`(name: String, other: String) throws {
        let person = try accounts.register(name)

        let account = try accounts.update(person, email: .text("\(other)@school.example"))

        #expect(account.email == "\(name)@school.example")
    }

    // MARK: A thief's own link

    @Test func `a later address's link is good no longer than the first one's`() throws {
        try move(to: "thief")
        _ = try mails()
        fixture.clock.move(seconds: 80_000)
        try accounts.update(accounts.signIn("anna"), email: .text("third@school.example"))
        let thiefs = try #require(try mails().first)

        fixture.clock.move(seconds: 3 * 86_400 - 80_000)

        #expect(thiefs.recipient == "thief@school.example")
        #expect(undo(thiefs) == EmailChangeTests.expired)
    }

    @Test func `what a later address's link brings is mailed to the first one`() throws {
        try move(to: "thief")
        let first = try #require(try mails().first)
        try move(to: "third")
        let thiefs = try #require(try mails().first)
        fixture.clock.move(seconds: 86_400)

        let answer = undo(thiefs)
        let sent = try mails()

        #expect(answer == "none")
        #expect(sent.map(\.recipient) == ["anna@school.example"])
        #expect(undo(first) == "none")
        #expect(try email() == "anna@school.example")
    }

    @Test func `an address that is over does not come back with its old place`() throws {
        try move(to: "second")
        fixture.clock.move(seconds: 3 * 86_400)
        let later = try accounts.signIn("anna")
        try accounts.update(later, email: .text("anna@school.example"))
        try accounts.update(later, email: .text("third@school.example"))

        #expect(
            try fixture.sql("SELECT email FROM email_changes ORDER BY id")
                == "second@school.example\nanna@school.example")
    }

    @Test func `a change that is under way when its session ends is refused`() throws {
        let fixture = fixture
        let anna = anna
        let accounts = accounts
        let caller = try accounts.caller(anna)
        try fixture.accounts().endSessions(of: anna.account)

        let answer = refusal {
            try accounts.updateProfile(of: caller, ProfileChange(email: .text("thief@school.example")), by: .pair)
        }

        #expect(answer == "badToken")
        #expect(try email() == "anna@school.example")
    }

    @Test func `an address too long for a username gets one made from it`() throws {
        let long =
            String(repeating: "l", count: 60) + "@" + String(repeating: "d", count: 60) + "."
            + String(repeating: "e", count: 40) + ".example"
        let bert = try accounts.register("bert", email: long)
        try accounts.update(bert, email: .text("thief@school.example"))
        let mail = try #require(try mails().first)
        _ = try accounts.updateProfile(
            of: accounts.caller(bert), ProfileChange(username: .text("thief@school.example")), by: .pair)

        let answer = undo(mail)

        #expect(answer == "none")
        #expect(
            try fixture.sql("SELECT username, email FROM accounts WHERE id = 2")
                == "\(String(repeating: "l", count: 60))\t\(long)")
    }

    // MARK: Who can have the old address

    @Test func `for three days nobody else can register the old address`() throws {
        try move(to: "new")

        let early = violations { try accounts.register("other", email: "Anna@school.example") }
        fixture.clock.move(seconds: 3 * 86_400)
        let late = refusal { try accounts.register("other", email: "anna@school.example") }

        #expect(early == [Violation(.email, .taken)])
        #expect(late == "none")
    }

    @Test func `nor change to it`() throws {
        try move(to: "new")
        let other = try accounts.register("other")

        let found = violations { try accounts.update(other, email: .text("anna@school.example")) }

        #expect(found == [Violation(.email, .taken)])
    }

    @Test func `its account can`() throws {
        try move(to: "new")

        #expect(refusal { try move(to: "anna") } == "none")
    }

    @Test func `a registration that comes while the address is given up is refused`() throws {
        let fixture = fixture
        let anna = anna
        // Between its check of what is taken and its row.
        fixture.random.interrupt {
            _ = try? fixture.accounts().update(anna, email: .text("new@school.example"))
        }

        let found = violations { try accounts.register("other", email: "anna@school.example", password: goodPassword) }

        #expect(found == [Violation(.email, .taken)])
    }

    // MARK: Where links that set a password go

    @Test(arguments: ["thief@school.example", "anna@school.example"])
    func `for 24 hours they go to the old address, whichever is asked for`(address: String) throws {
        try move(to: "thief")
        _ = try mails()

        try accounts.requestPasswordReset(email: .text(address))

        #expect(try mails().map(\.recipient) == ["anna@school.example"])
    }

    @Test func `after 24 hours they go to the new address`() throws {
        try move(to: "new")
        _ = try mails()
        fixture.clock.move(seconds: 86_400)

        try accounts.requestPasswordReset(email: .text("new@school.example"))
        try accounts.requestPasswordReset(email: .text("anna@school.example"))

        #expect(try mails().map(\.recipient) == ["new@school.example"])
    }

    @Test func `after a second change within them they still go to the first`() throws {
        try move(to: "second")
        fixture.clock.move(seconds: 86_399)
        try accounts.update(accounts.signIn("anna"), email: .text("third@school.example"))
        _ = try mails()
        fixture.clock.move(seconds: 86_399)

        try accounts.requestPasswordReset(email: .text("third@school.example"))

        #expect(try mails().map(\.recipient) == ["anna@school.example"])
    }

    @Test func `a link that is sent while the address changes is dead`() throws {
        try accounts.requestPasswordReset(email: .text("anna@school.example"))
        let (fixture, anna) = (fixture, anna)
        var token = ""
        _ = try accounts.deliverNext(publicURL: "https://school.example") { message, _ throws(MailTransport.Failure) in
            _ = try? fixture.accounts().update(anna, email: .text("new@school.example"))
            token = message.text.firstMatch(of: /#token=(\S+)/).map { String($0.1) } ?? ""
        }

        #expect(
            refusal { try accounts.resetPassword(token: .text(token), new: .text(otherPassword), by: .pair) }
                == "badResetToken")
    }

    @Test func `a link that is used while the address changes sets no password`() throws {
        try accounts.requestPasswordReset(email: .text("anna@school.example"))
        let token = try #require(try mails().first).token
        let fixture = fixture
        let anna = anna
        fixture.random.interrupt {
            _ = try? fixture.accounts().update(anna, email: .text("new@school.example"))
        }

        #expect(
            refusal { try accounts.resetPassword(token: .text(token), new: .text(otherPassword), by: .pair) }
                == "badResetToken")
    }

    // MARK: Mail that is not taken

    @Test func `a notice that no server takes is tried again, and its link is good`() throws {
        try move(to: "thief")
        let failed = try accounts.deliverNext(publicURL: "https://school.example") {
            _, _ throws(MailTransport.Failure) in
            throw .smtp("450 later")
        }
        let early = try mails()
        fixture.clock.move(seconds: 5)

        let mail = try #require(try mails().first)

        #expect(failed)
        #expect(early.isEmpty)
        #expect(undo(mail) == "none")
    }

    @Test func `a notice that nobody sent for a day is dropped, and the address is kept`() throws {
        try move(to: "thief")
        fixture.clock.move(seconds: 86_400)

        while try accounts.sweep() {}

        #expect(try mails().isEmpty)
        #expect(
            violations { try accounts.register("other", email: "anna@school.example") }
                == [Violation(.email, .taken)])
    }

    @Test func `a deleted account's notices and links go with it`() throws {
        try move(to: "thief")
        let mail = try #require(try mails().first)

        try accounts.delete(anna.account)

        #expect(undo(mail) == EmailChangeTests.unknown)
        #expect(try fixture.sql("SELECT COUNT(*) FROM email_changes") == "0")
        #expect(refusal { try accounts.register("other", email: "anna@school.example") } == "none")
    }
}
