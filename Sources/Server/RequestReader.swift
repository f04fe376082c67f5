import FastCGI
import HTTP

extension Request {
    /// The request that nginx sent on an exchange; valid until its `finish`.
    ///
    /// - Parameter publicURL: what absolute URLs begin with; nil takes the request's own scheme and host.
    init(_ exchange: Exchange, publicURL: String?) {
        let host = exchange.variable("HTTP_HOST")
        let isHostValid = host.map(Host.isValid) ?? true
        self.init(
            id: exchange.variable("REQUEST_ID") ?? "-",
            method: exchange.variable("REQUEST_METHOD") ?? "",
            target: exchange.variable("REQUEST_URI") ?? "",
            origin: publicURL ?? Request.origin(exchange, isHostValid ? host : nil),
            address: exchange.variable("REMOTE_ADDR") ?? "",
            isSecure: exchange.variable("REQUEST_SCHEME") == "https",
            isInside: Request.isInside(exchange.variable("INSIDE")),
            isHostValid: isHostValid,
            contentLength: exchange.contentLength,
            header: { name in
                // nginx hands on each header by itself: Cookie may come in parts (RFC 9113 §8.2.3), and two origins are
                // none that could be trusted.
                let separator: String
                switch name {
                case "cookie": separator = "; "
                case "origin": separator = ", "
                default: return exchange.variable(Request.variableName(name))
                }
                let values = exchange.variables(Request.variableName(name))
                return values.isEmpty ? nil : values.joined(separator: separator)
            },
            read: { buffer throws(BodyCutShort) in
                do throws(Exchange.CutShort) {
                    return try exchange.read(into: buffer)
                } catch {
                    throw BodyCutShort()
                }
            })
    }

    /// Whether the FastCGI variable that nginx sets for a client inside the machine's own network is set. A client's own header
    /// of that name arrives as `HTTP_INSIDE`.
    static func isInside(_ mark: String?) -> Bool { mark == "1" }

    /// A Host that is none stands in no answer: the request is refused.
    private static func origin(_ exchange: Exchange, _ host: String?) -> String {
        let scheme = exchange.variable("REQUEST_SCHEME") == "https" ? "https" : "http"
        return "\(scheme)://\(host ?? "localhost")"
    }

    /// `accept-language` is `HTTP_ACCEPT_LANGUAGE`; the body's own headers have no prefix. (RFC 3875 §4.1)
    private static func variableName(_ header: String) -> String {
        switch header {
        case "content-type": "CONTENT_TYPE"
        case "authorization": "HTTP_AUTHORIZATION"
        case "cookie": "HTTP_COOKIE"
        case "origin": "HTTP_ORIGIN"
        default: "HTTP_" + header.uppercased().map { $0 == "-" ? "_" : String($0) }.joined()
        }
    }
}
