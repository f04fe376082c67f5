import Accounts
import HTTP
import JSON

/// Contract 1: accounts with a profile and an avatar, as Django REST framework with SimpleJWT speaks.
package let v1Profile = Contract(
    name: "v1-profile",
    policy: Policy(
        contract: 1,
        renewal: .pair(access: 3600, refresh: 86_400),
        passwords: PasswordRules(
            shortest: 8, refusesCommon: true, refusesNumeric: true, dissimilarTo: [.username, .email])),
    encodings: [.json, .form, .multipart],
    fieldName: fieldName,
    words: words,
    owns: { $0.hasPrefix("/api/v1/") && ($0.hasSuffix("/") || !$0.hasPrefix("/api/v1/auth/")) },
    answer: answer,
    routes: [
        // 1. 用户注册
        .open(.post, "/api/v1/auth/register/", .passwords, failure: "注册失败") { call throws(AccountsError) in
            let new = try call.accounts.registerSignedIn(
                Registration(
                    username: call.entry("username"), email: call.entry("email"), password: call.entry("password"),
                    confirmation: call.entry("password_confirm")),
                by: call.policy)
            return .created(["message": "注册成功", "user": brief(new.account), "tokens": tokens(new)])
        },

        // 2. 用户登录
        .open(.post, "/api/v1/auth/login/", .passwords, failure: "登录失败") { call throws(AccountsError) in
            let form = SignIn(name: call.entry("username"), password: call.entry("password"))
            let new = try call.accounts.signIn(form, by: call.policy)
            return .ok(["message": "登录成功", "user": brief(new.account), "tokens": tokens(new)])
        },

        // 3. Token 刷新
        .open(.post, "/api/v1/auth/token/refresh/", failure: "刷新失败") { call throws(AccountsError) in
            let new = try call.accounts.refresh(call.entry("refresh"), by: call.policy)
            return .ok(["access": .string(new.access), "refresh": text(new.refresh)])
        },

        // 4. 获取用户资料
        .reading("/api/v1/profile/", failure: "查询失败") { request, me in
            .ok(["message": "获取用户资料成功", "user": profile(me.account, request)])
        },

        // 5. 更新用户资料, 6. 头像上传
        update(.put),
        update(.patch),

        // 7. 修改密码
        .signedIn(.post, "/api/v1/password/change/", .passwords, failure: "密码修改失败") { call, me throws(AccountsError) in
            let form = PasswordChange(
                current: call.entry("old_password"), new: call.entry("new_password"),
                confirmation: call.entry("new_password_confirm"))
            try call.accounts.changePassword(of: me, form, by: call.policy)
            return .ok(["message": "密码修改成功"])
        },

        // 8. 获取用户信息
        .reading("/api/v1/info/", failure: "查询失败") { request, me in
            .ok([
                "id": .integer(Int64(me.account.id)),
                "username": .string(me.account.username),
                "email": .string(me.account.email),
                "avatar": text(avatarURL(me.account, request)),
                "bio": text(me.account.bio),
                "date_joined": .string(me.account.createdAt.withMicroseconds),
            ])
        },

        // 9. 用户登出
        .signedIn(.post, "/api/v1/auth/logout/", failure: "登出失败") { call, me throws(AccountsError) in
            try call.accounts.signOut(me, refresh: call.entry("refresh"))
            return .ok(["message": "登出成功"])
        },
    ],
    // Without it these three belong to contract 5.
    slashIsOptional: { !["/api/v1/auth/register/", "/api/v1/auth/login/", "/api/v1/auth/logout/"].contains($0) })

// MARK: What it shows

private func update(_ method: Method) -> Route {
    .signedIn(method, "/api/v1/profile/update/", .lightOrPicture, failure: "资料更新失败", file: "avatar") {
        call, me throws(AccountsError) in
        let change = ProfileChange(
            email: call.entry("email"), bio: call.entry("bio").trimmed, avatar: call.avatar("avatar"))
        let account = try call.accounts.updateProfile(of: me, change, by: call.policy)
        return .ok(["message": "资料更新成功", "user": profile(account, call.request)])
    }
}

private func profile(_ account: Account, _ request: Request) -> JSON {
    [
        "id": .integer(Int64(account.id)),
        "username": .string(account.username),
        "email": .string(account.email),
        "avatar": text(account.avatar),
        "avatar_url": text(avatarURL(account, request)),
        "bio": text(account.bio),
        "date_joined": .string(account.createdAt.withMicroseconds),
        "last_login": text(account.lastLoginAt?.withMicroseconds),
    ]
}

// MARK: Its words

@Sendable private func fieldName(_ violation: Violation) -> String {
    switch violation.field {
    case .username: "username"
    case .email: "email"
    case .password: "password"
    case .confirmation: "password_confirm"
    case .currentPassword: "old_password"
    case .newPassword: "new_password"
    // The document reports a mismatch under the new password.
    case .newConfirmation: violation.rule == .mismatch ? "new_password" : "new_password_confirm"
    default: violation.field.usualName
    }
}

@Sendable private func answer(_ failure: Failure, _ here: Circumstances) -> Reply {
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
        case .wrongCredentials, .inactive, .unknownAccount, .badResetToken:
            return Reply(401, ["message": "用户名或密码错误"])
        case .forbidden:
            return Reply(403, ["detail": "You do not have permission to perform this action."])
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

private func unreadable(_ reason: String, _ here: Circumstances) -> Reply {
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
    case .tooShort(let least):
        isPassword(violation.field)
            ? "This password is too short. It must contain at least \(least) characters."
            : "Ensure this field has at least \(least) characters."
    case .tooLong(let most): "Ensure this field has no more than \(most) characters."
    case .tooManyBytes(let most): "Ensure this field has no more than \(most) bytes."
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
    case .expired, .unknown: "Token is invalid or expired"
    case .unknownRole, .otherRole: "Not a valid choice."
    case .notAFlag: "Must be a valid boolean."
    case .notANumber(let range): "Ensure this value is a number from \(range.lowerBound) to \(range.upperBound)."
    case .notAFile: "The submitted data was not a file. Check the encoding type on the form."
    case .emptyFile: "The submitted file is empty."
    case .notAPicture:
        "Upload a valid image. The file you uploaded was either not an image or a corrupted image."
    case .fileTooLarge(let bytes): "The file is larger than \(bytes >> 20) MiB."
    case .tooManyPixels: "The image has more than 50 million pixels, all frames together."
    case .tooLongSide(let most): "The image is more than \(most) pixels wide or high."
    }
}

private func isPassword(_ field: Field) -> Bool {
    field == .password || field == .newPassword
}
