private let digits = Array("0123456789abcdef".utf8)

/// Two lower-case digits a byte.
package func hex(_ bytes: [UInt8]) -> String {
    var text: [UInt8] = []
    appendHex(bytes.span, to: &text)
    return String(decoding: text, as: UTF8.self)
}

/// Appends two lower-case digits a byte.
func appendHex(_ bytes: Span<UInt8>, to text: inout [UInt8]) {
    text.append(addingCapacity: 2 * bytes.count) { text in
        for index in bytes.indices {
            text.append(digits[Int(bytes[index] >> 4)])
            text.append(digits[Int(bytes[index] & 15)])
        }
    }
}

/// Appends sixteen lower-case digits, the highest first.
func appendHex(_ number: UInt64, to text: inout [UInt8]) {
    text.append(addingCapacity: 16) { text in
        for shift in stride(from: 60, through: 0, by: -4) {
            text.append(digits[Int(number >> UInt64(shift) & 15)])
        }
    }
}

/// The value of one lower-case digit.
func hexValue(_ digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    default: nil
    }
}
