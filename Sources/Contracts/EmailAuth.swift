import Accounts
import HTTP
import JSON

/// Contract 2: registration and login by email with JWTs, field errors as a bare map.
package let emailAuth = Contract(
    name: "email-auth",
    policy: Policy(
        contract: 2,
        renewal: .pair(access: 3600, refresh: 86_400),
        passwords: PasswordRules(shortest: 6, refusesNumeric: true, dissimilarTo: [.username])),
    encodings: [.json, .form, .multipart],
    fieldName: { $0.field.usualName },
    words: words,
    owns: { $0.hasPrefix("/api/auth/") || $0.hasPrefix("/api/protected") },
    answer: answer,
    routes: [
        // 1. 用户注册
        .open(.post, "/api/auth/register/", .passwords) { call throws(AccountsError) in
            let new = try call.accounts.registerSignedIn(
                Registration(
                    username: call.entry("username"), email: call.entry("email"), password: call.entry("password"),
                    confirmation: call.entry("password2")),
                by: call.policy)
            return .created(["message": "注册成功", "user": user(new.account), "tokens": tokens(new)])
        },

        // 2. 用户登录
        .open(.post, "/api/auth/login/", .passwords) { call throws(AccountsError) in
            let form = SignIn(name: call.entry("email"), as: .email, password: call.entry("password"))
            let new = try call.accounts.signIn(form, by: call.policy)
            return .ok(["message": "登录成功", "user": user(new.account), "tokens": tokens(new)])
        },

        // 3. 令牌说明
        .reading("/api/protected/") { _, me in
            .ok(["message": "认证成功", "user": user(me.account)])
        },
        .open(.post, "/api/auth/token/refresh/") { call throws(AccountsError) in
            let new = try call.accounts.refresh(call.entry("refresh"), by: call.policy)
            return .ok(["access": .string(new.access), "refresh": text(new.refresh)])
        },
        .open(.post, "/api/auth/logout/") { call throws(AccountsError) in
            try call.accounts.signOut(refresh: call.entry("refresh"), by: call.policy)
            return .ok(["message": "登出成功"])
        },
    ],
    slashIsOptional: { _ in true })

private func user(_ account: Account) -> JSON {
    ["email": .string(account.email), "username": .string(account.username)]
}

// MARK: Its words

@Sendable private func answer(_ failure: Failure, _ here: Circumstances) -> Reply {
    switch failure {
    case .refused(let refusal):
        switch refusal {
        case .invalid(let violations): return Reply(400, .object(here.errors(violations)))
        case .notAuthenticated: return unauthorized("未提供身份认证信息。")
        case .badToken, .staleToken: return unauthorized("令牌无效或已过期。")
        case .badRefreshToken, .foreignRefreshToken, .badResetToken: return error(401, "Token is invalid or expired")
        case .wrongCredentials, .inactive, .unknownAccount: return error(401, "邮箱或密码错误")
        case .forbidden: return error(403, ChineseWords.forbidden)
        case .locked: return error(429, ChineseWords.locked)
        case .unavailable: return error(503, ChineseWords.unavailable)
        }
    case .malformed, .notJSON, .notAnObject: return Reply(400, ["non_field_errors": [.string(ChineseWords.malformed)]])
    case .unsupportedMediaType: return error(415, ChineseWords.unsupportedMediaType)
    case .tooLarge: return error(413, ChineseWords.tooLarge)
    case .notFound: return error(404, ChineseWords.notFound)
    case .methodNotAllowed(let method, _): return error(405, ChineseWords.methodNotAllowed(method))
    case .crossOrigin: return error(403, ChineseWords.crossOrigin)
    case .invalidHost: return error(400, ChineseWords.invalidHost)
    case .busy: return error(503, ChineseWords.unavailable)
    case .internalError(let id): return error(500, ChineseWords.internalError(id))
    }
}

private func error(_ status: Int, _ text: String) -> Reply {
    Reply(status, ["error": .string(text)])
}

private func unauthorized(_ text: String) -> Reply {
    error(401, text).with("WWW-Authenticate", "Bearer")
}

@Sendable private func words(_ violation: Violation) -> String {
    switch (violation.field, violation.rule) {
    case (.username, .taken): "该用户名已被注册"
    case (.email, .taken): "该邮箱已被注册"
    case (.password, .tooShort): "密码太短"
    case (.password, .numeric): "密码不能全是数字"
    default: chineseWords(violation)
    }
}
