extension MailMessage {
    /// The mail with the link that sets a new password, in the account's language: Chinese or English.
    ///
    /// It greets nobody by name: strangers choose their names, and mail programs make links of names like `evil.example`.
    ///
    /// - Parameter minutes: how long the link is good.
    package static func passwordReset(
        to recipient: String, language: String, link: String, minutes: Int64
    ) -> MailMessage {
        language.lowercased().hasPrefix("en")
            ? mail(
                recipient, subject: "Reset your password", language: "en", link: link, button: "Set a new password",
                lines: [
                    "Hello,",
                    "somebody asked to reset the password of your account. To set a new one, open this link "
                        + "within \(minutes) minutes:",
                    "If it was not you, ignore this mail: your password stays as it is.",
                ])
            : mail(
                recipient, subject: "重置您的密码", language: "zh", link: link, button: "设置新密码",
                lines: [
                    "您好：",
                    "我们收到了重置您账户密码的请求。请在\(minutes)分钟内打开以下链接设置新密码：",
                    "如果这不是您本人的操作，请忽略此邮件，您的密码不会改变。",
                ])
    }

    static func mail(
        _ recipient: String, subject: String, language: String, link: String, button: String, lines: [String]
    ) -> MailMessage {
        let paragraphs = lines.map { "<p>\(escaped($0))</p>" }
        let html = """
            <!doctype html>
            <html lang="\(language)"><head><meta charset="utf-8"><title>\(escaped(subject))</title></head><body>
            \(paragraphs[0])
            \(paragraphs[1])
            <p><a href="\(escaped(link))">\(escaped(button))</a></p>
            <p>\(escaped(link))</p>
            \(paragraphs[2])
            </body></html>
            """
        let text = "\(lines[0])\n\n\(lines[1])\n\n\(link)\n\n\(lines[2])\n"
        return MailMessage(recipient: recipient, subject: subject, text: text, html: html)
    }

    /// By scalars: with a combining mark behind it, `<` is another Character and still begins a tag.
    private static func escaped(_ text: String) -> String {
        text.unicodeScalars.reduce(into: "") { result, scalar in
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            default: result.unicodeScalars.append(scalar)
            }
        }
    }
}
