import JSON

/// What goes back to nginx.
package struct Reply {
    /// Writes a body piece by piece: calls `write` until it says false, for the peer is gone. False when the rest cannot
    /// be had, and what was sent must not look complete.
    package typealias Stream = (_ write: ([UInt8]) -> Bool) -> Bool

    package var status: Int
    package var headers: [(name: String, value: String)]
    /// Always JSON; empty for 204.
    package var body: [UInt8]
    /// The body instead of `body`, where its length is not known beforehand.
    package var stream: Stream?

    package init(_ status: Int, _ body: JSON? = nil, headers: [(name: String, value: String)] = []) {
        self.status = status
        self.headers = headers
        self.body = body?.bytes ?? []
    }

    package static func ok(_ body: JSON) -> Reply { Reply(200, body) }
    package static func created(_ body: JSON) -> Reply { Reply(201, body) }

    package func with(_ name: String, _ value: String) -> Reply {
        var copy = self
        copy.headers.append((name, value))
        return copy
    }

    /// The answer in CGI's form (RFC 3875 §6): header lines, an empty line, the body.
    package var message: [UInt8] {
        var text = "Status: \(status) \(Reply.reason(status))\r\n"
        if status != 204 { text += "Content-Type: application/json\r\n" }
        if status != 204, stream == nil { text += "Content-Length: \(body.count)\r\n" }
        // Answers are personal and change with every write.
        text += "Cache-Control: no-store\r\n"
        for (name, value) in headers {
            assert(!value.utf8.contains(where: { $0 == 0x0D || $0 == 0x0A }), "a line break in \(name)")
            text += "\(name): \(value)\r\n"
        }
        text += "\r\n"
        var message: [UInt8] = []
        message.reserveCapacity(text.utf8.count + body.count)
        message += text.utf8
        message += body
        return message
    }

    /// RFC 9110 §15, RFC 4918 §11, RFC 6585.
    private static func reason(_ status: Int) -> String {
        switch status {
        case 200: "OK"
        case 201: "Created"
        case 204: "No Content"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 408: "Request Timeout"
        case 413: "Content Too Large"
        case 415: "Unsupported Media Type"
        case 422: "Unprocessable Content"
        case 423: "Locked"
        case 429: "Too Many Requests"
        case 500: "Internal Server Error"
        case 503: "Service Unavailable"
        default: "Status"
        }
    }
}
