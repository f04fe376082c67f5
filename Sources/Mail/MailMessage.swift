import Foundation
import System

/// A mail with the same content as text and as HTML.
package struct MailMessage: Sendable {
    /// The address, with its domain as it was typed.
    package let recipient: String
    /// One line, in any script.
    package let subject: String
    /// The content as plain text.
    package let text: String
    /// The content as a whole HTML document.
    package let html: String

    /// Nothing is escaped: `html` must be safe as it is.
    package init(recipient: String, subject: String, text: String, html: String) {
        self.recipient = recipient
        self.subject = subject
        self.text = text
        self.html = html
    }

    /// The message as it goes over the wire, lines ended by CRLF. (RFC 5322, RFC 2046 §5.1.4)
    ///
    /// - Parameters:
    ///   - seconds: since 1970, for `Date`.
    ///   - id: the left part of `Message-ID`, also the boundary: letters and digits only.
    package func bytes(from sender: String, seconds: Int64, id: String) -> [UInt8] {
        let domain = sender.split(separator: "@").last.map { $0.prefix { $0 != ">" } } ?? "localhost"
        let lines = [
            "Date: \(MailMessage.date(seconds))",
            "From: \(MailMessage.mailbox(MailMessage.oneLine(sender)))",
            "To: \(MailMessage.oneLine(MailAddress.sent(recipient)))",
            "Subject: \(MailMessage.encodedWords(subject))",
            "Message-ID: <\(id)@\(MailMessage.oneLine(String(domain)))>",
            // RFC 3834 §5: no robot is to answer.
            "Auto-Submitted: auto-generated",
            "MIME-Version: 1.0",
            "Content-Type: multipart/alternative; boundary=\"\(id)\"",
            "",
            "--\(id)",
        ]
        let parts =
            MailMessage.part("text/plain", text) + ["--\(id)"] + MailMessage.part("text/html", html) + [
                "--\(id)--", "",
            ]
        return Array((lines + parts).joined(separator: "\r\n").utf8)
    }

    private static func part(_ type: String, _ content: String) -> [String] {
        let encoded = Data(content.utf8).base64EncodedString(options: [
            .lineLength76Characters, .endLineWithCarriageReturn, .endLineWithLineFeed,
        ])
        return ["Content-Type: \(type); charset=utf-8", "Content-Transfer-Encoding: base64", "", encoded]
    }

    /// An address has been checked before; a line break here would still begin a new header.
    private static func oneLine(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F }))
    }

    /// `Homeroom <no-reply@school.example>`, with a name that is not ASCII as encoded words.
    private static func mailbox(_ sender: String) -> String {
        guard let start = sender.lastIndex(of: "<"), !sender[..<start].utf8.allSatisfy({ $0 < 0x80 }) else {
            return sender
        }
        let name = sender[..<start].trimmingCharacters(in: CharacterSet(charactersIn: " \""))
        return "\(encodedWords(name)) \(sender[start...])"
    }

    /// `=?UTF-8?B?…?= =?UTF-8?B?…?=`: each of at most 75 bytes and of whole characters. (RFC 2047 §2, §5)
    private static func encodedWords(_ text: String) -> String {
        var pieces = [""]
        for scalar in text.unicodeScalars {
            if pieces[pieces.count - 1].utf8.count + UTF8.width(scalar) > 45 { pieces.append("") }
            pieces[pieces.count - 1].unicodeScalars.append(scalar)
        }
        return pieces.map { "=?UTF-8?B?\(Data($0.utf8).base64EncodedString())?=" }.joined(separator: " ")
    }

    /// `Fri, 20 Nov 2026 14:00:00 +0000`, RFC 5322 §3.3.
    private static func date(_ seconds: Int64) -> String {
        let time = CivilTime(microseconds: seconds * 1_000_000)
        func padded(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }
        let (weekday, month) = (weekdays[Int(time.weekday)], months[Int(time.month) - 1])
        let clock = [time.hour, time.minute, time.second].map(padded).joined(separator: ":")
        return "\(weekday), \(padded(time.day)) \(month) \(time.year) \(clock) +0000"
    }

    private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
}
