import Accounts
import HTTP
import JSON

/// Contract 6: what the five documents lack, with errors as RFC 9457 has them, in Chinese or English.
package let accountAPI = Contract(
    name: "account",
    title: "What the five documents lack; errors as RFC 9457 has them",
    notes: """
        `code` of the whole: \(list(Code.allCases.map(\.rawValue) + ["too_many_requests"])). `code` of a field: \
        \(list(FieldCode.allCases.map(\.rawValue))).
        """,
    policy: Policy(
        contract: 6,
        renewal: .cookie(life: 14 * 86_400),
        passwords: PasswordRules(
            shortest: 8, refusesCommon: true, refusesNumeric: true, dissimilarTo: [.username, .email]),
        listLimits: PeopleQuery.limits),
    encodings: [.json],
    skipsByteOrderMark: true,
    words: { words($0, .english) },
    owns: { $0.hasPrefix("/api/account/") || $0 == "/api/account" },
    answer: answer,
    nginxError: .problem,
    routes: [
        .reading("/api/account/", "The own account", gives: .ok(account)),
        // A new name or address needs the password, so it waits with those that are hashed.
        .updating(
            .patch, "/api/account/", "Change the own account", on: .passwords,
            takes: [
                .optional(.username, "username", "alice"), .optional(.email, "email", "alice@example.org"),
                .optional(.fullName, "full_name", "Alice Liddell"), .optional(.firstName, "first_name", "Alice"),
                .optional(.lastName, "last_name", "Liddell"), .optional(.phone, "phone", "+44 20 7946 0000"),
                .optional(.bio, "bio", "Grade 7"), .optional(.language, "language", "zh"),
                .optional(.timezone, "timezone", "Asia/Shanghai"), .optional(.theme, "theme", "light"),
                Input(
                    field: .currentPassword, name: "current_password", isRequired: false, isNew: false,
                    example: "example-pass-1"),
            ],
            gives: .ok(account),
            refuses: [
                .invalid([Violation(.currentPassword, .required)]), .invalid([Violation(.currentPassword, .blank)]),
                .locked(retryAfter: 900),
            ]
        ) { context in
            var change = ProfileChange(
                username: context[.username], email: context[.email], bio: context[.bio].trimmed.nullWhereEmpty,
                currentPassword: context[.currentPassword])
            for field in [Field.fullName, .firstName, .lastName, .phone] { change.details[field] = context[field] }
            for field in [Field.language, .timezone, .theme] { change.preferences[field] = context[field] }
            return change
        },
        .signedIn(
            .put, "/api/account/avatar/", "Set the own picture", on: .pictures, encodings: [.multipart, .picture],
            takes: [.required(.avatar, "avatar", "")], gives: .ok(account),
            refuses: [.invalid([Violation(.avatar, .required)])]
        ) { context, me, accounts throws(AccountsError) in
            switch context.avatar {
            case .file: break
            case .absent: throw .refused(.invalid([Violation(.avatar, .required)]))
            case .remove, .notAFile: throw .refused(.invalid([Violation(.avatar, .notAFile)]))
            }
            return try accounts.updateProfile(of: me, ProfileChange(avatar: context.avatar), by: context.policy)
        },
        .signedIn(
            .delete, "/api/account/avatar/", "Take the own picture away", gives: .ok(account)
        ) { context, me, accounts throws(AccountsError) in
            try accounts.updateProfile(of: me, ProfileChange(avatar: .remove), by: context.policy)
        },
        .signedIn(
            .post, "/api/account/password/", "Change the own password", on: .passwords,
            takes: [
                .compared(.currentPassword, "current_password", "example-pass-1"),
                .required(.newPassword, "new_password", "example-pass-2"),
            ],
            gives: .noContent, refuses: [.locked(retryAfter: 900)], servesBeforeChange: true
        ) { context, me, accounts throws(AccountsError) in
            try accounts.changePassword(of: me, PasswordChange(context), by: context.policy)
        },
        .signedIn(
            .post, "/api/account/email/verification/", "Mail a link that proves the email address", gives: .accepted
        ) { _, me, accounts throws(AccountsError) in
            try accounts.requestVerification(for: me)
        },
        .open(
            .post, "/api/account/email/verify/", "Prove an email address",
            takes: [.compared(.resetToken, "token", "the token of the link")], gives: .noContent,
            refuses: [.badResetToken, .invalid([Violation(.resetToken, .expired)])]
        ) { context, accounts throws(AccountsError) in
            try accounts.verifyEmail(token: context[.resetToken])
        },
        .open(
            .post, "/api/account/email/undo/", "Take back a change of the email address",
            takes: [.compared(.resetToken, "token", "the token of the link")], gives: .noContent,
            refuses: [.badResetToken, .invalid([Violation(.resetToken, .expired)])]
        ) { context, accounts throws(AccountsError) in
            try accounts.undoEmailChange(token: context[.resetToken])
        },
        .signedIn(
            .get, "/api/account/sessions/", "The own sessions, newest first", gives: .ok(device.list)
        ) { _, me, accounts throws(AccountsError) in
            try accounts.devices(of: me).map { Device(session: $0, isCurrent: $0.id == me.session.id) }
        },
        .signedIn(
            .delete, "/api/account/sessions/", "End all own sessions but the present one", gives: .noContent
        ) { _, me, accounts throws(AccountsError) in
            try accounts.endOtherSessions(of: me)
        },
        .signedIn(
            .delete, "/api/account/sessions/{id}/", "End one of the own sessions",
            parameter: .required(.sessionID, "id", "5f2c9c1e7a0b4d36"), gives: .noContent, refuses: [.notFound]
        ) { context, me, accounts throws(AccountsError) in
            try accounts.endSession(context[.sessionID], of: me)
        },
        .signedIn(
            .get, "/api/account/people/", "People, for teachers and mentors", on: .lists,
            query: [
                .optional(.search, "q", "bob"), .optional(.role, "role", "student"), .optional(.limit, "limit", 50),
                .optional(.after, "after", 0),
            ],
            gives: .page(of: person), refuses: [.forbidden]
        ) { context, me, accounts throws(AccountsError) in
            let query = PeopleQuery(
                search: context[.search], role: context[.role], limit: context[.limit], after: context[.after])
            return try accounts.people(query, for: me.account)
        },
    ],
    slashIsOptional: { _ in true })

// MARK: What it shows

private let account: Shape<Account> =
    ([
        "id": .id,
        "username": .username("alice"),
        "email": .email("alice@example.org"),
        "is_email_verified": .flag(true) { $0.isEmailVerified },
        "pending_email_undo_until": .optionalTime(nil) { $0.emailUndoUntil?.withMicroseconds },
        "role": .role,
        "full_name": .optionalText("Alice Liddell") { $0.fullName },
        "first_name": .optionalText(nil) { $0.firstName },
        "last_name": .optionalText(nil) { $0.lastName },
        "phone": .phone(nil),
        "bio": .bio("Grade 7"),
        "avatar": .optional(picture) { $0.avatar },
        "language": .text("zh") { $0.language },
        "timezone": .text("Asia/Shanghai") { $0.timezone },
        "theme": .text("light") { $0.theme },
        "login_count": .integer(5) { $0.loginCount },
        "created_at": .time("2025-07-26T07:42:39.508828Z") { $0.createdAt.withMicroseconds },
        "last_login_at": .optionalTime("2025-07-26T08:30:15.123456Z") { $0.lastLoginAt?.withMicroseconds },
    ] as Shape).marked("must_change_password") { $0.mustChangePassword }

/// A picture and its squares, by the path of the picture.
private let picture: Shape<String> = [
    "url": media(""), "url_256": media("-256"), "url_64": media("-64"),
]

/// - Parameter suffix: what the name of a square has before its ending.
private func media(_ suffix: String) -> Shape<String> {
    Shape(
        schema: ["type": "string", "format": "uri"],
        example: .string("https://school.example/media/avatars/0123456789abcdef0123456789abcdef\(suffix).jpg")
    ) { path, request, bytes in
        JSON.write("\(request.origin)/media/\(path.dropLast(4))\(suffix)\(path.suffix(4))", to: &bytes)
    }
}

/// A session as its owner sees it.
private struct Device: Sendable {
    let session: SessionSummary
    let isCurrent: Bool
}

private let device: Shape<Device> = [
    "id": .text("5f2c9c1e7a0b4d36", ["pattern": "^[0-9a-f]{16}$"]) { device in
        let digits = String(device.session.id, radix: 16)
        return String(repeating: "0", count: 16 - digits.utf8.count) + digits
    },
    "is_current": .flag(true) { $0.isCurrent },
    "contract": .text("role-session") { device in
        Router.documented.first { $0.policy.contract == device.session.contract }?.name ?? Contract.unknown.name
    },
    "address": .optionalText("203.0.113.7") { $0.session.address },
    "client": .optionalText("Firefox on Windows") { $0.session.client },
    "created_at": .text("2025-07-26T08:30:15.123456Z", ["format": "date-time"]) {
        $0.session.createdAt.withMicroseconds
    },
    "used_at": .text("2025-07-26T09:02:11.000000Z", ["format": "date-time"]) { $0.session.usedAt.withMicroseconds },
    "expires_at": .text("2025-08-09T08:30:15.123456Z", ["format": "date-time"]) {
        $0.session.expiresAt.withMicroseconds
    },
]

private let person: Shape<Account> = [
    "id": .id,
    "username": .username("bob"),
    "full_name": .optionalText(nil) { $0.fullName },
    "email": .email("bob@example.org"),
    "role": .role,
    "avatar_64": .url(nil) { account, request in
        account.avatar.map { "\(request.origin)/media/\($0.dropLast(4))-64\($0.suffix(4))" }
    },
    "last_login_at": .optionalTime(nil) { $0.lastLoginAt?.withMicroseconds },
]

extension Success where Outcome == PeoplePage {
    /// The array; `Link` leads on where a limit cut it.
    fileprivate static func page(of person: Shape<Account>) -> Success {
        var success = Success.ok(person.list.of(\.accounts))
        success.headers = [("Link", "The next page: `<…?limit=50&after=50>; rel=\"next\"`.")]
        success.render = { [success] page, context in
            let reply = success.plainReply(page, context)
            guard let next = page.next else { return reply }
            return reply.withNext(
                in: context,
                [("q", page.search), ("role", page.role?.rawValue), ("limit", "\(page.limit)"), ("after", "\(next)")])
        }
        return success
    }
}

extension Entry {
    /// Null where a text is empty: both clear a field.
    fileprivate var nullWhereEmpty: Entry { self == .text("") ? .null : self }
}

// MARK: Its words

@Sendable private func answer(_ failure: Failure, _ here: FailureContext) -> Reply {
    switch failure {
    case .refused(let refusal):
        switch refusal {
        case .invalid(let violations): return problem(400, .invalid, here, errors: violations)
        case .notAuthenticated, .badToken, .staleToken, .badRefreshToken, .foreignRefreshToken, .wrongCredentials,
            .inactive:
            return problem(401, .notAuthenticated, here).with("WWW-Authenticate", "Bearer")
        case .badResetToken: return problem(400, .invalid, here, errors: [Violation(.resetToken, .unknown)])
        case .notFound: return problem(404, .notFound, here)
        case .forbidden: return problem(403, .forbidden, here)
        case .passwordChangeRequired: return problem(403, .passwordChangeRequired, here)
        case .locked: return problem(429, .locked, here)
        case .unavailable: return problem(503, .unavailable, here)
        }
    case .malformed, .notJSON, .notAnObject: return problem(400, .malformed, here)
    case .invalidHost: return problem(400, .malformed, here)
    case .crossOrigin: return problem(403, .crossOrigin, here)
    case .unsupportedMediaType: return problem(415, .unsupportedMediaType, here)
    case .tooLarge: return problem(413, .tooLarge, here)
    case .notFound: return problem(404, .notFound, here)
    case .methodNotAllowed: return problem(405, .methodNotAllowed, here)
    case .busy: return problem(503, .busy, here)
    case .internalError: return problem(500, .internalError, here)
    }
}

private func list(_ codes: [String]) -> String { codes.map { "`\($0)`" }.joined(separator: ", ") }

/// `code` of the whole: never translated.
private enum Code: String, CaseIterable {
    case invalid, malformed, forbidden, locked, busy, unavailable
    case notAuthenticated = "not_authenticated"
    case passwordChangeRequired = "password_change_required"
    case crossOrigin = "cross_origin"
    case notFound = "not_found"
    case methodNotAllowed = "method_not_allowed"
    case tooLarge = "too_large"
    case unsupportedMediaType = "unsupported_media_type"
    case internalError = "internal"

    func title(_ language: Language) -> String {
        switch (self, language) {
        case (.invalid, .english): "Some fields need another look."
        case (.invalid, .chinese): "部分字段需要修改。"
        case (.malformed, .english): "The request's body cannot be read."
        case (.malformed, .chinese): ChineseWords.malformed
        case (.forbidden, .english): "You do not have the right to do this."
        case (.forbidden, .chinese): ChineseWords.forbidden
        case (.passwordChangeRequired, .english): "Change your password first."
        case (.passwordChangeRequired, .chinese): "请先修改密码。"
        case (.locked, .english): "Too many failed attempts. Try again later."
        case (.locked, .chinese): "尝试失败次数过多，请稍后再试。"
        case (.busy, .english), (.unavailable, .english): "The service is busy. Try again in a moment."
        case (.busy, .chinese), (.unavailable, .chinese): ChineseWords.unavailable
        case (.notAuthenticated, .english): "Sign in first."
        case (.notAuthenticated, .chinese): "请先登录。"
        case (.crossOrigin, .english): "This page may not do that here."
        case (.crossOrigin, .chinese): ChineseWords.crossOrigin
        case (.notFound, .english): "There is nothing here."
        case (.notFound, .chinese): ChineseWords.notFound
        case (.methodNotAllowed, .english): "This method is not allowed here."
        case (.methodNotAllowed, .chinese): "不支持此请求方法。"
        case (.tooLarge, .english): "The request's body is too large."
        case (.tooLarge, .chinese): ChineseWords.tooLarge
        case (.unsupportedMediaType, .english): "This media type is not supported."
        case (.unsupportedMediaType, .chinese): ChineseWords.unsupportedMediaType
        case (.internalError, .english): "Something went wrong on our side."
        case (.internalError, .chinese): "服务器内部错误。"
        }
    }
}

/// `{"type": "about:blank", "status": 400, "title": "…", "code": "invalid", "errors": […], "request": "…"}`
private func problem(_ status: Int, _ code: Code, _ here: FailureContext, errors: [Violation]? = nil) -> Reply {
    var body: JSON.Object = [
        "type": "about:blank", "status": .integer(Int64(status)), "title": .string(code.title(here.language)),
        "code": .string(code.rawValue),
    ]
    if let errors {
        let errors = errors.map { violation in
            [
                "field": .string(here.name(of: violation)), "code": .string(FieldCode(violation.rule).rawValue),
                "message": .string(words(violation, here.language)),
            ] as JSON
        }
        body.members.append(.init(name: "errors", value: .array(errors)))
    }
    body.members.append(.init(name: "request", value: .string(here.requestID)))
    return Reply(status, JSON.object(body).bytes, type: "application/problem+json")
}

/// `code` of a field: one word for one rule.
enum FieldCode: String, CaseIterable {
    case blank
    case common
    case expired
    case fileTooLarge = "file_too_large"
    case foreignAddress = "foreign_address"
    case incorrect
    case malformed
    case mismatch
    case notABoolean = "not_a_boolean"
    case notAChoice = "not_a_choice"
    case notAFile = "not_a_file"
    case notAPicture = "not_a_picture"
    case notText = "not_text"
    case null
    case numeric
    case outOfRange = "out_of_range"
    case required
    case similar
    case taken
    case tooLong = "too_long"
    case tooManyPixels = "too_many_pixels"
    case tooShort = "too_short"
    case unchanged
    case unknown

    init(_ rule: Rule) {
        self =
            switch rule {
            case .required: .required
            case .null: .null
            case .blank: .blank
            case .notText: .notText
            case .notAFlag: .notABoolean
            case .tooShort: .tooShort
            case .tooLong, .tooManyBytes: .tooLong
            case .malformed, .nulCharacter, .controlCharacter: .malformed
            case .foreignAddress: .foreignAddress
            case .taken: .taken
            case .common: .common
            case .numeric: .numeric
            case .similar: .similar
            case .mismatch: .mismatch
            case .incorrect: .incorrect
            case .unchanged: .unchanged
            case .expired: .expired
            case .unknown: .unknown
            case .unknownRole, .otherRole, .notAChoice: .notAChoice
            case .notANumber: .outOfRange
            case .notAFile: .notAFile
            case .emptyFile, .notAPicture: .notAPicture
            case .fileTooLarge: .fileTooLarge
            case .tooManyPixels, .tooLongSide: .tooManyPixels
            }
    }
}

private func words(_ violation: Violation, _ language: Language) -> String {
    if language == .chinese { return chineseWords(violation) }
    return switch violation.rule {
    case .required: "This field is needed."
    case .null, .blank: "This field may not be empty."
    case .notText: "This must be text."
    case .notAFlag: "This must be true or false."
    case .tooShort(let min): "At least \(min) characters are needed."
    case .tooLong(let max): "At most \(max) characters are allowed."
    case .tooManyBytes(let max): "At most \(max) bytes are allowed."
    case .malformed: violation.field == .email ? "This is no email address." : "This is not in the right form."
    case .foreignAddress: "A username with @ must be the account's own email address."
    case .nulCharacter, .controlCharacter: "Control characters are not allowed."
    case .taken: violation.field == .email ? "This address belongs to another account." : "This is taken."
    case .common: "This password is too common."
    case .numeric: "A password needs more than digits."
    case .similar(let field): "The password is too similar to the \(field == .email ? "email address" : "username")."
    case .mismatch: "The two passwords differ."
    case .incorrect: "The password is not right."
    case .unchanged: "The new password must differ from the present one."
    case .expired: "This link is too old. Ask for a new one."
    case .unknown: "This link was used already, or is incomplete."
    case .unknownRole, .otherRole, .notAChoice: "This is not one of the choices."
    case .notANumber(let range): "This must be a number from \(range.lowerBound) to \(range.upperBound)."
    case .notAFile: "This must be a file."
    case .emptyFile: "The file is empty."
    case .notAPicture: "This is no picture that can be read."
    case .fileTooLarge(let bytes): "The file may have \(bytes >> 20) MiB."
    case .tooManyPixels: "The picture may have 50 million pixels, all frames together."
    case .tooLongSide(let max): "The picture may be \(max) pixels wide and high."
    }
}
