import DevStack
import Foundation
import JSON
import TestSupport
import Testing

/// The mail with the link that sets a new password, over SMTP.
struct ResetMailTests {
    private let mailing: MailingSite
    private let site: DevStack

    init() throws {
        mailing = try MailingSite.shared.get()
        site = mailing.site
    }

    @Test func `the answer is the documented one`() throws {
        let documented = try Document(named: "5-v1-auth").example("8.", "响应参数")

        let answer = try mailing.forget(site.newPerson().email)

        #expect(answer.status == 200)
        #expect(answer.json == documented.json)
    }

    @Test func `the mail has a text and an HTML part and nothing wrong with it`() throws {
        let mail = try Forgetful.next().mail

        #expect(mail.headers["Content-Type"]?.hasPrefix("multipart/alternative; boundary=") == true)
        #expect(mail.text.contains(MailingSite.publicURL))
        #expect(mail.html.hasPrefix("<!doctype html>"))
        #expect(mail.defects == 0)
    }

    @Test func `the mail goes to the person from the configured sender`() throws {
        let somebody = try Forgetful.next()
        let (person, mail) = (somebody.person, somebody.mail)

        #expect(mail.sender == "no-reply@school.example")
        #expect(mail.headers["From"] == "Homeroom <no-reply@school.example>")
        #expect(mail.headers["To"] == person.email)
    }

    @Test(arguments: [
        ("zh", "重置您的密码", "您好", "30分钟", #"<html lang="zh">"#),
        ("zh-Hant", "重置您的密码", "您好", "30分钟", #"<html lang="zh">"#),
        ("en", "Reset your password", "Hello", "30 minutes", #"<html lang="en">"#),
        ("en-GB", "Reset your password", "Hello", "30 minutes", #"<html lang="en">"#),
    ])
    func `the mail is in the account's language`(
        language: String, subject: String, greeting: String, time: String, html: String
    ) throws {
        let mail = try mail { "UPDATE accounts SET language = '\(language)' WHERE id = \($0.id)" }

        #expect(mail.headers["Subject"] == subject)
        #expect(mail.text.contains(greeting))
        #expect(mail.text.contains(time))
        #expect(mail.html.contains(html))
    }

    @Test func `the mail holds no name, of which mail programs would make a link`() throws {
        let person = try site.newPerson("\(Person.newName()).evil.example")
        try mailing.forget(person.email)

        let mail = try mailing.mailServer.mail(to: person.email)

        #expect(!mail.text.contains("evil"))
        #expect(!mail.html.contains("evil"))
    }

    @Test func `both parts hold the same link with a token of 256 bits behind the hash sign`() throws {
        let mail = try Forgetful.next().mail

        let link = try #require(mail.text.firstMatch(of: /https:\S+/)).0
        #expect(link.wholeMatch(of: /https:\/\/school\.example\/reset-password#token=[A-Za-z0-9_-]{43}/) != nil)
        #expect(mail.html.contains("<a href=\"\(link)\">"))
    }

    @Test(arguments: [
        [("Host", "evil.example")], [("X-Forwarded-Host", "evil.example"), ("X-Forwarded-Proto", "http")],
        [("Forwarded", "host=evil.example;proto=http")],
    ])
    func `the link never follows what the client says of the host`(headers: [(String, String)]) throws {
        let person = try site.newPerson()
        try mailing.forget(person.email, headers: headers)

        let mail = try mailing.mailServer.mail(to: person.email)

        #expect(mail.text.contains("https://school.example/reset-password#token="))
        #expect(!mail.raw.contains("evil"))
        #expect(!(mail.text + mail.html).contains("evil"))
    }

    @Test func `an address in another case and with blanks around it is the same`() throws {
        let person = try site.newPerson()
        try mailing.forget(" \(person.email.uppercased()) ")

        let mail = try mailing.mailServer.mail(to: person.email)

        #expect(mail.token != "")
    }

    @Test func `an internationalised address gets its mail`() throws {
        let name = Person.newName()
        let address = "张三\(name)@例子.中国"
        let sent = "张三\(name)@xn--fsqu00a.xn--fiqs8s"
        _ = try site.send(
            "POST", "/api/user/register/",
            json: [
                "username": .string(name), "email": .string(address), "password": "seven-Owls-42",
                "password2": "seven-Owls-42",
            ])
        try mailing.forget(address)

        let hasCome = try eventually {
            try mailing.mailServer.mails().contains { $0.headers["To"] == sent && $0.recipients == [sent] }
        }

        #expect(hasCome)
    }

    // MARK: How many

    @Test func `two requests within a minute are one mail`() throws {
        let person = try Forgetful.next().person
        let later = try site.newPerson()
        _ = try eventually { try waiting(person) == ["NULL"] }
        try mailing.sendAnew(to: person)

        try mailing.forget(person.email)
        try mailing.forget(later.email)
        _ = try mailing.mailServer.mail(to: later.email)

        #expect(try mailing.mailServer.mails(to: person.email).count == 1)
    }

    @Test func `after a minute a second request is a second mail`() throws {
        let person = try Forgetful.next().person
        let isSent = try eventually { try waiting(person) == ["NULL"] }
        try mailing.passAMinute(for: person)

        try mailing.forget(person.email)
        let hasCome = try eventually { try mailing.mailServer.mails(to: person.email).count == 2 }

        #expect(isSent)
        #expect(hasCome)
    }

    @Test func `twenty requests at once are one mail`() throws {
        let person = try site.newPerson()
        let mailing = mailing

        let statuses = try concurrently(20) { _ in try mailing.forget(person.email).status }
        _ = try mailing.mailServer.mail(to: person.email)
        let later = try site.newPerson()
        try mailing.forget(later.email)
        _ = try mailing.mailServer.mail(to: later.email)

        #expect(statuses == Array(repeating: 200, count: 20))
        #expect(try mailing.mailServer.mails(to: person.email).count == 1)
    }

    @Test(arguments: ["unknown", "inactive", "disabled"])
    func `nobody who may not sign in gets a mail, and the answer is the same`(kind: String) throws {
        let person = try site.newPerson()
        if kind != "unknown" { _ = try site.homeroom("user", "set-status", person.username, kind) }
        let address = kind == "unknown" ? "unknown-\(person.email)" : person.email
        let later = try site.newPerson()

        let answer = try mailing.forget(address)
        let known = try mailing.forget(later.email)
        _ = try mailing.mailServer.mail(to: later.email)

        #expect(answer.status == known.status)
        #expect(answer.body == known.body)
        #expect(answer.headers.map(\.name) == known.headers.map(\.name))
        #expect(try mailing.mailServer.mails(to: address).isEmpty)
    }

    @Test func `a text that is no address is refused`() throws {
        let answer = try mailing.forget("nowhere")

        #expect(answer.status == 400)
        #expect(answer.json == ["detail": "参数验证失败", "errors": ["email": ["请输入有效的邮箱地址。"]]])
    }

    @Test(arguments: [
        "a@example.com\r\nBcc: victim@example.com", "a@example.com\nRCPT TO:<victim@example.com>",
        "\"a\r\nb\"@example.com", "a@example.com>\r\nDATA", "<a@example.com>", "a@example.com,victim@example.com",
        "a@example.com\u{0}", "a@exa\u{2028}mple.com", "a@example.com\u{85}b",
    ])
    func `an address that could begin a header is no address`(address: String) throws {
        let forgot = try mailing.forget(address)
        let registration = try site.send(
            "POST", "/api/v1/auth/register",
            json: [
                "username": .string(Person.newName()), "email": .string(address), "password": "password123",
                "confirm_password": "password123",
            ])

        #expect(forgot.status == 400)
        #expect(registration.status == 400)
        #expect(registration[["errors"]]?.names == ["email"])
    }

    @Test(arguments: ["eve\r\nBcc: victim@example.com", "eve\nSubject: x", "eve<script>", "eve\u{2028}x", "eve\u{0}"])
    func `a name that could begin a header or a tag is no name`(name: String) throws {
        let answer = try site.send(
            "POST", "/api/v1/auth/register",
            json: [
                "username": .string(name), "email": .string("\(Person.newName())@example.com"),
                "password": "password123", "confirm_password": "password123",
            ])

        #expect(answer.status == 400)
        #expect(answer[["errors"]]?.names == ["username"])
    }

    @Test func `what a name in the table holds begins no header`() throws {
        let mail = try mail {
            "UPDATE accounts SET username = CONCAT('eve', CHAR(13, 10), 'Bcc: v@example.com', CHAR(13, 10), '<b>&') "
                + "WHERE id = \($0.id)"
        }

        #expect(mail.headers["Bcc"] == nil)
        #expect(mail.recipients.count == 1)
    }

    /// The mail of somebody new, after a change of the row.
    private func mail(after change: (Person) -> String = { _ in "DO 0" }) throws -> MailServer.Mail {
        let person = try site.newPerson()
        _ = try site.rows(change(person))
        try mailing.forget(person.email)
        return try mailing.mailServer.mail(to: person.email)
    }

    private func waiting(_ person: Person) throws -> [String] {
        try site.rows("SELECT due_at FROM outbox WHERE account_id = \(person.id)")
    }
}
