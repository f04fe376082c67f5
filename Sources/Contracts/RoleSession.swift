import Accounts
import HTTP
import JSON

/// Contract 3: roles, login with a role, and a session cookie as Django has it.
package let roleSession = Contract(
    name: "role-session",
    policy: Policy(
        contract: 3,
        renewal: .cookie(life: 14 * 86_400),
        passwords: PasswordRules(shortest: 8, refusesCommon: true, refusesNumeric: true)),
    encodings: [.json, .form, .multipart],
    fieldName: { $0.field == .currentPassword ? "current_password" : $0.field.usualName },
    words: words,
    owns: { $0.hasPrefix("/api/user/") },
    answer: answer,
    routes: [
        // 1. 用户注册
        .open(.post, "/api/user/register/", .passwords, failure: "注册失败") { call throws(AccountsError) in
            let account = try call.accounts.register(
                Registration(
                    username: call.entry("username"), email: call.entry("email"), password: call.entry("password"),
                    confirmation: call.entry("password2")),
                by: call.policy)
            return .created(["message": "用户注册成功", "user": user(account)])
        },

        // 2. 用户登录
        .open(.post, "/api/user/login/", .passwords, failure: "登录失败", setsCookie: true) { call throws(AccountsError) in
            let form = SignIn(
                name: call.entry("username"), password: call.entry("password"), role: call.entry("role"),
                replacedCookies: call.cookies)
            let new = try call.accounts.signIn(form, by: call.policy)
            let reply = Reply.ok(["message": "登录成功", "user": user(new.account)])
            return try call.settingCookie(new.cookie ?? "", life: new.life, in: reply)
        },

        // 3. 获取用户列表
        .signedIn(.get, "/api/user/list/", .lists, failure: "查询失败") { call, me throws(AccountsError) in
            let list = try call.accounts.list(
                ListQuery(
                    role: call.parameter("role"), limit: call.parameter("limit"), after: call.parameter("after")),
                for: me.account)
            return stream(list, call)
        },

        // 4. 更新用户信息
        .signedIn(.put, "/api/user/update/", failure: "更新失败", handle: update),
        .signedIn(.patch, "/api/user/update/", failure: "更新失败", handle: update),

        // 5. 修改密码
        .signedIn(.post, "/api/user/change-password/", .passwords, failure: "密码修改失败") {
            call, me throws(AccountsError) in
            let form = PasswordChange(
                current: call.entry("current_password"), new: call.entry("new_password"),
                confirmation: call.entry("confirm_password"))
            try call.accounts.changePassword(of: me, form, by: call.policy)
            return .ok(["message": "密码修改成功"])
        },

        // The document forgot these two; its clients need them.
        .reading("/api/user/me/", failure: "查询失败") { _, me in .ok(user(me.account)) },
        .signedIn(.post, "/api/user/logout/", failure: "登出失败", takesFields: false) { call, me throws(AccountsError) in
            try call.accounts.signOut(me)
            return try call.settingCookie("", life: 0, in: .ok(["message": "登出成功"]))
        },
    ],
    slashIsOptional: { _ in true })

// MARK: What it shows

@Sendable private func update(_ call: Call, _ me: Caller) throws(AccountsError) -> Reply {
    let change = ProfileChange(username: call.entry("username"), email: call.entry("email"))
    let account = try call.accounts.updateProfile(of: me, change, by: call.policy)
    return .ok(["message": "个人信息更新成功", "user": user(account)])
}

private func user(_ account: Account) -> JSON {
    [
        "id": .integer(Int64(account.id)),
        "username": .string(account.username),
        "email": .string(account.email),
        "role": .string(account.role.rawValue),
    ]
}

/// The array, written while it is read; `Link` leads on where a limit cut it (RFC 8288): with what was checked of the
/// query, never with what was sent.
private func stream(_ list: AccountPages, _ call: Call) -> Reply {
    var reply = Reply(200)
    if let next = list.next {
        let parameters = [
            ("role", list.role?.rawValue), ("limit", list.limit.map { "\($0)" }), ("after", "\(next)"),
        ]
        let query = URLEncoded.query(
            parameters.compactMap { name, value in value.map { FormField(name: name, value: $0) } })
        reply = reply.with("Link", "<\(call.request.origin)\(call.route.path)?\(query)>; rel=\"next\"")
    }
    reply.stream = { write in
        var piece: [UInt8] = [UInt8(ascii: "[")]
        var isFirst = true
        do throws(AccountsError) {
            while let account = try list.nextAccount() {
                if !isFirst { piece.append(UInt8(ascii: ",")) }
                isFirst = false
                user(account).write(to: &piece)
                if piece.count >= 16_384 {
                    guard write(piece) else { return false }
                    piece.removeAll(keepingCapacity: true)
                }
            }
        } catch {
            return false
        }
        piece.append(UInt8(ascii: "]"))
        return write(piece)
    }
    return reply
}

// MARK: Its words

@Sendable private func answer(_ failure: Failure, _ here: Circumstances) -> Reply {
    switch failure {
    case .refused(let refusal):
        switch refusal {
        case .invalid(let violations): return invalid(here.errors(violations), here)
        case .notAuthenticated, .badToken, .staleToken:
            return message(401, ChineseWords.notAuthenticated).with("WWW-Authenticate", "Bearer")
        case .wrongCredentials, .inactive, .unknownAccount, .badRefreshToken, .foreignRefreshToken, .badResetToken:
            return message(401, "用户名或密码错误")
        case .forbidden: return message(403, ChineseWords.forbidden)
        case .locked: return message(429, ChineseWords.locked)
        case .unavailable: return message(503, ChineseWords.unavailable)
        }
    case .malformed, .notJSON, .notAnObject:
        return invalid(["non_field_errors": [.string(ChineseWords.malformed)]], here)
    case .unsupportedMediaType: return message(415, ChineseWords.unsupportedMediaType)
    case .tooLarge: return message(413, ChineseWords.tooLarge)
    case .notFound: return message(404, ChineseWords.notFound)
    case .methodNotAllowed(let method, _): return message(405, ChineseWords.methodNotAllowed(method))
    case .crossOrigin: return message(403, ChineseWords.crossOrigin)
    case .invalidHost: return message(400, ChineseWords.invalidHost)
    case .busy: return message(503, ChineseWords.unavailable)
    case .internalError(let id): return message(500, ChineseWords.internalError(id))
    }
}

/// The document shows the bare map here and `{"message", "errors"}` there: both at once.
private func invalid(_ errors: JSON.Object, _ here: Circumstances) -> Reply {
    let head: JSON.Object = ["message": .string(here.head), "errors": .object(errors)]
    return Reply(400, .object(JSON.Object(head.members + errors.members)))
}

private func message(_ status: Int, _ text: String) -> Reply {
    Reply(status, ["message": .string(text)])
}

@Sendable private func words(_ violation: Violation) -> String {
    switch (violation.field, violation.rule) {
    case (.password, .tooShort(let least)), (.newPassword, .tooShort(let least)):
        "密码太短。密码长度必须至少为\(least)个字符。"
    default: chineseWords(violation)
    }
}
