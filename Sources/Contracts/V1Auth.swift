import Accounts
import HTTP
import JSON

/// Contract 5: bearer tokens, login by form or JSON, lockout, password reset by email, as FastAPI speaks.
package let v1Auth = Contract(
    name: "v1-auth",
    policy: Policy(
        contract: 5,
        renewal: .single(life: 3600, remembered: 30 * 86_400),
        passwords: PasswordRules(shortest: 8, longest: 128),
        usernameLength: 3...50),
    encodings: [.json],
    skipsByteOrderMark: true,
    fieldName: { $0.field == .confirmation ? "confirm_password" : $0.field.usualName },
    words: words,
    owns: { $0.hasPrefix("/api/v1/auth/") && !$0.hasSuffix("/") },
    answer: answer,
    routes: [
        // 1. 用户注册
        .open(.post, "/api/v1/auth/register", .passwords) { call throws(AccountsError) in
            let form = Registration(
                username: call.entry("username"), email: call.entry("email"), password: call.entry("password"),
                confirmation: call.entry("confirm_password"),
                details: [.fullName: call.entry("full_name"), .phone: call.entry("phone")])
            return .created(registered(try call.accounts.register(form, by: call.policy)))
        },

        // 2. 用户登录（表单格式）
        .open(.post, "/api/v1/auth/login", .passwords, encodings: [.form, .multipart]) { call throws(AccountsError) in
            let form = SignIn(name: call.entry("username"), password: call.entry("password"))
            let new = try call.accounts.signIn(form, by: call.policy)
            return .ok(token(new, user: signedIn(new.account, call.request)))
        },

        // 3. 用户登录（JSON格式）
        .open(.post, "/api/v1/auth/login/json", .passwords) { call throws(AccountsError) in
            let form = SignIn(
                name: call.entry("username"), password: call.entry("password"),
                remembered: call.lenientFlag("remember_me"))
            let new = try call.accounts.signIn(form, by: call.policy)
            return .ok(token(new, user: signedIn(new.account, call.request)))
        },

        // 4. 用户登出
        .signedIn(.post, "/api/v1/auth/logout", takesFields: false) { call, me throws(AccountsError) in
            try call.accounts.signOut(me)
            return .ok(["message": "登出成功"])
        },

        // 5. 获取当前用户信息
        .reading("/api/v1/auth/me") { request, me in .ok(everything(me.account, request)) },

        // 6. 刷新令牌
        .open(.post, "/api/v1/auth/refresh", takesFields: false) { call throws(AccountsError) in
            guard let old = call.request.bearerToken else { throw .refused(.notAuthenticated) }
            let new = try call.accounts.renew(accessToken: old, by: call.policy)
            return .ok(token(new, user: brief(new.account)))
        },

        // 7. 修改密码
        .signedIn(.post, "/api/v1/auth/change-password", .passwords) { call, me throws(AccountsError) in
            let form = PasswordChange(
                current: call.entry("old_password"), new: call.entry("new_password"), confirmation: nil)
            try call.accounts.changePassword(of: me, form, by: call.policy)
            return .ok(["message": "密码修改成功"])
        },

        // 8. 忘记密码
        .open(.post, "/api/v1/auth/forgot-password") { call throws(AccountsError) in
            try call.accounts.requestPasswordReset(email: call.entry("email"))
            return .ok(["message": "如果邮箱存在，重置链接已发送"])
        },

        // 9. 重置密码
        .open(.post, "/api/v1/auth/reset-password", .passwords) { call throws(AccountsError) in
            try call.accounts.resetPassword(
                token: call.entry("token"), new: call.entry("new_password"), by: call.policy)
            return .ok(["message": "密码重置成功"])
        },
    ],
    // With it these three belong to contract 1.
    slashIsOptional: { !["/api/v1/auth/register", "/api/v1/auth/login", "/api/v1/auth/logout"].contains($0) })

// MARK: What it shows

private func token(_ new: Credentials, user: JSON) -> JSON {
    ["access_token": .string(new.access), "token_type": "bearer", "expires_in": .integer(new.life), "user": user]
}

private func registered(_ account: Account) -> JSON {
    [
        "id": .integer(Int64(account.id)),
        "username": .string(account.username),
        "email": .string(account.email),
        "full_name": text(account.fullName),
        "phone": text(account.phone),
        "is_superuser": .bool(account.isSuperuser),
        "is_staff": .bool(account.isStaff),
        "status": .string(account.status.rawValue),
        "created_at": .string(account.createdAt.withSeconds),
    ]
}

private func signedIn(_ account: Account, _ request: Request) -> JSON {
    [
        "id": .integer(Int64(account.id)),
        "username": .string(account.username),
        "email": .string(account.email),
        "full_name": text(account.fullName),
        "avatar_url": text(avatarURL(account, request)),
        "is_superuser": .bool(account.isSuperuser),
        "is_staff": .bool(account.isStaff),
        "status": .string(account.status.rawValue),
        "created_at": .string(account.createdAt.withSeconds),
        "last_login_at": text(account.lastLoginAt?.withSeconds),
    ]
}

private func everything(_ account: Account, _ request: Request) -> JSON {
    [
        "id": .integer(Int64(account.id)),
        "username": .string(account.username),
        "email": .string(account.email),
        "full_name": text(account.fullName),
        "avatar_url": text(avatarURL(account, request)),
        "bio": text(account.bio),
        "phone": text(account.phone),
        "is_email_verified": .bool(account.isEmailVerified),
        "is_phone_verified": .bool(account.isPhoneVerified),
        "is_superuser": .bool(account.isSuperuser),
        "is_staff": .bool(account.isStaff),
        "status": .string(account.status.rawValue),
        "language": .string(account.language),
        "timezone": .string(account.timezone),
        "theme": .string(account.theme),
        "created_at": .string(account.createdAt.withSeconds),
        "updated_at": .string(account.updatedAt.withSeconds),
        "last_login_at": text(account.lastLoginAt?.withSeconds),
        "login_count": .integer(account.loginCount),
    ]
}

// MARK: Its words

@Sendable private func answer(_ failure: Failure, _ here: Circumstances) -> Reply {
    switch failure {
    case .refused(let refusal):
        switch refusal {
        case .invalid(let violations): return invalid(violations, here)
        case .notAuthenticated: return unauthorized("未提供身份认证信息")
        case .badToken, .staleToken: return unauthorized("无效的令牌或令牌已过期")
        case .wrongCredentials, .unknownAccount: return unauthorized("用户名或密码错误")
        case .inactive: return detail(403, "账户未激活")
        case .forbidden: return detail(403, ChineseWords.forbidden)
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

private func invalid(_ violations: [Violation], _ here: Circumstances) -> Reply {
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
