import Database

/// An account's present address, with the row locked until the transaction ends.
struct AddressForUpdate: Query {
    static let sql: SQL = "SELECT email, email_key, is_email_verified FROM accounts WHERE id = ? FOR UPDATE"
    struct Row: Sendable {
        let email: String
        let key: String
        let isVerified: Bool
    }
    let id: UInt64
    var parameters: [SQLValue] { [.unsigned(id)] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> Row {
        Row(email: try columns.text(), key: try columns.text(), isVerified: try columns.flag())
    }
}

/// Whether somebody else can have an address back.
struct ReservedEmail: Query {
    static let sql: SQL = "SELECT id FROM email_changes WHERE email_key = ? AND undo_until > ? AND account_id <> ?"
    let key: String
    let accountID: UInt64
    let now: Instant
    var parameters: [SQLValue] { [.text(key), .time(now), .unsigned(accountID)] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> UInt64 { try columns.unsigned() }
}

/// The addresses that an account can have back, in the order in which it had them.
struct EmailChangesOfAccount: Query {
    static let sql: SQL = """
        SELECT id, email_key, undo_until, resets_until > ? FROM email_changes WHERE account_id = ? AND undo_until > ? ORDER BY id
        """
    struct Row: Sendable {
        let id: UInt64
        let key: String
        let undoUntil: Instant
        /// Whether mails that reset the password go there.
        let getsResets: Bool
    }
    let accountID: UInt64
    let now: Instant
    var parameters: [SQLValue] { [.time(now), .unsigned(accountID), .time(now)] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> Row {
        Row(
            id: try columns.unsigned(), key: try columns.text(), undoUntil: try columns.instant(),
            getsResets: try columns.optionalUnsigned() == 1)
    }
}

/// Keeps an address that was changed, or keeps it longer.
struct KeepEmail: Command {
    static let sql: SQL = """
        INSERT INTO email_changes (account_id, email, email_key, was_verified, undo_until, resets_until, due_at) \
        VALUES (?, ?, ?, ?, ?, ?, ?) ON DUPLICATE KEY UPDATE was_verified = was_verified OR VALUES(was_verified), \
        undo_until = VALUES(undo_until), resets_until = COALESCE(VALUES(resets_until), resets_until), \
        attempts = 0, due_at = COALESCE(VALUES(due_at), due_at)
        """
    let accountID: UInt64
    let address: AddressForUpdate.Row
    let undoUntil: Instant
    /// nil where mails that reset the password go to another one, or to none.
    let resetsUntil: Instant?
    /// When the address is told; nil where it knows.
    let dueAt: Instant?
    var parameters: [SQLValue] {
        [
            .unsigned(accountID), .text(address.email), .text(address.key), .flag(address.isVerified),
            .time(undoUntil), resetsUntil.map { .time($0) } ?? .null, dueAt.map { .time($0) } ?? .null,
        ]
    }
}

/// Lets mails that reset the password go on to the address to which they go.
struct KeepResetAddress: Command {
    static let sql: SQL = "UPDATE email_changes SET resets_until = ? WHERE account_id = ? AND resets_until > ?"
    let accountID: UInt64
    let until: Instant
    let now: Instant
    var parameters: [SQLValue] { [.time(until), .unsigned(accountID), .time(now)] }
}

/// Lets mails that reset the password go to the address of a change.
struct RedirectResets: Command {
    static let sql: SQL = "UPDATE email_changes SET resets_until = ? WHERE id = ?"
    let changeID: UInt64
    let until: Instant
    var parameters: [SQLValue] { [.time(until), .unsigned(changeID)] }
}

/// Forgets an account's addresses whose time is over, so that none comes back with its old place among the others.
struct ForgetEmailChanges: Command {
    static let sql: SQL = "DELETE FROM email_changes WHERE account_id = ? AND undo_until <= ?"
    let accountID: UInt64
    let now: Instant
    var parameters: [SQLValue] { [.unsigned(accountID), .time(now)] }
}

/// Forgets an account's addresses from a change on. Their links end with them.
struct DeleteEmailChanges: Command {
    static let sql: SQL = "DELETE FROM email_changes WHERE account_id = ? AND id >= ?"
    let accountID: UInt64
    let id: UInt64
    var parameters: [SQLValue] { [.unsigned(accountID), .unsigned(id)] }
}

/// Notes in an account until when its owner can have an address back, once its changes are as they stay.
struct SetUndoTime: Command {
    static let sql: SQL = """
        UPDATE accounts SET email_undo_until = (SELECT MAX(undo_until) FROM email_changes WHERE account_id = ?) \
        WHERE id = ?
        """
    let accountID: UInt64
    var parameters: [SQLValue] { [.unsigned(accountID), .unsigned(accountID)] }
}

/// Removes changes of addresses that can no longer be taken back, 500 at most.
struct DeleteOldEmailChanges: Command {
    static let sql: SQL = "DELETE FROM email_changes WHERE undo_until <= ? LIMIT 500"
    let before: Instant
    var parameters: [SQLValue] { [.time(before)] }
}

/// Where a mail that resets the password goes instead of the account's address.
struct ResetAddress: Query {
    static let sql: SQL =
        "SELECT email FROM email_changes WHERE account_id = ? AND resets_until > ? ORDER BY id LIMIT 1"
    let accountID: UInt64
    let now: Instant
    var parameters: [SQLValue] { [.unsigned(accountID), .time(now)] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> String { try columns.text() }
}

// MARK: Links

/// Keeps the token of a mailed link that takes a change of address back.
struct InsertUndoToken: Command {
    // Of a change that was taken back meanwhile there is none.
    static let sql: SQL =
        "INSERT INTO email_undo_tokens (token_hash, change_id) SELECT ?, id FROM email_changes WHERE id = ?"
    let hash: [UInt8]
    let changeID: UInt64
    var parameters: [SQLValue] { [.bytes(hash), .unsigned(changeID)] }
}

/// The change that a mailed link takes back, whether or not it is in time.
struct EmailChangeByToken: Query {
    static let sql: SQL = """
        SELECT c.id, c.account_id, c.email, c.email_key, c.was_verified, c.undo_until \
        FROM email_undo_tokens t JOIN email_changes c ON c.id = t.change_id WHERE t.token_hash = ?
        """
    struct Row: Sendable {
        let id: UInt64
        let accountID: UInt64
        let address: AddressForUpdate.Row
        let undoUntil: Instant
    }
    let hash: [UInt8]
    var parameters: [SQLValue] { [.bytes(hash)] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> Row {
        Row(
            id: try columns.unsigned(), accountID: try columns.unsigned(), address: try AddressForUpdate.row(&columns),
            undoUntil: try columns.instant())
    }
}

/// Gives an account an address back and ends all its sessions.
struct RestoreEmail: Command {
    // From left to right: the comparisons still see the present address.
    static let sql: SQL = """
        UPDATE accounts SET username = IF(username_key = email_key, ?, username), \
        username_key = IF(username_key = email_key, ?, username_key), email = ?, email_key = ?, is_email_verified = ?, \
        email_version = email_version + 1, session_epoch = session_epoch + 1, updated_at = ? WHERE id = ?
        """
    let id: UInt64
    let address: AddressForUpdate.Row
    /// In place of one that is the present address.
    let username: Username
    let now: Instant
    var parameters: [SQLValue] {
        [
            .text(username.text), .text(username.canonical.key), .text(address.email), .text(address.key),
            .flag(address.isVerified), .time(now), .unsigned(id),
        ]
    }
}

// MARK: Mails that tell the old address

/// One whose time has come, or would come later than any delay lasts.
struct DueNotice: Query {
    static let sql: SQL = """
        SELECT id, account_id, email, undo_until, attempts FROM email_changes WHERE due_at <= ? OR due_at > ? \
        ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED
        """
    struct Row: Sendable {
        let id: UInt64
        let accountID: UInt64
        let email: String
        let undoUntil: Instant
        let attempts: Int64
    }
    let now: Instant
    var parameters: [SQLValue] { [.time(now), .time(now + MailLimits.longestDelay + Instant.skew)] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> Row {
        Row(
            id: try columns.unsigned(), accountID: try columns.unsigned(), email: try columns.text(),
            undoUntil: try columns.instant(), attempts: try columns.integer())
    }
}

/// Keeps a notice from others until `dueAt`; nil ends it.
struct SetNoticeTime: Command {
    static let sql: SQL = "UPDATE email_changes SET due_at = ?, attempts = attempts + ? WHERE id = ?"
    let id: UInt64
    let dueAt: Instant?
    var failures: Int64 = 0
    var parameters: [SQLValue] { [dueAt.map { .time($0) } ?? .null, .integer(failures), .unsigned(id)] }
}

/// Gives up notices that nobody has sent for so long.
struct DropUnsentNotices: Command {
    static let sql: SQL = "UPDATE email_changes SET due_at = NULL WHERE due_at <= ? LIMIT 500"
    let before: Instant
    var parameters: [SQLValue] { [.time(before)] }
}
