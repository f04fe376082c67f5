/// The number in `text` after `prefix`: up to nine decimal digits and nothing else.
func decimal(_ text: Substring, after prefix: String = "") -> Int? {
    guard text.hasPrefix(prefix) else { return nil }
    let digits = text.dropFirst(prefix.count)
    let isDecimal = (1...9).contains(digits.utf8.count) && digits.utf8.allSatisfy(isDigit)
    return isDecimal ? Int(digits) : nil
}

func isDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
}
