/// A statement that changes rows and returns none.
package protocol Command: Query where Row == Never {}

extension Command {
    /// Is never called: a command returns no rows.
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
