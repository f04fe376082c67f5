import Glibc
import Secrets
import System

/// One-time passwords, and the page with them to print and to cut: a slip for each person.
final class PasswordSlips {
    struct Slip: Sendable {
        let name: String
        /// nil where it is made from the email.
        let username: String?
        let email: String
        let password: String
    }

    private let path: String
    private let address: String
    private let descriptor: Int32

    /// What nobody takes for another: neither 0 and o nor 1 and l.
    private static let letters = Array("abcdefghijkmnpqrstuvwxyz23456789")

    /// 60 random bits as `k7mp-3xqa-h9tw`: ten guesses in a quarter of an hour find none of them.
    static func password(_ random: RandomSource) -> String {
        // 32 letters: five bits of a byte choose one, each as often as any other.
        let chosen = random.bytes(12).map { letters[Int($0 & 31)] }
        return stride(from: 0, to: 12, by: 4).map { String(chosen[$0..<$0 + 4]) }.joined(separator: "-")
    }

    /// Opens the file, which only we may read. What an import that was cut off has written there stays: nothing else has the
    /// passwords of those accounts.
    init(_ path: String, address: String?) throws(CommandError) {
        self.path = path
        self.address = address ?? ""
        descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw .refused("\(path): \(String(cString: strerror(errno)))") }
        guard fchmod(descriptor, 0o600) == 0 else { throw .refused("\(path): \(String(cString: strerror(errno)))") }
        if lseek(descriptor, 0, SEEK_END) == 0 { try append(PasswordSlips.head) }
    }

    deinit {
        // Nobody was given one.
        if lseek(descriptor, 0, SEEK_END) == off_t(PasswordSlips.head.utf8.count) { unlink(path) }
        close(descriptor)
    }

    /// Writes slips to the disk, before their accounts are there: a password that is on no slip would be lost. Answers with
    /// where they begin.
    func write(_ slips: [Slip]) throws(CommandError) -> off_t {
        let begin = lseek(descriptor, 0, SEEK_END)
        try append(slips.map(html).joined())
        guard fsync(descriptor) == 0 else { throw .refused("\(path): \(String(cString: strerror(errno)))") }
        return begin
    }

    /// Takes back what was written from there on.
    func takeBack(to begin: off_t) throws(CommandError) {
        guard ftruncate(descriptor, begin) == 0 else { throw .refused("\(path): \(String(cString: strerror(errno)))") }
    }

    private func html(_ slip: Slip) -> String {
        var rows = ""
        if !address.isEmpty { rows += row("网址", "Address", address) }
        if let username = slip.username { rows += row("用户名", "Username", username) }
        rows += row("邮箱", "Email", slip.email)
        rows += row("一次性密码", "One-time password", slip.password)
        return """
            <section><h2>\(PasswordSlips.escaped(slip.name))</h2><dl>\(rows)</dl>
            <p>首次登录时须更改密码。 The password must be changed at the first sign-in.</p></section>

            """
    }

    private func row(_ chinese: String, _ english: String, _ value: String) -> String {
        "<dt>\(chinese) <span lang=\"en\">\(english)</span></dt><dd>\(PasswordSlips.escaped(value))</dd>"
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
            .replacing("\"", with: "&quot;").replacing("'", with: "&#39;")
    }

    private func append(_ text: String) throws(CommandError) {
        do throws(SystemError) {
            try writeAll(Array(text.utf8), to: descriptor)
        } catch {
            throw .refused("\(path): \(error.reason)")
        }
    }

    // No end tags behind it: more may follow, and HTML needs none. (HTML §13.1.2.4)
    private static let head = """
        <!DOCTYPE html>
        <html lang="zh">
        <meta charset="utf-8">
        <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
        <meta name="robots" content="noindex">
        <title>一次性密码 One-time passwords</title>
        <style>
        body { font: 11pt/1.35 sans-serif; margin: 0; display: grid; grid-template-columns: 1fr 1fr }
        section { border: 1px dashed #777; padding: 5mm; break-inside: avoid; overflow-wrap: anywhere }
        h2 { font-size: 13pt; margin: 0 0 2mm; min-height: 1em; unicode-bidi: isolate }
        dl { margin: 0; display: grid; grid-template-columns: max-content 1fr; gap: .5mm 3mm }
        dt { color: #333 } dt span { font-size: 9pt } dd { margin: 0; font-family: monospace; font-size: 12pt; unicode-bidi: isolate }
        p { margin: 2mm 0 0; font-size: 9pt }
        @page { margin: 10mm }
        </style>

        """
}
