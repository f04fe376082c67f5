import CMariaDB

/// The columns of the present row, read from left to right.
package struct Columns: ~Copyable {
    private let statement: PreparedStatement
    private var index = 0

    init(_ statement: PreparedStatement) {
        self.statement = statement
    }

    /// A text that is not NULL.
    package mutating func text() throws(DatabaseError) -> String {
        guard let value = try optionalText() else { throw unexpectedNull() }
        return value
    }

    /// A text; nil for NULL.
    package mutating func optionalText() throws(DatabaseError) -> String? {
        try nextBuffer().map { String(decoding: $0, as: UTF8.self) }
    }

    /// Bytes that are not NULL.
    package mutating func bytes() throws(DatabaseError) -> [UInt8] {
        guard let value = try nextBuffer() else { throw unexpectedNull() }
        return Array(value)
    }

    /// A number without a sign that is not NULL.
    package mutating func unsigned() throws(DatabaseError) -> UInt64 {
        UInt64(bitPattern: try integer())
    }

    /// A number without a sign; nil for NULL.
    package mutating func optionalUnsigned() throws(DatabaseError) -> UInt64? {
        try nextBuffer().map { $0.loadUnaligned(as: UInt64.self) }
    }

    /// A number that is not NULL.
    package mutating func integer() throws(DatabaseError) -> Int64 {
        guard let value = try nextBuffer() else { throw unexpectedNull() }
        return value.loadUnaligned(as: Int64.self)
    }

    /// A BOOLEAN that is not NULL.
    package mutating func flag() throws(DatabaseError) -> Bool {
        try integer() != 0
    }

    /// Microseconds since 1970.
    package mutating func time() throws(DatabaseError) -> Int64 {
        guard let value = try optionalTime() else { throw unexpectedNull() }
        return value
    }

    /// Microseconds since 1970; nil for NULL.
    package mutating func optionalTime() throws(DatabaseError) -> Int64? {
        try nextBuffer().map { Calendar.microseconds($0.loadUnaligned(as: MYSQL_TIME.self)) }
    }

    private mutating func nextBuffer() throws(DatabaseError) -> UnsafeRawBufferPointer? {
        defer { index += 1 }
        return try statement.column(index)
    }

    private func unexpectedNull() -> DatabaseError {
        .failed(code: 0, message: "column \(index): NULL where none is expected")
    }
}

/// DATETIME values, which MariaDB sends field by field, to and from microseconds since 1970.
enum Calendar {
    static func microseconds(_ time: MYSQL_TIME) -> Int64 {
        let seconds =
            days(year: Int64(time.year), month: Int64(time.month), day: Int64(time.day)) * 86_400
            + Int64(time.hour) * 3600 + Int64(time.minute) * 60 + Int64(time.second)
        return seconds * 1_000_000 + Int64(time.second_part)
    }

    static func time(_ microseconds: Int64) -> MYSQL_TIME {
        let (seconds, fraction) = floorDivide(microseconds, 1_000_000)
        let (day, second) = floorDivide(seconds, 86_400)
        // Days to civil date in the proleptic Gregorian calendar, eras of 400 years beginning on March 1.
        // (H. Hinnant, chrono-Compatible Low-Level Date Algorithms)
        let (era, dayOfEra) = floorDivide(day + 719_468, 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        var time = MYSQL_TIME()
        time.year = UInt32(yearOfEra + era * 400 + (month <= 2 ? 1 : 0))
        time.month = UInt32(month)
        time.day = UInt32(dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
        time.hour = UInt32(second / 3600)
        time.minute = UInt32(second % 3600 / 60)
        time.second = UInt32(second % 60)
        time.second_part = UInt(fraction)
        time.time_type = MYSQL_TIMESTAMP_DATETIME
        return time
    }

    private static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shiftedYear = month <= 2 ? year - 1 : year
        let (era, yearOfEra) = floorDivide(shiftedYear, 400)
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    private static func floorDivide(_ value: Int64, _ divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}
