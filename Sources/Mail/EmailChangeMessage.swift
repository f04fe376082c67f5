extension MailMessage {
    /// The mail that tells an address that it is no longer its account's, with the link that takes that back; in the account's
    /// language: Chinese or English. Nothing in it is of anybody's choosing.
    ///
    /// - Parameter hours: how long the link is good.
    package static func emailChanged(to recipient: String, language: String, link: String, hours: Int64) -> MailMessage
    {
        language.lowercased().hasPrefix("en")
            ? mail(
                recipient, subject: "Your email address was changed", language: "en", link: link,
                button: "Give me my address back",
                lines: [
                    "Hello,",
                    "the email address of your account was changed, and this one is no longer in use. If that was not you, "
                        + "open this link within \(hours) hours to get your account back under this address:",
                    "It also signs out everybody, and you are sent a link to set a new password. If it was you, ignore this mail.",
                ])
            : mail(
                recipient, subject: "您的邮箱地址已更改", language: "zh", link: link, button: "恢复我的邮箱地址",
                lines: [
                    "您好：",
                    "您账户的邮箱地址已更改，此地址不再使用。如果这不是您本人的操作，请在\(hours)小时内打开以下链接，恢复使用此地址：",
                    "恢复后所有设备都会退出登录，您会收到设置新密码的链接。如果这是您本人的操作，请忽略此邮件。",
                ])
    }
}
