import Accounts
import Contracts
import Glibc
import JSON
import System

/// `homeroom user export NAME --archive FILE`: everything that is stored of one person, in a ZIP file: a page to read, the
/// same as JSON, and the pictures.
struct PersonArchive {
    let data: PersonalData
    let madeAt: Instant

    var bytes: [UInt8] {
        var archive = ZipArchive(at: madeAt.seconds)
        archive.add("index.html", Array(page.utf8))
        archive.add("data.json", json.bytes + [UInt8(ascii: "\n")])
        for picture in data.pictures { archive.add("pictures/avatar\(picture.name)", picture.bytes) }
        return archive.bytes
    }

    private var account: JSON.Object { UserCommand.object(data.account, AccountColumn.all) }

    /// `{"made_at": "…", "account": {…}, "sessions": […], …}`
    private var json: JSON {
        var object: JSON.Object = [
            "made_at": .string(madeAt.withMicroseconds), "account": .object(account),
        ]
        for (kind, records) in data.records {
            object.members.append(.init(name: kind.rawValue, value: .array(records.map { .object(Self.object($0)) })))
        }
        return .object(object)
    }

    private static func object(_ record: PersonalData.Record) -> JSON.Object {
        JSON.Object(
            record.map { name, value in
                let json: JSON =
                    switch value {
                    case .text(let text): .string(text)
                    case .number(let number): .integer(number)
                    case .flag(let flag): .bool(flag)
                    case .time(let time): .string(time.withMicroseconds)
                    case .times(let times): .array(times.map { .string($0.withMicroseconds) })
                    case .nothing: .null
                    }
                return .init(name: name, value: json)
            })
    }

    // MARK: The page

    private var page: String {
        let pictures = data.pictures.map { "<img src=\"pictures/avatar\($0.name)\" alt=\"\">" }.joined(separator: " ")
        let sections = data.records.map { kind, records in
            let tables = records.map { Self.table(Self.object($0)) }.joined()
            return "<h2>\(Self.heading(kind))</h2>\n\(tables.isEmpty ? "<p>没有 · none</p>\n" : tables)"
        }
        return """
            <!doctype html>
            <html lang="zh">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>\(Self.escaped(data.account.username)) · Homeroom</title>
            <style>
            body { font: 16px/1.5 system-ui, sans-serif; max-width: 50rem; margin: 2rem auto; padding: 0 1rem; }
            table { border-collapse: collapse; width: 100%; margin: 0 0 1.5rem; }
            th, td { border: 1px solid #ccc; padding: 0.3rem 0.6rem; text-align: left; vertical-align: top; }
            th { width: 19rem; font-weight: normal; color: #444; background: #f6f6f6; }
            td { white-space: pre-wrap; overflow-wrap: anywhere; }
            img { max-width: 100%; border: 1px solid #ccc; }
            </style>
            </head>
            <body>
            <h1>个人数据 · Personal data</h1>
            <p>本系统所保存的关于您的全部数据，生成于 \(Self.time(madeAt.withMicroseconds))。时间均为协调世界时（UTC）。data.json 中有同样的内容，供程序读取。</p>
            <p lang="en">All that this system stores about you, as of \(Self.time(madeAt.withMicroseconds)). Times are UTC. \
            data.json has the same for programs.</p>
            <p>不包含：密码以及会话和邮件链接的密钥（系统只保存其散列值），以及服务日志；在日志中您的账户只以编号 \(data.account.id) 出现。</p>
            <p lang="en">Not in here: the password and the keys of sessions and mailed links, of which only hashes are \
            stored; and the service's log, in which your account is only its number, \(data.account.id).</p>
            <h2>账户 · Account</h2>
            \(Self.table(account))<h2>头像 · Picture</h2>
            <p>\(pictures.isEmpty ? "没有 · none" : pictures)</p>
            \(sections.joined())</body>
            </html>

            """
    }

    private static func table(_ object: JSON.Object) -> String {
        let rows = object.members.map { "<tr><th>\(label($0.name))</th><td>\(text($0.value, of: $0.name))</td></tr>\n" }
        return "<table>\n\(rows.joined())</table>\n"
    }

    private static func text(_ value: JSON, of name: String) -> String {
        switch value {
        case .null: "—"
        case .bool(let flag): flag ? "是 · yes" : "否 · no"
        case .integer(let number): "\(number)"
        case .string(let text):
            name.hasSuffix("_at") || name.hasSuffix("_until") ? time(text) : "<bdi>\(escaped(text))</bdi>"
        case .array(let times): times.map { Self.text($0, of: "_at") }.joined(separator: "\n")
        case .double, .object: escaped(String(decoding: value.bytes, as: UTF8.self))
        }
    }

    /// `2025-07-26 07:42:39` of a time in RFC 3339.
    private static func time(_ text: String) -> String { escaped(String(text.prefix(19)).replacing("T", with: " ")) }

    /// A text that stands in HTML, also in an attribute.
    private static func escaped(_ text: String) -> String {
        text.reduce(into: "") { result, character in
            switch character {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            default: result.append(character)
            }
        }
    }

    private static func heading(_ kind: PersonalData.Kind) -> String {
        switch kind {
        case .sessions: "登录的设备 · Devices that are signed in"
        case .emailChanges: "曾用邮箱 · Earlier email addresses"
        case .mails: "邮件 · Mails"
        case .emailVerification: "邮箱验证 · Proof of the email address"
        case .links: "邮件中的链接 · Links in mails"
        case .failedLogins: "失败的登录 · Failed sign-ins"
        }
    }

    private static func label(_ name: String) -> String { labels[name] ?? escaped(name) }

    private static let labels = [
        "id": "编号 · Number", "username": "用户名 · Username", "email": "邮箱 · Email", "role": "角色 · Role",
        "status": "状态 · Status", "is_staff": "教职工 · Works for the school", "is_superuser": "管理员 · Administrator",
        "must_change_password": "必须修改密码 · Password must be changed", "full_name": "姓名 · Full name",
        "first_name": "名 · First name", "last_name": "姓 · Last name", "phone": "手机号 · Phone",
        "bio": "个人简介 · About", "avatar": "头像文件 · File of the picture", "login_count": "登录次数 · Sign-ins",
        "created_at": "创建时间 · Made", "updated_at": "更新时间 · Changed", "last_login_at": "上次登录 · Last sign-in",
        "is_email_verified": "邮箱已验证 · Email is proven", "is_phone_verified": "手机号已验证 · Phone is proven",
        "language": "语言 · Language", "timezone": "时区 · Time zone", "theme": "主题 · Theme",
        "contract": "登录接口 · Interface", "address": "登录地址 · Signed in from", "client": "程序 · Program",
        "used_at": "上次使用 · Last used", "expires_at": "到期时间 · Ends", "remembered": "保持登录 · Remembered",
        "is_alive": "有效 · Still good", "was_verified": "当时已验证 · Was proven",
        "undo_until": "可恢复至 · Can be had back until", "resets_until": "重置邮件发往此处至 · Gets mails that reset until",
        "due_at": "待发送 · To be sent", "attempts": "失败次数 · Failed attempts", "asked_at": "请求时间 · Asked for",
        "sent_at": "处理时间 · Dealt with", "mail_times": "最近的邮件 · Latest mails", "purpose": "用途 · For",
        "failures": "次数 · Number", "latest_at": "最近一次 · Latest", "locked_until": "锁定至 · Locked until",
        "failure_times": "时间 · Times",
    ]
}
