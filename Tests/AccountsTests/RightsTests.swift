import DevStack
import TestSupport
import Testing

@testable import Accounts
@testable import Database

/// What `sql/users.sql` lets the service's user do.
@Suite(.serialized) struct RightsTests {
    private let connection: Connection

    init() throws {
        connection = Connection(try TestEnvironment.serviceDatabase())
    }

    /// Of the service and of `homeroom check`; not of `homeroom migrate`.
    private static var statements: [any Query.Type] { Statements.all + [AppliedMigrations.self] }

    private static let rights = [
        ("accounts", ["SELECT", "INSERT", "UPDATE", "DELETE"]), ("sessions", ["SELECT", "INSERT", "UPDATE", "DELETE"]),
        ("login_failures", ["SELECT", "INSERT", "UPDATE", "DELETE"]),
        ("password_resets", ["SELECT", "INSERT", "DELETE"]),
        ("outbox", ["SELECT", "INSERT", "UPDATE", "DELETE"]),
        ("email_changes", ["SELECT", "INSERT", "UPDATE", "DELETE"]), ("email_undo_tokens", ["SELECT", "INSERT"]),
        ("email_verifications", ["SELECT", "INSERT", "UPDATE"]),
        ("email_verification_tokens", ["SELECT", "INSERT", "DELETE"]),
        ("backups", ["SELECT", "INSERT", "UPDATE"]), ("migrations", ["SELECT"]),
    ]

    @Test func `every statement is allowed`() throws {
        for statement in Self.statements {
            #expect(throws: Never.self, "\(statement)") { try connection.check(statement) }
        }
    }

    @Test func `every right is needed by a statement`() throws {
        for (table, rights) in Self.rights {
            for right in rights {
                try TestEnvironment.server().execute("REVOKE \(right) ON homeroom.\(table) FROM homeroom@localhost")
                let refused = Self.statements.filter { statement in
                    let isAllowed: Void? = try? connection.check(statement)
                    return isAllowed == nil
                }
                try TestEnvironment.server().execute("GRANT \(right) ON homeroom.\(table) TO homeroom@localhost")

                #expect(!refused.isEmpty, "\(right) on \(table)")
            }
        }
    }

    @Test func `there are no other rights`() throws {
        let lines = try TestEnvironment.server().execute("SHOW GRANTS FOR homeroom@localhost").split(separator: "\n")
        let given = Set(lines.dropFirst().map(String.init))

        #expect(lines.first?.hasPrefix("GRANT USAGE ON *.* TO `homeroom`@`localhost`") == true)
        #expect(
            given
                == Set(
                    Self.rights.map {
                        "GRANT \($1.joined(separator: ", ")) ON `homeroom`.`\($0)` TO `homeroom`@`localhost`"
                    }))
    }

    @Test(arguments: [
        "CREATE TABLE more (id INT)", "CREATE TABLE IF NOT EXISTS accounts (id INT)",
        "ALTER TABLE accounts ADD more INT",
        "DROP TABLE sessions", "TRUNCATE TABLE sessions", "CREATE INDEX bio ON accounts (bio)",
        "CREATE VIEW all_accounts AS SELECT id FROM accounts", "LOCK TABLES accounts WRITE",
        "UPDATE migrations SET version = 6", "UPDATE password_resets SET expires_at = expires_at",
        "SELECT user FROM mysql.user", "SELECT 1 INTO OUTFILE '/tmp/h-outfile'",
        "GRANT SELECT ON homeroom.accounts TO homeroom_owner@localhost",
    ])
    func `the schema, other tables and the users are out of reach`(sql: String) throws {
        let failure = #expect(throws: DatabaseError.self) { try connection.execute(sql) }

        // 1044, 1045, 1142, 1227, 1410: no right to it.
        guard case .failed(let code, _) = failure else { return #expect(Bool(false), "\(String(describing: failure))") }
        #expect([1044, 1045, 1142, 1227, 1410].contains(code), "\(code)")
    }
}
