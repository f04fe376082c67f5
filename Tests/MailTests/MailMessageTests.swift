import Foundation
import Testing

@testable import Mail

/// The message as it goes over the wire. (RFC 5322, RFC 2045 to 2047)
struct MailMessageTests {
    private static let id = "0123456789abcdef0123456789abcdef"
    private static let message = MailMessage(
        recipient: "alice@example.com", subject: "重置您的密码",
        text: String(repeating: "一行文字，比七十六个字符长。", count: 12) + "\n.\nEnd", html: "<p>设置新密码</p>")

    @Test func `Python finds nothing against the standards`() throws {
        #expect(try Self.parsed.get().defects == "")
    }

    @Test func `the headers are these`() throws {
        let mail = try Self.parsed.get()

        #expect(
            mail.headers == [
                "Date": "Fri, 20 Nov 2026 14:00:00 +0000",
                "From": "Homeroom <no-reply@school.example>",
                "To": "alice@example.com",
                "Subject": "重置您的密码",
                "Message-ID": "<\(Self.id)@school.example>",
                "Auto-Submitted": "auto-generated",
                "MIME-Version": "1.0",
                "Content-Type": "multipart/alternative; boundary=\"\(Self.id)\"",
            ])
    }

    @Test func `the parts are text, then HTML, both UTF-8 in base64`() throws {
        let mail = try Self.parsed.get()

        #expect(mail.types == ["text/plain", "text/html"])
        #expect(mail.charsets == ["utf-8", "utf-8"])
        #expect(mail.encodings == ["base64", "base64"])
    }

    @Test func `the parts hold what the message holds`() throws {
        let mail = try Self.parsed.get()

        #expect(mail.contents == [Self.message.text, Self.message.html])
    }

    @Test func `the subject is one encoded word`() {
        let lines = text(Self.message).components(separatedBy: "\r\n")

        #expect(lines.contains("Subject: =?UTF-8?B?6YeN572u5oKo55qE5a+G56CB?="))
    }

    @Test func `every line ends with CRLF, and nothing else is a line end`() {
        let bytes = Self.bytes(of: Self.message)

        let returns = bytes.indices.filter { bytes[$0] == 0x0D }
        let feeds = bytes.indices.filter { bytes[$0] == 0x0A }
        #expect(returns.map { $0 + 1 } == feeds)
        #expect(bytes.suffix(2) == [0x0D, 0x0A])
    }

    @Test func `base64 has lines of at most 76 bytes, and several of them`() {
        let lines = text(Self.message).components(separatedBy: "\r\n").filter { $0.count > 60 && !$0.contains(" ") }

        #expect(lines.count > 5)
        #expect(lines.allSatisfy { $0.utf8.count <= 76 })
    }

    @Test(arguments: [1, 100, 10_000])
    func `no line is longer than 998 bytes`(length: Int) {
        let content = String(repeating: "长", count: length)
        let long = MailMessage(
            recipient: String(repeating: "a", count: 64) + "@" + String(repeating: "b.", count: 93) + "test",
            subject: "重置您的密码", text: content, html: content)

        let longest = text(long).components(separatedBy: "\r\n").map(\.utf8.count).max() ?? 0
        #expect(longest <= 998)
    }

    @Test func `no line of a part is the boundary`() {
        let tricky = MailMessage(
            recipient: "a@example.com", subject: "s", text: "--\(Self.id)--\r\nx", html: "--\(Self.id)")

        let lines = text(tricky).components(separatedBy: "\r\n").filter { $0.hasPrefix("--") }
        #expect(lines == ["--\(Self.id)", "--\(Self.id)", "--\(Self.id)--"])
    }

    // MARK: Domains in other scripts

    @Test(arguments: [
        ("x@München.de", "x@xn--mnchen-3ya.de"), ("x@xn--mnchen-3ya.de", "x@xn--mnchen-3ya.de"),
        ("用户@例子.广告", "用户@xn--fsqu00a.xn--4rr70v"), ("x@Example.COM", "x@example.com"),
    ])
    func `the domain of the recipient is in A-labels`(address: String, sent: String) {
        let lines = text(MailMessage(recipient: address, subject: "s", text: "t", html: "h")).components(
            separatedBy: "\r\n")

        #expect(lines.contains("To: \(sent)"))
    }

    // MARK: What could begin a header

    @Test(arguments: [
        "\r\nBcc: v@example.com", "\nBcc: v@example.com", "\rBcc: v@example.com", "\u{0}", "\r\n\r\nBody",
    ])
    func `nothing in the recipient begins a header or the body`(tail: String) throws {
        let message = MailMessage(recipient: "alice@example.com" + tail, subject: "s", text: "t", html: "h")

        let mail = try ParsedMail(Self.bytes(of: message))

        #expect(mail.headers["Bcc"] == nil)
        #expect(mail.headers.count == 8)
        #expect(mail.contents == ["t", "h"])
    }

    @Test(arguments: ["s\r\nBcc: v@example.com", "s\nBcc: v@example.com", "s\r\n\r\nBody"])
    func `nothing in the subject begins a header or the body`(subject: String) {
        let message = MailMessage(recipient: "alice@example.com", subject: subject, text: "t", html: "h")

        let lines = text(message).components(separatedBy: "\r\n")

        #expect(lines.filter { $0.hasPrefix("Subject: ") }.count == 1)
        #expect(!lines.contains { $0.hasPrefix("Bcc") })
        #expect(lines.firstIndex(of: "") == 8)
    }

    @Test func `nothing in the sender begins a header`() throws {
        let bytes = Self.message.bytes(
            from: "Homeroom <no-reply@school.example>\r\nBcc: v@example.com", seconds: 0, id: Self.id)

        #expect(try ParsedMail(bytes).headers["Bcc"] == nil)
    }

    @Test(arguments: ["no-reply@school.example", "Homeroom <no-reply@school.example>"])
    func `the message's id has the sender's domain`(sender: String) throws {
        let bytes = Self.message.bytes(from: sender, seconds: 0, id: Self.id)

        #expect(try ParsedMail(bytes).headers["Message-ID"] == "<0123456789abcdef0123456789abcdef@school.example>")
    }

    @Test func `a sender's name in Chinese is an encoded word`() throws {
        let bytes = Self.message.bytes(from: "实验学校 <no-reply@school.example>", seconds: 0, id: Self.id)

        let mail = try ParsedMail(bytes)

        #expect(mail.headers["From"] == "实验学校 <no-reply@school.example>")
        #expect(bytes.allSatisfy { $0 < 0x80 })
    }

    @Test func `no encoded word is longer than 75 bytes`() {
        let message = MailMessage(
            recipient: "a@b.test", subject: String(repeating: "重置您的密码", count: 20), text: "t", html: "h")

        let subject = text(message).components(separatedBy: "\r\n").first { $0.hasPrefix("Subject: ") } ?? ""

        #expect(subject.dropFirst(9).split(separator: " ").allSatisfy { $0.utf8.count <= 75 })
        #expect(subject.dropFirst(9).split(separator: " ").count == 8)
    }

    @Test(arguments: [
        (0, "Thu, 01 Jan 1970 00:00:00 +0000"), (1_798_675_200, "Thu, 31 Dec 2026 00:00:00 +0000"),
        (1_709_164_800, "Thu, 29 Feb 2024 00:00:00 +0000"),
    ])
    func `the date is UTC in English`(seconds: Int64, date: String) throws {
        let mail = try ParsedMail(Self.message.bytes(from: "a@b.test", seconds: seconds, id: Self.id))

        #expect(mail.headers["Date"] == date)
    }

    private static let parsed = Result { try ParsedMail(bytes(of: message)) }

    private static func bytes(of message: MailMessage) -> [UInt8] {
        message.bytes(from: "Homeroom <no-reply@school.example>", seconds: 1_795_183_200, id: id)
    }

    private func text(_ message: MailMessage) -> String {
        String(decoding: Self.bytes(of: message), as: UTF8.self)
    }
}
