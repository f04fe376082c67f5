import HTTP

/// What answers say to pages of other origins: the CORS protocol of the Fetch standard, §3.2.
extension RequestContext {
    /// Of HOMEROOM_TRUSTED_ORIGINS, byte for byte, the one that a request names.
    static func origin(of request: Request, among trusted: Set<String>) -> String? {
        guard !trusted.isEmpty, let origin = request.header("origin"),
            // Before it is compared: that takes the square of the length of a text with many marks.
            origin.utf8.count <= Origin.longest, origin.utf8.allSatisfy({ $0 < 0x80 }), trusted.contains(origin)
        else { return nil }
        return origin
    }

    /// The answer with what lets a page of a trusted origin read it, or send the request that it asks about. Others get
    /// nothing of that, and whoever is inside the machine's own network no page at all. `Vary` stands in every `Reply`.
    func shared(_ reply: Reply) -> Reply {
        guard let trustedOrigin, !destination.isProbe else { return reply }
        var reply = reply
        reply.headers.append(("Access-Control-Allow-Origin", trustedOrigin))
        reply.headers.append(("Access-Control-Allow-Credentials", "true"))
        guard case .options(let allowed) = destination.kind, request.header("access-control-request-method") != nil
        else {
            reply.headers.append(("Access-Control-Expose-Headers", RequestContext.exposedHeaders))
            return reply
        }
        // Whether the method that was asked for is among them the browser sees for itself.
        reply.headers.append(("Access-Control-Allow-Methods", allowed))
        if let headers = requestedHeaders { reply.headers.append(("Access-Control-Allow-Headers", headers)) }
        reply.headers.append(("Access-Control-Max-Age", RequestContext.preflightLife))
        return reply
    }

    /// Beside those that pages may always read. nginx/cors.conf says the same of its own answers.
    static let exposedHeaders = "Retry-After, Link, X-Request-Id"

    /// In seconds. Chromium keeps none for longer.
    private static let preflightLife = "7200"

    /// In bytes; names of headers, of which real pages ask for a few.
    private static let maxRequestedHeaders = 1024

    /// The headers that were asked for; nil without any, and where something else stands there. Browsers refuse the request
    /// then.
    private var requestedHeaders: String? {
        guard let list = request.header("access-control-request-headers"),
            list.utf8.count <= RequestContext.maxRequestedHeaders, let names = HeaderText.tokens(in: list),
            !names.isEmpty
        else { return nil }
        return names.joined(separator: ", ")
    }
}
