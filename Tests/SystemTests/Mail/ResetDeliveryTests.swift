import CLinux
import DevStack
import Foundation
import JSON
import TestSupport
import Testing

/// How mails get to a server that is not always there, or does not let everybody in.
struct ResetDeliveryTests {
    // MARK: The server is down, then up

    @Test func `a mail asked for while the server is down is answered as ever`() throws {
        #expect(try Outage.shared.get().answer.status == 200)
    }

    @Test func `a mail asked for while the server is down comes by itself when it is up`() throws {
        #expect(try Outage.shared.get().resetAfterRetry == 200)
    }

    @Test func `each failure doubles the pause, in seconds`() throws {
        #expect(try Outage.shared.get().pauses == ["5", "10", "20", "40"])
    }

    @Test func `each failure is logged in one line`() throws {
        let lines = try Outage.shared.get().lines

        #expect(lines.count == 4)
        #expect(lines.allSatisfy { $0.contains(#""message":"mail: Couldn't connect to server (7)"}"#) })
    }

    @Test func `a failed delivery leaves no token behind`() throws {
        #expect(try Outage.shared.get().tokensWhileDown == [])
    }

    @Test func `a mail asked for before a kill -9 comes after it`() throws {
        #expect(try Outage.shared.get().resetAfterKill == 200)
    }

    @Test func `asking again and again while the server is down is one mail`() throws {
        #expect(try Outage.shared.get().mailsAfterKill == 1)
    }

    @Test func `somebody deleted in between gets no mail`() throws {
        #expect(try Outage.shared.get().rowsOfDeleted == [])
        #expect(try Outage.shared.get().mailsOfDeleted == 0)
    }

    // MARK: Homeroom is killed while it hands a mail over

    @Test func `a mail under way is nobody else's for a minute`() throws {
        let seconds = try UnderWay.shared.get().claim

        #expect((50...60).contains(seconds))
    }

    @Test func `a mail that was under way at a kill -9 still waits`() throws {
        #expect(try UnderWay.shared.get().waitingAfterKill == 1)
    }

    @Test func `a mail that was under way at a kill -9 is sent again, and its link is good`() throws {
        #expect(try UnderWay.shared.get().resetAfterKill == 200)
    }

    @Test func `a mail that the server puts off is sent again`() throws {
        #expect(try UnderWay.shared.get().resetAfterGreylisting == 200)
    }

    // MARK: Credentials and TLS

    @Test func `mail is handed over with the configured credentials`() throws {
        #expect(try StrictMailServers.shared.get().user == "homeroom")
    }

    @Test(arguments: [
        ("wrong credentials", "mail: Login denied (67)"), ("no TLS", "mail: Requested SSL level failed (64)"),
        ("unknown issuer, required", "mail: SSL peer certificate or SSH remote key was not OK (60)"),
        ("unknown issuer, optional", "mail: SSL peer certificate or SSH remote key was not OK (60)"),
        (
            "no SMTPUTF8",
            "mail: Failed sending data to the peer (55): the address is not ASCII before the @, for which the server "
                + "needs SMTPUTF8"
        ),
    ])
    func `a server that cannot be used is logged in one line, and the mail waits`(demand: String, text: String) throws {
        let attempt = try #require(try StrictMailServers.shared.get().attempts[demand])

        #expect(attempt.lines.count == 1)
        #expect(attempt.lines.first?.hasSuffix(#""message":"\#(text)"}"#) == true)
        #expect(attempt.waiting == 1)
        #expect(attempt.mails == 0)
    }

    @Test func `a mail goes over TLS to a server whose authority is configured`() throws {
        #expect(try StrictMailServers.shared.get().mailsOverTLS == 1)
    }

    @Test(arguments: [
        ("x@München.example", "x@xn--mnchen-3ya.example"), ("josé@example.es", "josé@example.es"),
    ])
    func `a mail goes to the domain's A-labels, and to a name that is not ASCII as it is`(
        address: String, recipient: String
    ) throws {
        let mailing = try MailingSite.shared.get()
        _ = try mailing.site.newPerson(email: address)

        try mailing.forget(address)

        let mail = try mailing.mailServer.mail(to: recipient)
        #expect(mail.headers["To"] == recipient)
    }

    @Test func `the mail server's password stands in no log`() throws {
        #expect(try !StrictMailServers.shared.get().log.contains("wrong-secret"))
    }

    // MARK: `homeroom check` and the catcher of `homeroom dev`

    @Test func `check tells that the mail server answers`() throws {
        let mailing = try MailingSite.shared.get()

        let outcome = try mailing.site.homeroom("check", environment: MailingSite.settings(mailing.mailServer))

        #expect(outcome.status == 0)
        #expect(outcome.output.contains("mail: ok, links begin with https://school.example\n"))
    }

    @Test func `check tells that no mail server answers`() throws {
        let mailing = try MailingSite.shared.get()
        let mailServer = try MailServer(isOpen: false)
        defer { mailServer.discard() }

        let outcome = try mailing.site.homeroom("check", environment: MailingSite.settings(mailServer))

        #expect(outcome.status == 1)
        #expect(outcome.output.contains("mail: FAILED, Couldn't connect to server (7)\n"))
    }

    @Test func `without a mail server the mails of homeroom dev are files`() throws {
        let site = try Site.shared()
        let person = try site.newPerson()
        _ = try site.send("POST", "/api/v1/auth/forgot-password", json: ["email": .string(person.email)])

        // Beside it one that asks for proof of the address.
        let hasCome = try eventually {
            try caught(site, for: person).contains { Self.text(of: $0).contains("\(site.url)/reset-password#token=") }
        }

        #expect(hasCome)
    }

    /// The first part of a mail, as it is read.
    private static func text(of mail: String) -> String {
        let body = mail.split(separator: "\r\n\r\n").dropFirst(2).first?.split(separator: "\r\n--").first ?? ""
        let content = Data(base64Encoded: String(body.replacing("\r\n", with: "")))
        return String(decoding: content ?? Data(), as: UTF8.self)
    }

    @Test func `caught mails are whole files with names of their own`() throws {
        let site = try Site.shared()
        let person = try site.newPerson()
        _ = try site.send("POST", "/api/v1/auth/forgot-password", json: ["email": .string(person.email)])
        _ = try eventually { try !caught(site, for: person).isEmpty }

        // Those that are being written have other endings.
        let names = try FileManager.default.contentsOfDirectory(atPath: site.folder.mail).filter {
            $0.hasSuffix(".eml")
        }

        #expect(!names.isEmpty)
        #expect(names.allSatisfy { $0.wholeMatch(of: /\d{10}-[0-9a-f]{32}\.eml/) != nil })
    }

    // MARK: Equal statements

    @Test func `known and unknown addresses cost the same statements`() throws {
        let site = try Site.start(environment: Site.fastHashing.merging(["HOMEROOM_WORKERS": "1"]) { $1 })
        defer { Site.discard(site) }
        let person = try site.newPerson()

        let known = try statements(site, person.email)
        let unknown = try statements(site, "un\(person.email)")

        let statements = ["SELECT a.id, a.username, a.email, a.rol", "BEGIN NOT ATOMIC DECLARE EXIT HANDLER F"]
        #expect(known == statements)
        #expect(unknown == statements)
    }

    /// What a request for a mail asks the database: how the statements begin.
    private func statements(_ site: DevStack, _ email: String) throws -> [String] {
        _ = try site.rows(
            "SET GLOBAL log_output = 'TABLE'; TRUNCATE mysql.general_log; SET GLOBAL general_log = ON")
        _ = try site.send("POST", "/api/v1/auth/forgot-password", json: ["email": .string(email)])
        return try site.rows(
            """
            SET GLOBAL general_log = OFF;
            SELECT LEFT(argument, 39) FROM mysql.general_log
            WHERE command_type = 'Execute' AND thread_id IN (
                SELECT thread_id FROM mysql.general_log WHERE argument LIKE '%INSERT INTO outbox%')
            """)
    }

    private func caught(_ site: DevStack, for person: Person) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: site.folder.mail).filter { $0.hasSuffix(".eml") }
            .map { try String(contentsOfFile: "\(site.folder.mail)/\($0)", encoding: .utf8) }
            .filter { $0.contains("To: \(person.email)\r\n") }
    }
}

/// What happened while the mail server was down.
private struct Outage: Sendable {
    static let shared = Result { try Outage() }

    private(set) var answer: Answer
    private(set) var resetAfterRetry = 0
    private(set) var pauses: [String] = []
    private(set) var lines: [String] = []
    private(set) var tokensWhileDown: [String] = []
    private(set) var rowsOfDeleted: [String] = []
    private(set) var mailsOfDeleted = 0
    private(set) var resetAfterKill = 0
    private(set) var mailsAfterKill = 0

    private init() throws {
        let mailing = try MailingSite(MailServer(isOpen: false))
        defer { mailing.discard() }
        let people = try (0..<3).map { _ in try mailing.site.newPerson() }
        try mailing.dropVerifications()

        answer = try mailing.forget(people[0].email)
        _ = try eventually { try mailing.attempts() == ["1"] }
        try mailing.mailServer.open()
        resetAfterRetry = try mailing.reset(mailing.mailServer.mail(to: people[0].email).token).status
        _ = try eventually { try mailing.waiting() == 0 }
        mailing.mailServer.close()

        let begin = try mailing.failures().count
        for count in 1...4 {
            for _ in 1...2 { try mailing.forget(people[1].email) }
            _ = try eventually { try mailing.attempts().max() == "\(count)" }
            pauses += try mailing.site.rows(
                """
                SELECT ROUND(TIMESTAMPDIFF(MICROSECOND, UTC_TIMESTAMP(6), due_at) / 5000000) * 5 FROM outbox
                WHERE due_at IS NOT NULL
                """)
            if count < 4 { try mailing.hurry() }
        }
        lines = Array(try mailing.failures().dropFirst(begin))
        tokensWhileDown = try mailing.site.rows("SELECT account_id FROM password_resets")

        try mailing.forget(people[2].email)
        _ = try mailing.site.homeroom("user", "delete", people[2].username)
        rowsOfDeleted = try mailing.site.rows("SELECT * FROM outbox WHERE account_id = \(people[2].id)")

        mailing.site.service.kill()
        try mailing.mailServer.open()
        try mailing.site.service.start()
        try mailing.hurry()
        resetAfterKill = try mailing.reset(mailing.mailServer.mail(to: people[1].email).token).status
        _ = try eventually { try mailing.waiting() == 0 }
        mailsAfterKill = try mailing.mailServer.mails(to: people[1].email).count
        mailsOfDeleted = try mailing.mailServer.mails(to: people[2].email).count
    }
}

/// What happened to a mail whose sender was killed while the server had it in hand.
private struct UnderWay: Sendable {
    static let shared = Result { try UnderWay() }

    /// Seconds.
    private(set) var claim = 0
    private(set) var waitingAfterKill = 0
    private(set) var resetAfterKill = 0
    private(set) var resetAfterGreylisting = 0

    private init() throws {
        let mailing = try MailingSite(MailServer())
        defer { mailing.discard() }
        let people = try (0..<2).map { _ in try mailing.site.newPerson() }

        try mailing.mailServer.hold()
        try mailing.forget(people[0].email)
        _ = try eventually { try mailing.mailServer.isHolding() }
        claim =
            try Int(
                mailing.site.rows("SELECT TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), due_at) FROM outbox").joined()) ?? 0
        let parent = mailing.site.service.process?.pid
        let processes = RunningProcess.all().filter { $0.parent == parent }.map(\.id)
        mailing.site.service.kill()
        for process in processes { kill(process, SIGKILL) }
        _ = eventually { processes.allSatisfy { kill($0, 0) != 0 } }
        waitingAfterKill = try mailing.waiting()
        try mailing.mailServer.release()
        try mailing.site.service.start()
        try mailing.hurry()
        _ = try eventually { try mailing.waiting() == 0 }
        let again = try mailing.mailServer.mails(to: people[0].email).last
        resetAfterKill = try mailing.reset(again?.token ?? "").status

        try mailing.mailServer.refuse("451 4.7.1 Greylisted, try again")
        try mailing.forget(people[1].email)
        _ = try eventually { try mailing.attempts().max() == "1" }
        try mailing.mailServer.refuse(nil)
        try mailing.hurry()
        resetAfterGreylisting = try mailing.reset(mailing.mailServer.mail(to: people[1].email).token).status
    }
}

/// What happened at mail servers that ask for something.
private struct StrictMailServers: Sendable {
    struct Attempt: Sendable {
        /// In the log.
        var lines: [String] = []
        var waiting = 0
        var mails = 0
    }

    static let shared = Result { try StrictMailServers() }

    private(set) var user: String?
    /// How many mails came over TLS to a server with an authority of its own.
    private(set) var mailsOverTLS = 0
    private(set) var attempts: [String: Attempt] = [:]
    private(set) var log = ""

    private init() throws {
        let guarded = try MailServer("--account", "homeroom:pass word")
        let site = try Site.start(environment: Site.fastHashing.merging(["HOMEROOM_WORKERS": "1"]) { $1 })
        defer {
            Site.discard(site)
            guarded.discard()
        }
        let keys = ["HOMEROOM_MAIL_USER": "homeroom", "HOMEROOM_MAIL_PASSWORD": "pass word"]
        let person = try site.newPerson()
        let mailing = MailingSite(site, guarded)
        try site.restart(with: MailingSite.settings(guarded).merging(keys) { $1 })
        try mailing.forget(person.email)
        user = try guarded.mail(to: person.email).user

        try attempt("wrong credentials", guarded, site, keys.merging(["HOMEROOM_MAIL_PASSWORD": "wrong-secret"]) { $1 })
        let plain = try MailServer()
        defer { plain.discard() }
        try attempt("no TLS", plain, site, ["HOMEROOM_MAIL_TLS": "required"])
        let unknown = try MailServer("--certificate", "--needs-tls")
        defer { unknown.discard() }
        try attempt("unknown issuer, required", unknown, site, ["HOMEROOM_MAIL_TLS": "required"])
        try attempt("unknown issuer, optional", unknown, site, ["HOMEROOM_MAIL_TLS": "optional"])
        let plainOnly = try MailServer("--ascii")
        defer { plainOnly.discard() }
        try attempt("no SMTPUTF8", plainOnly, site, ["HOMEROOM_MAIL_TLS": "optional"], email: "josé@example.es")
        log = try mailing.log()

        let known = MailingSite(site, unknown)
        let authority = ["HOMEROOM_MAIL_TLS": "required", "HOMEROOM_MAIL_CA": unknown.certificate]
        try site.restart(with: MailingSite.settings(unknown).merging(authority) { $1 })
        try known.hurry()
        _ = try eventually { try known.waiting() == 0 }
        mailsOverTLS = try unknown.mails().count
    }

    private mutating func attempt(
        _ demand: String, _ mailServer: MailServer, _ site: DevStack, _ settings: [String: String], email: String? = nil
    ) throws {
        let mailing = MailingSite(site, mailServer)
        // Before the new settings hold: the mail that a registration causes is not the one that is looked at.
        let person = try site.newPerson(email: email)
        try mailing.dropVerifications()
        _ = try site.rows("DELETE FROM outbox")
        try site.restart(with: MailingSite.settings(mailServer).merging(settings) { $1 })
        let earlier = (try mailing.failures().count, try mailServer.mails().count)
        try mailing.forget(person.email)
        _ = try eventually { try mailing.attempts() == ["1"] }
        attempts[demand] = Attempt(
            lines: Array(try mailing.failures().dropFirst(earlier.0)), waiting: try mailing.waiting(),
            mails: try mailServer.mails().count - earlier.1)
    }
}

extension MailingSite {
    /// How often each mail has failed.
    fileprivate func attempts() throws -> [String] {
        try site.rows("SELECT attempts FROM outbox")
    }

    /// Sends none of the mails that ask for proof of an address.
    fileprivate func dropVerifications() throws {
        _ = try site.rows("UPDATE email_verifications SET due_at = NULL")
    }

    /// The lines in the log about mails that were not sent.
    fileprivate func failures() throws -> [String] {
        try log().split(separator: "\n").filter { $0.contains("mail not sent") }.map(String.init)
    }
}
