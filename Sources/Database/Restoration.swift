import Glibc
import System

/// Fills a database from a dump: beside the one that is there, which it replaces in one step once it is whole.
///
/// Killed at any moment it leaves the database as it was, or all new. What is left beside is removed by the next one.
package struct Restoration {
    private let owner: DatabaseAddress
    /// Where the tables are until they are whole; nobody else looks there.
    package let unfinished: DatabaseAddress
    private var former: String { owner.database + "_before_restore" }

    package enum Failure: Error {
        case database(DatabaseError)
        case program(DatabaseProgram.Failure)
        /// Others use the database.
        case inUse(connections: Int64)
        /// It has accounts.
        case notEmpty
        /// It has tables that are none of ours.
        case foreign(table: String)
        /// The dump is none of ours, or not of the version that it should be.
        case wrongDump(version: Int64)
    }

    /// - Parameter owner: may do everything in the database and in those beside it, on one server.
    package init(_ owner: DatabaseAddress) {
        self.owner = owner
        unfinished = DatabaseAddress(
            transports: owner.transports, database: owner.database + "_unfinished_restore", user: owner.user,
            password: owner.password)
    }

    /// Throws where the database is used or has accounts, and they are not to go.
    ///
    /// - Parameter users: everybody as whom the database may be used; not all may connect from here.
    package func check(replacing: Bool, users: [DatabaseAddress]) throws(Failure) {
        try refuseInUse(replacing, users)
        guard !replacing else { return }
        let hasAccounts = try asking { () throws(DatabaseError) in
            let connection = Connection(owner)
            let tables = try connection.rows(TablesOfDatabase(database: owner.database))
            return tables.contains("accounts") ? try connection.first(AnyAccount()) != nil : false
        }
        if hasAccounts { throw .notEmpty }
    }

    /// Loads a dump, and brings it to the newest schema.
    ///
    /// - Parameters:
    ///   - version: of the schema in the dump.
    ///   - keepingSessions: whether those that have ended since are alive again.
    package func load(
        _ file: Int32, version: Int64, now: Int64, steps: [String: Migrations.Step], keepingSessions: Bool
    ) throws(Failure) {
        try asking { () throws(DatabaseError) in
            let connection = Connection(owner, isMigrating: true)
            try connection.execute(
                """
                DROP DATABASE IF EXISTS \(quoted(unfinished.database));
                DROP DATABASE IF EXISTS \(quoted(former));
                CREATE DATABASE \(quoted(unfinished.database)) CHARACTER SET utf8mb4
                """)
        }
        do throws(DatabaseProgram.Failure) {
            try DatabaseProgram.load(file, into: unfinished)
        } catch {
            throw .program(error)
        }
        let found = try asking { () throws(DatabaseError) in try Migrations.version(on: Connection(unfinished)) }
        guard found == version else { throw .wrongDump(version: found) }
        try asking { () throws(DatabaseError) in
            // Whoever migrated when the dump was made does so no longer.
            try Connection(unfinished, isMigrating: true).run(FreeMigrationLease())
            _ = try Migrations.apply(at: unfinished, now: now, steps: steps)
            let connection = Connection(unfinished, isMigrating: true)
            if !keepingSessions { try connection.execute("TRUNCATE TABLE sessions") }
            // What has been used or sent since: a link that sets a password would be good again, and a mail be sent twice.
            // A notice of a changed address is sent: the link of one that was sent since does not work any more, and
            // without one the owner has no way back.
            try connection.execute(
                """
                DELETE FROM password_resets;
                UPDATE outbox SET due_at = NULL;
                UPDATE email_verifications SET due_at = NULL
                """)
        }
    }

    /// Puts the loaded tables into the place of those that are there, which go.
    ///
    /// - Parameter replacing: also while others use them.
    package func exchange(replacing: Bool, users: [DatabaseAddress]) throws(Failure) {
        let (present, loaded) = try asking { () throws(DatabaseError) in
            let connection = Connection(owner)
            return (
                try connection.rows(TablesOfDatabase(database: owner.database)),
                try connection.rows(TablesOfDatabase(database: unfinished.database))
            )
        }
        // Such tables would go with the others.
        if let foreign = present.first(where: { !loaded.contains($0) }) { throw .foreign(table: foreign) }
        try refuseInUse(replacing, users)
        try asking { () throws(DatabaseError) in
            let connection = Connection(owner, isMigrating: true)
            let away = present.map { "\(quoted(owner.database)).\(quoted($0)) TO \(quoted(former)).\(quoted($0))" }
            let into = loaded.map {
                "\(quoted(unfinished.database)).\(quoted($0)) TO \(quoted(owner.database)).\(quoted($0))"
            }
            try connection.execute("CREATE DATABASE \(quoted(former)) CHARACTER SET utf8mb4")
            // All of them or none, also when the server ends in between. (MariaDB, Atomic DDL)
            try connection.execute("RENAME TABLE " + (away + into).joined(separator: ", "))
            try connection.execute(
                "DROP DATABASE \(quoted(former)); DROP DATABASE \(quoted(unfinished.database))")
        }
    }

    /// Removes what was loaded and will not be used.
    package func discard() {
        let names = [unfinished.database, former].map { "DROP DATABASE IF EXISTS \(quoted($0))" }
        _ = try? Connection(owner, isMigrating: true).execute(names.joined(separator: ";"))
    }

    /// A server shows others' connections to whoever has the right PROCESS, and everybody their own.
    private func refuseInUse(_ replacing: Bool, _ users: [DatabaseAddress]) throws(Failure) {
        // At what is being filled there is only another one of these.
        let name = replacing ? unfinished.database : owner.database
        var count: Int64 = 0
        // One that was just closed is shown a moment longer.
        for attempt in 0..<20 {
            if attempt > 0 { usleep(100_000) }
            count = 0
            for user in users {
                let query = OtherConnections(database: name, unfinished: unfinished.database)
                count = max(count, (try? Connection(user).first(query)) ?? 0)
            }
            if count == 0 { return }
        }
        throw .inUse(connections: count)
    }

    private func asking<T>(_ body: () throws(DatabaseError) -> T) throws(Failure) -> T {
        do throws(DatabaseError) {
            return try body()
        } catch {
            throw .database(error)
        }
    }

    private func quoted(_ name: String) -> String { "`\(name.replacing("`", with: "``"))`" }
}

/// The tables of a database.
struct TablesOfDatabase: Query {
    static let sql: SQL = """
        SELECT table_name FROM information_schema.tables WHERE table_schema = ? ORDER BY table_name
        """
    let database: String
    var parameters: [SQLValue] { [.text(database)] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> String { try columns.text() }
}

/// How many connections to a database others have, as far as the asking user is shown them.
struct OtherConnections: Query {
    static let sql: SQL = """
        SELECT COUNT(*) FROM information_schema.processlist WHERE db IN (?, ?) AND id <> CONNECTION_ID()
        """
    let database: String
    let unfinished: String
    var parameters: [SQLValue] { [.text(database), .text(unfinished)] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> Int64 { try columns.integer() }
}

/// A row where there is any account.
struct AnyAccount: Query {
    static let sql: SQL = "SELECT id FROM accounts LIMIT 1"
    var parameters: [SQLValue] { [] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> UInt64 { try columns.unsigned() }
}

/// Takes the right to migrate from whoever had it.
struct FreeMigrationLease: Command {
    static let sql: SQL = "UPDATE migrations SET name = 'lock' WHERE version = 0"
    var parameters: [SQLValue] { [] }
}
