extension Parser {
    /// Takes the string whose opening quote is next.
    mutating func string(in bytes: Span<UInt8>) throws(JSON.ParseError) -> String {
        let opening = position
        position += 1
        // What stands before `run`, unescaped. Empty, and without memory of its own, until the first escape.
        var unescaped: [UInt8] = []
        var run = position
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "\""):
                let rest = bytes.extracting(run..<position)
                guard let string = Self.text(rest, after: &unescaped) else { throw error(.notUTF8, at: opening) }
                position += 1
                return string
            case UInt8(ascii: "\\"):
                bytes.extracting(run..<position).withUnsafeBufferPointer { unescaped.append(contentsOf: $0) }
                try unescape(in: bytes, to: &unescaped)
                run = position
            case 0..<0x20:
                throw error(.controlCharacter)
            default:
                position += 1
            }
        }
        throw error(.unendedString, at: opening)
    }

    /// nil when the bytes are not UTF-8.
    static func text(_ bytes: Span<UInt8>) -> String? {
        guard let text = try? UTF8Span(validating: bytes) else { return nil }
        return String(copying: text)
    }

    private static func text(_ rest: Span<UInt8>, after unescaped: inout [UInt8]) -> String? {
        if unescaped.isEmpty { return text(rest) }
        rest.withUnsafeBufferPointer { unescaped.append(contentsOf: $0) }
        return text(unescaped.span)
    }

    /// Takes the escape whose backslash is next.
    private mutating func unescape(in bytes: Span<UInt8>, to text: inout [UInt8]) throws(JSON.ParseError) {
        let kind = position + 1
        guard kind < bytes.count else { throw error(.unknownEscape) }
        switch bytes[kind] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(bytes[kind])
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "u"):
            text.append(contentsOf: try scalar(in: bytes).utf8)
            return
        default: throw error(.unknownEscape)
        }
        position += 2
    }

    /// Takes `\u263A`, or a surrogate pair such as `\uD83D\uDE00` (RFC 8259 §7).
    private mutating func scalar(in bytes: Span<UInt8>) throws(JSON.ParseError) -> Unicode.Scalar {
        let start = position
        let first = try codeUnit(in: bytes)
        if let scalar = Unicode.Scalar(first) { return scalar }

        let second = position
        guard UTF16.isLeadSurrogate(first),
            second + 1 < bytes.count, bytes[second] == UInt8(ascii: "\\"), bytes[second + 1] == UInt8(ascii: "u")
        else { throw error(.loneSurrogate, at: start) }
        let trail = try codeUnit(in: bytes)
        guard UTF16.isTrailSurrogate(trail),
            let scalar = Unicode.Scalar(0x10000 + (UInt32(first) - 0xD800) << 10 + (UInt32(trail) - 0xDC00))
        else { throw error(.loneSurrogate, at: start) }
        return scalar
    }

    /// Takes `\u` and four hexadecimal digits.
    private mutating func codeUnit(in bytes: Span<UInt8>) throws(JSON.ParseError) -> UInt16 {
        let end = position + 6
        guard end <= bytes.count else { throw error(.unknownEscape) }
        var unit: UInt16 = 0
        for index in position + 2..<end {
            guard let digit = Self.value(ofHexadecimal: bytes[index]) else { throw error(.unknownEscape) }
            unit = unit << 4 | UInt16(digit)
        }
        position = end
        return unit
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
