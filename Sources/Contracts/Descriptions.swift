import HTTP
import JSON

/// `/api/openapi.json` for all contracts, `/api/openapi/{contract}.json` for each, and `/docs/` for people.
let descriptions: [Route] =
    [document("/api/openapi.json", "OpenAPI 3.1 of all contracts", described(Router.documented))]
    + Router.documented.map { contract in
        document("/api/openapi/\(contract.name).json", "OpenAPI 3.1 of \(contract.name)", described([contract]))
    }
    + [
        document(
            "/docs/", "What the contracts take and give, for people",
            Array(DescriptionPage.html(of: Router.documented).utf8), type: "text/html; charset=utf-8"),
        document("/docs/style.css", "Its style", Array(DescriptionPage.css.utf8), type: "text/css; charset=utf-8"),
    ]

private func described(_ contracts: [Contract]) -> [UInt8] { OpenAPI.document(of: contracts).bytes }

/// A `GET` of something that only another program changes.
private func document(_ path: String, _ title: String, _ body: [UInt8], type: String = Reply.json) -> Route {
    // FNV-1a: the tag tells versions of this program apart, nobody's forgeries.
    let hash = body.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
    let tag = "\"\(String(hash, radix: 16))\""
    return .operations(path, .light, access: .everybody, title) { context in
        let isKnown = context.request.header("if-none-match").map { names(tag, in: $0) } ?? false
        var reply = isKnown ? Reply(304) : Reply(200, body, type: type)
        reply.cacheControl = "no-cache"
        reply = reply.with("ETag", tag)
        guard type.hasPrefix("text/html") else { return reply }
        return reply.with(
            "Content-Security-Policy",
            "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
    }
}

/// Whether `If-None-Match` names that tag, compared weakly, as a gzipped answer has it. (RFC 9110 §13.1.2)
private func names(_ tag: String, in header: String) -> Bool {
    guard header.utf8.count <= 1024 else { return false }
    return header.utf8.split(separator: UInt8(ascii: ",")).contains { part in
        var name = Substring(part.drop { $0 == 0x20 })
        if name.utf8.starts(with: "W/".utf8) { name = name.dropFirst(2) }
        return name.utf8.elementsEqual(tag.utf8) || name.utf8.elementsEqual("*".utf8)
    }
}
