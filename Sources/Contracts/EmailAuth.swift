import Accounts
import HTTP
import JSON

/// Contract 2: registration and login by email with JWTs, field errors as a bare map.
package let emailAuth = Contract(
    name: "email-auth",
    title: "Registration and login by email; JWT access and refresh tokens",
    policy: Policy(
        contract: 2,
        renewal: .pair(access: 3600, refresh: 86_400),
        passwords: PasswordRules(shortest: 6, refusesNumeric: true, dissimilarTo: [.username])),
    encodings: [.json, .form, .multipart],
    words: words,
    owns: { $0.hasPrefix("/api/auth/") || $0.hasPrefix("/api/protected") },
    answer: answer,
    nginxError: .text(key: "error"),
    routes: [
        .open(
            .post, "/api/auth/register/", "1. 用户注册", on: .passwords,
            takes: [
                .required(.username, "username", "testuser"), .required(.email, "email", "test@example.com"),
                .required(.password, "password", "password123!"),
                .compared(.confirmation, "password2", "password123!"),
            ],
            gives: .created(["message": "注册成功", "user": user.of(\.account), "tokens": tokenPair])
        ) { context, accounts throws(AccountsError) in
            try accounts.registerSignedIn(Registration(context), by: context.policy)
        },
        .open(
            .post, "/api/auth/login/", "2. 用户登录", on: .passwords,
            takes: [.compared(.email, "email", "test@example.com"), .compared(.password, "password", "password123!")],
            gives: .ok(["message": "登录成功", "user": user.of(\.account), "tokens": tokenPair]),
            refuses: [.wrongCredentials, .locked(retryAfter: 900)]
        ) { context, accounts throws(AccountsError) in
            try accounts.signIn(SignIn(context), by: context.policy)
        },
        .reading("/api/protected/", "5. 访问受保护API", gives: .ok(["message": "认证成功", "user": user])),
        // The document promises refresh tokens and forgot these two paths; its clients need them.
        .open(
            .post, "/api/auth/token/refresh/", "3. 令牌说明: 刷新令牌",
            takes: [.compared(.refresh, "refresh", .string(exampleToken))],
            gives: .ok(["access": accessToken, "refresh": refreshToken]), refuses: [.badRefreshToken]
        ) { context, accounts throws(AccountsError) in
            try accounts.refresh(context[.refresh], by: context.policy)
        },
        .open(
            .post, "/api/auth/logout/", "用户登出",
            takes: [.compared(.refresh, "refresh", .string(exampleToken))],
            gives: .ok(message("登出成功")), refuses: [.badRefreshToken]
        ) { context, accounts throws(AccountsError) in
            try accounts.signOut(refresh: context[.refresh], by: context.policy)
        },
    ],
    slashIsOptional: { _ in true })

private let user: Shape<Account> = ["email": .email("user@example.com"), "username": .username("username")]

// MARK: Its words

@Sendable private func answer(_ failure: Failure, _ here: FailureContext) -> Reply {
    switch failure {
    case .refused(let refusal):
        switch refusal {
        case .invalid(let violations): return Reply(400, .object(here.errors(violations)))
        case .notAuthenticated: return unauthorized("未提供身份认证信息。")
        case .badToken, .staleToken: return unauthorized("令牌无效或已过期。")
        case .badRefreshToken, .foreignRefreshToken, .badResetToken: return error(401, "Token is invalid or expired")
        case .wrongCredentials, .inactive, .notFound: return error(401, "邮箱或密码错误")
        case .forbidden: return error(403, ChineseWords.forbidden)
        case .passwordChangeRequired: return error(403, ChineseWords.passwordChangeRequired)
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
