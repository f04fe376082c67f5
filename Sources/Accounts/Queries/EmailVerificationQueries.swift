import Database

/// Puts a mail that asks for proof of an account's address into the outbox, in place of one that is there.
struct ScheduleVerification: Command {
    static let sql: SQL = """
        INSERT INTO email_verifications (account_id, asked_at, due_at) VALUES (?, ?, ?) \
        ON DUPLICATE KEY UPDATE asked_at = VALUES(asked_at), due_at = VALUES(due_at), attempts = 0
        """
    let accountID: UInt64
    let now: Instant
    let dueAt: Instant
    var parameters: [SQLValue] { [.unsigned(accountID), .time(now), .time(dueAt)] }
}

/// When an account was asked for proof last; no row where it never was.
struct VerificationRequestedAt: Query {
    static let sql: SQL = "SELECT asked_at FROM email_verifications WHERE account_id = ?"
    let accountID: UInt64
    var parameters: [SQLValue] { [.unsigned(accountID)] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> Instant { try columns.instant() }
}

// MARK: Links

/// Keeps the token of a mailed link that proves an account's present address.
struct InsertVerificationToken: Command {
    static let sql: SQL = """
        INSERT INTO email_verification_tokens (token_hash, account_id, email_version, expires_at) VALUES (?, ?, ?, ?)
        """
    let hash: [UInt8]
    let stored: StoredAccount
    let expiresAt: Instant
    var parameters: [SQLValue] {
        [.bytes(hash), .unsigned(stored.account.id), .unsigned(stored.emailVersion), .time(expiresAt)]
    }
}

/// The account and the version of its address that a mailed link proves, whether or not it is in time.
struct VerificationByToken: Query {
    static let sql: SQL =
        "SELECT account_id, email_version, expires_at FROM email_verification_tokens WHERE token_hash = ?"
    struct Row: Sendable {
        let accountID: UInt64
        let emailVersion: UInt64
        let expiresAt: Instant
    }
    let hash: [UInt8]
    var parameters: [SQLValue] { [.bytes(hash)] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> Row {
        Row(
            accountID: try columns.unsigned(), emailVersion: try columns.unsigned(), expiresAt: try columns.instant())
    }
}

/// Removes a token that is still good; no row is affected where it is not.
struct SpendVerificationToken: Command {
    static let sql: SQL = "DELETE FROM email_verification_tokens WHERE token_hash = ? AND expires_at > ?"
    let hash: [UInt8]
    let now: Instant
    var parameters: [SQLValue] { [.bytes(hash), .time(now)] }
}

/// Removes the token of a link that was not sent.
struct DeleteVerificationToken: Command {
    static let sql: SQL = "DELETE FROM email_verification_tokens WHERE token_hash = ?"
    let hash: [UInt8]
    var parameters: [SQLValue] { [.bytes(hash)] }
}

/// Ends all links that prove an account's address.
struct DeleteVerificationTokens: Command {
    static let sql: SQL = "DELETE FROM email_verification_tokens WHERE account_id = ?"
    let accountID: UInt64
    var parameters: [SQLValue] { [.unsigned(accountID)] }
}

/// Removes tokens whose time has been over for so long, 500 at most: until then their holders are told that they are too old.
struct DeleteOldVerificationTokens: Command {
    static let sql: SQL = "DELETE FROM email_verification_tokens WHERE expires_at <= ? LIMIT 500"
    let before: Instant
    var parameters: [SQLValue] { [.time(before)] }
}

/// Notes that an address is proven; no row is affected where the account has another one by now.
struct SetVerified: Command {
    static let sql: SQL = "UPDATE accounts SET is_email_verified = TRUE WHERE id = ? AND email_version = ?"
    let link: VerificationByToken.Row
    var parameters: [SQLValue] { [.unsigned(link.accountID), .unsigned(link.emailVersion)] }
}

// MARK: Mails

/// One whose time has come, or would come later than any delay lasts.
struct DueVerification: Query {
    static let sql: SQL = """
        SELECT account_id, attempts FROM email_verifications WHERE due_at <= ? OR due_at > ? \
        ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED
        """
    struct Row: Sendable {
        let accountID: UInt64
        let attempts: Int64
    }
    let now: Instant
    var parameters: [SQLValue] { [.time(now), .time(now + MailLimits.longestDelay + Instant.skew)] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> Row {
        Row(accountID: try columns.unsigned(), attempts: try columns.integer())
    }
}

/// Keeps a mail from others until `dueAt`.
struct ClaimVerification: Command {
    static let sql: SQL = "UPDATE email_verifications SET due_at = ? WHERE account_id = ?"
    let accountID: UInt64
    let dueAt: Instant
    var parameters: [SQLValue] { [.time(dueAt), .unsigned(accountID)] }
}

/// Sets when a claimed mail is due again; nil ends it. One that was asked for since then stays due.
struct SetVerificationTime: Command {
    static let sql: SQL = """
        UPDATE email_verifications SET due_at = ?, attempts = attempts + ? WHERE account_id = ? AND due_at = ?
        """
    let claim: ClaimVerification
    let dueAt: Instant?
    var failures: Int64 = 0
    var parameters: [SQLValue] {
        [
            dueAt.map { .time($0) } ?? .null, .integer(failures), .unsigned(claim.accountID), .time(claim.dueAt),
        ]
    }
}

/// Gives up mails that nobody has sent for so long.
struct DropUnsentVerifications: Command {
    static let sql: SQL = "UPDATE email_verifications SET due_at = NULL WHERE due_at <= ? LIMIT 500"
    let before: Instant
    var parameters: [SQLValue] { [.time(before)] }
}
