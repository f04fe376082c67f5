import Accounts
import HTTP
import JSON

/// Contract 3: roles, login with a role, and a session cookie as Django has it.
package let roleSession = Contract(
    name: "role-session",
    title: "Roles, login with a role; session cookie",
    policy: Policy(
        contract: 3,
        renewal: .cookie(life: 14 * 86_400),
        passwords: PasswordRules(shortest: 8, refusesCommon: true, refusesNumeric: true)),
    encodings: [.json, .form, .multipart],
    words: words,
    owns: { $0.hasPrefix("/api/user/") },
    answer: answer,
    nginxError: .text(key: "message"),
    routes: [
        .open(
            .post, "/api/user/register/", "1. 用户注册", on: .passwords, failure: "注册失败",
            takes: [
                .required(.username, "username", "example"), .required(.email, "email", "example@example.com"),
                .required(.password, "password", "example-pass-1"),
                .compared(.confirmation, "password2", "example-pass-1"),
            ],
            gives: .created(["message": "用户注册成功", "user": user])
        ) { context, accounts throws(AccountsError) in
            try accounts.register(Registration(context), by: context.policy)
        },
        .open(
            .post, "/api/user/login/", "2. 用户登录", on: .passwords, failure: "登录失败",
            takes: [
                .compared(.username, "username", "example"), .compared(.password, "password", "example-pass-1"),
                .compared(.role, "role", "student"),
            ],
            gives: .ok(["message": "登录成功", "user": user.of(\.account)])
                .settingCookie({ ($0.cookie ?? "", $0.life) }, opensSession: true),
            refuses: [.wrongCredentials, .locked(retryAfter: 900)]
        ) { context, accounts throws(AccountsError) in
            try accounts.signIn(SignIn(context), by: context.policy)
        },
        .signedIn(
            .get, "/api/user/list/", "3. 获取用户列表", on: .lists, failure: "查询失败",
            query: [
                .optional(.role, "role", "student"), .optional(.limit, "limit", 100), .optional(.after, "after", 0),
            ],
            gives: .pages(of: shownUser("user1")), refuses: [.forbidden]
        ) { context, me, accounts throws(AccountsError) in
            let query = ListQuery(role: context[.role], limit: context[.limit], after: context[.after])
            return try accounts.list(query, for: me.account)
        },
        update(.put),
        update(.patch),
        .signedIn(
            .post, "/api/user/change-password/", "5. 修改密码", on: .passwords, failure: "密码修改失败",
            takes: [
                .compared(.currentPassword, "current_password", "example-pass-1"),
                .required(.newPassword, "new_password", "example-pass-2"),
                .compared(.newConfirmation, "confirm_password", "example-pass-2"),
            ],
            gives: .ok(message("密码修改成功")), refuses: [.locked(retryAfter: 900)], servesBeforeChange: true
        ) { context, me, accounts throws(AccountsError) in
            try accounts.changePassword(of: me, PasswordChange(context), by: context.policy)
        },
        // The document forgot these two; its clients need them.
        .reading("/api/user/me/", "获取当前用户信息", failure: "查询失败", gives: .ok(user)),
        .signedIn(
            .post, "/api/user/logout/", "用户登出", failure: "登出失败",
            gives: .ok(message("登出成功")).settingCookie({ ("", 0) }, opensSession: false), servesBeforeChange: true
        ) { _, me, accounts throws(AccountsError) in
            try accounts.signOut(me)
        },
    ],
    slashIsOptional: { _ in true })

// MARK: What it shows

private func update(_ method: Method) -> Route {
    .updating(
        method, "/api/user/update/", "4. 更新用户信息", failure: "更新失败",
        takes: [
            .optional(.username, "username", "new_username"), .optional(.email, "email", "new_email@example.com"),
        ],
        gives: .ok(["message": "个人信息更新成功", "user": shownUser("new_username")])
    ) { context in
        ProfileChange(username: context[.username], email: context[.email])
    }
}

private let user = shownUser("example")

/// - Parameter name: what stands in the document's example.
private func shownUser(_ name: String) -> Shape<Account> {
    ["id": .id, "username": .username(name), "email": .email("\(name)@example.com"), "role": .role]
}

extension Success where Outcome == AccountPages {
    /// The array, written while it is read; `Link` leads on where a limit cut it.
    fileprivate static func pages(of account: Shape<Account>) -> Success {
        let shape = Shape<AccountPages>(
            schema: ["type": "array", "items": account.schema], example: [account.example]
        ) { _, _, _ in }
        return Success(
            status: 200, shape: shape,
            headers: [("Link", "Where a limit cut the list, the rest of it: `<…?limit=100&after=100>; rel=\"next\"`.")]
        ) { list, context in
            var reply = Reply(200)
            if let next = list.next {
                reply = reply.withNext(
                    in: context,
                    [("role", list.role?.rawValue), ("limit", list.limit.map { "\($0)" }), ("after", "\(next)")])
            }
            let request = context.request
            reply.stream = { write in
                var piece: [UInt8] = [UInt8(ascii: "[")]
                var isFirst = true
                do throws(AccountsError) {
                    while let next = try list.nextAccount() {
                        if !isFirst { piece.append(UInt8(ascii: ",")) }
                        isFirst = false
                        account.write(next, request, &piece)
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
    }
}

// MARK: Its words

@Sendable private func answer(_ failure: Failure, _ here: FailureContext) -> Reply {
    switch failure {
    case .refused(let refusal):
        switch refusal {
        case .invalid(let violations): return invalid(here.errors(violations), here)
        case .notAuthenticated, .badToken, .staleToken:
            return message(401, ChineseWords.notAuthenticated).with("WWW-Authenticate", "Bearer")
        case .wrongCredentials, .inactive, .notFound, .badRefreshToken, .foreignRefreshToken, .badResetToken:
            return message(401, "用户名或密码错误")
        case .forbidden: return message(403, ChineseWords.forbidden)
        case .passwordChangeRequired: return message(403, ChineseWords.passwordChangeRequired)
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
private func invalid(_ errors: JSON.Object, _ here: FailureContext) -> Reply {
    let head: JSON.Object = ["message": .string(here.head), "errors": .object(errors)]
    return Reply(400, .object(JSON.Object(head.members + errors.members)))
}

private func message(_ status: Int, _ text: String) -> Reply {
    Reply(status, ["message": .string(text)])
}

@Sendable private func words(_ violation: Violation) -> String {
    switch (violation.field, violation.rule) {
    case (.password, .tooShort(let min)), (.newPassword, .tooShort(let min)):
        "密码太短。密码长度必须至少为\(min)个字符。"
    default: chineseWords(violation)
    }
}
