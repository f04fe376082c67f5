import Accounts
import HTTP
import JSON

/// One of the five documents: its routes, its rules and its words over the one core.
///
/// A class, as `Route` is: a request hands it on many times, and to copy its members would cost more than to find it.
package final class Contract: Sendable {
    /// For the log: `v1-profile`.
    package let name: String
    package let policy: Policy
    /// How the fields of bodies are sent, unless a route says otherwise.
    let encodings: [Fields.Encoding]
    /// Whether JSON may have a byte order mark before it, as FastAPI takes it and Django REST framework does not.
    let skipsByteOrderMark: Bool
    /// The name under which a client finds what is wrong with a field.
    let fieldName: @Sendable (Violation) -> String
    /// The document's text for what is wrong with a field.
    let words: @Sendable (Violation) -> String
    /// Whether an unknown path is answered in this contract's words.
    let owns: @Sendable (_ path: String) -> Bool
    /// The document's words for every way a request can fail.
    let answer: @Sendable (Failure, Circumstances) -> Reply
    let routes: [Route]
    /// Whether a path is also accepted with its final slash left out or put behind it.
    let slashIsOptional: @Sendable (_ path: String) -> Bool

    init(
        name: String, policy: Policy, encodings: [Fields.Encoding], skipsByteOrderMark: Bool = false,
        fieldName: @escaping @Sendable (Violation) -> String,
        words: @escaping @Sendable (Violation) -> String, owns: @escaping @Sendable (_ path: String) -> Bool,
        answer: @escaping @Sendable (Failure, Circumstances) -> Reply, routes: [Route],
        slashIsOptional: @escaping @Sendable (_ path: String) -> Bool
    ) {
        self.name = name
        self.policy = policy
        self.encodings = encodings
        self.skipsByteOrderMark = skipsByteOrderMark
        self.fieldName = fieldName
        self.words = words
        self.owns = owns
        self.answer = answer
        self.routes = routes
        self.slashIsOptional = slashIsOptional
    }

    /// Field errors under their wire names, in order, each with its texts: `{"email": ["…"], "password": ["…", "…"]}`.
    func fieldErrors(_ violations: [Violation]) -> JSON.Object {
        var errors = JSON.Object()
        for (name, text) in texts(violations) {
            guard let index = errors.members.firstIndex(where: { $0.name == name }),
                case .array(let texts) = errors.members[index].value
            else {
                errors.members.append(.init(name: name, value: [.string(text)]))
                continue
            }
            errors.members[index] = .init(name: name, value: .array(texts + [.string(text)]))
        }
        return errors
    }

    /// The same, one by one.
    package func texts(_ violations: [Violation]) -> [(field: String, text: String)] {
        violations.map { (fieldName($0), words($0)) }
    }
}

/// What a contract may need to know to put a failure into its words.
struct Circumstances {
    let contract: Contract
    /// What the route puts over its field errors; empty without a route.
    let head: String
    /// What the body held, as far as it was read.
    let fields: Fields
    let requestID: String
    let language: Language

    /// Field errors under their wire names.
    func errors(_ violations: [Violation]) -> JSON.Object { contract.fieldErrors(violations) }
}

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

/// One endpoint. `open` and `signedIn` are the only ways to declare one: a handler that needs an account cannot exist
/// without the check.
package final class Route: Sendable {
    package enum Weight: Sendable {
        /// Shows what was found of the caller: one round trip to the database answers many.
        case reading
        /// Reads or writes some rows.
        case light
        /// Hashes passwords.
        case passwords
        /// Decodes a picture.
        case pictures
        /// Decodes a picture where the body may hold one, else reads or writes some rows.
        case lightOrPicture
        /// Reads and sends many rows, for as long as the client takes.
        case lists
    }

    package let method: Method
    package let path: String
    package let weight: Weight
    let head: String
    let encodings: [Fields.Encoding]?
    /// The field whose file part is kept.
    let file: String?
    /// Whether it takes any field. If not, no body is read, whatever comes with the request.
    let takesFields: Bool
    /// Whether it may give a browser a session, which no page of another origin may have it do.
    let setsCookie: Bool
    /// Whether it is only for the holder of a living session.
    let isSignedIn: Bool
    let handle: @Sendable (Call) throws(Failure) -> Reply

    private init(
        method: Method, path: String, weight: Weight, head: String = "", encodings: [Fields.Encoding]? = nil,
        file: String? = nil, takesFields: Bool, setsCookie: Bool = false, isSignedIn: Bool,
        handle: @escaping @Sendable (Call) throws(Failure) -> Reply
    ) {
        self.method = method
        self.path = path
        self.weight = weight
        self.head = head
        self.encodings = encodings
        self.file = file
        self.takesFields = takesFields && method != .get
        self.setsCookie = setsCookie
        self.isSignedIn = isSignedIn
        self.handle = handle
    }

    /// An endpoint for everybody.
    static func open(
        _ method: Method, _ path: String, _ weight: Weight = .light, failure head: String = "",
        encodings: [Fields.Encoding]? = nil, takesFields: Bool = true, setsCookie: Bool = false,
        handle: @escaping @Sendable (Call) throws(AccountsError) -> Reply
    ) -> Route {
        Route(
            method: method, path: path, weight: weight, head: head, encodings: encodings, takesFields: takesFields,
            setsCookie: setsCookie, isSignedIn: false
        ) {
            call throws(Failure) in
            try call.refuseCrossOrigin()
            try call.readFields()
            return try call.refusing { () throws(AccountsError) in try handle(call) }
        }
    }

    /// An endpoint that shows the holder of a living session something of the own account, and looks at nothing else.
    static func reading(
        _ path: String, failure head: String = "", show: @escaping @Sendable (Request, Caller) -> Reply
    ) -> Route {
        Route(method: .get, path: path, weight: .reading, head: head, takesFields: false, isSignedIn: true) {
            call throws(Failure) in
            let me = try call.refusing { () throws(AccountsError) in try call.caller() }
            return show(call.request, me)
        }
    }

    /// An endpoint for the holder of a living session.
    static func signedIn(
        _ method: Method, _ path: String, _ weight: Weight = .light, failure head: String = "", file: String? = nil,
        takesFields: Bool = true, handle: @escaping @Sendable (Call, Caller) throws(AccountsError) -> Reply
    ) -> Route {
        Route(
            method: method, path: path, weight: weight, head: head, file: file, takesFields: takesFields,
            isSignedIn: true
        ) {
            call throws(Failure) in
            try call.refuseCrossOrigin()
            // Before the body: strangers cannot make us keep a file.
            let me = try call.refusing { () throws(AccountsError) in try call.caller() }
            try call.readFields()
            return try call.refusing { () throws(AccountsError) in try handle(call, me) }
        }
    }
}
