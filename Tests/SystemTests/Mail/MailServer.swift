import DevStack
import Foundation
import JSON
import Synchronization
import TestSupport
import Testing

/// A mail server on loopback that keeps what it accepts: Debian's aiosmtpd, run by `Support/smtp.py`.
final class MailServer: Sendable {
    let port: UInt16
    /// What it offers TLS with, when it does.
    let certificate: String
    private let folder: String
    private let options: [String]
    private let server = Mutex<Child?>(nil)

    /// - Parameter options: what `smtp.py` takes.
    init(_ options: String..., isOpen: Bool = true) throws {
        port = try Site.freePort()
        folder = try DevStack.scratch("mail")
        var options = options
        if let place = options.firstIndex(of: "--certificate") {
            options.insert(folder + "/tls", at: place + 1)
            let kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
            let name = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
            let files = ["-keyout", folder + "/tls.key", "-out", folder + "/tls"]
            try Program("openssl", ["req"] + kind + name + files).output()
        }
        self.options = options
        certificate = folder + "/tls"
        MailServer.registration
        MailServer.all.withLock { $0.append(self) }
        if isOpen { try open() }
    }

    /// Begins to accept mail.
    func open() throws {
        let script = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Support/smtp.py").path
        let program = try Program("/usr/bin/python3", [script, "\(port)", folder] + options)
        let child = try Child(program, log: folder + "/log")
        server.withLock { $0 = child }
        guard eventually({ (try? Stream(.port(port)).readLine())?.hasPrefix("220") == true }) else {
            throw Closed(lastWords: child.lastWords)
        }
    }

    func close() {
        server.withLock { $0 }?.kill()
    }

    /// Closes it for good.
    func discard() {
        close()
        try? DevStack.removeScratch(folder)
        MailServer.all.withLock { $0.removeAll { $0 === self } }
    }

    private static let all = Mutex<[MailServer]>([])
    private static let registration: Void = {
        atexit { for mailServer in MailServer.all.withLock({ $0 }) { mailServer.discard() } }
    }()

    struct Closed: Error {
        let lastWords: String
    }

    /// A mail as Python's email module reads it.
    struct Mail: Sendable {
        let sender: String
        let recipients: [String]
        let isEncrypted: Bool
        /// As whom the sender signed in.
        let user: String?
        let headers: [String: String]
        let text: String
        let html: String
        let defects: Int
        let raw: String

        /// Whether it asks for proof of an address.
        var isVerification: Bool { text.contains("/verify-email#") }
        /// The link's token.
        var token: String { text.firstMatch(of: /#token=(\S+)/).map { String($0.1) } ?? "" }
    }

    /// All mails that have come for an address, but those that ask for proof of it: each registration causes one.
    func mails(to address: String) throws -> [Mail] {
        try mails().filter { $0.recipients == [address] }
    }

    /// All mails that have come but those that ask for proof of an address.
    func mails() throws -> [Mail] { try allMails().filter { !$0.isVerification } }

    func allMails() throws -> [Mail] {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".json") }
        return try names.sorted { Int($0.dropLast(5)) ?? 0 < Int($1.dropLast(5)) ?? 0 }
            .map { try Mail(JSON.parse(Array(Data(contentsOf: URL(filePath: "\(folder)/\($0)"))))) }
    }

    /// The first mail for an address, when it has come.
    func mail(to address: String, within seconds: Double = 60) throws -> Mail {
        _ = try eventually(within: seconds) { try !mails(to: address).isEmpty }
        return try #require(try mails(to: address).first)
    }

    /// From now on a mail that comes in waits.
    func hold() throws { try Data().write(to: URL(filePath: folder + "/hold")) }

    func release() throws { try FileManager.default.removeItem(atPath: folder + "/hold") }

    /// Whether a mail waits.
    func isHolding() throws -> Bool {
        try FileManager.default.contentsOfDirectory(atPath: folder).contains { $0.hasSuffix(".held") }
    }

    /// From now on the answer to a mail; nil accepts again.
    func refuse(_ answer: String?) throws {
        let file = URL(filePath: folder + "/refuse")
        if let answer { try Data(answer.utf8).write(to: file) } else { try FileManager.default.removeItem(at: file) }
    }
}

extension MailServer.Mail {
    init(_ json: JSON) throws {
        guard case .object(let object) = json, case .string(let sender)? = object["sender"],
            case .array(let recipients)? = object["recipients"], case .bool(let isEncrypted)? = object["encrypted"],
            case .array(let headers)? = object["headers"], case .array(let parts)? = object["parts"],
            case .array(let defects)? = object["defects"], case .string(let raw)? = object["raw"]
        else { throw Document.Missing(section: "mail", label: "\(json)") }
        self.sender = sender
        self.recipients = recipients.compactMap(\.text)
        self.isEncrypted = isEncrypted
        self.defects = defects.count
        self.raw = raw
        user = object["user"]?.text
        let pairs = { (list: [JSON]) in list.compactMap(\.items).map { ($0[0].text ?? "", $0[1].text ?? "") } }
        self.headers = Dictionary(pairs(headers)) { $0 + "\n" + $1 }
        let contents = Dictionary(pairs(parts)) { first, _ in first }
        text = contents["text/plain"] ?? ""
        html = contents["text/html"] ?? ""
    }
}

extension JSON {
    fileprivate var text: String? {
        if case .string(let text) = self { text } else { nil }
    }

    fileprivate var items: [JSON]? {
        if case .array(let items) = self { items } else { nil }
    }
}

/// A system whose mail goes to a post mailServer.
struct MailingSite: Sendable {
    let site: DevStack
    let mailServer: MailServer

    /// For all tests that disturb nobody.
    static let shared = Result { try MailingSite(MailServer()) }

    /// The base of links: not where the system answers.
    static let publicURL = "https://school.example"

    /// Starts a new one.
    init(_ mailServer: MailServer) throws {
        let settings = Site.fastHashing.merging(MailingSite.settings(mailServer)) { $1 }
        self.init(try Site.start(environment: settings.merging(["HOMEROOM_WORKERS": "1"]) { $1 }), mailServer)
    }

    init(_ site: DevStack, _ mailServer: MailServer) {
        self.site = site
        self.mailServer = mailServer
    }

    /// What sends a service's mail to the mailServer.
    static func settings(_ mailServer: MailServer) -> [String: String] {
        [
            "HOMEROOM_MAIL": "smtp://127.0.0.1:\(mailServer.port)", "HOMEROOM_MAIL_TLS": "optional",
            "HOMEROOM_MAIL_URL": publicURL, "HOMEROOM_MAIL_FROM": "Homeroom <no-reply@school.example>",
        ]
    }

    func discard() {
        Site.discard(site)
        mailServer.discard()
    }

    @discardableResult
    func forget(_ email: String, headers: [(String, String)] = []) throws -> Answer {
        try site.send(
            "POST", "/api/v1/auth/forgot-password", json: ["email": .string(email)], headers: headers)
    }

    func reset(_ token: String, _ password: String = "nine-Larks-17") throws -> Answer {
        try site.send(
            "POST", "/api/v1/auth/reset-password",
            json: ["token": .string(token), "new_password": .string(password)])
    }

    /// Lets a minute pass for all mails that were sent.
    func passAMinute(for person: Person) throws {
        _ = try site.rows(
            "UPDATE outbox SET asked_at = asked_at - INTERVAL 60 SECOND WHERE account_id = \(person.id)")
    }

    /// Moves the latest mail to somebody to the present, however long this test took to get here.
    func sendAnew(to person: Person) throws {
        _ = try site.rows("UPDATE outbox SET asked_at = UTC_TIMESTAMP(6) WHERE account_id = \(person.id)")
    }

    /// What the service has logged.
    func log() throws -> String {
        try String(contentsOfFile: site.folder.log + "/homeroom.log", encoding: .utf8)
    }

    /// How many mails still wait to be sent.
    func waiting() throws -> Int {
        try Int(site.rows("SELECT COUNT(*) FROM outbox WHERE due_at IS NOT NULL").joined()) ?? -1
    }

    /// Makes every mail that waits due now.
    func hurry() throws {
        _ = try site.rows("UPDATE outbox SET due_at = UTC_TIMESTAMP(6) WHERE due_at IS NOT NULL")
    }
}

/// People of the shared system who have their mail already: the outbox is looked into once a second, so one after the
/// other would each wait for it.
struct Forgetful: Sendable {
    let person: Person
    let mail: MailServer.Mail

    var token: String { mail.token }

    /// Somebody whom no other test has.
    static func next() throws -> Forgetful {
        let people = try all.get()
        let number = taken.wrappingAdd(1, ordering: .relaxed).oldValue
        return people[number]
    }

    private static let taken = Atomic<Int>(0)
    private static let all = Result {
        let mailing = try MailingSite.shared.get()
        let people = try (0..<40).map { _ in try mailing.site.newPerson() }
        for person in people { try mailing.forget(person.email) }
        return try people.map { Forgetful(person: $0, mail: try mailing.mailServer.mail(to: $0.email)) }
    }
}
