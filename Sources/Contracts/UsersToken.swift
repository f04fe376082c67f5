import Accounts
import HTTP
import JSON

/// Contract 4: one bearer token that renews itself, as FastAPI with Pydantic speaks.
package let usersToken = Contract(
    name: "users-token",
    title: "Registration and login by email; one bearer token that renews itself",
    policy: Policy(
        contract: 4,
        renewal: .single(life: 180 * 60, remembered: 180 * 60),
        passwords: PasswordRules(shortest: pydantic.shortestPassword),
        requiredDetails: [.firstName, .lastName, .phone]),
    encodings: [.json],
    skipsByteOrderMark: true,
    words: { pydantic.words($0) },
    owns: { $0.hasPrefix("/api/users/") || $0 == "/api/me" || $0.hasPrefix("/api/me/") },
    answer: answer,
    nginxError: .text(key: "detail"),
    routes: [
        .open(
            .post, "/api/users/register", "1. 用户注册", on: .passwords,
            takes: [
                .required(.email, "email", "user@example.com"), .required(.password, "password", "currentpassword"),
                .required(.firstName, "first_name", "San"), .required(.lastName, "last_name", "Zhang"),
                .required(.phone, "phone_number", "13800138000"),
            ],
            gives: .ok(message("User registered successfully.")),
            refuses: [.invalid([Violation(.email, .taken)])]
        ) { context, accounts throws(AccountsError) in
            _ = try accounts.register(Registration(context), by: context.policy)
        },
        .open(
            .post, "/api/users/login", "2. 用户登录", on: .passwords,
            takes: [
                .compared(.email, "email", "user@example.com"), .compared(.password, "password", "currentpassword"),
            ],
            gives: .ok(token), refuses: [.wrongCredentials, .inactive, .locked(retryAfter: 900)],
            answer: signInAnswer
        ) { context, accounts throws(AccountsError) in
            try accounts.signIn(SignIn(context), by: context.policy)
        },
        .reading("/api/users/me", "3. 获取当前用户信息", gives: .ok(me)),
        .reading("/api/me", "3. 获取当前用户信息", gives: .ok(me)),
        .signedIn(
            .post, "/api/users/logout", "4. 用户登出", gives: .ok(message("You have been logged out.")),
            servesBeforeChange: true
        ) { _, me, accounts throws(AccountsError) in
            try accounts.signOut(me)
        },
        .renewing("/api/users/refresh_token", "5. 刷新访问令牌", gives: .ok(token), refuses: [.staleToken]),
        resetPassword("/api/users/reset_password"),
        resetPassword("/api/users/reset-password"),
    ],
    slashIsOptional: { _ in true })

private let pydantic = PydanticError(shortestPassword: 6)

// MARK: What it shows

private let me: Shape<Account> = [
    "email": .email("user@example.com"),
    "first_name": .optionalText("San") { $0.firstName },
    "last_name": .optionalText("Zhang") { $0.lastName },
    "phone_number": .phone("13800138000"),
]

private let token: Shape<Credentials> = [
    // In minutes here.
    "access_token": accessToken, "token_type": "bearer", "expires_in": .integer(180) { $0.life / 60 },
]

private func resetPassword(_ path: String) -> Route {
    .open(
        .post, path, "6. 重置密码", on: .passwords,
        takes: [
            .compared(.email, "email", "user@example.com"),
            .compared(.currentPassword, "old_password", "currentpassword"),
            .required(.newPassword, "new_password", "newpassword123"),
        ],
        gives: .ok(message("Password has been reset successfully.")),
        refuses: [.notFound, .wrongCredentials, .inactive, .locked(retryAfter: 900)], answer: resetAnswer
    ) { context, accounts throws(AccountsError) in
        try accounts.resetPassword(
            email: context[.email], old: context[.currentPassword], new: context[.newPassword], by: context.policy)
    }
}

// MARK: Its words

/// The login takes any text: an empty one is nobody's email and nobody's password.
@Sendable private func signInAnswer(_ failure: Failure, _ here: FailureContext) -> Reply? {
    guard case .refused(.invalid(let violations)) = failure, !here.fields.isAbsent else { return nil }
    let shown = violations.filter { $0.rule != .blank }
    if shown.isEmpty { return answer(.refused(.wrongCredentials), here) }
    return unprocessable(shown.map { pydantic.of($0, here) })
}

/// What is wrong with a reset's fields or body is 400, not 422, as the document has it.
@Sendable private func resetAnswer(_ failure: Failure, _ here: FailureContext) -> Reply? {
    switch failure {
    case .refused(.invalid(let violations)):
        let texts = violations.map { "\(here.name(of: $0)): \(here.contract.words($0))" }
        return detail(400, texts.joined(separator: "; "))
    case .refused(.wrongCredentials): return detail(400, "Incorrect old password")
    case .malformed, .notJSON, .notAnObject:
        guard let error = unreadable(failure), case .string(let text)? = error.member("msg") else { return nil }
        return detail(400, text)
    case .refused, .crossOrigin, .invalidHost, .unsupportedMediaType, .tooLarge, .notFound, .methodNotAllowed, .busy,
        .internalError:
        return nil
    }
}

@Sendable private func answer(_ failure: Failure, _ here: FailureContext) -> Reply {
    switch failure {
    case .refused(let refusal):
        switch refusal {
        case .invalid(let violations): return invalid(violations, here)
        case .notAuthenticated: return unauthorized("Not authenticated")
        case .badToken: return unauthorized("Could not validate credentials")
        case .staleToken: return detail(403, "Token has expired or been revoked")
        case .badRefreshToken, .foreignRefreshToken, .badResetToken: return detail(400, "Invalid token")
        case .wrongCredentials: return detail(400, "Incorrect email or password")
        case .notFound: return detail(404, "User not found")
        case .inactive: return detail(403, "User is disabled")
        case .forbidden: return detail(403, "Not enough permissions")
        case .passwordChangeRequired: return detail(403, "Please change your password first")
        case .locked: return detail(429, "登录失败次数过多，请稍后再试")
        case .unavailable: return detail(503, "Service temporarily unavailable, try again later.")
        }
    case .malformed, .notJSON, .notAnObject: return unprocessable(unreadable(failure).map { [$0] } ?? [])
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

/// What Pydantic says of a body that cannot be read.
private func unreadable(_ failure: Failure) -> JSON? {
    switch failure {
    case .malformed(let reason): PydanticError.notJSON(reason, character: 0)
    case .notJSON(let error, let character):
        PydanticError.notJSON(PydanticError.words(error.reason), character: character)
    case .notAnObject: PydanticError.notAnObject
    default: nil
    }
}

private func unprocessable(_ errors: [JSON]) -> Reply {
    Reply(422, ["detail": .array(errors)])
}

private func invalid(_ violations: [Violation], _ here: FailureContext) -> Reply {
    if violations == [Violation(.email, .taken)] { return detail(400, "Email already registered") }
    if here.fields.isAbsent { return unprocessable([PydanticError.absentBody]) }
    return unprocessable(violations.map { pydantic.of($0, here) })
}
