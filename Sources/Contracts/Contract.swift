import Accounts
import HTTP
import JSON

/// One of the documents: its routes, its rules and its words over the one core.
///
/// A class, as `Route` is: a request hands it on many times, and to copy its members would cost more than to find it.
package final class Contract: Sendable {
    /// For the log, and for the path of its description: `v1-profile`.
    package let name: String
    /// What it is, in one line for people.
    package let title: String
    /// What else people who write clients must know, in Markdown.
    let notes: String
    package let policy: Policy
    /// How the fields of bodies are sent, unless a route says otherwise.
    let encodings: [Fields.Encoding]
    /// Whether JSON may have a byte order mark before it, as FastAPI takes it and Django REST framework does not.
    let skipsByteOrderMark: Bool
    /// The document's text for what is wrong with a field.
    let words: @Sendable (Violation) -> String
    /// Whether an unknown path is answered in this contract's words.
    let owns: @Sendable (_ path: String) -> Bool
    /// The document's words for every way a request can fail.
    let answer: @Sendable (Failure, FailureContext) -> Reply
    /// How nginx words its own errors below this contract's paths, as `nginx/http.conf` has it.
    let nginxError: NginxError
    let routes: [Route]
    /// Whether a path is also accepted with its final slash left out or put behind it.
    let slashIsOptional: @Sendable (_ path: String) -> Bool

    /// The form of an error that nginx answers by itself.
    enum NginxError: Equatable {
        /// `{"detail": "Not found."}`, with that key.
        case text(key: String)
        /// RFC 9457.
        case problem
    }

    init(
        name: String, title: String, notes: String = "", policy: Policy, encodings: [Fields.Encoding],
        skipsByteOrderMark: Bool = false,
        words: @escaping @Sendable (Violation) -> String, owns: @escaping @Sendable (_ path: String) -> Bool,
        answer: @escaping @Sendable (Failure, FailureContext) -> Reply, nginxError: NginxError, routes: [Route],
        slashIsOptional: @escaping @Sendable (_ path: String) -> Bool
    ) {
        self.name = name
        self.title = title
        self.notes = notes
        self.policy = policy
        self.encodings = encodings
        self.skipsByteOrderMark = skipsByteOrderMark
        self.words = words
        self.owns = owns
        self.answer = answer
        self.nginxError = nginxError
        self.routes = routes
        self.slashIsOptional = slashIsOptional
    }

    /// The paths under which a route is served.
    func spellings(of path: String) -> [String] {
        guard slashIsOptional(path) else { return [path] }
        return path.hasSuffix("/") ? [path, String(path.dropLast())] : [path, path + "/"]
    }
}
