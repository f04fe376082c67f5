import DevStack
import Foundation
import JSON
import TestSupport
import Testing

/// A changed address through nginx and a real mail server: who is told, and how it is taken back.
struct EmailUndoTests {
    private let mailing: MailingSite
    private let site: DevStack

    init() throws {
        mailing = try MailingSite.shared.get()
        site = mailing.site
    }

    private static let changes = [
        ("PUT", "/api/v1/profile/update/"), ("PATCH", "/api/v1/profile/update/"), ("PUT", "/api/user/update/"),
    ]

    /// Somebody whose address was changed, and the mail that the old one got.
    private func moved(
        _ method: String = "PUT", _ path: String = "/api/user/update/"
    ) throws -> (person: Person, mail: MailServer.Mail) {
        let person = try site.newPerson()
        let change = try site.send(method, path, as: person, json: ["email": .string("new-\(person.email)")])
        guard change.status == 200 else { throw Unexpected(change) }
        return (person, try mailing.mailServer.mail(to: person.email))
    }

    private func undo(_ token: String) throws -> Answer {
        try site.send("POST", "/api/account/email/undo/", json: ["token": .string(token)])
    }

    private func email(of person: Person) throws -> [String] {
        try site.rows("SELECT email FROM accounts WHERE id = \(person.id)")
    }

    @Test(arguments: EmailUndoTests.changes)
    func `whichever contract changes it, the old address gets a link to take that back`(
        method: String, path: String
    ) throws {
        let (person, mail) = try moved(method, path)

        #expect(mail.text.contains("\(MailingSite.publicURL)/undo-email#token=\(mail.token)"))
        #expect(mail.html.contains("\(MailingSite.publicURL)/undo-email#token=\(mail.token)"))
        #expect(mail.defects == 0)
        #expect(!mail.text.contains(person.username))
    }

    @Test func `the link gives the address back, signs everybody out and brings a link for a new password`() throws {
        let (person, mail) = try moved()

        let answer = try undo(mail.token)
        let signedIn = try site.send("GET", "/api/v1/info/", as: person)
        _ = try eventually { try mailing.mailServer.mails(to: person.email).count == 2 }
        let reset = try #require(try mailing.mailServer.mails(to: person.email).last)

        #expect(answer.status == 204)
        #expect(answer.body == [])
        #expect(try email(of: person) == [person.email])
        #expect(signedIn.status == 401)
        #expect(try mailing.reset(reset.token).status == 200)
    }

    @Test func `what was forgotten is mailed to the old address`() throws {
        let (person, _) = try moved()

        try mailing.forget("new-\(person.email)")
        _ = try eventually { try mailing.mailServer.mails(to: person.email).count == 2 }

        #expect(try mailing.mailServer.mails(to: person.email).count == 2)
        #expect(try mailing.mailServer.mails(to: "new-\(person.email)").isEmpty)
    }

    @Test func `a notice that was under way at a kill -9 is sent again, and its link is good`() throws {
        let mailing = try MailingSite(MailServer())
        defer { mailing.discard() }
        let site = mailing.site
        let person = try site.newPerson()
        try mailing.mailServer.hold()
        _ = try site.send("PUT", "/api/user/update/", as: person, json: ["email": .string("new-\(person.email)")])
        _ = try eventually { try mailing.mailServer.isHolding() }
        let parent = site.service.process?.pid
        let processes = RunningProcess.all().filter { $0.parent == parent }.map(\.id)

        site.service.kill()
        for process in processes { kill(process, SIGKILL) }
        _ = eventually { processes.allSatisfy { kill($0, 0) != 0 } }
        try mailing.mailServer.release()
        try site.service.start()
        _ = try site.rows("UPDATE email_changes SET due_at = UTC_TIMESTAMP() WHERE due_at IS NOT NULL")
        _ = try eventually {
            try site.rows("SELECT COUNT(*) FROM email_changes WHERE due_at IS NOT NULL") == ["0"]
        }
        let mail = try #require(try mailing.mailServer.mails(to: person.email).last)
        let answer = try site.send("POST", "/api/account/email/undo/", json: ["token": .string(mail.token)])

        #expect(answer.status == 204)
    }

    // MARK: The trail in the log

    @Test func `what is done with an account stands in the log, with the source`() throws {
        let (person, mail) = try moved()
        _ = try site.signIn(person.username, "wrong")
        _ = try undo(mail.token)

        func trail() throws -> [Substring] {
            try mailing.log().split(separator: "\n").filter { $0.contains("\"account\":\(person.id),\"source\"") }
        }
        _ = try eventually { try trail().count == 4 }
        let lines = try trail()

        #expect(
            lines.map { $0.replacing(#/^.*"event":/#, with: "") } == [
                #""registered","account":\#(person.id),"source":"127.0.0.1"}"#,
                #""email changed","account":\#(person.id),"source":"127.0.0.1"}"#,
                #""login failed","account":\#(person.id),"source":"127.0.0.1"}"#,
                #""email change undone","account":\#(person.id),"source":"127.0.0.1"}"#,
            ])
    }

    @Test func `what an operator does is told with the operator's name`() throws {
        let person = try site.newPerson()

        let outcome = try site.homeroom("user", "set-role", person.username, "teacher")

        #expect(outcome.status == 0)
        #expect(outcome.trail.count == 1)
        #expect(outcome.trail.first?.contains(#""event":"role set","account":\#(person.id),"operator":""#) == true)
    }

    @Test func `failed logins are counted`() throws {
        func count() throws -> Int {
            let text = try site.send("GET", "/metrics").text
            return text.firstMatch(of: /\nhomeroom_logins_failed_total (\d+)/).flatMap { Int($0.1) } ?? -1
        }
        let before = try count()

        _ = try site.signIn(Person.newName(), "wrong")

        #expect(try count() > before)
    }
}
