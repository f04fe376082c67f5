extension MailMessage {
    /// The mail with the link that proves an address, in the account's language: Chinese or English. Nothing in it is of
    /// anybody's choosing.
    ///
    /// - Parameter days: how long the link is good.
    package static func emailVerification(
        to recipient: String, language: String, link: String, days: Int64
    ) -> MailMessage {
        language.lowercased().hasPrefix("en")
            ? mail(
                recipient, subject: "Confirm your email address", language: "en", link: link,
                button: "Confirm my email address",
                lines: [
                    "Hello,",
                    "an account was registered with this address, or changed to it. To confirm that it is yours, open this "
                        + "link within \(days) days:",
                    "If you have no such account, ignore this mail: without the link nothing is confirmed.",
                ])
            : mail(
                recipient, subject: "请确认您的邮箱地址", language: "zh", link: link, button: "确认我的邮箱地址",
                lines: [
                    "您好：",
                    "有账户使用此邮箱地址注册，或将邮箱地址改为此地址。如果是您本人的操作，请在\(days)天内打开以下链接进行确认：",
                    "如果您没有这样的账户，请忽略此邮件，此地址不会被确认。",
                ])
    }
}
