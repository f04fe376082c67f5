import Database

/// Makes so many accounts at once.
struct InsertAccounts: Command {
    static let count = 200
    static let sql: SQL = BlockedAccount.insertion(of: count)
    let rows: ArraySlice<BlockedAccount>
    var parameters: [SQLValue] { rows.flatMap(\.parameters) }
}

/// Makes some accounts at once: what is left of a batch in which others were there already.
struct InsertFewAccounts: Command {
    static let count = 20
    static let sql: SQL = BlockedAccount.insertion(of: count)
    let rows: ArraySlice<BlockedAccount>
    var parameters: [SQLValue] { rows.flatMap(\.parameters) }
}

/// A row of those, with the block that its id will probably be in: to put it there afterwards costs as much again.
/// `SetBlocks` puts right what came otherwise.
struct BlockedAccount {
    let insertion: InsertAccount
    /// nil where nobody knows.
    let block: UInt64?

    var parameters: [SQLValue] { insertion.parameters + [block.map(SQLValue.unsigned) ?? .null] }

    static func insertion(of count: Int) -> SQL {
        let row: SQL = "(" + AccountColumn.placeholders + ", ?, ?, ?, ?)"
        let rows = (1..<count).reduce(row) { sql, _ in sql + ", " + row }
        return "INSERT INTO accounts (" + AccountColumn.names
            + ", username_key, email_key, password_hash, id_block) VALUES " + rows
    }
}

/// Puts those of the accounts with these usernames into their blocks that are in others.
struct SetBlocks: Command {
    static let sql: SQL =
        "UPDATE accounts SET id_block = id DIV 4096 WHERE username_key IN " + marks
        + " AND NOT id_block <=> id DIV 4096"
    static let marks: SQL = "(?" + (1..<InsertAccounts.count).reduce("") { sql, _ in sql + ", ?" } + ")"
    let keys: [String]
    var parameters: [SQLValue] { SetBlocks.filled(keys) }

    /// As many as there are question marks. - Parameter keys: at least one.
    static func filled(_ keys: [String]) -> [SQLValue] {
        (0..<InsertAccounts.count).map { .text(keys[$0 < keys.count ? $0 : 0]) }
    }
}

/// A row where somebody can have one of these addresses back.
struct ReservedEmails: Query {
    static let sql: SQL =
        "SELECT id FROM email_changes WHERE email_key IN " + SetBlocks.marks + " AND undo_until > ? LIMIT 1"
    let keys: [String]
    let now: Instant
    var parameters: [SQLValue] { SetBlocks.filled(keys) + [.time(now)] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> UInt64 { try columns.unsigned() }
}

/// The accounts that have one of some usernames or one of some addresses; one that has both comes twice.
struct AccountsWithNames: Query {
    static let sql: SQL =
        "SELECT " + columns + " FROM accounts a WHERE a.username_key IN " + SetBlocks.marks + " UNION ALL SELECT "
        + columns + " FROM accounts a WHERE a.email_key IN " + SetBlocks.marks
    private static let columns: SQL = StoredAccount.columns + ", a.username_key, a.email_key"
    struct Row {
        let stored: StoredAccount
        let usernameKey: String
        let emailKey: String
    }
    let usernameKeys: [String]
    let emailKeys: [String]
    var parameters: [SQLValue] { SetBlocks.filled(usernameKeys) + SetBlocks.filled(emailKeys) }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> Row {
        Row(
            stored: try StoredAccount(&columns), usernameKey: try columns.text(), emailKey: try columns.text())
    }
}

/// Brings over what another system has otherwise, unless name, address or password have changed since they were read. A new
/// password, role or status ends the sessions.
struct UpdateTransferred: Command {
    static let sql: SQL =
        "UPDATE accounts SET password_hash = IF(?, ?, password_hash), password_version = password_version + ?,"
        + " session_epoch = session_epoch + ?, updated_at = ?"
        + AccountColumn.updatable.reduce("") { $0 + ", " + $1.sql + " = IF(?, ?, " + $1.sql + ")" }
        + " WHERE id = ? AND username = ? AND email = ? AND password_version = ? AND password_hash = ?"
    let known: KnownAccount
    let transfer: CheckedTransfer
    let now: Instant

    var endsSessions: Bool { known.differences.contains { ["password_hash", "role", "status"].contains($0) } }

    var parameters: [SQLValue] {
        let hasPassword = SQLValue.flag(known.differences.contains("password_hash"))
        let stored = known.stored
        return [hasPassword, .text(transfer.passwordHash), hasPassword, .flag(endsSessions), .time(now)]
            + AccountColumn.updatable.flatMap {
                [.flag(known.differences.contains($0.name)), $0.value(of: transfer.account)]
            } + [
                .unsigned(stored.account.id), .text(stored.account.username), .text(stored.account.email),
                .integer(stored.passwordVersion), .text(stored.passwordHash),
            ]
    }
}

/// Names the avatar of an account that has none.
struct SetFirstAvatar: Command {
    static let sql: SQL = "UPDATE accounts SET avatar = ?, updated_at = ? WHERE id = ? AND avatar IS NULL"
    let id: UInt64
    let avatar: String
    let now: Instant
    var parameters: [SQLValue] { [.text(avatar), .time(now), .unsigned(id)] }
}

extension AccountColumn {
    /// What an import brings over to an account that is here already. What is verified, counted and when was what belongs to
    /// the account here; names, numbers and pictures stay.
    static let updatable: [AccountColumn] = all.filter { column in
        switch column.kind {
        case .text, .word, .setting: true
        case .flag: column.name == "is_staff" || column.name == "is_superuser"
        case .id, .name, .file, .number, .time, .optionalTime: false
        }
    }

    /// Whether two accounts have the same there. Text for text: a comparison of Strings would take two spellings for one.
    func isEqual(in one: Account, _ other: Account) -> Bool {
        switch (value(of: one), value(of: other)) {
        case (.null, .null): true
        case (.text(let one), .text(let other)): one.utf8.elementsEqual(other.utf8)
        case (.integer(let one), .integer(let other)): one == other
        default: false
        }
    }
}
