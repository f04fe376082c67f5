import Database

/// Until when a subject is locked; no row or NULL when it is not.
struct LockOf: Query {
    static let sql: SQL =
        "SELECT locked_until FROM login_failures WHERE subject = ? AND locked_until > ? AND locked_until <= ?"
    let subject: [UInt8]
    let now: Instant
    let settings: Settings
    var parameters: [SQLValue] { [.bytes(subject), .time(now), .time(now + settings.longestLock)] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> Instant { try columns.instant() }
}

/// Counts one failure, in one statement: so many within the window, which slides, lock. A failure that was under way when
/// the lock came changes nothing.
struct CountFailure: Command {
    // MariaDB assigns from left to right: `failure_times` has the new time where `locked_until` looks at it. What is behind
    // a lock, or later than any clock says, counts no more.
    static let sql: SQL = """
        INSERT INTO login_failures (subject, failures, window_start, failure_times, locked_until) \
        VALUES (?, 1, ?, ?, IF(? <= 1, ?, NULL)) ON DUPLICATE KEY UPDATE \
        failure_times = IF(locked_until > ? AND locked_until <= ?, failure_times, \
        RIGHT(CONCAT(IF(locked_until IS NOT NULL OR RIGHT(failure_times, 8) > ?, '', failure_times), ?), 8 * ?)), \
        locked_until = IF(locked_until > ? AND locked_until <= ?, locked_until, \
        IF(LENGTH(failure_times) >= 8 * ? AND LEFT(failure_times, 8) > ?, ?, NULL)), \
        failures = LENGTH(failure_times) DIV 8, window_start = ?
        """
    let subject: [UInt8]
    let now: Instant
    let settings: Settings
    var parameters: [SQLValue] {
        let lockEnd = SQLValue.time(now + settings.lockTime)
        let longest = SQLValue.time(now + settings.longestLock)
        let limit = SQLValue.integer(settings.lockAfter)
        return [
            .bytes(subject), .time(now), .bytes(now.bytes), limit, lockEnd,
            .time(now), longest, .bytes((now + Instant.skew).bytes), .bytes(now.bytes), limit,
            .time(now), longest, limit, .bytes((now - settings.lockWindow).bytes), lockEnd, .time(now),
        ]
    }
}

/// Forgets the failed logins of a subject, and so unlocks it.
struct ClearFailures: Command {
    static let sql: SQL = "DELETE FROM login_failures WHERE subject = ?"
    let subject: [UInt8]
    var parameters: [SQLValue] { [.bytes(subject)] }
}

/// Forgets the failed logins of an account, those of its names from before it had them, and those of its sessions.
struct ForgetFailures: Command {
    // As `LoginSubject` makes them. Joined, so that the rows are found by their keys and not looked through.
    static let sql: SQL = """
        DELETE f FROM (SELECT UNHEX(SHA2(CONCAT('account:', id), 256)) AS subject FROM accounts WHERE id = ? \
        UNION SELECT UNHEX(SHA2(CONCAT('name:', username_key), 256)) FROM accounts WHERE id = ? \
        UNION SELECT UNHEX(SHA2(CONCAT('name:', email_key), 256)) FROM accounts WHERE id = ? \
        UNION SELECT UNHEX(SHA2(CONCAT('name:', email_key), 256)) FROM email_changes WHERE account_id = ? \
        UNION SELECT UNHEX(SHA2(CONCAT('session:', id), 256)) FROM sessions WHERE account_id = ?) s \
        JOIN login_failures f ON f.subject = s.subject
        """
    let accountID: UInt64
    var parameters: [SQLValue] { Array(repeating: .unsigned(accountID), count: 5) }
}

/// Removes counts of failures that are too old to count and lock nobody, 500 at most.
struct DeleteOldFailures: Command {
    static let sql: SQL = """
        DELETE FROM login_failures WHERE window_start <= ? AND (locked_until IS NULL OR locked_until <= ?) LIMIT 500
        """
    let before: Instant
    let now: Instant
    var parameters: [SQLValue] { [.time(before), .time(now)] }
}
