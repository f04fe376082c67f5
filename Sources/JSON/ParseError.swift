extension JSON {
    /// Why bytes are not JSON, and where.
    package struct ParseError: Error, Equatable, CustomStringConvertible {
        package let reason: Reason
        /// Bytes before the place; for a number and for `.notUTF8` and `.unendedString` before where it begins.
        package let offset: Int

        package init(_ reason: Reason, at offset: Int) {
            self.reason = reason
            self.offset = offset
        }

        /// `a value is missing, at byte 12`
        package var description: String {
            "\(reason.rawValue), at byte \(offset)"
        }

        package enum Reason: String, Sendable {
            case valueExpected = "a value is missing"
            case nameExpected = "a member's name in double quotes is missing"
            case colonExpected = "a colon is missing after the member's name"
            case commaExpected = "a comma or the closing bracket is missing"
            case trailingBytes = "something follows the value"
            case tooDeep = "nested too deep"
            case malformedNumber = "malformed number"
            case numberTooLarge = "the number is too large"
            case unendedString = "the string has no closing quote"
            case controlCharacter = "a control character in a string must be escaped"
            case unknownEscape = "there is no such escape"
            case loneSurrogate = "half of a surrogate pair"
            case notUTF8 = "the string is not UTF-8"
        }
    }
}
