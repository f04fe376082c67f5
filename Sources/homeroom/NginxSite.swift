import DevStack
import Foundation
import Glibc
import Secrets
import Server

/// The site that `homeroom setup` makes for nginx, of nginx/production.conf, and keeps up to date as long as nobody changes it.
struct NginxSite {
    /// What was asked for.
    struct Options {
        /// The name under which browsers reach it.
        let host: String?
        let certificate: Certificate?
        /// Of the server for the machine itself.
        let port: UInt16?

        init(_ arguments: inout Arguments) throws(CommandError) {
            host = try Options.host(&arguments)
            let chain = try arguments.option("certificate")
            let key = try arguments.option("key")
            switch (chain, key) {
            case (let chain?, let key?):
                for file in [chain, key] where !file.hasPrefix("/") || !file.contains(/\A[\w\/.@+-]+\z/) {
                    throw .usage("`\(file)` is no absolute path of letters, digits and / . @ + - _")
                }
                certificate = Certificate(chain: chain, key: key)
            case (nil, nil): certificate = nil
            default: throw .usage("--certificate and --key go together")
            }
            guard let text = try arguments.option("port") else {
                port = nil
                return
            }
            guard let number = UInt16(text), number > 0 else { throw .usage("--port: `\(text)` is no port") }
            port = number
        }

        private static func host(_ arguments: inout Arguments) throws(CommandError) -> String? {
            guard let text = try arguments.option("host") else { return nil }
            let label = /[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*/
            guard text.utf8.count <= 253, let host = text.lowercased().wholeMatch(of: label)?.output.0 else {
                throw .usage("--host: `\(text)` is no name of a host like school.example")
            }
            return String(host)
        }
    }

    /// Files with a certificate and its chain, and with its key.
    struct Certificate: Equatable {
        let chain: String
        let key: String
    }

    let prefix: String
    let options: Options
    let isDryRun: Bool

    /// Behind all others: where several listen on one port and none says `default_server`, the first is asked.
    private static var file: String {
        let folder = access("/etc/nginx/sites-enabled", F_OK) == 0 ? "sites-enabled" : "conf.d"
        return "/etc/nginx/\(folder)/zz-homeroom.conf"
    }
    private static let link = "/etc/nginx/homeroom"
    private static let origins = "/etc/nginx/homeroom-origins.conf"

    /// Answers with what it found or did.
    func make(_ configuration: Configuration) throws(CommandError) -> String {
        guard access("/etc/nginx/nginx.conf", F_OK) == 0, (try? Program("nginx", [])) != nil else {
            return "skipped, it is not installed. Install it, and run: homeroom setup"
        }
        let before = try? String(contentsOfFile: Self.file, encoding: .utf8)
        guard before != nil || access(Self.file, F_OK) != 0 else { throw Setup.refusal("read", Self.file) }
        if let before, !Self.isOurs(before) {
            return "\(Self.file) was changed by hand, and stays as it is" + (try refresh(configuration))
        }
        let host = options.host ?? Self.host(of: configuration)
        let certificate = try certificate(before, host)
        let port = try port(before)
        if !isDryRun { try linkFolder() }
        let others = try Self.others()
        if let other = others.first(where: { $0.text.contains("homeroom/homeroom.conf") }) {
            return "\(other.path) has the site, and stays as it is" + (try refresh(configuration))
        }
        if let host, let other = others.first(where: { $0.serves(host) }) {
            throw .refused("\(other.path) serves \(host) already. Take another name: homeroom setup --host NAME")
        }
        let text = try text(host, certificate, port: port)
        let done = "\(Self.file) answers at http://127.0.0.1:\(port)\(Self.outside(host, certificate))"
        if isDryRun { return before == text ? done : "would write: " + done }
        if before != text { try replace(before, with: text) }
        return done + (try refresh(configuration))
    }

    // MARK: What is there

    private static let head = "# Made by `homeroom setup`, which replaces it as long as nobody changes it. "

    private static func isOurs(_ text: String) -> Bool {
        guard let end = text.firstIndex(of: "\n") else { return false }
        return text[...end] == "\(head)\(hex(sha256(String(text[text.index(after: end)...]))))\n"
    }

    /// A file of nginx's configuration.
    private struct File {
        let path: String
        let text: String

        func serves(_ host: String) -> Bool {
            text.matches(of: /(?m)^[^#\n]*\bserver_name\s+([^;]*);/).contains {
                $0.output.1.split(whereSeparator: \.isWhitespace).contains { $0.lowercased() == host }
            }
        }
    }

    /// All files that nginx reads but ours. Refuses where nginx would not start with them.
    private static func others() throws(CommandError) -> [File] {
        try Setup.execute("nginx", ["-T", "-q"]).split(separator: "# configuration file ")
            .compactMap { part in
                guard let end = part.firstIndex(of: ":") else { return nil }
                return File(path: String(part[..<end]), text: String(part[end...]))
            }
            .filter { $0.path != file && !$0.path.hasPrefix(link + "/") }
    }

    private static func host(of configuration: Configuration) -> String? {
        guard let text = configuration.worker.publicURL, let url = URL(string: text), url.scheme == "https",
            url.port ?? 443 == 443
        else { return nil }
        return url.host()?.lowercased()
    }

    private func certificate(_ before: String?, _ host: String?) throws(CommandError) -> Certificate? {
        guard let host else {
            guard options.certificate == nil else {
                throw .refused("a certificate is for a name. Give it with: --host NAME")
            }
            return nil
        }
        if let wish = options.certificate {
            for file in [wish.chain, wish.key] where access(file, R_OK) != 0 { throw Setup.refusal("read", file) }
            return wish
        }
        if let before, let chain = before.firstMatch(of: /ssl_certificate\s+(\S+);/),
            let key = before.firstMatch(of: /ssl_certificate_key\s+(\S+);/)
        {
            return Certificate(chain: String(chain.output.1), key: String(key.output.1))
        }
        let folder = "/etc/letsencrypt/live/\(host)/"
        let found = Certificate(chain: folder + "fullchain.pem", key: folder + "privkey.pem")
        return access(found.chain, R_OK) == 0 && access(found.key, R_OK) == 0 ? found : nil
    }

    private func port(_ before: String?) throws(CommandError) -> UInt16 {
        if let port = options.port { return port }
        if let before, let port = before.firstMatch(of: /listen 127\.0\.0\.1:(\d+);/), let port = UInt16(port.output.1)
        {
            return port
        }
        guard let port = (8000..<8100).first(where: { Port.isFree($0) }) else {
            throw .refused("no port from 8000 to 8099 is free. Name one with: homeroom setup --port N")
        }
        return port
    }

    // MARK: What is made

    private func text(_ host: String?, _ certificate: Certificate?, port: UInt16) throws(CommandError) -> String {
        let path = prefix + "/share/homeroom/nginx/production.conf"
        guard let template = try? String(contentsOfFile: path, encoding: .utf8) else {
            throw Setup.refusal("read", path)
        }
        // All up to the server for the machine itself, and two servers: for plain HTTP and for HTTPS. The first paragraph says
        // what the template is.
        var parts = template.components(separatedBy: "\n\nserver {")
        parts[0] = parts[0].components(separatedBy: "\n\n").dropFirst().joined(separator: "\n\n")
        if host == nil { parts.removeSubrange(1...) } else if certificate == nil { parts.removeSubrange(2...) }
        var text = parts.joined(separator: "\n\nserver {")
        text.replace("127.0.0.1:8000", with: "127.0.0.1:\(port)")
        text.replace("homeroom.example.org", with: host ?? "")
        text.replace("/etc/ssl/homeroom/fullchain.pem", with: certificate?.chain ?? "")
        text.replace("/etc/ssl/homeroom/privkey.pem", with: certificate?.key ?? "")
        // nginx does not start where it cannot listen.
        if access("/proc/net/if_inet6", F_OK) != 0 { text.replace(/(?m)^ +listen \[::\].*\n/, with: "") }
        text = "\n" + text.trimmingCharacters(in: .newlines) + "\n"
        return "\(Self.head)\(hex(sha256(text)))\n" + text
    }

    private static func outside(_ host: String?, _ certificate: Certificate?) -> String {
        guard let host else { return " to this machine; to others with: homeroom setup --host NAME" }
        guard certificate == nil else { return " and https://\(host)" }
        return """
             to this machine. For https://\(host) it needs a certificate: \
            certbot certonly --webroot -w /var/www/html -d \(host) && homeroom setup, \
            or: homeroom setup --certificate FILE --key FILE
            """
    }

    /// Leads to the files that came with this program, where it leads anywhere of ours.
    private func linkFolder() throws(CommandError) {
        let wanted = prefix + "/share/homeroom/nginx"
        var old = stat()
        if lstat(Self.link, &old) == 0 {
            let target = try? FileManager.default.destinationOfSymbolicLink(atPath: Self.link)
            guard let target, target.hasSuffix("/share/homeroom/nginx"), target != wanted else { return }
        }
        let fresh = Self.link + ".new"
        unlink(fresh)
        guard symlink(wanted, fresh) == 0, rename(fresh, Self.link) == 0 else { throw Setup.refusal("link", Self.link) }
    }

    /// Takes the site back where nginx does not accept it.
    private func replace(_ before: String?, with text: String) throws(CommandError) {
        try Setup.write(text, to: Self.file, mode: 0o644)
        do throws(CommandError) {
            try Setup.execute("nginx", ["-t", "-q"])
        } catch {
            if let before { try Setup.write(before, to: Self.file) } else { unlink(Self.file) }
            throw error
        }
    }

    /// Makes the file of trusted origins where there is something to say, and has nginx read everything again.
    private func refresh(_ configuration: Configuration) throws(CommandError) -> String {
        if isDryRun { return "" }
        let text = NginxOrigins.text(configuration)
        let isThere = access(Self.origins, F_OK) == 0
        if !configuration.trustedOrigins.isEmpty || isThere,
            text != (try? String(contentsOfFile: Self.origins, encoding: .utf8))
        {
            try Setup.write(text, to: Self.origins, mode: 0o644)
        }
        return try reload()
    }

    private func reload() throws(CommandError) -> String {
        let process = (try? String(contentsOfFile: "/run/nginx.pid", encoding: .utf8)).flatMap {
            pid_t($0.trimmingCharacters(in: .whitespacesAndNewlines))
        }
        guard let process, kill(process, 0) == 0 else { return ". nginx does not run: start it" }
        if Systemd.isRunning {
            try Systemd.reload("nginx")
        } else if Systemd.isPackageScript {
            try Setup.execute("invoke-rc.d", ["nginx", "reload"])
        } else {
            try Setup.execute("nginx", ["-s", "reload", "-q"])
        }
        return ""
    }
}
