import Database

/// Which accounts a page of people may have, beside what their names begin with.
struct PeopleRange: Sendable {
    let role: Role?
    let after: UInt64
    let limit: Int64

    /// For `active_role IN (?, ?, ?)`, or one by one.
    var roles: [SQLValue] {
        let roles = role.map { [$0] } ?? Role.allCases
        return Role.allCases.indices.map { .text(orNull: $0 < roles.count ? roles[$0].rawValue : nil) }
    }
}

/// What names begin with.
struct NamePrefix: Sendable {
    /// In the form in which names are compared.
    let key: String
    /// As it was typed, composed: for columns whose collation knows no accents, case or width.
    let text: String

    /// What a username is. No row of the index's range is left out, so that what is read has a bound.
    static let username: SQL = "username_key LIKE ?"
    /// What a full name or an address is. A text of nothing but marks is none.
    static func begins(_ column: SQL) -> SQL {
        column + " >= ? AND " + column + " < ? AND ? COLLATE utf8mb4_uca1400_nopad_ai_ci <> ''"
    }

    /// For the username, the full name and the address.
    var values: [[SQLValue]] {
        // The last code point has the highest weight. (UTS #10 §10.1.3)
        let text = [SQLValue.text(text), .text(text + "\u{10FFFF}"), .text(text)]
        return [[NamePrefix.pattern(key)], text, text]
    }

    /// What begins with a text, which holds no wildcard.
    private static func pattern(_ text: String) -> SQLValue {
        .text(
            text.unicodeScalars.reduce(into: "") { pattern, scalar in
                if ["\\", "%", "_"].contains(scalar) { pattern += "\\" }
                pattern.unicodeScalars.append(scalar)
            } + "%")
    }
}

/// Active accounts behind one, in the order of their ids: each role by its index, so that no other row is read.
struct People: Query {
    private static let branch: SQL =
        "(SELECT id FROM accounts FORCE INDEX (active_role) WHERE active_role = ? AND id > ? ORDER BY id LIMIT ?)"
    static let sql: SQL =
        "SELECT " + AccountColumn.selected + " FROM (" + branch + " UNION ALL " + branch + " UNION ALL " + branch
        + " ORDER BY id LIMIT ?) found STRAIGHT_JOIN accounts a ON a.id = found.id ORDER BY found.id"
    let range: PeopleRange
    var parameters: [SQLValue] {
        range.roles.flatMap { [$0, .unsigned(range.after), .integer(range.limit)] } + [.integer(range.limit)]
    }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> Account { try Account(&columns) }
}

/// How many names begin with a text, as far as it is few.
struct CountOfNames: Query {
    /// So many names of each kind are read at most, and that many are not few.
    static let few: Int64 = 1000
    static let sql: SQL =
        "SELECT COUNT(*) FROM (" + PeopleOfFewNames.branches(" UNION ALL ") + ") found"
    let prefix: NamePrefix
    var parameters: [SQLValue] { prefix.values.flatMap { $0 + [.integer(CountOfNames.few)] } }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> Int64 { try columns.integer() }
}

/// Those of whom a name begins with a text that few names begin with: all of those are read and sorted.
struct PeopleOfFewNames: Query {
    static let sql: SQL =
        "SELECT " + AccountColumn.selected + " FROM (" + branches(" UNION ")
        + ") found STRAIGHT_JOIN accounts a ON a.id = found.id"
        + " WHERE found.id > ? AND a.active_role IN (?, ?, ?) ORDER BY found.id LIMIT ?"
    let prefix: NamePrefix
    let range: PeopleRange
    var parameters: [SQLValue] {
        prefix.values.flatMap { $0 + [.integer(CountOfNames.few)] } + [.unsigned(range.after)] + range.roles
            + [.integer(range.limit)]
    }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> Account { try Account(&columns) }

    /// The ids of those whose username, full name or address it is.
    fileprivate static func branches(_ union: SQL) -> SQL {
        branch("username_key", NamePrefix.username) + union
            + branch("full_name_search", NamePrefix.begins("full_name_search")) + union
            + branch("email_search", NamePrefix.begins("email_search"))
    }

    private static func branch(_ index: SQL, _ condition: SQL) -> SQL {
        "(SELECT id FROM accounts FORCE INDEX (" + index + ") WHERE " + condition + " LIMIT ?)"
    }
}

/// The first block of ids from one on that has accounts; nil where none has.
struct NextBlock: Query {
    /// Ids of a block. The migration, `SetBlock` and `SetMissingBlocks` know it too.
    static let size: UInt64 = 4096
    static let sql: SQL = "SELECT MIN(id_block) FROM accounts WHERE id_block >= ?"
    let first: UInt64
    var parameters: [SQLValue] { [.unsigned(first)] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> UInt64? { try columns.optionalUnsigned() }
}

/// Those in some blocks, one behind the other, of whom a name begins with a text.
struct PeopleInBlocks: Query {
    /// How many blocks are looked through at a time.
    static let count: UInt64 = 16
    static let sql: SQL =
        "SELECT " + AccountColumn.selected + " FROM ("
        + branch("block_username", NamePrefix.username) + " UNION "
        + branch("block_full_name_search", NamePrefix.begins("full_name_search")) + " UNION "
        + branch("block_email_search", NamePrefix.begins("email_search"))
        + " ORDER BY id LIMIT ?) found STRAIGHT_JOIN accounts a ON a.id = found.id ORDER BY found.id"
    let first: UInt64
    let prefix: NamePrefix
    let range: PeopleRange

    var parameters: [SQLValue] {
        let blocks = (0..<PeopleInBlocks.count).map { SQLValue.unsigned(first + $0) }
        // The blocks before the last one that is needed have fewer than the limit, and that one has at most its size.
        let most = SQLValue.integer(range.limit + Int64(NextBlock.size))
        return prefix.values.flatMap { blocks + range.roles + $0 + [.unsigned(range.after), most] }
            + [.integer(range.limit)]
    }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> Account { try Account(&columns) }

    private static func branch(_ index: SQL, _ condition: SQL) -> SQL {
        "(SELECT id FROM accounts FORCE INDEX (" + index + ") WHERE id_block IN (?"
            + (1..<count).reduce("") { sql, _ in sql + ", ?" } + ") AND active_role IN (?, ?, ?) AND "
            + condition + " AND id > ? ORDER BY id_block LIMIT ?)"
    }
}

/// Puts a new account into its block, where searches find it.
struct SetBlock: Command {
    static let sql: SQL = "UPDATE accounts SET id_block = id DIV 4096 WHERE id = ?"
    let id: UInt64
    var parameters: [SQLValue] { [.unsigned(id)] }
}

/// Does that for accounts that programs from before have made.
package struct SetMissingBlocks: Command {
    package static let sql: SQL = "UPDATE accounts SET id_block = id DIV 4096 WHERE id_block IS NULL"
    package init() {}
    package var parameters: [SQLValue] { [] }
}
