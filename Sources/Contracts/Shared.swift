import Accounts
import HTTP
import JSON

/// A JWT, for the examples.
let exampleToken = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9..."

/// A new pair of tokens as contracts 1 and 2 show it.
let tokenPair: Shape<Credentials> = ["refresh": refreshToken, "access": accessToken]
let accessToken = Shape<Credentials>.text(exampleToken) { $0.access }
let refreshToken = Shape<Credentials>.text(exampleToken) { $0.refresh ?? "" }

/// An answer that says one thing.
func message(_ text: String) -> Shape<Void> { ["message": Shape(stringLiteral: text)] }

extension Shape<Account> {
    static let id = Shape.integer(1) { Int64($0.id) }

    static func username(_ example: String) -> Shape { .text(example) { $0.username } }
    static func email(_ example: String) -> Shape { .text(example, ["format": "email"]) { $0.email } }
    static func bio(_ example: String?) -> Shape { .optionalText(example) { $0.bio } }
    static func phone(_ example: String?) -> Shape { .optionalText(example) { $0.phone } }
    static let role = Shape.text("student", ["enum": .array(Role.allCases.map { .string($0.rawValue) })]) {
        $0.role.rawValue
    }
    static let status = Shape.text("active", ["enum": .array(Status.allCases.map { .string($0.rawValue) })]) {
        $0.status.rawValue
    }
    /// The absolute URL under which nginx serves the picture.
    static func avatarURL(_ example: String?) -> Shape {
        .url(example) { account, request in account.avatar.map { "\(request.origin)/media/\($0)" } }
    }

    /// A time in UTC.
    static func time(_ example: String, _ value: @escaping @Sendable (Account) -> String) -> Shape {
        .text(example, ["format": "date-time"], value)
    }
    static func optionalTime(_ example: String?, _ value: @escaping @Sendable (Account) -> String?) -> Shape {
        .optionalText(example, ["format": "date-time"], value)
    }
}

extension Reply {
    /// With a `Link` to the next page of a list (RFC 8288): of what was checked of the query, never of what was sent.
    func withNext(in context: RequestContext, _ parameters: [(name: String, value: String?)]) -> Reply {
        let query = URLEncoded.query(
            parameters.compactMap { name, value in value.map { FormField(name: name, value: $0) } })
        return with("Link", "<\(context.request.origin)\(context.destination.path)?\(query)>; rel=\"next\"")
    }
}

extension Registration {
    /// What a route takes of a registration.
    init(_ context: RequestContext) {
        var details: [Field: Entry] = [:]
        for field in [Field.fullName, .firstName, .lastName, .phone] { details[field] = context.given(field) }
        self.init(
            username: context.given(.username), email: context[.email], password: context[.password],
            confirmation: context.given(.confirmation), details: details)
        userAgent = context.request.header("user-agent")
    }
}

extension SignIn {
    /// What a route takes of a login: a username, which may be an email too, or an email.
    init(_ context: RequestContext) {
        let username = context.given(.username)
        self.init(
            name: username ?? context[.email], as: username == nil ? .email : .username, password: context[.password],
            role: context.given(.role), remembered: context.lenientFlag(.remembered),
            replacedCookies: context.cookies, userAgent: context.request.header("user-agent"))
    }
}

extension PasswordChange {
    /// What a route takes of a change of the password.
    init(_ context: RequestContext) {
        self.init(
            current: context[.currentPassword], new: context[.newPassword],
            confirmation: context.given(.newConfirmation))
    }
}
