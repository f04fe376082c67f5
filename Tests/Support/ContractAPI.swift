import JSON

/// What a client of a contract holds after signing in.
package struct SessionCredentials: Sendable {
    package var access: String?
    package var refresh: String?
    package var cookie: String?

    package init(access: String? = nil, refresh: String? = nil, cookie: String? = nil) {
        (self.access, self.refresh, self.cookie) = (access, refresh, cookie)
    }

    /// The header that shows them, the access token rather than the cookie.
    package var header: (name: String, value: String) {
        if let access { return ("Authorization", "Bearer \(access)") }
        return ("Cookie", "sessionid=\(cookie ?? "")")
    }
}

/// One of the five contracts, as a client that knows its document uses it: the one table of their paths, fields and words.
///
/// No switch over it has a `default`: a contract more must be thought about everywhere.
package enum ContractAPI: Int, CaseIterable, Sendable {
    case v1Profile = 1
    case emailAuth, roleSession, usersToken, v1Auth

    /// Those whose clients hold a bearer token.
    package static let withTokens: [ContractAPI] = [.v1Profile, .emailAuth, .usersToken, .v1Auth]

    /// Where people register, and the name of the field that repeats the password; nil where none does.
    package var registration: (path: String, confirmation: String?) {
        switch self {
        case .v1Profile: ("/api/v1/auth/register/", "password_confirm")
        case .emailAuth: ("/api/auth/register/", "password2")
        case .roleSession: ("/api/user/register/", "password2")
        case .usersToken: ("/api/users/register", nil)
        case .v1Auth: ("/api/v1/auth/register", "confirm_password")
        }
    }

    /// Where people sign in with JSON.
    package var login: String {
        switch self {
        case .v1Profile: "/api/v1/auth/login/"
        case .emailAuth: "/api/auth/login/"
        case .roleSession: "/api/user/login/"
        case .usersToken: "/api/users/login"
        case .v1Auth: "/api/v1/auth/login/json"
        }
    }

    package var logout: String {
        switch self {
        case .v1Profile: "/api/v1/auth/logout/"
        case .emailAuth: "/api/auth/logout/"
        case .roleSession: "/api/user/logout/"
        case .usersToken: "/api/users/logout"
        case .v1Auth: "/api/v1/auth/logout"
        }
    }

    /// Where the contract renews its tokens; nil for the cookie.
    package var renewal: String? {
        switch self {
        case .v1Profile: "/api/v1/auth/token/refresh/"
        case .emailAuth: "/api/auth/token/refresh/"
        case .roleSession: nil
        case .usersToken: "/api/users/refresh_token"
        case .v1Auth: "/api/v1/auth/refresh"
        }
    }

    /// Where it answers whose session it is.
    package var me: String {
        switch self {
        case .v1Profile: "/api/v1/info/"
        case .emailAuth: "/api/protected/"
        case .roleSession: "/api/user/me/"
        case .usersToken: "/api/users/me"
        case .v1Auth: "/api/v1/auth/me"
        }
    }

    /// The body of its 503.
    package var unavailable: String {
        switch self {
        case .v1Profile, .usersToken: #"{"detail":"Service temporarily unavailable, try again later."}"#
        case .emailAuth: #"{"error":"服务暂时不可用，请稍后再试。"}"#
        case .roleSession: #"{"message":"服务暂时不可用，请稍后再试。"}"#
        case .v1Auth: #"{"detail":"服务暂时不可用，请稍后再试。"}"#
        }
    }

    /// Every endpoint that a token opens and that changes nothing.
    package static let bearerEndpoints = [
        "/api/v1/profile/", "/api/v1/info/", "/api/protected/", "/api/user/list/", "/api/user/me/", "/api/users/me",
        "/api/me", "/api/v1/auth/me",
    ]

    /// Every endpoint that the cookie opens and that changes nothing.
    package static let cookieEndpoints = ["/api/user/list/", "/api/user/me/"]

    /// Whether people sign in with an email and nothing else.
    package var takesEmailOnly: Bool {
        switch self {
        case .emailAuth, .usersToken: true
        case .v1Profile, .roleSession, .v1Auth: false
        }
    }

    /// A body that registers `alice` with `alice@school.example`.
    package func registration(of name: String, _ password: String) -> JSON {
        let email = JSON.string("\(name)@school.example")
        guard let confirmation = registration.confirmation else {
            return [
                "email": email, "password": .string(password), "first_name": "A", "last_name": "B",
                "phone_number": "13800138000",
            ]
        }
        return .object([
            "username": .string(name), "email": email, "password": .string(password),
            confirmation: .string(password),
        ])
    }

    /// A body that signs in as a student.
    package func credentials(_ name: String, _ password: String) -> JSON {
        switch self {
        case .v1Profile, .v1Auth: ["username": .string(name), "password": .string(password)]
        case .emailAuth, .usersToken: ["email": .string(name), "password": .string(password)]
        case .roleSession: ["username": .string(name), "password": .string(password), "role": "student"]
        }
    }

    /// What an answer to a login hands out.
    package func session(in body: JSON?, setCookie: String?) -> SessionCredentials {
        func text(_ names: String...) -> String? {
            let value = names.reduce(body) { value, name in
                guard case .object(let object)? = value else { return nil }
                return object[name]
            }
            guard case .string(let text)? = value else { return nil }
            return text
        }
        return switch self {
        case .v1Profile, .emailAuth:
            SessionCredentials(access: text("tokens", "access"), refresh: text("tokens", "refresh"))
        case .roleSession:
            SessionCredentials(cookie: setCookie?.prefixMatch(of: /sessionid=([^;]+)/).map { String($0.1) })
        case .usersToken, .v1Auth: SessionCredentials(access: text("access_token"))
        }
    }
}
