import Database

/// Until when a subject is locked; no row or NULL when it is not.
struct LockOf: Query {
    static let sql: SQL =
        "SELECT locked_until FROM login_failures WHERE subject = ? AND locked_until > ? AND locked_until <= ?"
    let subject: [UInt8]
    let now: Instant
    let settings: Settings
    var parameters: [Parameter] { [.bytes(subject), .time(now), .time(now + settings.longestLock)] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> Instant { try columns.instant() }
}

/// Counts one failure, in one statement: a new window begins when the old one is over, and the limit locks. A failure
/// that was under way when the lock came changes nothing.
struct CountFailure: Command {
    // MariaDB assigns from left to right: `failures` is the new count where `locked_until` looks at it.
    static let sql: SQL = """
        INSERT INTO login_failures (subject, failures, window_start, locked_until) \
        VALUES (?, 1, ?, IF(? <= 1, ?, NULL)) ON DUPLICATE KEY UPDATE \
        failures = IF(locked_until > ? AND locked_until <= ?, failures, \
        IF(locked_until IS NOT NULL OR window_start <= ? OR window_start > ?, 1, failures + 1)), \
        window_start = IF(failures = 1, ?, window_start), \
        locked_until = IF(locked_until > ? AND locked_until <= ?, locked_until, IF(failures >= ?, ?, NULL))
        """
    let subject: [UInt8]
    let now: Instant
    let settings: Settings
    var parameters: [Parameter] {
        let lockEnd = Parameter.time(now + settings.lockTime)
        let longest = Parameter.time(now + settings.longestLock)
        let limit = Parameter.integer(settings.lockAfter)
        return [
            .bytes(subject), .time(now), limit, lockEnd,
            .time(now), longest, .time(now - settings.lockWindow), .time(now + Instant.skew), .time(now),
            .time(now), longest, limit, lockEnd,
        ]
    }
}

struct ClearFailures: Command {
    static let sql: SQL = "DELETE FROM login_failures WHERE subject = ?"
    let subject: [UInt8]
    var parameters: [Parameter] { [.bytes(subject)] }
}

struct DeleteOldFailures: Command {
    static let sql: SQL = """
        DELETE FROM login_failures WHERE window_start <= ? AND (locked_until IS NULL OR locked_until <= ?) LIMIT 500
        """
    let before: Instant
    let now: Instant
    var parameters: [Parameter] { [.time(before), .time(now)] }
}
