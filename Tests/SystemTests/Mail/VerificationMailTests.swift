import DevStack
import JSON
import TestSupport
import Testing

/// The mail that asks for proof of an address, through a real mail server.
struct VerificationMailTests {
    @Test func `a registration is mailed a link, which proves the address once`() throws {
        let mailing = try MailingSite.shared.get()
        let site = mailing.site
        let person = try site.newPerson()

        _ = try eventually { try mailing.mailServer.allMails().contains { $0.recipients == [person.email] } }
        let mail = try #require(try mailing.mailServer.allMails().first { $0.recipients == [person.email] })
        let first = try site.send("POST", "/api/account/email/verify/", json: ["token": .string(mail.token)])
        let second = try site.send("POST", "/api/account/email/verify", json: ["token": .string(mail.token)])
        let account = try site.send("GET", "/api/account/", as: person)

        #expect(mail.isVerification && mail.html.contains(mail.token) && mail.defects == 0)
        #expect(first.status == 204)
        #expect(second.status == 400)
        #expect(account.text.contains(#""is_email_verified":true"#))
    }
}
