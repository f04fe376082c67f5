import Database

/// Brings the addresses of accounts to the form in which they are compared now, with the domain as its A-labels.
///
/// Each row changes by itself, and only while it is as it was read: so it may be repeated, killed, and run beside a
/// service.
package enum AddressKeys {
    /// The steps of migrations that need code of this target, for `Migrations.apply`.
    ///
    /// - Parameter report: gets a line for each account that keeps its old form.
    package static func steps(report: @escaping (String) -> Void) -> [String: Migrations.Step] {
        ["address-keys": { connection throws(DatabaseError) in try rewrite(on: connection, report) }]
    }

    /// Rewrites all addresses that are not in the present form.
    ///
    /// - Parameter report: gets a line for each account that keeps its old form.
    package static func rewrite(on database: Connection, _ report: (String) -> Void) throws(DatabaseError) {
        var last: UInt64 = 0
        while true {
            let page = try database.rows(StrangeAddresses(after: last))
            guard let end = page.last else { return }
            for row in page {
                let key = CanonicalName(row.email).key
                if !key.utf8.elementsEqual(row.emailKey.utf8) { try rewrite(row, key, on: database, report) }
            }
            last = end.id
        }
    }

    private static func rewrite(
        _ row: StrangeAddresses.Row, _ key: String, on database: Connection, _ report: (String) -> Void
    ) throws(DatabaseError) {
        do throws(DatabaseError) {
            try database.run(RewriteAddress(id: row.id, oldKey: row.emailKey, newKey: key))
        } catch .duplicate {
            let holder = try database.first(AddressHolder(key: key)).map { "\($0)" } ?? "another"
            report(
                "accounts \(holder) and \(row.id) have one address, \(key). It signs in \(holder); \(row.id) keeps the "
                    + "form \(row.emailKey), which signs nobody in. Delete one, or \(wayOut(row))")
        }
    }

    private static func wayOut(_ row: StrangeAddresses.Row) -> String {
        let username = row.isUsername ? ", username = '…', username_key = '…'" : ""
        return "give \(row.id) another address: UPDATE accounts SET email = '…', email_key = '…'\(username) "
            + "WHERE id = \(row.id)"
    }
}

/// Accounts whose address is not ASCII or has a label in another script, in the order of their ids: 500 at most.
struct StrangeAddresses: Query {
    static let sql: SQL = """
        SELECT id, email, email_key, username_key = email_key FROM accounts WHERE id > ? \
        AND (LENGTH(email) <> CHAR_LENGTH(email) OR email_key LIKE '%xn--%') ORDER BY id LIMIT 500
        """
    struct Row: Sendable {
        let id: UInt64
        let email: String
        let emailKey: String
        /// Whether the username is the address.
        let isUsername: Bool
    }
    let after: UInt64
    var parameters: [SQLValue] { [.unsigned(after)] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> Row {
        Row(
            id: try columns.unsigned(), email: try columns.text(), emailKey: try columns.text(),
            isUsername: try columns.flag())
    }
}

/// A username that is the address follows it, unless it grows too long; who types it is found by the email either way.
struct RewriteAddress: Command {
    // MariaDB assigns from left to right, so the comparison still sees the old address.
    static let sql: SQL = """
        UPDATE accounts SET username_key = IF(username_key = email_key AND CHAR_LENGTH(?) <= 150, ?, username_key), \
        email_key = ? WHERE id = ? AND email_key = ?
        """
    let id: UInt64
    let oldKey: String
    let newKey: String
    var parameters: [SQLValue] { [.text(newKey), .text(newKey), .text(newKey), .unsigned(id), .text(oldKey)] }
}

/// Whose account has an address, by what is compared.
struct AddressHolder: Query {
    static let sql: SQL = "SELECT id FROM accounts WHERE email_key = ?"
    let key: String
    var parameters: [SQLValue] { [.text(key)] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> UInt64 { try columns.unsigned() }
}
