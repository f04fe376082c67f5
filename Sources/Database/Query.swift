/// One SQL statement: its text, its parameters as fields, its row as a type.
///
/// The text is an `SQL`, so that no input can ever become part of it.
package protocol Query {
    associatedtype Row
    static var sql: SQL { get }
    /// In the order of the question marks.
    var parameters: [SQLValue] { get }
    /// Reads the columns of one row in the order of the statement.
    static func row(_ columns: inout Columns) throws(DatabaseError) -> Row
}

/// The text of a statement: literals only, joined with `+`.
package struct SQL: Sendable, ExpressibleByStringLiteral {
    let text: String

    package init(stringLiteral literal: StaticString) {
        text = literal.withUTF8Buffer { String(decoding: $0, as: UTF8.self) }
    }

    private init(text: String) { self.text = text }

    package static func + (left: SQL, right: SQL) -> SQL { SQL(text: left.text + right.text) }
}

/// A statement that changes rows and returns none.
package protocol Command: Query where Row == Never {}

extension Command {
    package static func row(_ columns: inout Columns) throws(DatabaseError) -> Never {
        preconditionFailure("\(Self.self) returns no rows")
    }
}

/// What a command did.
package struct Outcome: Sendable {
    /// Rows changed, inserted or deleted; for `ON DUPLICATE KEY UPDATE` 2 for an updated row.
    package let affectedRows: UInt64
    /// The value of the AUTO_INCREMENT column of an inserted row; 0 without one.
    package let insertedID: UInt64
}

/// A value for one question mark.
package enum SQLValue: Sendable {
    case null
    case integer(Int64)
    case unsigned(UInt64)
    case text(String)
    case bytes([UInt8])
    /// Microseconds since 1970-01-01T00:00:00Z, for a DATETIME(6) column.
    case time(Int64)

    package static func text(orNull value: String?) -> SQLValue { value.map(SQLValue.text) ?? .null }
    package static func flag(_ value: Bool) -> SQLValue { .integer(value ? 1 : 0) }
}
