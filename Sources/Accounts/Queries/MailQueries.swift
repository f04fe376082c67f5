import Database
import Secrets

/// A mailed link's account, while the link is good.
struct ResetByToken: Query {
    static let sql: SQL =
        "SELECT account_id, password_version, email_version FROM password_resets WHERE token_hash = ? AND expires_at > ?"
    struct Row: Sendable {
        let accountID: UInt64
        let passwordVersion: Int64
        /// nil from a program that did not count changes of the address; it deleted the links instead.
        let emailVersion: UInt64?

        /// Whether neither password nor address were changed since the link was made.
        func fits(_ stored: StoredAccount) -> Bool {
            passwordVersion == stored.passwordVersion && (emailVersion ?? stored.emailVersion) == stored.emailVersion
        }
    }
    let hash: [UInt8]
    let now: Instant
    var parameters: [SQLValue] { [.bytes(hash), .time(now)] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> Row {
        Row(
            accountID: try columns.unsigned(), passwordVersion: try columns.integer(),
            emailVersion: try columns.optionalUnsigned())
    }
}

/// Keeps the token of a mailed link that sets a password, with the account's state when it was made.
struct InsertReset: Command {
    static let sql: SQL = """
        INSERT INTO password_resets (token_hash, account_id, password_version, email_version, expires_at) \
        VALUES (?, ?, ?, ?, ?)
        """
    let hash: [UInt8]
    let stored: StoredAccount
    let expiresAt: Instant
    var parameters: [SQLValue] {
        [
            .bytes(hash), .unsigned(stored.account.id), .integer(stored.passwordVersion),
            .unsigned(stored.emailVersion), .time(expiresAt),
        ]
    }
}

/// Removes a token that is still good; no row is affected where it is not.
struct SpendReset: Command {
    // In the account's present state: a link made while its address was being changed is for the one before.
    static let sql: SQL = """
        DELETE FROM password_resets WHERE token_hash = ? AND expires_at > ? AND EXISTS (SELECT 1 FROM accounts a \
        WHERE a.id = account_id AND a.email_version = ? AND COALESCE(password_resets.email_version, ?) = ?)
        """
    let hash: [UInt8]
    let emailVersion: UInt64
    let now: Instant
    var parameters: [SQLValue] {
        let version = SQLValue.unsigned(emailVersion)
        return [.bytes(hash), .time(now), version, version, version]
    }
}

/// Removes the token of a link that was not sent.
struct DeleteReset: Command {
    static let sql: SQL = "DELETE FROM password_resets WHERE token_hash = ?"
    let hash: [UInt8]
    var parameters: [SQLValue] { [.bytes(hash)] }
}

/// Ends all links that set the password of an account.
struct DeleteResetsOfAccount: Command {
    static let sql: SQL = "DELETE FROM password_resets WHERE account_id = ?"
    let accountID: UInt64
    var parameters: [SQLValue] { [.unsigned(accountID)] }
}

/// Removes tokens whose time is over, 500 at most.
struct DeleteExpiredResets: Command {
    static let sql: SQL = "DELETE FROM password_resets WHERE expires_at <= ? LIMIT 500"
    let now: Instant
    var parameters: [SQLValue] { [.time(now)] }
}

/// How many mails an account is sent at most.
enum MailLimits {
    /// Seconds between two that were asked for.
    static let pause: Int64 = 60
    static let anHour: Int64 = 5
    static let aDay: Int64 = 20

    /// Seconds by which a mail that must be sent is put off at most.
    static let longestDelay: Int64 = 86_400

    /// When a mail that must be sent may be sent, whatever the pause: now, or when it is within the limits.
    ///
    /// - Parameter times: of the latest mails, which may be to come.
    static func next(after times: [Instant], now: Instant) -> Instant {
        let times = times.sorted()
        func end(_ count: Int64, _ window: Int64) -> Instant {
            times.count >= count ? times[times.count - Int(count)] + window : now
        }
        return min(max(now, end(anHour, 3600), end(aDay, 86_400)), now + longestDelay)
    }
}

/// Puts a mail that resets the password into the outbox, unless one is there already, one was asked for within the last
/// minute, or the account has had enough of them.
///
/// An address that nobody has is asked for as well, so that it costs the same: on one of some rows that are never due.
struct RequestMail: Command {
    // The first statement makes the row, holds it, and writes to it whatever the second finds. Without an entry so far back
    // SUBSTRING is empty, which is less than any time.
    static let sql: SQL = """
        BEGIN NOT ATOMIC DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN ROLLBACK; RESIGNAL; END; START TRANSACTION; \
        INSERT INTO outbox (subject, account_id, sent_at) VALUES (?, ?, ?) \
        ON DUPLICATE KEY UPDATE account_id = VALUES(account_id), sent_at = VALUES(sent_at); \
        UPDATE outbox SET due_at = ?, attempts = 0, mail_times = RIGHT(CONCAT(mail_times, ?), 160), asked_at = ? \
        WHERE subject = ? AND account_id IS NOT NULL AND due_at IS NULL \
        AND (asked_at IS NULL OR asked_at <= ? OR asked_at > ?) \
        AND NOT (SUBSTRING(mail_times, -40, 8) > ? AND SUBSTRING(mail_times, -40, 8) <= ?) \
        AND NOT (SUBSTRING(mail_times, -160, 8) > ? AND SUBSTRING(mail_times, -160, 8) <= ?); COMMIT; END
        """
    let subject: MailSubject
    let now: Instant
    var parameters: [SQLValue] {
        let latest = SQLValue.bytes((now + Instant.skew).bytes)
        return [
            .bytes(subject.digest), subject.accountID.map(SQLValue.unsigned) ?? .null, .time(now),
            .time(now), .bytes(now.bytes), .time(now), .bytes(subject.digest),
            .time(now - MailLimits.pause), .time(now + Instant.skew), .bytes((now - 3600).bytes), latest,
            .bytes((now - 86_400).bytes), latest,
        ]
    }
}

/// Whose mails a row of the outbox counts: an account's, or those for addresses that nobody has.
struct MailSubject {
    let digest: [UInt8]
    let accountID: UInt64?

    init(_ accountID: UInt64) {
        self.accountID = accountID
        digest = sha256("mails of account \(accountID)")
    }

    /// One of 1,024 for an address that nobody has, by the address.
    init(unknown address: CanonicalName) {
        accountID = nil
        let slot = sha256(address.key).prefix(2).reduce(0) { $0 << 8 | Int($1) } % 1024
        digest = sha256("mails of nobody \(slot)")
    }
}

/// When mails to an account were asked for, 20 at most; no row without any.
struct MailTimes: Query {
    static let sql: SQL = "SELECT mail_times FROM outbox WHERE subject = ? FOR UPDATE"
    let subject: MailSubject
    var parameters: [SQLValue] { [.bytes(subject.digest)] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> [Instant] {
        Instant.all(in: try columns.bytes())
    }
}

/// Counts a mail to an account that is sent from elsewhere at that time, or with `isReset` puts one into the outbox whatever
/// the limits.
struct AddMail: Command {
    static let sql: SQL = """
        INSERT INTO outbox (subject, account_id, due_at, asked_at, sent_at, mail_times) VALUES (?, ?, ?, ?, ?, ?) \
        ON DUPLICATE KEY UPDATE attempts = IF(VALUES(due_at) IS NULL, attempts, 0), \
        due_at = COALESCE(VALUES(due_at), due_at), asked_at = COALESCE(VALUES(asked_at), asked_at), \
        sent_at = VALUES(sent_at), \
        mail_times = RIGHT(CONCAT(mail_times, VALUES(mail_times)), 160)
        """
    let accountID: UInt64
    var isReset = false
    let now: Instant
    var parameters: [SQLValue] {
        let asked = isReset ? SQLValue.time(now) : .null
        return [
            .bytes(MailSubject(accountID).digest), .unsigned(accountID), asked, asked, .time(now), .bytes(now.bytes),
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
    var parameters: [SQLValue] { [.time(now), .time(now + Accounts.longestPause + Instant.skew)] }
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
    var parameters: [SQLValue] { [.time(dueAt), .bytes(subject)] }
}

/// Tries again at `dueAt`.
struct PostponeMail: Command {
    static let sql: SQL = "UPDATE outbox SET due_at = ?, attempts = attempts + 1 WHERE subject = ?"
    let subject: [UInt8]
    let dueAt: Instant
    var parameters: [SQLValue] { [.time(dueAt), .bytes(subject)] }
}

/// Notes that a mail was sent, or is not to be sent any more.
struct CompleteMail: Command {
    static let sql: SQL = "UPDATE outbox SET due_at = NULL, attempts = 0, sent_at = ? WHERE subject = ?"
    let subject: [UInt8]
    let now: Instant
    var parameters: [SQLValue] { [.time(now), .bytes(subject)] }
}

/// Mails that are due or wait for their next attempt, up to a thousand: counted in the same time however many there are.
struct CountWaitingMails: Query {
    static let sql: SQL = """
        SELECT COUNT(*) FROM ((SELECT 1 FROM outbox WHERE due_at IS NOT NULL LIMIT 1000) \
        UNION ALL (SELECT 1 FROM email_changes WHERE due_at IS NOT NULL LIMIT 1000) \
        UNION ALL (SELECT 1 FROM email_verifications WHERE due_at IS NOT NULL LIMIT 1000) LIMIT 1000) waiting
        """
    var parameters: [SQLValue] { [] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> Int64 { try columns.integer() }
}

/// Removes notes of mails sent so long ago that they limit nothing any more, 500 at most.
struct DeleteOldMail: Command {
    static let sql: SQL = "DELETE FROM outbox WHERE due_at IS NULL AND sent_at <= ? LIMIT 500"
    let before: Instant
    var parameters: [SQLValue] { [.time(before)] }
}

/// Drops what nobody has sent for so long: whoever still wants it asks again.
struct DeleteUnsentMail: Command {
    static let sql: SQL = "DELETE FROM outbox WHERE due_at <= ? LIMIT 500"
    let before: Instant
    var parameters: [SQLValue] { [.time(before)] }
}
