/// A date and a time of day in UTC, in the Gregorian calendar, also for days before it was made.
package struct CivilTime: Equatable, Sendable {
    package let year: Int64
    /// 1 … 12.
    package let month: Int64
    /// 1 … 31.
    package let day: Int64
    package let hour: Int64
    package let minute: Int64
    package let second: Int64
    package let microsecond: Int64

    private static let secondsPerDay: Int64 = 86_400
    private static let daysPerEra: Int64 = 146_097
    /// From 1 March of the year 0, with which an era of 400 years begins, to 1 January 1970.
    private static let daysBefore1970: Int64 = 719_468

    /// Whatever is given, also a day or time that does not exist: see `exists`.
    package init(
        year: Int64, month: Int64, day: Int64, hour: Int64, minute: Int64, second: Int64, microsecond: Int64 = 0
    ) {
        self.year = year
        self.month = month
        self.day = day
        self.hour = hour
        self.minute = minute
        self.second = second
        self.microsecond = microsecond
    }

    /// - Parameter microseconds: since 1970.
    package init(microseconds: Int64) {
        let (seconds, microsecond) = CivilTime.floorDivide(microseconds, 1_000_000)
        let (days, second) = CivilTime.floorDivide(seconds, CivilTime.secondsPerDay)
        // H. Hinnant, chrono-Compatible Low-Level Date Algorithms, civil_from_days.
        let (era, dayOfEra) = CivilTime.floorDivide(days + CivilTime.daysBefore1970, CivilTime.daysPerEra)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        hour = second / 3600
        minute = second % 3600 / 60
        self.second = second % 60
        self.microsecond = microsecond
    }

    /// Since 1970.
    package var microseconds: Int64 {
        let seconds = days * CivilTime.secondsPerDay + hour * 3600 + minute * 60 + second
        return seconds * 1_000_000 + microsecond
    }

    /// Whether the calendar and the clock have it; leap seconds are none of theirs.
    package var exists: Bool {
        0..<24 ~= hour && 0..<60 ~= minute && 0..<60 ~= second && 0..<1_000_000 ~= microsecond && 1...12 ~= month
            && self == CivilTime(microseconds: microseconds)
    }

    /// 0 is Sunday.
    package var weekday: Int64 {
        // 1 January 1970 was a Thursday.
        CivilTime.floorDivide(days + 4, 7).remainder
    }

    /// Since 1970.
    private var days: Int64 {
        // H. Hinnant, chrono-Compatible Low-Level Date Algorithms, days_from_civil.
        let (era, yearOfEra) = CivilTime.floorDivide(month <= 2 ? year - 1 : year, 400)
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * CivilTime.daysPerEra + dayOfEra - CivilTime.daysBefore1970
    }

    private static func floorDivide(_ value: Int64, _ divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}
