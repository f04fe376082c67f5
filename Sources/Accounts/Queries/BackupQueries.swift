import Database

/// When the latest backup was whole.
struct LastBackup: Query {
    static let sql: SQL = "SELECT finished_at FROM backups WHERE id = 1"
    var parameters: [SQLValue] { [] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> Instant { try columns.instant() }
}

/// Notes that a backup is whole.
struct RecordBackup: Command {
    static let sql: SQL = """
        INSERT INTO backups (id, finished_at) VALUES (1, ?) ON DUPLICATE KEY UPDATE finished_at = VALUES(finished_at)
        """
    let now: Instant
    var parameters: [SQLValue] { [.time(now)] }
}

/// How many accounts there are.
struct CountAccounts: Query {
    static let sql: SQL = "SELECT COUNT(*) FROM accounts"
    var parameters: [SQLValue] { [] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> Int64 { try columns.integer() }
}
