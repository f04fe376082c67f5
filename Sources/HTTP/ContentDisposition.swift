/// What a part's headers say about it (RFC 7578 §4.2): `Content-Disposition: form-data; name="avatar"; filename="me.png"`.
///
/// Whatever else stands there, in whatever encoding, is passed over, for people's file names are in all of them.
package struct Part: Sendable, Equatable {
    package let name: String
    package let filename: Filename

    /// Whether there is a name of a file; nobody reads which.
    package enum Filename: Sendable {
        /// As of a text field.
        case absent
        /// As of a file control in which no file was chosen.
        case empty
        case given
    }

    /// Reads header lines with CRLF between them.
    init(headers: UnsafeRawBufferPointer) throws(MalformedPart) {
        guard let value = Self.disposition(in: Array(headers)) else {
            throw MalformedPart(reason: "a part has no Content-Disposition")
        }
        let parameters = Parameter.all(in: value.drop { $0 != UInt8(ascii: ";") }.dropFirst(), .loose)
        guard let name = parameters.first(where: { $0.name == "name" }) else {
            throw MalformedPart(reason: "Content-Disposition has no name")
        }
        self.name = String(decoding: Self.decodingBrowserEscapes(name.value), as: UTF8.self)
        // `filename*` has an encoding (RFC 8187), `filename*0` is the first piece (RFC 2231).
        let filenames = parameters.filter { $0.name == "filename" || $0.name.hasPrefix("filename*") }
        filename = filenames.isEmpty ? .absent : filenames.allSatisfy(\.value.isEmpty) ? .empty : .given
    }

    /// The first Content-Disposition with the lines that go on with it, which begin with a blank; nil without one.
    private static func disposition(in headers: [UInt8]) -> [UInt8]? {
        var rest = headers[...]
        var value: [UInt8]?
        while !rest.isEmpty {
            let line = rest[..<lineEnd(in: rest)]
            rest = rest[line.endIndex...].dropFirst(2)
            if value != nil {
                guard let first = line.first, HeaderText.isBlank(first) else { break }
                value? += line
            } else if let colon = line.firstIndex(of: UInt8(ascii: ":")),
                HeaderText.trimmed(line[..<colon]).map({ $0 | 0x20 }).elementsEqual("content-disposition".utf8)
            {
                value = Array(line[colon...].dropFirst())
            }
        }
        return value
    }

    private static func lineEnd(in text: ArraySlice<UInt8>) -> Int {
        var index = text.startIndex
        while let found = text[index...].firstIndex(of: UInt8(ascii: "\r")) {
            if text[found...].dropFirst().first == UInt8(ascii: "\n") { return found }
            index = found + 1
        }
        return text.endIndex
    }

    /// Undoes what browsers escape: three bytes, and no percent sign. (https://html.spec.whatwg.org/#multipart-form-data)
    private static func decodingBrowserEscapes(_ text: [UInt8]) -> [UInt8] {
        var decoded: [UInt8] = []
        var index = 0
        while index < text.count {
            switch URLEncoded.byte(escapedAt: index, in: text.span) {
            case let byte? where byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\r") || byte == UInt8(ascii: "\n"):
                decoded.append(byte)
                index += 3
            default:
                decoded.append(text[index])
                index += 1
            }
        }
        return decoded
    }
}

/// Why a part's headers cannot be used, in plain words.
struct MalformedPart: Error {
    let reason: String
}
