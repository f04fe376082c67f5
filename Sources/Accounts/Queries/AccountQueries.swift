import Database

/// An account with what its password is checked against.
struct StoredAccount: Sendable {
    let account: Account
    let passwordHash: String
    let passwordVersion: Int64

    static let columns: SQL = Account.columns + ", a.password_hash, a.password_version"

    init(_ columns: inout Columns) throws(DatabaseError) {
        account = try Account(&columns)
        passwordHash = try columns.text()
        passwordVersion = try columns.integer()
    }
}

struct AccountByUsername: Query {
    static let sql: SQL = "SELECT " + StoredAccount.columns + " FROM accounts a WHERE a.username_key = ?"
    let key: String
    var parameters: [Parameter] { [.text(key)] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> StoredAccount { try StoredAccount(&columns) }
}

struct AccountByEmail: Query {
    static let sql: SQL = "SELECT " + StoredAccount.columns + " FROM accounts a WHERE a.email_key = ?"
    let key: String
    var parameters: [Parameter] { [.text(key)] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> StoredAccount { try StoredAccount(&columns) }
}

struct AccountByID: Query {
    static let sql: SQL = "SELECT " + StoredAccount.columns + " FROM accounts a WHERE a.id = ?"
    let id: UInt64
    var parameters: [Parameter] { [.unsigned(id)] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> StoredAccount { try StoredAccount(&columns) }
}

/// Which of a username and an email another account has; two rows at most.
struct TakenNames: Query {
    static let sql: SQL = """
        SELECT id, username_key = ?, email_key = ? FROM accounts WHERE username_key = ? \
        UNION SELECT id, username_key = ?, email_key = ? FROM accounts WHERE email_key = ?
        """
    struct Row: Sendable {
        let id: UInt64
        let isUsername: Bool
        let isEmail: Bool
    }
    let usernameKey: String
    let emailKey: String
    var parameters: [Parameter] {
        [usernameKey, emailKey, usernameKey, usernameKey, emailKey, emailKey].map(Parameter.text)
    }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> Row {
        Row(id: try columns.unsigned(), isUsername: try columns.flag(), isEmail: try columns.flag())
    }
}

/// The keys that consist of `key` and digits behind it, and some more.
struct UsernamesLike: Query {
    // Digits sort before the colon.
    static let sql: SQL = "SELECT username_key FROM accounts WHERE username_key >= ? AND username_key < CONCAT(?, ':')"
    let key: String
    var parameters: [Parameter] { [.text(key), .text(key)] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> String { try columns.text() }
}

struct InsertAccount: Command {
    static let sql: SQL = """
        INSERT INTO accounts (id, username, username_key, email, email_key, password_hash, role, status, is_staff, \
        is_superuser, full_name, first_name, last_name, phone, bio, avatar, is_email_verified, is_phone_verified, \
        language, timezone, theme, login_count, created_at, updated_at, last_login_at) \
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, COALESCE(?, DEFAULT(language)), \
        COALESCE(?, DEFAULT(timezone)), COALESCE(?, DEFAULT(theme)), ?, ?, ?, ?)
        """
    var username: Username
    let email: EmailAddress
    let passwordHash: String
    let standing: Standing
    var details = Details()
    var bio: String?
    var past = Past()
    let now: Instant
    var parameters: [Parameter] {
        [
            past.id.map(Parameter.unsigned) ?? .null, .text(username.text), .text(username.canonical.key),
            .text(email.text), .text(email.canonical.key), .text(passwordHash), .text(standing.role.rawValue),
            .text(past.status.rawValue), .flag(standing.isStaff), .flag(standing.isSuperuser),
            .text(orNull: details.fullName), .text(orNull: details.firstName), .text(orNull: details.lastName),
            .text(orNull: details.phone), .text(orNull: bio), .text(orNull: past.avatar),
            .flag(past.isEmailVerified), .flag(past.isPhoneVerified), .text(orNull: past.language),
            .text(orNull: past.timezone), .text(orNull: past.theme), .integer(past.loginCount),
            .time(past.createdAt ?? now), .time(past.updatedAt ?? past.createdAt ?? now),
            past.lastLoginAt.map { .time($0) } ?? .null,
        ]
    }
}

/// Changes what is not nil. A username that is the account's email follows it, and one with `@` must be the email.
struct UpdateProfile: Command {
    // MariaDB assigns from left to right, so the comparisons still see the old address.
    static let sql: SQL = """
        UPDATE accounts SET \
        username = IF(?, ?, IF(? AND username_key = email_key, ?, username)), \
        username_key = IF(?, ?, IF(? AND username_key = email_key, ?, username_key)), \
        is_email_verified = is_email_verified AND NOT (? AND email_key <> ?), \
        email = IF(?, ?, email), email_key = IF(?, ?, email_key), \
        bio = IF(?, ?, bio), avatar = IF(?, ?, avatar), updated_at = ? \
        WHERE id = ? AND (NOT ? OR ? = IF(?, ?, email_key))
        """
    let id: UInt64
    var username: Username?
    var email: EmailAddress?
    /// `.some(nil)` clears it.
    var bio: String??
    var avatar: String??
    let now: Instant
    var parameters: [Parameter] {
        let hasName = Parameter.flag(username != nil)
        let name = Parameter.text(orNull: username?.text)
        let nameKey = Parameter.text(orNull: username?.canonical.key)
        let hasEmail = Parameter.flag(email != nil)
        let address = Parameter.text(orNull: email?.text)
        let key = Parameter.text(orNull: email?.canonical.key)
        return [
            hasName, name, hasEmail, address, hasName, nameKey, hasEmail, key, hasEmail, key, hasEmail, address,
            hasEmail, key,
            .flag(bio != nil), .text(orNull: bio ?? nil), .flag(avatar != nil), .text(orNull: avatar ?? nil),
            .time(now), .unsigned(id), .flag(username?.isAddress == true), nameKey, hasEmail, key,
        ]
    }
}

/// What `UpdateProfile` does where only the bio changes: a tenth of the values, and no column of an index.
struct UpdateBio: Command {
    static let sql: SQL = "UPDATE accounts SET bio = ?, updated_at = ? WHERE id = ?"
    let id: UInt64
    let bio: String?
    let now: Instant
    var parameters: [Parameter] { [.text(orNull: bio), .time(now), .unsigned(id)] }
}

/// The same for up to eight accounts, all or none; it waits for no lock.
struct UpdateBios: Command {
    static let most = 8
    // innodb_lock_wait_timeout 0: error 1205 at once. (MariaDB 10.3)
    static let sql: SQL = """
        SET STATEMENT innodb_lock_wait_timeout = 0 FOR UPDATE accounts SET bio = CASE id WHEN ? THEN ? WHEN ? THEN ? \
        WHEN ? THEN ? WHEN ? THEN ? WHEN ? THEN ? WHEN ? THEN ? WHEN ? THEN ? WHEN ? THEN ? ELSE bio END, \
        updated_at = ? WHERE id IN (?, ?, ?, ?, ?, ?, ?, ?)
        """
    let parameters: [Parameter]

    /// - Parameter accounts: different ones, with the bios that they are to have.
    init(_ accounts: [Account]) {
        // The last one fills the rest.
        let all = (0..<UpdateBios.most).map { accounts[min($0, accounts.count - 1)] }
        let latest = accounts.map(\.updatedAt).max() ?? all[0].updatedAt
        parameters =
            all.flatMap { [.unsigned($0.id), .text(orNull: $0.bio)] } + [.time(latest)] + all.map { .unsigned($0.id) }
    }
}

/// The present avatar, with the row locked until the transaction ends.
struct AvatarForUpdate: Query {
    static let sql: SQL = "SELECT avatar FROM accounts WHERE id = ? FOR UPDATE"
    let id: UInt64
    var parameters: [Parameter] { [.unsigned(id)] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> String? { try columns.optionalText() }
}

/// Sets a new password, unless it was changed since the old one was checked.
struct SetPassword: Command {
    static let sql: SQL = """
        UPDATE accounts SET password_hash = ?, password_version = password_version + 1, updated_at = ? \
        WHERE id = ? AND password_version = ?
        """
    let id: UInt64
    let passwordVersion: Int64
    let hash: String
    let now: Instant
    var parameters: [Parameter] { [.text(hash), .time(now), .unsigned(id), .integer(passwordVersion)] }
}

/// A page of accounts in the order of their ids.
struct AccountsAfter: Query {
    static let sql: SQL =
        "SELECT " + Account.columns
        + " FROM accounts a WHERE a.id > ? AND (? OR a.role = ?) ORDER BY a.id LIMIT ?"
    let after: UInt64
    let role: Role?
    let limit: Int64
    var parameters: [Parameter] {
        [.unsigned(after), .flag(role == nil), .text((role ?? .student).rawValue), .integer(limit)]
    }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> Account { try Account(&columns) }
}

/// The same with the hashes of their passwords.
struct StoredAccountsAfter: Query {
    static let sql: SQL =
        "SELECT " + StoredAccount.columns + " FROM accounts a WHERE a.id > ? ORDER BY a.id LIMIT 500"
    let after: UInt64
    var parameters: [Parameter] { [.unsigned(after)] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> StoredAccount { try StoredAccount(&columns) }
}

/// Whose avatar a file is.
struct AccountByAvatar: Query {
    static let sql: SQL = "SELECT id FROM accounts WHERE avatar = ?"
    let avatar: String
    var parameters: [Parameter] { [.text(avatar)] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> UInt64 { try columns.unsigned() }
}

struct DeleteAccount: Command {
    static let sql: SQL = "DELETE FROM accounts WHERE id = ?"
    let id: UInt64
    var parameters: [Parameter] { [.unsigned(id)] }
}

struct SetRole: Command {
    static let sql: SQL = "UPDATE accounts SET role = ?, updated_at = ? WHERE id = ?"
    let id: UInt64
    let role: Role
    let now: Instant
    var parameters: [Parameter] { [.text(role.rawValue), .time(now), .unsigned(id)] }
}

struct SetStatus: Command {
    static let sql: SQL = "UPDATE accounts SET status = ?, updated_at = ? WHERE id = ?"
    let id: UInt64
    let status: Status
    let now: Instant
    var parameters: [Parameter] { [.text(status.rawValue), .time(now), .unsigned(id)] }
}
