import Accounts

extension Instant {
    /// `2025-07-26T07:42:39.508828Z`, always six digits. Contracts 1 to 3.
    package var withMicroseconds: String { text(hasFraction: true) }

    /// `2024-01-01T12:00:00Z`. Contract 5.
    var withSeconds: String { text(hasFraction: false) }

    /// RFC 3339 §5.6, of a year with four digits.
    private func text(hasFraction: Bool) -> String {
        let day = seconds >= 0 ? seconds / 86_400 : (seconds - 86_399) / 86_400
        let second = seconds - day * 86_400
        // Days to civil date. (H. Hinnant, chrono-Compatible Low-Level Date Algorithms)
        let shifted = day + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
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
            add(year, 4, then: "-")
            add(month, 2, then: "-")
            add(dayOfYear - (153 * shiftedMonth + 2) / 5 + 1, 2, then: "T")
            add(second / 3600, 2, then: ":")
            add(second % 3600 / 60, 2, then: ":")
            add(second % 60, 2, then: hasFraction ? "." : "Z")
            if hasFraction { add(microseconds - seconds * 1_000_000, 6, then: "Z") }
            return end
        }
    }
}
