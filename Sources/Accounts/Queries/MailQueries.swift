import Database

/// A mailed link's account, while the link is good.
struct ResetByToken: Query {
    static let sql: SQL =
        "SELECT account_id, password_version FROM password_resets WHERE token_hash = ? AND expires_at > ?"
    struct Row: Sendable {
        let accountID: UInt64
        let passwordVersion: Int64
    }
    let hash: [UInt8]
    let now: Instant
    var parameters: [Parameter] { [.bytes(hash), .time(now)] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> Row {
        Row(accountID: try columns.unsigned(), passwordVersion: try columns.integer())
    }
}

struct InsertReset: Command {
    static let sql: SQL =
        "INSERT INTO password_resets (token_hash, account_id, password_version, expires_at) VALUES (?, ?, ?, ?)"
    let hash: [UInt8]
    let accountID: UInt64
    let passwordVersion: Int64
    let expiresAt: Instant
    var parameters: [Parameter] {
        [.bytes(hash), .unsigned(accountID), .integer(passwordVersion), .time(expiresAt)]
    }
}

struct SpendReset: Command {
    static let sql: SQL = "DELETE FROM password_resets WHERE token_hash = ? AND expires_at > ?"
    let hash: [UInt8]
    let now: Instant
    var parameters: [Parameter] { [.bytes(hash), .time(now)] }
}

struct DeleteReset: Command {
    static let sql: SQL = "DELETE FROM password_resets WHERE token_hash = ?"
    let hash: [UInt8]
    var parameters: [Parameter] { [.bytes(hash)] }
}

struct DeleteResetsOfAccount: Command {
    static let sql: SQL = "DELETE FROM password_resets WHERE account_id = ?"
    let accountID: UInt64
    var parameters: [Parameter] { [.unsigned(accountID)] }
}

struct DeleteExpiredResets: Command {
    static let sql: SQL = "DELETE FROM password_resets WHERE expires_at <= ? LIMIT 500"
    let now: Instant
    var parameters: [Parameter] { [.time(now)] }
}

/// Puts a mail into the outbox, unless one to the address is there already or was sent within the last minute.
struct RequestMail: Command {
    // From left to right: `due_at` is decided before the account is written.
    static let sql: SQL = """
        INSERT INTO outbox (subject, account_id, due_at) VALUES (?, ?, ?) ON DUPLICATE KEY UPDATE \
        attempts = IF(due_at IS NULL, 0, attempts), \
        due_at = IF(due_at IS NULL AND (sent_at IS NULL OR sent_at <= ? OR sent_at > ?), ?, due_at), account_id = ?
        """
    static let pause: Int64 = 60
    let subject: [UInt8]
    let accountID: UInt64?
    let now: Instant
    var parameters: [Parameter] {
        let account = accountID.map(Parameter.unsigned) ?? .null
        return [
            .bytes(subject), account, .time(now), .time(now - RequestMail.pause), .time(now + Instant.skew), .time(now),
            account,
        ]
    }
}

/// A mail whose time has come, or would come later than any pause lasts.
struct DueMail: Query {
    static let sql: SQL = """
        SELECT subject, account_id, attempts FROM outbox WHERE due_at <= ? OR due_at > ? \
        ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED
        """
    struct Row: Sendable {
        let subject: [UInt8]
        let accountID: UInt64?
        let attempts: Int64
    }
    let now: Instant
    var parameters: [Parameter] { [.time(now), .time(now + Accounts.longestPause + Instant.skew)] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> Row {
        Row(
            subject: try columns.bytes(), accountID: try columns.optionalUnsigned(), attempts: try columns.integer())
    }
}

/// Keeps a mail from others until `dueAt`.
struct ClaimMail: Command {
    static let sql: SQL = "UPDATE outbox SET due_at = ? WHERE subject = ?"
    let subject: [UInt8]
    let dueAt: Instant
    var parameters: [Parameter] { [.time(dueAt), .bytes(subject)] }
}

/// Tries again at `dueAt`.
struct PostponeMail: Command {
    static let sql: SQL = "UPDATE outbox SET due_at = ?, attempts = attempts + 1 WHERE subject = ?"
    let subject: [UInt8]
    let dueAt: Instant
    var parameters: [Parameter] { [.time(dueAt), .bytes(subject)] }
}

struct CompleteMail: Command {
    static let sql: SQL = "UPDATE outbox SET due_at = NULL, attempts = 0, sent_at = ? WHERE subject = ?"
    let subject: [UInt8]
    let now: Instant
    var parameters: [Parameter] { [.time(now), .bytes(subject)] }
}

/// Mails that are due or wait for their next attempt.
struct CountWaitingMails: Query {
    static let sql: SQL = "SELECT COUNT(*) FROM outbox WHERE due_at IS NOT NULL"
    var parameters: [Parameter] { [] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> Int64 { try columns.integer() }
}

struct DeleteOldMail: Command {
    static let sql: SQL = "DELETE FROM outbox WHERE due_at IS NULL AND sent_at <= ? LIMIT 500"
    let before: Instant
    var parameters: [Parameter] { [.time(before)] }
}
