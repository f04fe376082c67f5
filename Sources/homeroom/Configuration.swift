import Accounts
import Database
import Foundation
import Glibc
import HTTP
import Mail
import Secrets
import Server

/// What the operator set, read once at the start from the environment and one file; the environment wins.
///
/// docs/operating.md documents each key with its unit and default.
struct Configuration {
    let socket: String
    let socketGroup: String?
    /// Whom workers become when they were started as root.
    let user: String?
    let workers: Int
    let worker: Worker.Options
    let database: DatabaseAddress
    /// As whom `homeroom migrate` changes the schema.
    let owner: DatabaseAddress
    let media: String
    /// Other origins whose pages may read answers and use the session cookie.
    let trustedOrigins: Set<Origin>
    /// With pages of which sites browsers send that cookie.
    let cookieSameSite: Cookie.SameSite
    let accounts: Settings
    /// nil: no mail is sent, and what is asked for waits.
    let mail: Mail?
    /// The file that `homeroom key rotate` changes; nil where the key stands in the settings themselves.
    let tokenKeyFile: String?
    private let tokenKey: String?
    private let previousTokenKey: String?

    /// Whether `HOMEROOM_TOKEN_KEY_PREVIOUS` names one.
    var hasPreviousTokenKey: Bool { previousTokenKey != nil }
    private let tokenIssuer: String

    struct Mail {
        let transport: MailTransport
        /// What links in mails begin with.
        let publicURL: String
    }

    init(file: String?, environment: [String: String]) throws(CommandError) {
        var keys = Keys(try Configuration.values(file: file, environment: environment))
        socket = try keys.text("HOMEROOM_SOCKET", default: "/run/homeroom/homeroom.sock")
        socketGroup = try keys.optional("HOMEROOM_SOCKET_GROUP")
        user = try keys.optional("HOMEROOM_USER")
        // The others are for nginx and MariaDB; and the fewer wait for requests, the more of these each answers at once.
        workers = try keys.number("HOMEROOM_WORKERS", in: 1...256, default: max(1, CompositionRoot.cores / 2))
        var worker = Worker.Options()
        worker.threads = try keys.number("HOMEROOM_THREADS", in: 1...256, default: 4)
        worker.passwordThreads = try keys.number("HOMEROOM_HEAVY_THREADS", in: 1...256, default: 4)
        worker.pictureThreads = try keys.number("HOMEROOM_PICTURE_THREADS", in: 1...256, default: 2)
        worker.listThreads = try keys.number("HOMEROOM_LIST_THREADS", in: 1...256, default: 2)
        worker.queue = try keys.number("HOMEROOM_QUEUE", in: 1...100_000, default: 128)
        worker.publicURL = try keys.url("HOMEROOM_PUBLIC_URL")
        self.worker = worker
        (database, owner) = try keys.databases()
        media = try keys.text("HOMEROOM_MEDIA", default: "/var/lib/homeroom/media")
        trustedOrigins = try keys.origins("HOMEROOM_TRUSTED_ORIGINS")
        cookieSameSite = try keys.sameSite("HOMEROOM_COOKIE_SAMESITE")
        var accounts = try keys.settings()
        mail = try keys.mail(publicURL: worker.publicURL)
        accounts.sendsMail = mail != nil
        self.accounts = accounts
        tokenKeyFile = keys.path("HOMEROOM_TOKEN_KEY")
        tokenKey = try keys.optional("HOMEROOM_TOKEN_KEY")
        previousTokenKey = try keys.optional("HOMEROOM_TOKEN_KEY_PREVIOUS")
        tokenIssuer = try keys.text("HOMEROOM_TOKEN_ISSUER", default: "homeroom")
        try keys.refuseUnknown()
    }

    /// Signs with the present key and also accepts those before it, for their time.
    func signer() throws(CommandError) -> TokenSigner {
        let keys = try tokenKeys()
        do throws(TokenKeyError) {
            return try TokenSigner(keys: keys, issuer: tokenIssuer)
        } catch {
            throw .refused("HOMEROOM_TOKEN_KEY: \(error)")
        }
    }

    /// The newest first, that of `HOMEROOM_TOKEN_KEY_PREVIOUS` last.
    func tokenKeys() throws(CommandError) -> [TokenKey] {
        let keys = try tokenKey.map { (text) throws(CommandError) in try TokenKeyFile(text).keys } ?? []
        return try keys + (previousTokenKey.map { (text) throws(CommandError) in [try TokenKeyFile.key(text)] } ?? [])
    }

    private static func values(file: String?, environment: [String: String]) throws(CommandError) -> [String: String] {
        var values: [String: String] = [:]
        if let file {
            guard let text = try? String(contentsOfFile: file, encoding: .utf8) else {
                throw .refused("--config: \(file) cannot be read. Does it exist, and may this user read it?")
            }
            for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
                let line = line.trimmingCharacters(in: .whitespaces)
                if line.isEmpty || line.hasPrefix("#") { continue }
                let halves = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                guard halves.count == 2 else {
                    throw .refused("\(file):\(number + 1): `\(line)` is not KEY=value")
                }
                let key = halves[0].trimmingCharacters(in: .whitespaces)
                values[key] = halves[1].trimmingCharacters(in: .whitespaces)
            }
        }
        return values.merging(environment.filter { $0.key.hasPrefix("HOMEROOM_") }) { _, winner in winner }
    }
}

/// The keys of a configuration, taken one by one; what is left over is a mistake.
private struct Keys {
    private var values: [String: String]

    init(_ values: [String: String]) {
        self.values = values
    }

    /// What `<key>_FILE` names.
    func path(_ key: String) -> String? { values[key + "_FILE"] }

    /// The value of a key, or the content of the file that `<key>_FILE` names; nil when neither is set.
    mutating func optional(_ key: String) throws(CommandError) -> String? {
        let value = values.removeValue(forKey: key)
        guard let path = values.removeValue(forKey: key + "_FILE") else { return value?.isEmpty == true ? nil : value }
        guard value == nil else { throw .refused("\(key): set it or \(key)_FILE, not both") }
        guard let content = try? String(contentsOfFile: path, encoding: .utf8) else {
            throw .refused("\(key)_FILE: \(path) cannot be read. Does it exist, and may this user read it?")
        }
        return content.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    mutating func text(_ key: String, default fallback: String) throws(CommandError) -> String {
        try optional(key) ?? fallback
    }

    mutating func number(_ key: String, in range: ClosedRange<Int>, default fallback: Int) throws(CommandError) -> Int {
        guard let value = try optional(key) else { return fallback }
        guard let number = Int(value), range.contains(number) else {
            throw .refused("\(key): `\(value)` is no number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// The path of a file that can be read.
    mutating func file(_ key: String) throws(CommandError) -> String? {
        guard let path = try optional(key) else { return nil }
        guard access(path, R_OK) == 0 else {
            throw .refused("\(key): \(path) cannot be read. Does it exist, and may this user read it?")
        }
        return path
    }

    /// Scheme and host, without a final slash.
    mutating func url(_ key: String) throws(CommandError) -> String? {
        guard var value = try optional(key) else { return nil }
        while value.hasSuffix("/") { value.removeLast() }
        guard let url = URL(string: value), ["http", "https"].contains(url.scheme), url.host() != nil else {
            throw .refused("\(key): `\(value)` is no URL like https://school.example")
        }
        return value
    }

    /// With commas between them.
    mutating func origins(_ key: String) throws(CommandError) -> Set<Origin> {
        var origins: Set<Origin> = []
        for text in try text(key, default: "").split(separator: ",") {
            let text = text.trimmingCharacters(in: .whitespaces)
            if text.isEmpty { continue }
            do throws(Origin.Fault) {
                origins.insert(try Origin(text))
            } catch {
                throw .refused("\(key): `\(text)` \(error)")
            }
        }
        return origins
    }

    mutating func sameSite(_ key: String) throws(CommandError) -> Cookie.SameSite {
        let word = try text(key, default: "lax")
        switch word {
        case "lax": return .lax
        case "none": return .none
        default: throw .refused("\(key): `\(word)` is neither lax nor none")
        }
    }

    mutating func databases() throws(CommandError) -> (service: DatabaseAddress, owner: DatabaseAddress) {
        let name = try text("HOMEROOM_DATABASE_NAME", default: "homeroom")
        let user = try text("HOMEROOM_DATABASE_USER", default: "homeroom")
        let password = try text("HOMEROOM_DATABASE_PASSWORD", default: "")
        let owner = try text("HOMEROOM_DATABASE_OWNER", default: user)
        let ownerPassword = try text("HOMEROOM_DATABASE_OWNER_PASSWORD", default: owner == user ? password : "")
        let socket = try text("HOMEROOM_DATABASE_SOCKET", default: "/run/mysqld/mysqld.sock")
        let port = try number("HOMEROOM_DATABASE_PORT", in: 1...65_535, default: 3306)
        let encryption = try encryption()
        var transports: [DatabaseAddress.Transport] = []
        if let hosts = try optional("HOMEROOM_DATABASE_HOST") {
            for text in hosts.split(separator: ",", omittingEmptySubsequences: false) {
                let text = text.trimmingCharacters(in: .whitespaces)
                let transport = try Keys.transport(text, port: UInt16(port), encryption)
                guard !transports.contains(where: { $0.description == transport.description }) else {
                    throw .refused("HOMEROOM_DATABASE_HOST: `\(text)` stands there twice")
                }
                transports.append(transport)
            }
        } else {
            transports = [.socket(path: socket)]
        }
        return (
            DatabaseAddress(transports: transports, database: name, user: user, password: password),
            DatabaseAddress(transports: transports, database: name, user: owner, password: ownerPassword)
        )
    }

    /// `host`, `host:port`, `[address]:port`, or the path of a socket.
    private static func transport(
        _ text: String, port usual: UInt16, _ encryption: DatabaseAddress.Encryption
    ) throws(CommandError) -> DatabaseAddress.Transport {
        if text.hasPrefix("/") { return .socket(path: text) }
        var host = text[...]
        var port: UInt16? = usual
        if text.hasPrefix("["), let end = text.lastIndex(of: "]") {
            host = text[text.index(after: text.startIndex)..<end]
            let rest = text[text.index(after: end)...]
            if !rest.isEmpty { port = rest.hasPrefix(":") ? UInt16(rest.dropFirst()) : nil }
        } else if let colon = text.firstIndex(of: ":"), colon == text.lastIndex(of: ":") {
            host = text[..<colon]
            port = UInt16(text[text.index(after: colon)...])
        }
        guard let port, port > 0, !host.isEmpty, !host.contains(where: { $0.isWhitespace || "[]/".contains($0) }) else {
            throw .refused(
                "HOMEROOM_DATABASE_HOST: `\(text)` is none of host, host:port, [address]:port, /path/of/a/socket")
        }
        return .network(host: String(host), port: port, encryption: encryption)
    }

    /// What protects the way to a database on another machine.
    private mutating func encryption() throws(CommandError) -> DatabaseAddress.Encryption {
        let authorities = try file("HOMEROOM_DATABASE_CA")
        let tls = try text("HOMEROOM_DATABASE_TLS", default: "required")
        switch tls {
        case "required": return .required(authorities: authorities)
        case "off": return .off
        default: throw .refused("HOMEROOM_DATABASE_TLS: `\(tls)` is neither required nor off")
        }
    }

    /// `smtp://HOST[:PORT]`, `smtps://HOST[:PORT]` or `file:FOLDER`.
    mutating func mail(publicURL: String?) throws(CommandError) -> Configuration.Mail? {
        let user = try optional("HOMEROOM_MAIL_USER")
        let password = try optional("HOMEROOM_MAIL_PASSWORD")
        let sender = try text("HOMEROOM_MAIL_FROM", default: "Homeroom <no-reply@localhost>")
        let links = try url("HOMEROOM_MAIL_URL")
        let authorities = try file("HOMEROOM_MAIL_CA")
        let tls = try text("HOMEROOM_MAIL_TLS", default: "required")
        guard ["required", "optional"].contains(tls) else {
            throw .refused("HOMEROOM_MAIL_TLS: `\(tls)` is neither required nor optional")
        }
        guard let value = try optional("HOMEROOM_MAIL") else { return nil }
        guard let publicURL = links ?? publicURL else {
            throw .refused("HOMEROOM_PUBLIC_URL: needed for the links in mails. Set it, e.g. https://school.example")
        }
        let destination: MailTransport.Destination
        if value.hasPrefix("file:"), value.count > 5 {
            destination = .folder(path: String(value.dropFirst(5)))
        } else if let url = URL(string: value), ["smtp", "smtps"].contains(url.scheme), url.host() != nil {
            destination = .server(
                MailTransport.Server(
                    url: value, user: user, password: password, requiresTLS: tls == "required",
                    authorities: authorities))
        } else {
            throw .refused("HOMEROOM_MAIL: `\(value)` is neither smtp://HOST:PORT, smtps://HOST:PORT nor file:FOLDER")
        }
        return Configuration.Mail(transport: MailTransport(destination, from: sender), publicURL: publicURL)
    }

    mutating func settings() throws(CommandError) -> Settings {
        var settings = Settings()
        settings.lockAfter = Int64(try number("HOMEROOM_LOCK_FAILURES", in: 1...1000, default: 10))
        settings.lockWindow = Int64(try number("HOMEROOM_LOCK_WINDOW", in: 1...86_400, default: 900))
        settings.lockTime = Int64(try number("HOMEROOM_LOCK_TIME", in: 1...86_400, default: 900))
        settings.longestSession = Int64(try number("HOMEROOM_SESSION_LONGEST", in: 1...3650, default: 90)) * 86_400
        let readers = try text("HOMEROOM_LIST_READERS", default: ListReaders.all.rawValue)
        guard let listReaders = ListReaders(rawValue: readers) else {
            throw .refused("HOMEROOM_LIST_READERS: `\(readers)` is neither all nor staff")
        }
        settings.listReaders = listReaders
        let variant = try text("HOMEROOM_HASH", default: "argon2id")
        guard ["argon2id", "argon2i"].contains(variant), let variant = HashParameters.Variant(rawValue: variant) else {
            throw .refused("HOMEROOM_HASH: `\(variant)` is neither argon2id nor argon2i")
        }
        settings.hashing = HashParameters(
            variant: variant,
            memoryKiB: try number("HOMEROOM_HASH_MEMORY", in: 64...1_048_576, default: 19_456),
            iterations: try number("HOMEROOM_HASH_ITERATIONS", in: 1...100, default: 2),
            parallelism: try number("HOMEROOM_HASH_PARALLELISM", in: 1...8, default: 1))
        guard settings.hashing.isInBounds else {
            throw .refused(
                "HOMEROOM_HASH_MEMORY, _ITERATIONS, _PARALLELISM: together out of bounds; "
                    + "memory × iterations may be 2 GiB, and memory at least 8 KiB for each unit of parallelism")
        }
        return settings
    }

    func refuseUnknown() throws(CommandError) {
        guard let key = values.keys.min() else { return }
        throw .refused("\(key): no such setting. docs/operating.md lists them all.")
    }
}
