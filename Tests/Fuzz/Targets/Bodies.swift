import HTTP
import JSON

extension FuzzTarget {
    /// Bytes as JSON.
    static let json = FuzzTarget(name: "json") { bytes throws(Broken) in
        guard let value = try? JSON.parse(bytes) else { return }

        let written = value.bytes
        guard let again = try? JSON.parse(written) else { throw Broken(description: "what is written is no JSON") }
        try require(again == value, "what is written is another value")
        // As bytes too: texts are equal in Swift when they look alike.
        try require(again.bytes == written, "the second writing differs from the first")
    }

    /// Bytes as a form or a query.
    static let urlEncoded = FuzzTarget(name: "urlencoded") { bytes throws(Broken) in
        guard let fields = try? URLEncoded.fields(in: bytes.span) else { return }

        let length = fields.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count }
        try require(length <= bytes.count, "\(length) bytes came out of \(bytes.count)")
        let written = Array(fields.map { "\(escaped($0.name))=\(escaped($0.value))" }.joined(separator: "&").utf8)
        let again = try? URLEncoded.fields(in: written.span)
        try require(again == fields, "the same fields, all escaped, are read as others")
    }

    /// A line with a Content-Type, then a body of it.
    static let fields = FuzzTarget(name: "fields") { bytes throws(Broken) in
        let (type, body) = firstLine(bytes)
        var kept = 0
        let request = request(method: "POST", target: "/", headers: ["content-type": type], body: body)
        let fields: Fields
        do throws(Fields.Failure) {
            fields = try Fields(
                of: request, accepting: [.json, .form, .multipart], isMarkSkipped: true, fileField: "avatar"
            ) {
                { kept += $0.count }
            }
        } catch {
            guard case .notJSON(_, let character) = error else { return }
            return try require(0...body.count ~= character, "the error is at character \(character)")
        }

        try require(kept <= body.count, "files of \(kept) bytes came out of \(body.count)")
        try require(fields.isAbsent == body.isEmpty, "no body and an empty one are not the same")
        // What a client is shown of what it sent.
        try require((try? JSON.parse(JSON.object(fields.object).bytes)) != nil, "the fields are no JSON")
    }

    private static func escaped(_ text: String) -> String {
        let digits = Array("0123456789abcdef")
        return text.utf8.map { "%\(digits[Int($0 >> 4)])\(digits[Int($0 & 15)])" }.joined()
    }
}

/// A request whose body comes in one piece.
func request(method: String, target: String, headers: [String: String], body: [UInt8]) -> Request {
    var rest = body[...]
    return Request(
        id: "r-1", method: method, target: target, origin: "https://school.example", isSecure: true,
        contentLength: body.count, header: { headers[$0] },
        read: { buffer throws(BodyCutShort) in
            let piece = rest.prefix(buffer.count)
            buffer.copyBytes(from: piece)
            rest = rest.dropFirst(piece.count)
            return piece.count
        })
}
