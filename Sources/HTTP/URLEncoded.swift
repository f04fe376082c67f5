/// A name and a value that a form or a query string sent.
package struct FormField: Sendable, Equatable {
    package let name: String
    package let value: String

    package init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}

/// Why urlencoded bytes are no fields.
package enum URLEncodedError: Error, Equatable {
    case tooManyFields
    case notUTF8
}

/// `application/x-www-form-urlencoded`, as bodies and query strings have it.
package enum URLEncoded {
    /// The fields in their order, repeated names included (https://url.spec.whatwg.org/#urlencoded-parsing).
    package static func fields(
        in bytes: Span<UInt8>, atMost limit: Int = 64
    ) throws(URLEncodedError) -> [FormField] {
        var fields: [FormField] = []
        try parse(bytes, atMost: limit) { name, value throws(URLEncodedError) in
            guard let name, let value else { throw .notUTF8 }
            fields.append(FormField(name: name, value: value))
        }
        return fields
    }

    /// The last value of a parameter of a query string; nil where it has none. Others may be anything.
    package static func value(of name: String, in query: String) throws(URLEncodedError) -> String? {
        var found: String??
        try parse(query.utf8.span, atMost: 64) { other, value throws(URLEncodedError) in
            if other?.utf8.elementsEqual(name.utf8) == true { found = .some(value) }
        }
        guard let found else { return nil }
        guard let found else { throw .notUTF8 }
        return found
    }

    /// Gives each name and value in their order; nil for what is not UTF-8.
    private static func parse(
        _ bytes: Span<UInt8>, atMost limit: Int,
        to receive: (_ name: String?, _ value: String?) throws(URLEncodedError) -> Void
    ) throws(URLEncodedError) {
        var count = 0
        var decoded: [UInt8] = []
        var start = 0
        while start < bytes.count {
            let end = index(of: UInt8(ascii: "&"), in: bytes, start..<bytes.count)
            if end > start {
                guard count < limit else { throw .tooManyFields }
                count += 1
                let equals = index(of: UInt8(ascii: "="), in: bytes, start..<end)
                let name = decode(bytes.extracting(start..<equals), with: &decoded)
                let value = decode(bytes.extracting(min(equals + 1, end)..<end), with: &decoded)
                try receive(name, value)
            }
            start = end + 1
        }
    }

    /// The fields as a query, with all escaped but what never means anything. (RFC 3986 §2.3, unreserved)
    package static func query(_ fields: [FormField]) -> String {
        fields.map { "\(escaped($0.name))=\(escaped($0.value))" }.joined(separator: "&")
    }

    private static func escaped(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        let bytes = text.utf8.flatMap { byte in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                [byte]
            default: [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The range's end when the byte is not in it.
    private static func index(of byte: UInt8, in bytes: Span<UInt8>, _ range: Range<Int>) -> Int {
        for index in range where bytes[index] == byte { return index }
        return range.upperBound
    }

    /// Nil for what is not UTF-8. `decoded` is memory to work in, so that all fields share one array.
    private static func decode(_ bytes: Span<UInt8>, with decoded: inout [UInt8]) -> String? {
        decoded.removeAll(keepingCapacity: true)
        var index = 0
        while index < bytes.count {
            if let escaped = byte(escapedAt: index, in: bytes) {
                decoded.append(escaped)
                index += 3
            } else {
                decoded.append(bytes[index] == UInt8(ascii: "+") ? UInt8(ascii: " ") : bytes[index])
                index += 1
            }
        }
        return String(validating: decoded, as: UTF8.self)
    }

    /// The byte that `%2F` stands for; nil when something else is at the index.
    static func byte(escapedAt index: Int, in bytes: Span<UInt8>) -> UInt8? {
        guard index + 2 < bytes.count, bytes[index] == UInt8(ascii: "%"),
            let high = value(ofHexadecimal: bytes[index + 1]), let low = value(ofHexadecimal: bytes[index + 2])
        else { return nil }
        return high << 4 | low
    }

    private static func value(ofHexadecimal digit: UInt8) -> UInt8? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit - UInt8(ascii: "A") + 10
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}
