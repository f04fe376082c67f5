import Database

/// An account with what its password is checked against.
struct StoredAccount: Sendable {
    let account: Account
    let passwordHash: String
    let passwordVersion: Int64
    let emailVersion: UInt64

    static let columns: SQL = AccountColumn.selected + ", a.password_hash, a.password_version, a.email_version"

    init(_ columns: inout Columns) throws(DatabaseError) {
        account = try Account(&columns)
        passwordHash = try columns.text()
        passwordVersion = try columns.integer()
        emailVersion = try columns.unsigned()
    }
}

/// The account that has a username, by what is compared.
struct AccountByUsername: Query {
    static let sql: SQL = "SELECT " + StoredAccount.columns + " FROM accounts a WHERE a.username_key = ?"
    let key: String
    var parameters: [SQLValue] { [.text(key)] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> StoredAccount { try StoredAccount(&columns) }
}

/// The account that has an address, by what is compared.
struct AccountByEmail: Query {
    static let sql: SQL = "SELECT " + StoredAccount.columns + " FROM accounts a WHERE a.email_key = ?"
    let key: String
    var parameters: [SQLValue] { [.text(key)] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> StoredAccount { try StoredAccount(&columns) }
}

/// Who has an address, or had it until not long ago and still gets mails there that reset the password.
struct AccountForReset: Query {
    static let sql: SQL =
        "SELECT " + StoredAccount.columns + " FROM accounts a WHERE a.email_key = ? UNION ALL SELECT "
        + StoredAccount.columns + " FROM email_changes c JOIN accounts a ON a.id = c.account_id"
        + " WHERE c.email_key = ? AND c.resets_until > ? LIMIT 1"
    let key: String
    let now: Instant
    var parameters: [SQLValue] { [.text(key), .text(key), .time(now)] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> StoredAccount { try StoredAccount(&columns) }
}

/// The account that has a number.
struct AccountByID: Query {
    static let sql: SQL = "SELECT " + StoredAccount.columns + " FROM accounts a WHERE a.id = ?"
    let id: UInt64
    var parameters: [SQLValue] { [.unsigned(id)] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> StoredAccount { try StoredAccount(&columns) }
}

/// Which of a username and an email another account has, or can have back.
struct TakenNames: Query {
    static let sql: SQL = """
        SELECT id, username_key = ?, email_key = ? FROM accounts WHERE username_key = ? \
        UNION SELECT id, username_key = ?, email_key = ? FROM accounts WHERE email_key = ? \
        UNION SELECT account_id, FALSE, TRUE FROM email_changes WHERE email_key = ? AND undo_until > ?
        """
    struct Row: Sendable {
        let id: UInt64
        let isUsername: Bool
        let isEmail: Bool
    }
    let usernameKey: String
    let emailKey: String
    let now: Instant
    var parameters: [SQLValue] {
        [usernameKey, emailKey, usernameKey, usernameKey, emailKey, emailKey, emailKey].map(SQLValue.text)
            + [.time(now)]
    }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> Row {
        Row(id: try columns.unsigned(), isUsername: try columns.flag(), isEmail: try columns.flag())
    }
}

/// Which forms password hashes have, and how many accounts each.
struct CountPasswordForms: Query {
    static let sql: SQL =
        "SELECT password_form, COUNT(*) FROM accounts WHERE password_form IS NOT NULL GROUP BY password_form"
    var parameters: [SQLValue] { [] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> PasswordForms.Count {
        PasswordForms.Count(form: try columns.text(), accounts: UInt64(clamping: try columns.integer()))
    }
}

/// Those of so many username keys that somebody has.
struct TakenUsernames: Query {
    static let count = 64
    static let sql: SQL =
        (1..<count).reduce("SELECT username_key FROM accounts WHERE username_key IN (?") { sql, _ in sql + ", ?" } + ")"
    let keys: [String]
    var parameters: [SQLValue] { keys.map(SQLValue.text) }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> String { try columns.text() }
}

/// A row when somebody has the username.
struct UsernameTaken: Query {
    static let sql: SQL = "SELECT id FROM accounts WHERE username_key = ?"
    let key: String
    var parameters: [SQLValue] { [.text(key)] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> UInt64 { try columns.unsigned() }
}

/// Makes an account; a language, timezone or theme that is not given is the default of its column.
struct InsertAccount: Command {
    static let sql: SQL =
        "INSERT INTO accounts (" + AccountColumn.names + ", username_key, email_key, password_hash) VALUES ("
        + AccountColumn.placeholders + ", ?, ?, ?)"
    /// Whose username and email stand in the next two.
    var account: Account
    var username: Username
    let email: EmailAddress
    let passwordHash: String
    let now: Instant
    var parameters: [SQLValue] {
        var account = account
        account.username = username.text
        account.email = email.text
        return AccountColumn.values(of: account)
            + [.text(username.canonical.key), .text(email.canonical.key), .text(passwordHash)]
    }
}

/// Changes a profile, unless the session whose holder asks for it has ended meanwhile, or the password that was given was
/// changed or guessing was locked since it was checked. A username that is the account's email follows it, and one with `@`
/// must be the email.
struct UpdateProfile: Command {
    // MariaDB assigns from left to right, so the comparisons still see the old address.
    static let sql: SQL =
        """
        UPDATE accounts a SET \
        username = IF(?, ?, IF(? AND username_key = email_key, ?, username)), \
        username_key = IF(?, ?, IF(? AND username_key = email_key, ?, username_key)), \
        is_email_verified = is_email_verified AND NOT (? AND email_key <> ?), \
        email_version = email_version + (? AND email_key <> ?), \
        email = IF(?, ?, email), email_key = IF(?, ?, email_key), avatar = IF(?, ?, avatar), updated_at = ?
        """ + AccountColumn.editable.reduce("") { $0 + ", " + $1.column.sql + " = IF(?, ?, " + $1.column.sql + ")" }
        + " "
            + """
            WHERE id = ? AND (NOT ? OR ? = IF(?, ?, email_key)) \
            AND (NOT ? OR (COALESCE(? = username_key, TRUE) AND COALESCE(? = email_key, TRUE))) \
            AND password_version = COALESCE(?, password_version) \
            AND NOT EXISTS (SELECT 1 FROM login_failures WHERE subject = ? AND locked_until > ? AND locked_until <= ?) \
            AND EXISTS (SELECT 1 FROM sessions s WHERE s.id = ? AND
            """ + " " + Session.isCurrent + ")"
    let id: UInt64
    let sessionID: UInt64
    var username: Username?
    var email: EmailAddress?
    /// Whether the name and the address may only be spelt otherwise than they are.
    var isSpellingOnly: Bool
    /// The account whose password was given; nil where none was asked for.
    let proof: StoredAccount?
    /// Whose guesses of the password are counted.
    let guesses: LoginSubject
    var texts: [Field: Change<String>]
    var avatar: Change<String> = .keep
    let now: Instant
    let settings: Settings

    subscript(field: Field) -> Change<String> { texts[field] ?? .keep }

    var parameters: [SQLValue] {
        let hasName = SQLValue.flag(username != nil)
        let name = SQLValue.text(orNull: username?.text)
        let nameKey = SQLValue.text(orNull: username?.canonical.key)
        let hasEmail = SQLValue.flag(email != nil)
        let address = SQLValue.text(orNull: email?.text)
        let key = SQLValue.text(orNull: email?.canonical.key)
        let subject = proof == nil ? SQLValue.null : .bytes(guesses.digest)
        return [
            hasName, name, hasEmail, address, hasName, nameKey, hasEmail, key, hasEmail, key, hasEmail, key,
            hasEmail, address, hasEmail, key, .flag(!avatar.isKeep), .text(orNull: avatar.newValue), .time(now),
        ]
            + AccountColumn.editable.flatMap { field, _ in
                [SQLValue.flag(!self[field].isKeep), .text(orNull: self[field].newValue)]
            } + [
                .unsigned(id), .flag(username?.isAddress == true), nameKey, hasEmail, key,
                .flag(isSpellingOnly), nameKey, key, proof.map { .integer($0.passwordVersion) } ?? .null,
                subject, .time(now), .time(now + settings.longestLock), .unsigned(sessionID),
            ]
    }
}

/// What `UpdateProfile` does with texts and settings, for several accounts: for all that are there, or none. It waits for
/// no lock.
struct UpdateTexts: Command {
    static let max = 8
    // innodb_lock_wait_timeout 0: error 1205 at once. (MariaDB 10.3)
    static let sql: SQL =
        "SET STATEMENT innodb_lock_wait_timeout = 0 FOR UPDATE accounts SET updated_at = ?"
        + AccountColumn.editable.reduce("") { text, entry in
            let name = entry.column.sql
            return text + ", " + name + " = CASE id" + repeated(" WHEN ? THEN ?", max) + " ELSE " + name + " END"
        } + " WHERE id IN (?" + repeated(", ?", max - 1) + ")"
    let changes: [TextChange]

    /// - Parameter changes: at most `max`, each of another account.
    init(_ changes: ArraySlice<TextChange>) {
        self.changes = Array(changes)
    }

    var parameters: [SQLValue] {
        let latest = changes.map(\.account.updatedAt).max() ?? Instant(microseconds: 0)
        // No account has the number 0.
        let unused = changes.count..<UpdateTexts.max
        var values = [SQLValue.time(latest)]
        values.reserveCapacity((2 * AccountColumn.editable.count + 1) * UpdateTexts.max + 1)
        for (field, _) in AccountColumn.editable {
            for change in changes {
                let text = change.texts[field] ?? .keep
                values.append(.unsigned(text.isKeep ? 0 : change.account.id))
                values.append(.text(orNull: text.newValue))
            }
            for _ in unused { values += [.unsigned(0), .null] }
        }
        return values + changes.map { .unsigned($0.account.id) } + unused.map { _ in .unsigned(0) }
    }

    private static func repeated(_ text: SQL, _ count: Int) -> SQL {
        (0..<count).reduce("") { sql, _ in sql + text }
    }
}

/// Locks an account until the transaction ends, and gives its present avatar.
///
/// What compares the epochs of a session and its account must hold this lock first: a statement that waits for the account
/// sees its new epoch then, but the session as it was when the statement began. (READ COMMITTED)
struct LockedAccount: Query {
    static let sql: SQL = "SELECT avatar FROM accounts WHERE id = ? FOR UPDATE"
    let id: UInt64
    var parameters: [SQLValue] { [.unsigned(id)] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> String? { try columns.optionalText() }
}

/// Sets a new password and ends all sessions, unless since the old password was checked it was changed, the session that is
/// to stay has ended, or guessing was locked.
struct SetPassword: Command {
    static let sql: SQL =
        """
        UPDATE accounts a SET a.password_hash = ?, a.password_version = a.password_version + 1, \
        a.must_change_password = ?, a.session_epoch = a.session_epoch + 1, a.updated_at = ? WHERE a.id = ? AND a.password_version = ? \
        AND NOT EXISTS (SELECT 1 FROM login_failures WHERE subject = ? AND locked_until > ? AND locked_until <= ?) \
        AND (? OR EXISTS (SELECT 1 FROM sessions s WHERE s.id = ? AND
        """ + " " + Session.isCurrent + "))"
    let id: UInt64
    let passwordVersion: Int64
    let hash: String
    /// Whether its owner has to change it before anything else.
    let mustChange: Bool
    /// nil where nobody guesses: an operator, or the holder of a mailed link.
    let guesses: LoginSubject?
    /// 0 for none.
    let keptSession: UInt64
    let now: Instant
    let settings: Settings
    var parameters: [SQLValue] {
        [
            .text(hash), .flag(mustChange), .time(now), .unsigned(id), .integer(passwordVersion),
            guesses.map { .bytes($0.digest) } ?? .null, .time(now), .time(now + settings.longestLock),
            .flag(keptSession == 0), .unsigned(keptSession),
        ]
    }
}

/// A page of accounts in the order of their ids.
struct AccountsAfter: Query {
    static let sql: SQL =
        "SELECT " + AccountColumn.selected
        + " FROM accounts a WHERE a.id > ? AND (? OR a.role = ?) ORDER BY a.id LIMIT ?"
    let after: UInt64
    let role: Role?
    let limit: Int64
    var parameters: [SQLValue] {
        [.unsigned(after), .flag(role == nil), .text((role ?? .student).rawValue), .integer(limit)]
    }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> Account { try Account(&columns) }
}

/// Accounts behind one in the order of their numbers, with the hashes of their passwords: 500 at most.
struct StoredAccountsAfter: Query {
    static let sql: SQL =
        "SELECT " + StoredAccount.columns + " FROM accounts a WHERE a.id > ? ORDER BY a.id LIMIT 500"
    let after: UInt64
    var parameters: [SQLValue] { [.unsigned(after)] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> StoredAccount { try StoredAccount(&columns) }
}

/// Whose avatar a file is.
struct AccountByAvatar: Query {
    static let sql: SQL = "SELECT id FROM accounts WHERE avatar = ?"
    let avatar: String
    var parameters: [SQLValue] { [.text(avatar)] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> UInt64 { try columns.unsigned() }
}

/// Removes an account, and by foreign keys what belongs to it.
struct DeleteAccount: Command {
    static let sql: SQL = "DELETE FROM accounts WHERE id = ?"
    let id: UInt64
    var parameters: [SQLValue] { [.unsigned(id)] }
}

/// Also ends the sessions: their tokens name the old role.
struct SetRole: Command {
    static let sql: SQL =
        "UPDATE accounts SET role = ?, session_epoch = session_epoch + 1, updated_at = ? WHERE id = ?"
    let id: UInt64
    let role: Role
    let now: Instant
    var parameters: [SQLValue] { [.text(role.rawValue), .time(now), .unsigned(id)] }
}

/// Also ends the sessions.
struct SetStatus: Command {
    static let sql: SQL =
        "UPDATE accounts SET status = ?, session_epoch = session_epoch + 1, updated_at = ? WHERE id = ?"
    let id: UInt64
    let status: Status
    let now: Instant
    var parameters: [SQLValue] { [.text(status.rawValue), .time(now), .unsigned(id)] }
}
