import CMariaDB
import System

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
        try nextBuffer().map { CivilTime($0.loadUnaligned(as: MYSQL_TIME.self)).microseconds }
    }

    private mutating func nextBuffer() throws(DatabaseError) -> UnsafeRawBufferPointer? {
        defer { index += 1 }
        return try statement.column(index)
    }

    private func unexpectedNull() -> DatabaseError {
        .failed(code: 0, message: "column \(index): NULL where none is expected")
    }
}

/// DATETIME values, which MariaDB sends field by field.
extension CivilTime {
    init(_ time: MYSQL_TIME) {
        self.init(
            year: Int64(time.year), month: Int64(time.month), day: Int64(time.day), hour: Int64(time.hour),
            minute: Int64(time.minute), second: Int64(time.second), microsecond: Int64(time.second_part))
    }

    var inDatabase: MYSQL_TIME {
        var time = MYSQL_TIME()
        time.year = UInt32(year)
        time.month = UInt32(month)
        time.day = UInt32(day)
        time.hour = UInt32(hour)
        time.minute = UInt32(minute)
        time.second = UInt32(second)
        time.second_part = UInt(microsecond)
        time.time_type = MYSQL_TIMESTAMP_DATETIME
        return time
    }
}
