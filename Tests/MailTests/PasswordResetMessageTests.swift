import Testing

@testable import Mail

/// What the mail with the link says.
struct PasswordResetMessageTests {
    private static let link = "https://school.example/reset-password#token=abc"

    @Test func `in Chinese the text is this`() {
        let message = message("zh")

        #expect(message.subject == "重置您的密码")
        #expect(
            message.text == """
                您好：

                我们收到了重置您账户密码的请求。请在30分钟内打开以下链接设置新密码：

                https://school.example/reset-password#token=abc

                如果这不是您本人的操作，请忽略此邮件，您的密码不会改变。

                """)
    }

    @Test func `in English the text is this`() {
        let message = message("en")

        #expect(message.subject == "Reset your password")
        #expect(
            message.text == """
                Hello,

                somebody asked to reset the password of your account. To set a new one, open this link within 30 minutes:

                https://school.example/reset-password#token=abc

                If it was not you, ignore this mail: your password stays as it is.

                """)
    }

    @Test(arguments: [("en", true), ("EN-us", true), ("en_GB", true), ("zh", false), ("zh-Hant", false), ("", false)])
    func `English is for those who have chosen it, Chinese for all others`(language: String, isEnglish: Bool) {
        #expect((message(language).subject == "Reset your password") == isEnglish)
    }

    @Test func `the HTML links where the text does`() {
        let html = message("en").html

        #expect(html.contains(#"<a href="https://school.example/reset-password#token=abc">Set a new password</a>"#))
        #expect(html.contains("<p>https://school.example/reset-password#token=abc</p>"))
    }

    @Test(arguments: ["<img", "<link", "<script", "url("])
    func `the HTML loads nothing from anywhere`(tag: String) {
        #expect(!message("en").html.contains(tag))
    }

    @Test(arguments: ["zh", "en"])
    func `but for the link there is nothing that a mail program makes a link of`(language: String) {
        let message = message(language)

        let rest = message.text.replacing(Self.link, with: "")
        #expect(!rest.contains(/[\w@]\.\w|@|:\/\/|www/))
        #expect(message.subject.contains(".") == false)
    }

    private func message(_ language: String) -> MailMessage {
        .passwordReset(to: "alice@example.com", language: language, link: Self.link, minutes: 30)
    }
}
