/// Base64 without padding, RFC 4648.
///
/// Decoding is strict: one text for the same bytes and no other, so neither padding nor stray bits nor line breaks.
struct Base64: Sendable {
    /// §4, with `+` and `/`: in password hashes.
    static let standard = Base64(lastLetters: "+/")
    /// §5, with `-` and `_`: in tokens.
    static let url = Base64(lastLetters: "-_")
    /// passlib's own, with `.` and `/`: in its PBKDF2 hashes.
    static let passlib = Base64(lastLetters: "./")

    private let letters: [UInt8]
    /// The six bits that each of the 256 bytes stands for, or `none`.
    private let values: [UInt8]
    private static let none: UInt8 = 255

    private init(lastLetters: String) {
        letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789\(lastLetters)".utf8)
        var values = [UInt8](repeating: Self.none, count: 256)
        for (value, letter) in letters.enumerated() {
            values[Int(letter)] = UInt8(value)
        }
        self.values = values
    }

    func text(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        append(bytes.span, to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    func append(_ bytes: Span<UInt8>, to text: inout [UInt8]) {
        text.append(addingCapacity: Self.length(bytes.count)) { text in
            var pending: UInt32 = 0
            var bits: UInt32 = 0
            for index in bytes.indices {
                pending = pending << 8 | UInt32(bytes[index])
                bits += 8
                while bits >= 6 {
                    bits -= 6
                    text.append(letters[Int(pending >> bits & 63)])
                }
            }
            if bits > 0 {
                text.append(letters[Int(pending << (6 - bits) & 63)])
            }
        }
    }

    /// nil when `text` is not what `append` would have written.
    func bytes(_ text: Span<UInt8>) -> [UInt8]? {
        var pending: UInt32 = 0
        var bits: UInt32 = 0
        var isForeign = false
        let bytes = [UInt8](capacity: text.count * 3 / 4) { bytes in
            for index in text.indices {
                let value = values[Int(text[index])]
                isForeign = isForeign || value == Self.none
                pending = pending << 6 | UInt32(value & 63)
                bits += 6
                if bits >= 8 {
                    bits -= 8
                    bytes.append(UInt8(truncatingIfNeeded: pending >> bits))
                }
            }
        }
        let strayBits = pending & ((1 << bits) - 1)
        guard !isForeign, bits < 6, strayBits == 0 else { return nil }
        return bytes
    }

    func bytes(_ text: Substring) -> [UInt8]? {
        bytes(text.utf8.span)
    }

    /// How many letters `count` bytes take.
    private static func length(_ count: Int) -> Int {
        (count * 4 + 2) / 3
    }
}
