import Accounts
import HTTP
import JSON

/// Contract 1: accounts with a profile and an avatar, as Django REST framework with SimpleJWT speaks.
package let v1Profile = Contract(
    name: "v1-profile",
    title: "Accounts with a profile and an avatar; JWT access and refresh tokens",
    policy: Policy(
        contract: 1,
        renewal: .pair(access: 3600, refresh: 86_400),
        passwords: PasswordRules(
            shortest: 8, refusesCommon: true, refusesNumeric: true, dissimilarTo: [.username, .email])),
    encodings: [.json, .form, .multipart],
    words: words,
    owns: { $0.hasPrefix("/api/v1/") && ($0.hasSuffix("/") || !$0.hasPrefix("/api/v1/auth/")) },
    answer: answer,
    nginxError: .text(key: "detail"),
    routes: [
        .open(
            .post, "/api/v1/auth/register/", "1. 用户注册", on: .passwords, failure: "注册失败",
            takes: [
                .required(.username, "username", "testuser"), .required(.email, "email", "test@example.com"),
                .required(.password, "password", "testpassword123"),
                .compared(.confirmation, "password_confirm", "testpassword123"),
            ],
            gives: .created(["message": "注册成功", "user": brief.of(\.account), "tokens": tokenPair])
        ) { context, accounts throws(AccountsError) in
            try accounts.registerSignedIn(Registration(context), by: context.policy)
        },
        .open(
            .post, "/api/v1/auth/login/", "2. 用户登录", on: .passwords, failure: "登录失败",
            takes: [
                .compared(.username, "username", "testuser"), .compared(.password, "password", "testpassword123"),
            ],
            gives: .ok(["message": "登录成功", "user": brief.of(\.account), "tokens": tokenPair]),
            refuses: [.wrongCredentials, .locked(retryAfter: 900)]
        ) { context, accounts throws(AccountsError) in
            try accounts.signIn(SignIn(context), by: context.policy)
        },
        .open(
            .post, "/api/v1/auth/token/refresh/", "3. Token 刷新", failure: "刷新失败",
            takes: [.compared(.refresh, "refresh", .string(exampleToken))],
            gives: .ok(["access": accessToken, "refresh": refreshToken]), refuses: [.badRefreshToken]
        ) { context, accounts throws(AccountsError) in
            try accounts.refresh(context[.refresh], by: context.policy)
        },
        .reading(
            "/api/v1/profile/", "4. 获取用户资料", failure: "查询失败",
            gives: .ok([
                "message": "获取用户资料成功",
                "user": profile(
                    email: "test@example.com", bio: "这是我的个人简介", lastLogin: "2025-07-26T08:30:15.123456Z"),
            ])),
        update(.put),
        update(.patch),
        .signedIn(
            .post, "/api/v1/password/change/", "7. 修改密码", on: .passwords, failure: "密码修改失败",
            takes: [
                .compared(.currentPassword, "old_password", "oldpassword123"),
                .required(.newPassword, "new_password", "newpassword456"),
                // The document reports a mismatch under the new password.
                .compared(.newConfirmation, "new_password_confirm", "newpassword456", mismatchUnder: "new_password"),
            ],
            gives: .ok(message("密码修改成功")), refuses: [.locked(retryAfter: 900)], servesBeforeChange: true
        ) { context, me, accounts throws(AccountsError) in
            try accounts.changePassword(of: me, PasswordChange(context), by: context.policy)
        },
        .reading(
            "/api/v1/info/", "8. 获取用户信息", failure: "查询失败",
            gives: .ok([
                "id": .id,
                "username": .username("testuser"),
                "email": .email("test@example.com"),
                "avatar": .avatarURL("http://127.0.0.1:8000/media/avatars/testuser_avatar.jpg"),
                "bio": .bio("个人简介"),
                "date_joined": joined,
            ])),
        .signedIn(
            .post, "/api/v1/auth/logout/", "9. 用户登出", failure: "登出失败",
            takes: [.compared(.refresh, "refresh", .string(exampleToken))],
            gives: .ok(message("登出成功")), refuses: [.foreignRefreshToken], servesBeforeChange: true
        ) { context, me, accounts throws(AccountsError) in
            try accounts.signOut(me, refresh: context[.refresh])
        },
    ],
    // Without it these three belong to contract 5.
    slashIsOptional: { !["/api/v1/auth/register/", "/api/v1/auth/login/", "/api/v1/auth/logout/"].contains($0) })

// MARK: What it shows

private func update(_ method: Method) -> Route {
    .updating(
        method, "/api/v1/profile/update/", "5. 更新用户资料, 6. 头像上传", failure: "资料更新失败",
        takes: [
            .optional(.email, "email", "updated@example.com"), .optional(.bio, "bio", "这是更新后的个人简介"),
            .optional(.avatar, "avatar", ""),
        ],
        gives: .ok([
            "message": "资料更新成功",
            "user": profile(email: "updated@example.com", bio: "更新后的个人简介", lastLogin: nil),
        ])
    ) { context in
        ProfileChange(email: context[.email], bio: context[.bio].trimmed, avatar: context.avatar)
    }
}

private let brief: Shape<Account> = [
    "id": .id, "username": .username("testuser"), "email": .email("test@example.com"),
]

/// - Parameters: what stands in the document's example.
private func profile(email: String, bio: String, lastLogin: String?) -> Shape<Account> {
    [
        "id": .id,
        "username": .username("testuser"),
        "email": .email(email),
        "avatar": .optionalText(nil) { $0.avatar },
        "avatar_url": .avatarURL(nil),
        "bio": .bio(bio),
        "date_joined": joined,
        "last_login": .optionalTime(lastLogin) { $0.lastLoginAt?.withMicroseconds },
    ]
}

private let joined = Shape<Account>.time("2025-07-26T07:42:39.508828Z") { $0.createdAt.withMicroseconds }

// MARK: Its words

@Sendable private func answer(_ failure: Failure, _ here: FailureContext) -> Reply {
    switch failure {
    case .refused(let refusal):
        switch refusal {
        case .invalid(let violations):
            return Reply(400, ["message": .string(here.head), "errors": .object(here.errors(violations))])
        case .notAuthenticated:
            return unauthorized(["detail": "Authentication credentials were not provided."])
        case .badToken, .staleToken:
            return unauthorized(
                ["detail": "Given token not valid for any token type", "code": "token_not_valid"])
        case .badRefreshToken:
            return Reply(401, ["detail": "Token is invalid or expired", "code": "token_not_valid"])
        case .foreignRefreshToken:
            return Reply(400, ["message": .string("\(here.head): Token is invalid or expired")])
        case .wrongCredentials, .inactive, .notFound, .badResetToken:
            return Reply(401, ["message": "用户名或密码错误"])
        case .forbidden:
            return Reply(403, ["detail": "You do not have permission to perform this action."])
        case .passwordChangeRequired:
            return Reply(403, ["detail": .string(ChineseWords.passwordChangeRequired)])
        case .locked:
            return Reply(429, ["message": "登录失败次数过多，请稍后再试"])
        case .unavailable:
            return Reply(503, ["detail": "Service temporarily unavailable, try again later."])
        }
    case .malformed(let reason): return unreadable(reason, here)
    case .notJSON(let error, _): return unreadable("JSON parse error - \(error)", here)
    case .notAnObject: return unreadable("Invalid data. Expected a dictionary.", here)
    case .crossOrigin:
        return Reply(403, ["detail": "Cross-origin request refused."])
    case .invalidHost:
        return Reply(400, ["detail": "Invalid Host header."])
    case .unsupportedMediaType(let type):
        return Reply(415, ["detail": .string("Unsupported media type \"\(type)\" in request.")])
    case .tooLarge:
        return Reply(413, ["detail": "Request body is too large."])
    case .notFound:
        return Reply(404, ["detail": "Not found."])
    case .methodNotAllowed(let method, _):
        return Reply(405, ["detail": .string("Method \"\(method)\" not allowed.")])
    case .busy:
        return Reply(503, ["detail": "Service temporarily unavailable, try again later."])
    case .internalError(let id):
        return Reply(500, ["detail": .string("Internal server error. Request \(id).")])
    }
}

private func unreadable(_ reason: String, _ here: FailureContext) -> Reply {
    Reply(400, ["message": .string(here.head), "errors": ["non_field_errors": [.string(reason)]]])
}

private func unauthorized(_ body: JSON) -> Reply {
    Reply(401, body).with("WWW-Authenticate", "Bearer")
}

/// Django's texts where the document has none of its own.
@Sendable private func words(_ violation: Violation) -> String {
    switch violation.rule {
    case .required: "This field is required."
    case .null: "This field may not be null."
    case .blank: "This field may not be blank."
    case .notText: "Not a valid string."
    case .tooShort(let min):
        isPassword(violation.field)
            ? "This password is too short. It must contain at least \(min) characters."
            : "Ensure this field has at least \(min) characters."
    case .tooLong(let max): "Ensure this field has no more than \(max) characters."
    case .tooManyBytes(let max): "Ensure this field has no more than \(max) bytes."
    case .malformed:
        violation.field == .email
            ? "Enter a valid email address."
            : "Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters."
    case .foreignAddress: "A username with @ must be the account's own email address."
    case .nulCharacter: "Null characters are not allowed."
    case .controlCharacter: "Control characters are not allowed."
    case .taken:
        violation.field == .username ? "A user with that username already exists." : "This field must be unique."
    case .common: "This password is too common."
    case .numeric: "This password is entirely numeric."
    case .similar(let field): "The password is too similar to the \(field == .email ? "email address" : "username")."
    case .mismatch: violation.field == .newConfirmation ? "两次输入的新密码不一致" : "两次输入的密码不一致"
    case .incorrect: "当前密码不正确"
    case .unchanged: "新密码不能与当前密码相同"
    case .expired, .unknown: "Token is invalid or expired"
    case .unknownRole, .otherRole, .notAChoice: "Not a valid choice."
    case .notAFlag: "Must be a valid boolean."
    case .notANumber(let range): "Ensure this value is a number from \(range.lowerBound) to \(range.upperBound)."
    case .notAFile: "The submitted data was not a file. Check the encoding type on the form."
    case .emptyFile: "The submitted file is empty."
    case .notAPicture:
        "Upload a valid image. The file you uploaded was either not an image or a corrupted image."
    case .fileTooLarge(let bytes): "The file is larger than \(bytes >> 20) MiB."
    case .tooManyPixels: "The image has more than 50 million pixels, all frames together."
    case .tooLongSide(let max): "The image is more than \(max) pixels wide or high."
    }
}

private func isPassword(_ field: Field) -> Bool {
    field == .password || field == .newPassword
}
