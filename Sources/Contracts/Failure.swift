import Accounts
import HTTP
import JSON

/// Every way a request can fail, for a contract to put into its words.
package enum Failure: Error, Sendable {
    case refused(Refusal)
    /// The body cannot be read; in words for the client.
    case malformed(String)
    /// Why the body is not JSON, and after how many characters.
    case notJSON(JSON.ParseError, character: Int)
    /// JSON, but no object.
    case notAnObject
    /// A page of another origin sent a cookie with a request that changes something, or would be given one.
    case crossOrigin
    /// The request's Host is no host name or address with a port.
    case invalidHost
    case unsupportedMediaType(String)
    case tooLarge
    case notFound
    case methodNotAllowed(method: String, allowed: String)
    /// Too many requests of its kind wait, or too many of this account.
    case busy
    /// A mistake of ours; the client gets nothing but the id to find it in the log.
    case internalError(requestID: String)

    init(_ error: Fields.Failure) {
        switch error {
        case .malformed(let reason): self = .malformed(reason)
        case .notJSON(let error, let character): self = .notJSON(error, character: character)
        case .notAnObject: self = .notAnObject
        case .unsupportedMediaType(let type): self = .unsupportedMediaType(type)
        case .tooLarge: self = .tooLarge
        case .cutShort: self = .malformed("The request's body is incomplete.")
        }
    }

    /// Seconds after which it is worth trying again, for `Retry-After`.
    var retryAfter: Int64? {
        switch self {
        case .refused(.locked(let seconds)): seconds
        case .refused(.unavailable): 2
        case .busy: 3
        default: nil
        }
    }
}

/// What a contract needs to know to put a failure into its words.
struct FailureContext {
    let contract: Contract
    /// nil where the request failed before one was found.
    let route: Route?
    /// What the body held, as far as it was read.
    let fields: Fields
    let requestID: String
    let language: Language

    /// What the route puts over its field errors; empty without a route.
    var head: String { route?.head ?? "" }

    /// The name under which a client finds what is wrong with a field.
    func name(of violation: Violation) -> String {
        let inputs = (route?.inputs ?? []) + (route?.query ?? [])
        guard let input = inputs.first(where: { $0.field == violation.field }) else { return violation.field.name }
        return violation.rule == .mismatch ? input.mismatchName ?? input.name : input.name
    }

    /// Field errors under their wire names, in order, each with its texts: `{"email": ["…"], "password": ["…", "…"]}`.
    func errors(_ violations: [Violation]) -> JSON.Object {
        var errors = JSON.Object()
        for violation in violations {
            let (name, text) = (name(of: violation), JSON.string(contract.words(violation)))
            if let index = errors.members.firstIndex(where: { $0.name == name }),
                case .array(let texts) = errors.members[index].value
            {
                errors.members[index] = .init(name: name, value: .array(texts + [text]))
            } else {
                errors.members.append(.init(name: name, value: [text]))
            }
        }
        return errors
    }
}

extension Field {
    /// The name on the wire where no route takes the field.
    var name: String {
        switch self {
        case .username: "username"
        case .email: "email"
        case .password: "password"
        case .confirmation: "password2"
        case .currentPassword: "old_password"
        case .newPassword: "new_password"
        case .newConfirmation: "confirm_password"
        case .fullName: "full_name"
        case .firstName: "first_name"
        case .lastName: "last_name"
        case .phone: "phone"
        case .bio: "bio"
        case .avatar: "avatar"
        case .role: "role"
        case .refresh: "refresh"
        case .resetToken: "token"
        case .remembered: "remember_me"
        case .limit: "limit"
        case .after: "after"
        case .id: "id"
        case .language: "language"
        case .timezone: "timezone"
        case .theme: "theme"
        case .search: "q"
        case .sessionID: "id"
        }
    }
}
