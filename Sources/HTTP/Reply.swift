import JSON

/// What goes back to nginx.
package struct Reply {
    /// Writes a body piece by piece: calls `write` until it says false, for the peer is gone. False when the rest cannot
    /// be had, and what was sent must not look complete.
    package typealias Stream = (_ write: ([UInt8]) -> Bool) -> Bool

    package var status: Int
    package var headers: [(name: String, value: String)]
    /// JSON, unless `type` says otherwise; empty for 204.
    package var body: [UInt8]
    private var type = Reply.json
    /// Answers are personal and change with every write, unless this says otherwise.
    package var cacheControl = "no-store"
    /// The body instead of `body`, where its length is not known beforehand.
    package var stream: Stream?

    package static let json = "application/json"

    package init(_ status: Int, _ body: JSON? = nil, headers: [(name: String, value: String)] = []) {
        self.status = status
        self.headers = headers
        self.body = body?.bytes ?? []
    }

    /// A body of another media type than JSON.
    package init(_ status: Int, _ body: [UInt8], type: String) {
        self.status = status
        headers = []
        self.body = body
        self.type = type
    }

    /// An answer of status 200 with a JSON body.
    package static func ok(_ body: JSON) -> Reply { Reply(200, body) }
    /// An answer of status 201 with a JSON body.
    package static func created(_ body: JSON) -> Reply { Reply(201, body) }

    /// The answer with one more header, behind those that it has.
    package func with(_ name: String, _ value: String) -> Reply {
        var copy = self
        copy.headers.append((name, value))
        return copy
    }

    /// Why the headers cannot be sent, for the log; nil where they can. A name that is no token, or a control character
    /// in a value, would be read as more headers, or as the end of them.
    package var fault: String? {
        for (name, value) in headers {
            if let fault = Reply.fault(name, value) { return fault }
        }
        return Reply.fault("Content-Type", type)
    }

    private static func fault(_ name: String, _ value: String) -> String? {
        guard HeaderText.isToken(name.utf8) else { return "the name of a header is no token" }
        return value.utf8.allSatisfy(HeaderText.isPrintable) ? nil : "\(name): not printable ASCII"
    }

    /// The answer in CGI's form (RFC 3875 §6): header lines, an empty line, the body. With a `fault` a bare 500.
    package var message: [UInt8] {
        guard fault == nil else { return Reply(500, ["detail": "Internal server error."]).message }
        var message: [UInt8] = []
        message.reserveCapacity(512 + body.count)
        func line(_ name: String, _ value: String) {
            message += name.utf8
            message += ": ".utf8
            message += value.utf8
            message += "\r\n".utf8
        }
        line("Status", "\(status) \(Reply.reason(status))")
        let hasBody = status != 204 && status != 304
        if hasBody { line("Content-Type", type) }
        if hasBody, stream == nil { line("Content-Length", String(body.count)) }
        line("Cache-Control", cacheControl)
        // Whether other pages may read an answer depends on theirs; of all answers, so that no cache can mistake one.
        line("Vary", "Origin")
        for (name, value) in headers { line(name, value) }
        message += "\r\n".utf8
        message += body
        return message
    }

    /// The media type of the body.
    package var mediaType: String { type }

    /// The reason phrase of a status: RFC 9110 §15, RFC 4918 §11, RFC 6585.
    package static func reason(_ status: Int) -> String {
        switch status {
        case 200: "OK"
        case 201: "Created"
        case 204: "No Content"
        case 304: "Not Modified"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 408: "Request Timeout"
        case 413: "Content Too Large"
        case 414: "URI Too Long"
        case 415: "Unsupported Media Type"
        case 422: "Unprocessable Content"
        case 423: "Locked"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        default: "Status"
        }
    }
}
