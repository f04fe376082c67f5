import Accounts

extension Instant {
    /// `2025-07-26T07:42:39.508828Z`, always six digits. Contracts 1 to 3.
    package var withMicroseconds: String {
        let fraction = microseconds - seconds * 1_000_000
        return "\(dateAndTime).\(padded(fraction, 6))Z"
    }

    /// `2024-01-01T12:00:00Z`. Contract 5.
    var withSeconds: String { "\(dateAndTime)Z" }

    private var dateAndTime: String {
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
        let date = "\(padded(year, 4))-\(padded(month, 2))-\(padded(dayOfYear - (153 * shiftedMonth + 2) / 5 + 1, 2))"
        return "\(date)T\(padded(second / 3600, 2)):\(padded(second % 3600 / 60, 2)):\(padded(second % 60, 2))"
    }

    private func padded(_ number: Int64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
