import Accounts
import System

extension Instant {
    /// `2025-07-26T07:42:39.508828Z`, always six digits. Contracts 1 to 3.
    package var withMicroseconds: String { text(hasFraction: true) }

    /// `2024-01-01T12:00:00Z`. Contract 5.
    package var withSeconds: String { text(hasFraction: false) }

    /// RFC 3339 §5.6, of a year with four digits.
    private func text(hasFraction: Bool) -> String {
        let time = CivilTime(microseconds: microseconds)
        return String(unsafeUninitializedCapacity: 32) { text in
            var end = 0
            func add(_ number: Int64, _ width: Int, then separator: Unicode.Scalar) {
                var rest = number
                for index in stride(from: end + width - 1, through: end, by: -1) {
                    text[index] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
                    rest /= 10
                }
                text[end + width] = UInt8(ascii: separator)
                end += width + 1
            }
            add(time.year, 4, then: "-")
            add(time.month, 2, then: "-")
            add(time.day, 2, then: "T")
            add(time.hour, 2, then: ":")
            add(time.minute, 2, then: ":")
            add(time.second, 2, then: hasFraction ? "." : "Z")
            if hasFraction { add(time.microsecond, 6, then: "Z") }
            return end
        }
    }
}
