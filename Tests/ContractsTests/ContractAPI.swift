import JSON
import Testing

/// A password that keeps every contract's rules.
let goodPassword = "correct horse battery"
let otherPassword = "another staple entirely"

/// What a client of a contract holds after signing in.
struct SessionCredentials {
    var access: String?
    var refresh: String?
    var cookie: String?
}

/// One of the five contracts, as a client that knows its document uses it.
enum ContractAPI: Int, CaseIterable, CustomTestStringConvertible {
    case v1Profile = 1
    case emailAuth, roleSession, usersToken, v1Auth

    var testDescription: String { "\(rawValue)" }

    /// Those whose clients hold a bearer token.
    static let withTokens: [ContractAPI] = [.v1Profile, .emailAuth, .usersToken, .v1Auth]

    /// Registers `alice` with `alice@school.example`.
    func register(_ name: String, _ password: String = goodPassword, at client: TestClient) -> Response {
        client.post(registration.path, registration(of: name, password))
    }

    var registration: (path: String, confirmation: String?) {
        switch self {
        case .v1Profile: ("/api/v1/auth/register/", "password_confirm")
        case .emailAuth: ("/api/auth/register/", "password2")
        case .roleSession: ("/api/user/register/", "password2")
        case .usersToken: ("/api/users/register", nil)
        case .v1Auth: ("/api/v1/auth/register", "confirm_password")
        }
    }

    /// A body that registers `alice` with `alice@school.example`.
    func registration(of name: String, _ password: String = goodPassword) -> JSON {
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

    var login: String {
        switch self {
        case .v1Profile: "/api/v1/auth/login/"
        case .emailAuth: "/api/auth/login/"
        case .roleSession: "/api/user/login/"
        case .usersToken: "/api/users/login"
        case .v1Auth: "/api/v1/auth/login/json"
        }
    }

    /// Whether people sign in with an email and nothing else.
    var takesEmailOnly: Bool { self == .emailAuth || self == .usersToken }

    /// A body that signs in as a student.
    func credentials(_ name: String, _ password: String = goodPassword) -> JSON {
        switch self {
        case .v1Profile, .v1Auth: ["username": .string(name), "password": .string(password)]
        case .emailAuth, .usersToken: ["email": .string(name), "password": .string(password)]
        case .roleSession: ["username": .string(name), "password": .string(password), "role": "student"]
        }
    }

    /// Signs in with a username or an email, whichever the contract takes.
    func signIn(_ name: String, _ password: String = goodPassword, at client: TestClient) -> Response {
        client.post(login, credentials(name, password))
    }

    /// Signs in `alice` and gives what the client then holds.
    func openSession(_ name: String, _ password: String = goodPassword, at client: TestClient) -> SessionCredentials {
        let answer = signIn(takesEmailOnly ? "\(name)@school.example" : name, password, at: client)
        return switch self {
        case .v1Profile, .emailAuth:
            SessionCredentials(access: answer.text("tokens", "access"), refresh: answer.text("tokens", "refresh"))
        case .roleSession: SessionCredentials(cookie: answer.cookie)
        case .usersToken, .v1Auth: SessionCredentials(access: answer.text("access_token"))
        }
    }

    /// Where the contract renews its tokens; nil for the cookie.
    var renewal: String? {
        switch self {
        case .v1Profile: "/api/v1/auth/token/refresh/"
        case .emailAuth: "/api/auth/token/refresh/"
        case .roleSession: nil
        case .usersToken: "/api/users/refresh_token"
        case .v1Auth: "/api/v1/auth/refresh"
        }
    }

    /// Every endpoint that a token opens and that changes nothing.
    static let bearerEndpoints = [
        "/api/v1/profile/", "/api/v1/info/", "/api/protected/", "/api/user/list/", "/api/user/me/", "/api/users/me",
        "/api/me", "/api/v1/auth/me",
    ]

    static let cookieEndpoints = ["/api/user/list/", "/api/user/me/"]
}
