/// What a part's headers say about it (RFC 7578 §4.2).
package struct Part: Sendable, Equatable {
    package let name: String
    /// nil for a text field; empty for a file control in which no file was chosen.
    package let filename: String?
    /// As declared; nil when absent or malformed.
    package let contentType: MediaType?

    /// Reads header lines with CRLF between them.
    init(headers: UnsafeRawBufferPointer) throws(MalformedPart) {
        guard let text = String(validating: headers, as: UTF8.self) else {
            throw MalformedPart(reason: "a part's headers are not UTF-8")
        }
        var disposition: ContentDisposition?
        var contentType: MediaType?
        for line in text.split(separator: "\r\n") {
            guard let colon = line.utf8.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex,
                line.utf8[..<colon].allSatisfy(HeaderScanner.isTokenByte),
                !line.utf8.contains(where: HeaderScanner.isControl)
            else { throw MalformedPart(reason: "a part has a line that is no header") }
            let value = String(line[line.utf8.index(after: colon)...])
            switch line[..<colon].lowercased() {
            case "content-disposition" where disposition == nil: disposition = try ContentDisposition(value)
            case "content-disposition": throw MalformedPart(reason: "a part has Content-Disposition twice")
            case "content-type": contentType = MediaType(value)
            // RFC 7578 §4.8: all others are ignored.
            default: break
            }
        }
        guard let disposition else { throw MalformedPart(reason: "a part has no Content-Disposition") }
        name = disposition.name
        filename = disposition.filename
        self.contentType = contentType
    }
}

/// Why a part's headers cannot be used, in plain words.
struct MalformedPart: Error {
    let reason: String
}

/// The header that a part must have: `form-data; name="avatar"; filename="me.png"`.
private struct ContentDisposition {
    let name: String
    let filename: String?

    init(_ value: String) throws(MalformedPart) {
        var scanner = HeaderScanner(value)
        guard scanner.token()?.lowercased() == "form-data",
            let parameters = scanner.parameters(escapes: .quoteAndBackslash)
        else { throw MalformedPart(reason: "Content-Disposition is not form-data with parameters") }
        guard let name = try Self.value(of: "name", in: parameters) else {
            throw MalformedPart(reason: "Content-Disposition has no name")
        }
        let plain = try Self.value(of: "filename", in: parameters)
        let extended = try Self.value(of: "filename*", in: parameters)

        self.name = Self.decodingBrowserEscapes(name)
        filename = extended.flatMap(Self.decodingExtended) ?? plain.map(Self.decodingBrowserEscapes)
        // Without a filename the file would pass for a text field.
        if extended != nil, filename == nil { throw MalformedPart(reason: "filename* is malformed") }
    }

    private static func value(of name: String, in parameters: [Parameter]) throws(MalformedPart) -> String? {
        let values = parameters.filter { $0.name == name }
        guard values.count < 2 else { throw MalformedPart(reason: "Content-Disposition has \(name) twice") }
        return values.first?.value
    }

    /// Browsers escape three bytes, and no percent sign: https://html.spec.whatwg.org/#multipart-form-data
    private static func decodingBrowserEscapes(_ text: String) -> String {
        decoding(text.utf8[...]) { $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\r") || $0 == UInt8(ascii: "\n") }
            ?? text
    }

    /// `UTF-8'en'%e2%82%ac%20rates` (RFC 8187 §3.2.1); nil when it is not that.
    private static func decodingExtended(_ value: String) -> String? {
        let pieces = value.utf8.split(separator: UInt8(ascii: "'"), maxSplits: 2, omittingEmptySubsequences: false)
        guard pieces.count == 3, Substring(pieces[0]).lowercased() == "utf-8" else { return nil }
        guard let decoded = decoding(pieces[2], where: { _ in true }) else { return nil }
        // A percent sign that is left over escapes nothing: each that does takes two bytes away.
        let percents = pieces[2].count { $0 == UInt8(ascii: "%") }
        return decoded.utf8.count == pieces[2].count - 2 * percents ? decoded : nil
    }

    /// The text with each `%2F` decoded whose byte is accepted; nil when that is not UTF-8.
    private static func decoding(_ text: Substring.UTF8View, where isAccepted: (UInt8) -> Bool) -> String? {
        let bytes = text.span
        var decoded: [UInt8] = []
        var index = 0
        while index < bytes.count {
            if let byte = URLEncoded.byte(escapedAt: index, in: bytes), isAccepted(byte) {
                decoded.append(byte)
                index += 3
            } else {
                decoded.append(bytes[index])
                index += 1
            }
        }
        return String(validating: decoded, as: UTF8.self)
    }
}
