/// A request method that a route can be declared for; others are answered 405.
package enum Method: String, Sendable, CaseIterable {
    case get = "GET"
    case post = "POST"
    case put = "PUT"
    case patch = "PATCH"
    case delete = "DELETE"
}

/// A request as the contracts see it, wherever it came from.
package struct Request {
    /// What the log, the client's `X-Request-Id` and a 500 have in common.
    package let id: String
    /// As sent: `GET`, `HEAD`, anything.
    package let method: String
    /// The path as it was sent, byte for byte: nothing decoded, nothing merged.
    package let path: String
    /// What stands behind the `?`; empty without one.
    package let query: String
    /// `https://school.example`: scheme and host as nginx saw them.
    package let origin: String
    /// The client's address as nginx saw it, for the log: `203.0.113.7`; empty where it is not known.
    package let address: String
    /// False where a Host was sent that can be none.
    package let isHostValid: Bool
    /// Whether the client is inside the machine's own network, which nginx alone can see.
    package let isInside: Bool
    /// Whether the client came over TLS.
    package let isSecure: Bool
    /// The announced length of the body in bytes.
    package let contentLength: Int
    /// The value of a header by its lower-case name; nil when it was not sent.
    package let header: (_ name: String) -> String?
    /// Reads up to `buffer.count` bytes of the body; 0 at its end.
    package let read: MultipartReader<BodyCutShort>.Read

    package init(
        id: String, method: String, target: String, origin: String, address: String = "", isSecure: Bool = false,
        isInside: Bool = false, isHostValid: Bool? = nil, contentLength: Int,
        header: @escaping (String) -> String?,
        read: @escaping MultipartReader<BodyCutShort>.Read
    ) {
        self.id = id
        self.method = method
        let question = target.utf8.firstIndex(of: UInt8(ascii: "?")) ?? target.endIndex
        path = String(target[..<question])
        query = question < target.endIndex ? String(target[target.utf8.index(after: question)...]) : ""
        self.origin = origin
        self.address = address
        self.isSecure = isSecure
        self.isInside = isInside
        self.isHostValid = isHostValid ?? header("host").map(Host.isValid) ?? true
        self.contentLength = contentLength
        self.header = header
        self.read = read
    }

    /// The method that a route answers this one with: `HEAD` is a `GET` whose body nginx drops.
    package var routedMethod: Method? { Method(rawValue: method == "HEAD" ? "GET" : method) }

    package var contentType: MediaType? { header("content-type").flatMap(MediaType.init) }

    /// The token of `Authorization: Bearer …` (RFC 6750 §2.1); nil without one of that scheme, empty when malformed.
    package var bearerToken: String? {
        // As bytes side by side: letter by letter, Unicode's rules would cost more than the rest of the request.
        header("authorization")?.utf8.withContiguousStorageIfAvailable { text in
            let words = text.split { $0 == 0x20 || $0 == 0x09 }
            guard let scheme = words.first, scheme.elementsEqual("bearer".utf8, by: { $0 | 0x20 == $1 }) else {
                return nil
            }
            return words.count == 2 ? String(decoding: words[1], as: UTF8.self) : ""
        } ?? nil
    }
}

/// The client, or nginx, stopped sending before the announced end of the body.
package struct BodyCutShort: Error {
    package init() {}
}
