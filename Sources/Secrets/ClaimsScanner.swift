/// Reads what `ClaimsText` writes, from the front; whatever is spelled otherwise is malformed.
struct ClaimsScanner {
    private let text: [UInt8]
    private var position = 0

    init(_ text: [UInt8]) {
        self.text = text
    }

    var isAtEnd: Bool {
        position == text.count
    }

    mutating func skip(_ expected: StaticString) throws(TokenError) {
        let isThere = expected.withUTF8Buffer { text[position...].starts(with: $0) }
        guard isThere else { throw .malformed }
        position += expected.utf8CodeUnitCount
    }

    /// Decimal digits without a sign and without zeros in front.
    mutating func number<Number: FixedWidthInteger>() throws(TokenError) -> Number {
        let digits = text[position...].prefix(while: isDigit)
        let hasZeroInFront = digits.count > 1 && digits.first == UInt8(ascii: "0")
        guard !hasZeroInFront, let number = Number(String(decoding: digits, as: UTF8.self)) else { throw .malformed }
        position = digits.endIndex
        return number
    }

    /// Sixteen lower-case digits.
    mutating func hex() throws(TokenError) -> UInt64 {
        let digits = text[position...].prefix(16)
        guard digits.count == 16 else { throw .malformed }
        var number: UInt64 = 0
        for digit in digits {
            guard let value = hexValue(digit) else { throw .malformed }
            number = number << 4 | UInt64(value)
        }
        position = digits.endIndex
        return number
    }

    /// Up to the closing quote, which is read too.
    mutating func string() throws(TokenError) -> String {
        guard let end = text[position...].firstIndex(of: UInt8(ascii: "\"")) else { throw .malformed }
        let escaped = text[position..<end]
        position = end + 1
        let hasEscapes = escaped.contains(where: ClaimsText.mustEscape)
        let string =
            hasEscapes
            ? String(validating: try unescaped(escaped), as: UTF8.self) : String(validating: escaped, as: UTF8.self)
        guard let string else { throw .malformed }
        return string
    }

    /// Undoes `\u00` and two digits, the only escape that is written, and only for what is always escaped.
    private func unescaped(_ escaped: ArraySlice<UInt8>) throws(TokenError) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = escaped
        while let byte = rest.popFirst() {
            guard ClaimsText.mustEscape(byte) else {
                bytes.append(byte)
                continue
            }
            guard byte == UInt8(ascii: "\\"), rest.starts(with: "u00".utf8), rest.count >= 5,
                let high = hexValue(rest[rest.startIndex + 3]), let low = hexValue(rest[rest.startIndex + 4]),
                ClaimsText.mustEscape(high << 4 | low)
            else { throw .malformed }
            bytes.append(high << 4 | low)
            rest = rest.dropFirst(5)
        }
        return bytes
    }
}
