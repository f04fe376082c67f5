import Testing

@testable import Mail

/// What the mail with the link says.
struct ResetLetterTests {
    private static let link = "https://school.example/reset-password#token=abc"

    @Test func `in Chinese the text is this`() {
        let letter = letter("zh")

        #expect(letter.subject == "重置您的密码")
        #expect(
            letter.text == """
                您好：

                我们收到了重置您账户密码的请求。请在30分钟内打开以下链接设置新密码：

                https://school.example/reset-password#token=abc

                如果这不是您本人的操作，请忽略此邮件，您的密码不会改变。

                """)
    }

    @Test func `in English the text is this`() {
        let letter = letter("en")

        #expect(letter.subject == "Reset your password")
        #expect(
            letter.text == """
                Hello,

                somebody asked to reset the password of your account. To set a new one, open this link within 30 minutes:

                https://school.example/reset-password#token=abc

                If it was not you, ignore this mail: your password stays as it is.

                """)
    }

    @Test(arguments: [("en", true), ("EN-us", true), ("en_GB", true), ("zh", false), ("zh-Hant", false), ("", false)])
    func `English is for those who have chosen it, Chinese for all others`(language: String, isEnglish: Bool) {
        #expect((letter(language).subject == "Reset your password") == isEnglish)
    }

    @Test func `the HTML links where the text does`() {
        let html = letter("en").html

        #expect(html.contains(#"<a href="https://school.example/reset-password#token=abc">Set a new password</a>"#))
        #expect(html.contains("<p>https://school.example/reset-password#token=abc</p>"))
    }

    @Test(arguments: ["<img", "<link", "<script", "url("])
    func `the HTML loads nothing from anywhere`(tag: String) {
        #expect(!letter("en").html.contains(tag))
    }

    @Test(arguments: ["zh", "en"])
    func `but for the link there is nothing that a mail program makes a link of`(language: String) {
        let letter = letter(language)

        let rest = letter.text.replacing(Self.link, with: "")
        #expect(!rest.contains(/[\w@]\.\w|@|:\/\/|www/))
        #expect(letter.subject.contains(".") == false)
    }

    private func letter(_ language: String) -> Letter {
        .passwordReset(to: "alice@example.com", language: language, link: Self.link, minutes: 30)
    }
}
