/// A value for one question mark.
package enum SQLValue: Sendable {
    case null
    case integer(Int64)
    case unsigned(UInt64)
    case text(String)
    case bytes([UInt8])
    /// Microseconds since 1970-01-01T00:00:00Z, for a DATETIME(6) column.
    case time(Int64)

    /// A text, or NULL for nil.
    package static func text(orNull value: String?) -> SQLValue { value.map(SQLValue.text) ?? .null }
    /// A value for a BOOLEAN column.
    package static func flag(_ value: Bool) -> SQLValue { .integer(value ? 1 : 0) }
}
