import Accounts

/// The names that other systems and spreadsheets have for columns of accounts, and the words they have in them.
enum ImportColumns {
    /// Besides those of `AccountColumn` and `password_hash`. What is compared has no upper case and `_` for blanks.
    private static let others: [String: String] = [
        "user_name": "username", "login": "username", "用户名": "username", "账号": "username", "帐号": "username",
        "email_address": "email", "e_mail": "email", "mail": "email", "邮箱": "email", "电子邮箱": "email", "邮件": "email",
        "name": "full_name", "fullname": "full_name", "姓名": "full_name", "全名": "full_name",
        "given_name": "first_name", "名": "first_name", "名字": "first_name",
        "surname": "last_name", "family_name": "last_name", "姓": "last_name", "姓氏": "last_name",
        "phone_number": "phone", "mobile": "phone", "手机号": "phone", "手机": "phone", "手机号码": "phone", "电话": "phone",
        "电话号码": "phone", "角色": "role", "身份": "role", "状态": "status", "简介": "bio", "个人简介": "bio", "头像": "avatar",
        "语言": "language", "时区": "timezone", "主题": "theme",
        "date_joined": "created_at", "注册时间": "created_at", "last_login": "last_login_at",
        "hashed_password": "password_hash", "密码哈希": "password_hash", "密码": "password",
    ]

    /// Those that are no column of an account's, and say one in another way.
    static let special: Set<String> = ["password_hash", "password", "is_active", "disabled"]

    /// What tells in a file of refused records why they were refused.
    static let refused: Set<String> = ["refused", "refused_line", "refused_because"]

    /// The name that we have for a column; nil where it is none of ours.
    static func name(_ other: String) -> String? {
        let plain = String(other.lowercased().trimmingWhitespace.map { $0 == " " || $0 == "-" ? "_" : $0 })
        if special.contains(plain) || AccountColumn.all.contains(where: { $0.name == plain }) { return plain }
        return others[plain]
    }

    /// The names of all columns, for whoever has one that is none.
    static var list: String {
        (AccountColumn.all.map(\.name) + special.sorted()).joined(separator: ", ")
    }

    /// A word of ours for one of a spreadsheet; itself where it is none.
    static func word(_ other: String) -> String {
        switch other.lowercased() {
        case "学生", "student": "student"
        case "导师", "mentor": "mentor"
        case "教师", "老师", "teacher": "teacher"
        case "正常", "启用", "active": "active"
        case "未激活", "inactive": "inactive"
        case "禁用", "停用", "disabled": "disabled"
        default: other
        }
    }

    /// nil for what is neither yes nor no.
    static func flag(_ text: String) -> Bool? {
        switch text.lowercased() {
        case "true", "t", "1", "yes", "y", "是": true
        case "false", "f", "0", "no", "n", "否": false
        default: nil
        }
    }
}

extension String {
    /// Without white space at both ends.
    var trimmingWhitespace: String {
        let scalars = unicodeScalars.drop { $0.properties.isWhitespace }
        let end = scalars.lastIndex { !$0.properties.isWhitespace }
        return end.map { String(scalars[...$0]) } ?? ""
    }
}
