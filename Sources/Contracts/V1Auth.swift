import Accounts
import HTTP
import JSON

/// Contract 5: bearer tokens, login by form or JSON, lockout, password reset by email, as FastAPI speaks.
package let v1Auth = Contract(
    name: "v1-auth",
    title: "Login by form or JSON, password reset by email; one bearer token",
    policy: Policy(
        contract: 5,
        renewal: .single(life: 3600, remembered: 30 * 86_400),
        passwords: PasswordRules(shortest: 8, longest: 128),
        usernameLength: 3...50),
    encodings: [.json],
    skipsByteOrderMark: true,
    words: words,
    owns: { $0.hasPrefix("/api/v1/auth/") && !$0.hasSuffix("/") },
    answer: answer,
    nginxError: .text(key: "detail"),
    routes: [
        .open(
            .post, "/api/v1/auth/register", "1. 用户注册: 创建新用户账户", on: .passwords,
            takes: [
                .required(.username, "username", "testuser"), .required(.email, "email", "test@example.com"),
                .required(.password, "password", "password123"),
                .compared(.confirmation, "confirm_password", "password123"),
                .optional(.fullName, "full_name", "测试用户"), .optional(.phone, "phone", "13800138000"),
            ],
            gives: .created([
                "id": .id,
                "username": .username("testuser"),
                "email": .email("test@example.com"),
                "full_name": fullName,
                "phone": .phone("13800138000"),
                "is_superuser": isSuperuser,
                "is_staff": isStaff,
                "status": .status,
                "created_at": createdAt,
            ])
        ) { context, accounts throws(AccountsError) in
            try accounts.register(Registration(context), by: context.policy)
        },
        .open(
            .post, "/api/v1/auth/login", "2. 用户登录（表单格式）", on: .passwords, encodings: [.form, .multipart],
            takes: [.compared(.username, "username", "testuser"), .compared(.password, "password", "password123")],
            gives: .ok(token(user: signedIn)), refuses: signInRefusals
        ) { context, accounts throws(AccountsError) in
            try accounts.signIn(SignIn(context), by: context.policy)
        },
        .open(
            .post, "/api/v1/auth/login/json", "3. 用户登录（JSON格式）", on: .passwords,
            takes: [
                .compared(.username, "username", "testuser"), .compared(.password, "password", "password123"),
                .optional(.remembered, "remember_me", false),
            ],
            gives: .ok(token(user: signedIn)), refuses: signInRefusals
        ) { context, accounts throws(AccountsError) in
            try accounts.signIn(SignIn(context), by: context.policy)
        },
        .signedIn(
            .post, "/api/v1/auth/logout", "4. 用户登出", gives: .ok(message("登出成功")), servesBeforeChange: true
        ) { _, me, accounts throws(AccountsError) in
            try accounts.signOut(me)
        },
        .reading("/api/v1/auth/me", "5. 获取当前用户信息", gives: .ok(everything)),
        .renewing(
            "/api/v1/auth/refresh", "6. 刷新令牌",
            gives: .ok(
                token(user: ["id": .id, "username": .username("testuser"), "email": .email("test@example.com")]))),
        .signedIn(
            .post, "/api/v1/auth/change-password", "7. 修改密码", on: .passwords,
            takes: [
                .compared(.currentPassword, "old_password", "oldpassword123"),
                .required(.newPassword, "new_password", "newpassword123"),
            ],
            gives: .ok(message("密码修改成功")), refuses: [.locked(retryAfter: 900)], servesBeforeChange: true
        ) { context, me, accounts throws(AccountsError) in
            try accounts.changePassword(of: me, PasswordChange(context), by: context.policy)
        },
        .open(
            .post, "/api/v1/auth/forgot-password", "8. 忘记密码: 发送密码重置邮件",
            takes: [.compared(.email, "email", "test@example.com")],
            gives: .ok(message("如果邮箱存在，重置链接已发送"))
        ) { context, accounts throws(AccountsError) in
            try accounts.requestPasswordReset(email: context[.email])
        },
        .open(
            .post, "/api/v1/auth/reset-password", "9. 重置密码: 使用重置令牌重置密码", on: .passwords,
            takes: [
                .compared(.resetToken, "token", "reset_token_here"),
                .required(.newPassword, "new_password", "newpassword123"),
            ],
            gives: .ok(message("密码重置成功")), refuses: [.badResetToken]
        ) { context, accounts throws(AccountsError) in
            try accounts.resetPassword(token: context[.resetToken], new: context[.newPassword], by: context.policy)
        },
    ],
    // With it these three belong to contract 1.
    slashIsOptional: { !["/api/v1/auth/register", "/api/v1/auth/login", "/api/v1/auth/logout"].contains($0) })

private let signInRefusals: [Refusal] = [.wrongCredentials, .inactive, .locked(retryAfter: 900)]

// MARK: What it shows

private func token(user: Shape<Account>) -> Shape<Credentials> {
    [
        "access_token": accessToken, "token_type": "bearer", "expires_in": .integer(3600) { $0.life },
        "user": user.of(\.account),
    ]
}

private let signedIn: Shape<Account> = [
    "id": .id,
    "username": .username("testuser"),
    "email": .email("test@example.com"),
    "full_name": fullName,
    "avatar_url": .avatarURL(nil),
    "is_superuser": isSuperuser,
    "is_staff": isStaff,
    "status": .status,
    "created_at": createdAt,
    "last_login_at": lastLoginAt,
]

private let everything: Shape<Account> = [
    "id": .id,
    "username": .username("testuser"),
    "email": .email("test@example.com"),
    "full_name": fullName,
    "avatar_url": .avatarURL(nil),
    "bio": .bio(nil),
    "phone": .phone("13800138000"),
    "is_email_verified": .flag(false) { $0.isEmailVerified },
    "is_phone_verified": .flag(false) { $0.isPhoneVerified },
    "is_superuser": isSuperuser,
    "is_staff": isStaff,
    "status": .status,
    "language": .text("zh") { $0.language },
    "timezone": .text("Asia/Shanghai") { $0.timezone },
    "theme": .text("light") { $0.theme },
    "created_at": createdAt,
    "updated_at": .time("2024-01-01T12:00:00Z") { $0.updatedAt.withSeconds },
    "last_login_at": lastLoginAt,
    "login_count": .integer(5) { $0.loginCount },
]

private let fullName = Shape<Account>.optionalText("测试用户") { $0.fullName }
private let isSuperuser = Shape<Account>.flag(false) { $0.isSuperuser }
private let isStaff = Shape<Account>.flag(false) { $0.isStaff }
private let createdAt = Shape<Account>.time("2024-01-01T12:00:00Z") { $0.createdAt.withSeconds }
private let lastLoginAt = Shape<Account>.optionalTime("2024-01-01T12:30:00Z") { $0.lastLoginAt?.withSeconds }

// MARK: Its words

@Sendable private func answer(_ failure: Failure, _ here: FailureContext) -> Reply {
    switch failure {
    case .refused(let refusal):
        switch refusal {
        case .invalid(let violations): return invalid(violations, here)
        case .notAuthenticated: return unauthorized("未提供身份认证信息")
        case .badToken, .staleToken: return unauthorized("无效的令牌或令牌已过期")
        case .wrongCredentials, .notFound: return unauthorized("用户名或密码错误")
        case .inactive: return detail(403, "账户未激活")
        case .forbidden: return detail(403, ChineseWords.forbidden)
        case .passwordChangeRequired: return detail(403, ChineseWords.passwordChangeRequired)
        case .locked: return detail(423, "账户已被锁定")
        case .badResetToken: return detail(400, "重置令牌无效或已过期")
        case .badRefreshToken, .foreignRefreshToken: return detail(400, "无效的令牌")
        case .unavailable: return detail(503, ChineseWords.unavailable)
        }
    case .malformed, .notJSON, .notAnObject:
        let errors: JSON = ["non_field_errors": [.string(ChineseWords.malformed)]]
        return Reply(400, ["detail": "参数验证失败", "errors": errors])
    case .unsupportedMediaType: return detail(415, ChineseWords.unsupportedMediaType)
    case .tooLarge: return detail(413, ChineseWords.tooLarge)
    case .notFound: return detail(404, ChineseWords.notFound)
    case .methodNotAllowed(let method, _): return detail(405, ChineseWords.methodNotAllowed(method))
    case .crossOrigin: return detail(403, ChineseWords.crossOrigin)
    case .invalidHost: return detail(400, ChineseWords.invalidHost)
    case .busy: return detail(503, ChineseWords.unavailable)
    case .internalError(let id): return detail(500, ChineseWords.internalError(id))
    }
}

private func invalid(_ violations: [Violation], _ here: FailureContext) -> Reply {
    let telling: [Violation] = [
        Violation(.username, .taken), Violation(.email, .taken), Violation(.currentPassword, .incorrect),
    ]
    let first = telling.first { violations.contains($0) }
    return Reply(
        400,
        [
            "detail": .string(first.map(words) ?? "参数验证失败"), "errors": .object(here.errors(violations)),
        ])
}

private func detail(_ status: Int, _ text: String) -> Reply {
    Reply(status, ["detail": .string(text)])
}

private func unauthorized(_ text: String) -> Reply {
    detail(401, text).with("WWW-Authenticate", "Bearer")
}

@Sendable private func words(_ violation: Violation) -> String {
    switch (violation.field, violation.rule) {
    case (.username, .taken): "用户名已存在"
    case (.email, .taken): "邮箱已存在"
    case (.username, .tooShort), (.username, .tooLong): "用户名长度必须为3-50个字符"
    case (.password, .tooShort), (.password, .tooLong), (.newPassword, .tooShort), (.newPassword, .tooLong):
        "密码长度必须为8-128个字符"
    case (.currentPassword, .incorrect): "原密码错误"
    default: chineseWords(violation)
    }
}
