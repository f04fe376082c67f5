extension Parser {
    /// RFC 8259 §6: `-`? `0` or digits, then a fraction and an exponent, both optional.
    mutating func number(in bytes: Span<UInt8>) throws(JSON.ParseError) -> JSON {
        let start = position
        _ = take(UInt8(ascii: "-"), in: bytes)
        if !take(UInt8(ascii: "0"), in: bytes) { try digits(in: bytes, ofNumberAt: start) }
        let hasFraction = take(UInt8(ascii: "."), in: bytes)
        if hasFraction { try digits(in: bytes, ofNumberAt: start) }
        let hasExponent = take(UInt8(ascii: "e"), in: bytes) || take(UInt8(ascii: "E"), in: bytes)
        if hasExponent {
            _ = take(UInt8(ascii: "+"), in: bytes) || take(UInt8(ascii: "-"), in: bytes)
            try digits(in: bytes, ofNumberAt: start)
        }

        guard let text = Self.text(bytes.extracting(start..<position)) else { throw error(.malformedNumber, at: start) }
        if !hasFraction, !hasExponent, let integer = Int64(text) { return .integer(integer) }
        guard let double = Double(text) else { throw error(.malformedNumber, at: start) }
        guard double.isFinite else { throw error(.numberTooLarge, at: start) }
        return .double(double)
    }

    /// Takes one digit or more.
    private mutating func digits(in bytes: Span<UInt8>, ofNumberAt start: Int) throws(JSON.ParseError) {
        let first = position
        while position < bytes.count, case UInt8(ascii: "0")...UInt8(ascii: "9") = bytes[position] { position += 1 }
        guard position > first else { throw error(.malformedNumber, at: start) }
    }

    private mutating func take(_ byte: UInt8, in bytes: Span<UInt8>) -> Bool {
        guard position < bytes.count, bytes[position] == byte else { return false }
        position += 1
        return true
    }
}
