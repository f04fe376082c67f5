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
