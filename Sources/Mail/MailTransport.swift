import CCurl
import Glibc
import System

/// Where mails go: over SMTP, or as files into a folder.
package struct MailTransport: Sendable {
    /// How mails leave.
    package enum Destination: Sendable, Equatable {
        /// `smtp://` or `smtps://` with host and port.
        case server(Server)
        /// One `.eml` file for each mail.
        case folder(path: String)
    }

    /// An SMTP server and how to sign in there.
    package struct Server: Sendable, Equatable {
        /// `smtp://HOST:PORT` or `smtps://HOST:PORT`.
        package var url: String
        /// nil where the server asks for no sign-in.
        package var user: String?
        /// Goes with `user`.
        package var password: String?
        /// Whether nothing is sent without TLS; else it is used where the server has it.
        package var requiresTLS: Bool
        /// The path of the certificates to trust; nil trusts the system's.
        package var authorities: String?

        /// A server by its settings.
        package init(url: String, user: String?, password: String?, requiresTLS: Bool, authorities: String? = nil) {
            self.url = url
            self.user = user
            self.password = password
            self.requiresTLS = requiresTLS
            self.authorities = authorities
        }
    }

    /// Why a mail was not handed over.
    package enum Failure: Error, CustomStringConvertible {
        case smtp(String)
        case file(path: String, code: Int32)

        /// One line for the log.
        package var description: String {
            switch self {
            case .smtp(let text): "mail: \(text)"
            case .file(let path, let code): "mail: \(path): \(String(cString: strerror(code)))"
            }
        }
    }

    private let destination: Destination
    /// `Homeroom <no-reply@school.example>` or the address alone.
    private let sender: String

    /// `sender` is an address, or a name with an address in angle brackets.
    package init(_ destination: Destination, from sender: String) {
        self.destination = destination
        self.sender = sender
    }

    /// Hands a mail over. What comes back without an error was accepted for delivery.
    package func send(_ message: MailMessage, seconds: Int64, id: String) throws(Failure) {
        let bytes = message.bytes(from: sender, seconds: seconds, id: id)
        switch destination {
        case .folder(let path): try write(bytes, to: "\(path)/\(seconds)-\(id).eml")
        case .server(let server): try submit(bytes, to: message.recipient, at: server)
        }
    }

    /// Greets the server, or looks at the folder, without sending anything.
    package func check() throws(Failure) {
        switch destination {
        case .folder(let path):
            guard access(path, W_OK | X_OK) == 0 else { throw .file(path: path, code: errno) }
        case .server(let server):
            try withSession(at: server) { session throws(Failure) in
                try MailTransport.require(homeroom_curl_set_text(session, CURLOPT_CUSTOMREQUEST, "NOOP"))
                try MailTransport.require(homeroom_curl_set_number(session, CURLOPT_NOBODY, 1))
                try MailTransport.require(curl_easy_perform(session))
            }
        }
    }

    private func write(_ message: [UInt8], to path: String) throws(Failure) {
        // Under another name until it is whole: whoever watches the folder never reads half a mail.
        let temporary = path + ".part"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .file(path: temporary, code: errno) }
        defer { close(descriptor) }
        do throws(SystemError) {
            try writeAll(message, to: descriptor)
            guard fsync(descriptor) == 0 else { throw SystemError("fsync", path, code: errno) }
            guard rename(temporary, path) == 0 else { throw SystemError("rename", path, code: errno) }
        } catch {
            unlink(temporary)
            throw .file(path: path, code: error.code)
        }
    }

    private func submit(_ message: [UInt8], to recipient: String, at server: Server) throws(Failure) {
        let recipients = curl_slist_append(nil, "<\(MailAddress.sent(recipient))>")
        defer { curl_slist_free_all(recipients) }
        var source = Source(message: message)
        try withSession(at: server) { session throws(Failure) in
            try MailTransport.require(
                homeroom_curl_set_text(session, CURLOPT_MAIL_FROM, "<\(MailTransport.address(in: sender))>"))
            try MailTransport.require(homeroom_curl_set_list(session, CURLOPT_MAIL_RCPT, recipients))
            try MailTransport.require(homeroom_curl_set_number(session, CURLOPT_UPLOAD, 1))
            let code = withUnsafeMutablePointer(to: &source) { pointer in
                let set = homeroom_curl_set_source(session, Source.read, pointer)
                return set == CURLE_OK ? curl_easy_perform(session) : set
            }
            // libcurl asks for SMTPUTF8 where the server has it, and where it has not lets the server refuse the address.
            if code == CURLE_SEND_ERROR || code == CURLE_QUOTE_ERROR, !MailAddress.isPlain(recipient) {
                throw .smtp(
                    "\(MailTransport.text(code)): the address is not ASCII before the @, for which the server needs SMTPUTF8"
                )
            }
            try MailTransport.require(code)
        }
    }

    private func withSession(
        at server: Server, _ body: (UnsafeMutableRawPointer) throws(Failure) -> Void
    ) throws(Failure) {
        guard let session = curl_easy_init() else { throw .smtp("curl_easy_init failed") }
        defer { curl_easy_cleanup(session) }
        try MailTransport.require(homeroom_curl_set_text(session, CURLOPT_URL, server.url))
        try MailTransport.require(homeroom_curl_set_text(session, CURLOPT_PROTOCOLS_STR, "smtp,smtps"))
        let tls = server.requiresTLS ? CURLUSESSL_ALL : CURLUSESSL_TRY
        try MailTransport.require(homeroom_curl_set_number(session, CURLOPT_USE_SSL, Int(tls.rawValue)))
        if let authorities = server.authorities {
            try MailTransport.require(homeroom_curl_set_text(session, CURLOPT_CAINFO, authorities))
        }
        try MailTransport.require(homeroom_curl_set_number(session, CURLOPT_NOSIGNAL, 1))
        try MailTransport.require(homeroom_curl_set_number(session, CURLOPT_CONNECTTIMEOUT, 10))
        try MailTransport.require(homeroom_curl_set_number(session, CURLOPT_TIMEOUT, MailTransport.timeout))
        if let user = server.user {
            try MailTransport.require(homeroom_curl_set_text(session, CURLOPT_USERNAME, user))
            try MailTransport.require(homeroom_curl_set_text(session, CURLOPT_PASSWORD, server.password ?? ""))
        }
        try body(session)
    }

    /// Seconds for the whole of one delivery.
    package static let timeout = 30

    private static func require(_ code: CURLcode) throws(Failure) {
        guard code != CURLE_OK else { return }
        throw .smtp(text(code))
    }

    private static func text(_ code: CURLcode) -> String {
        "\(String(cString: curl_easy_strerror(code))) (\(code.rawValue))"
    }

    /// What stands between `<` and `>`, or all of it.
    private static func address(in sender: String) -> Substring {
        sender.split(separator: "<").last?.prefix { $0 != ">" } ?? Substring(sender)
    }

    /// The message as libcurl fetches it.
    private struct Source {
        let message: [UInt8]
        var offset = 0

        static let read: homeroom_curl_source = { buffer, item, count, context in
            guard let buffer, let source = context?.assumingMemoryBound(to: Source.self) else { return 0 }
            let start = source.pointee.offset
            let length = min(item * count, source.pointee.message.count - start)
            source.pointee.message.withUnsafeBytes { bytes in
                if length > 0, let base = bytes.baseAddress { memcpy(buffer, base + start, length) }
            }
            source.pointee.offset += length
            return length
        }
    }
}
