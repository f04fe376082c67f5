import Accounts
import HTTP
import JSON

/// Contract 4: one bearer token that renews itself, as FastAPI with Pydantic speaks.
package let usersToken = Contract(
    name: "users-token",
    policy: Policy(
        contract: 4,
        renewal: .single(life: 180 * 60, remembered: 180 * 60),
        passwords: PasswordRules(shortest: 6),
        requiredDetails: [.firstName, .lastName, .phone]),
    encodings: [.json],
    skipsByteOrderMark: true,
    fieldName: { $0.field == .phone ? "phone_number" : $0.field.usualName },
    words: PydanticError.words,
    owns: { $0.hasPrefix("/api/users/") || $0 == "/api/me" || $0.hasPrefix("/api/me/") },
    answer: answer,
    routes: [
        // 1. 用户注册
        .open(.post, "/api/users/register", .passwords) { call throws(AccountsError) in
            let form = Registration(
                username: nil, email: call.entry("email"), password: call.entry("password"), confirmation: nil,
                details: [
                    .firstName: call.entry("first_name"), .lastName: call.entry("last_name"),
                    .phone: call.entry("phone_number"),
                ])
            _ = try call.accounts.register(form, by: call.policy)
            return .ok(["message": "User registered successfully."])
        },

        // 2. 用户登录
        .open(.post, "/api/users/login", .passwords, failure: signingIn) { call throws(AccountsError) in
            let form = SignIn(name: call.entry("email"), as: .email, password: call.entry("password"))
            return .ok(token(try call.accounts.signIn(form, by: call.policy)))
        },

        // 3. 获取当前用户信息
        .reading("/api/users/me", show: me),
        .reading("/api/me", show: me),

        // 4. 用户登出
        .signedIn(.post, "/api/users/logout", takesFields: false) { call, me throws(AccountsError) in
            try call.accounts.signOut(me)
            return .ok(["message": "You have been logged out."])
        },

        // 5. 刷新访问令牌
        .open(.post, "/api/users/refresh_token", takesFields: false) { call throws(AccountsError) in
            guard let old = call.request.bearerToken else { throw .refused(.notAuthenticated) }
            return .ok(token(try call.accounts.renew(accessToken: old, by: call.policy)))
        },

        // 6. 重置密码
        .open(.post, "/api/users/reset_password", .passwords, failure: resetting, handle: resetPassword),
        .open(.post, "/api/users/reset-password", .passwords, failure: resetting, handle: resetPassword),
    ],
    slashIsOptional: { _ in true })

/// Marks the endpoint whose field errors are 400, not 422, as the document has it.
private let resetting = "reset"
/// Marks the endpoint that takes any text.
private let signingIn = "login"

// MARK: What it shows

@Sendable private func me(_ request: Request, _ me: Caller) -> Reply {
    .ok([
        "email": .string(me.account.email),
        "first_name": text(me.account.firstName),
        "last_name": text(me.account.lastName),
        "phone_number": text(me.account.phone),
    ])
}

@Sendable private func resetPassword(_ call: Call) throws(AccountsError) -> Reply {
    try call.accounts.resetPassword(
        email: call.entry("email"), old: call.entry("old_password"), new: call.entry("new_password"), by: call.policy)
    return .ok(["message": "Password has been reset successfully."])
}

private func token(_ new: Credentials) -> JSON {
    // In minutes here.
    ["access_token": .string(new.access), "token_type": "bearer", "expires_in": .integer(new.life / 60)]
}

// MARK: Its words

@Sendable private func answer(_ failure: Failure, _ here: Circumstances) -> Reply {
    switch failure {
    case .refused(let refusal):
        switch refusal {
        case .invalid(let violations): return invalid(violations, here)
        case .notAuthenticated: return unauthorized("Not authenticated")
        case .badToken: return unauthorized("Could not validate credentials")
        case .staleToken: return detail(403, "Token has expired or been revoked")
        case .badRefreshToken, .foreignRefreshToken, .badResetToken: return detail(400, "Invalid token")
        case .wrongCredentials:
            return detail(400, here.head == resetting ? "Incorrect old password" : "Incorrect email or password")
        case .unknownAccount: return detail(404, "User not found")
        case .inactive: return detail(403, "User is disabled")
        case .forbidden: return detail(403, "Not enough permissions")
        case .locked: return detail(429, ChineseWords.locked)
        case .unavailable: return detail(503, "Service temporarily unavailable, try again later.")
        }
    case .malformed(let reason): return unreadable(PydanticError.notJSON(reason, character: 0), here)
    case .notJSON(let error, let character):
        return unreadable(PydanticError.notJSON(PydanticError.words(error.reason), character: character), here)
    case .notAnObject: return unreadable(PydanticError.notAnObject, here)
    case .unsupportedMediaType: return detail(415, "Unsupported Media Type")
    case .tooLarge: return detail(413, "Request Entity Too Large")
    case .notFound: return detail(404, "Not Found")
    case .methodNotAllowed: return detail(405, "Method Not Allowed")
    case .crossOrigin: return detail(403, "Forbidden")
    case .invalidHost: return detail(400, "Invalid Host header.")
    case .busy: return detail(503, "Service temporarily unavailable, try again later.")
    case .internalError(let id): return detail(500, "Internal Server Error (request \(id))")
    }
}

private func detail(_ status: Int, _ text: String) -> Reply {
    Reply(status, ["detail": .string(text)])
}

private func unauthorized(_ text: String) -> Reply {
    detail(401, text).with("WWW-Authenticate", "Bearer")
}

private func unreadable(_ error: JSON, _ here: Circumstances) -> Reply {
    guard here.head == resetting, case .string(let text)? = error.member("msg") else { return unprocessable([error]) }
    return detail(400, text)
}

private func unprocessable(_ errors: [JSON]) -> Reply {
    Reply(422, ["detail": .array(errors)])
}

private func invalid(_ violations: [Violation], _ here: Circumstances) -> Reply {
    if violations == [Violation(.email, .taken)] { return detail(400, "Email already registered") }
    if here.head == resetting {
        return detail(400, here.contract.texts(violations).map { "\($0.field): \($0.text)" }.joined(separator: "; "))
    }
    if here.fields.isAbsent { return unprocessable([PydanticError.absentBody]) }
    let shown = here.head == signingIn ? violations.filter { $0.rule != .blank } : violations
    // An empty text is a text; it is nobody's email and nobody's password.
    if shown.isEmpty { return detail(400, "Incorrect email or password") }
    return unprocessable(shown.map { PydanticError.of($0, here) })
}
