import DevStack
import TestSupport
import Testing

@testable import Database

@Suite struct MigrationTests {
    @Test func `an empty database has version 0`() throws {
        let connection = Connection(try Laboratory.emptyDatabase())

        #expect(try Migrations.version(on: connection) == 0)
    }

    @Test func `migrating brings an empty database to the newest version`() throws {
        let address = try Laboratory.emptyDatabase()

        let applied = try Migrations.apply(at: address, now: 0)

        #expect(applied.prefix(3) == ["accounts", "sessions", "login-failures"])
        #expect(applied.count == Migration.all.count)
        #expect(try Migrations.version(on: Connection(address)) == Migration.newest)
    }

    @Test func `migrations are numbered from 1 without gaps`() {
        #expect(Migration.all.map(\.version) == (1...Int64(Migration.all.count)).map { $0 })
    }

    @Test func `migrating twice does nothing the second time`() throws {
        let address = try Laboratory.freshDatabase()

        #expect(try Migrations.apply(at: address, now: 0) == [])
    }

    @Test func `of several that migrate at once one does and the others wait`() throws {
        let address = try Laboratory.emptyDatabase()

        let applied = atOnce(4) { _ in
        } _: { _, _ in
            Result { try Migrations.apply(at: address, now: 0) }
        }

        let counts = try applied.map { try $0.get().count }
        #expect(counts.sorted() == [0, 0, 0, Migration.all.count])
    }

    @Test func `whoever comes second waits at the lock, where the wait may be long`() throws {
        let address = try Laboratory.freshDatabase()

        let answers = atOnce(2) { number in
            let connection = Connection(address)
            if number == 0 {
                try? connection.execute("START TRANSACTION")
                _ = try? connection.rows(LockHistory())
            }
            return connection
        } _: { number, connection in
            guard number == 0 else { return (try? Migrations.apply(at: address, now: 0)).map { "\($0)" } }
            let waiting = statementThatWaits(in: address.database)
            try? connection.execute("COMMIT")
            return waiting
        }

        #expect(answers == ["SELECT version FROM migrations WHERE version = 0 FOR UPDATE\n", "[]"])
    }

    @Test func `a run that was killed between two scripts goes on`() throws {
        let address = try Laboratory.emptyDatabase()
        _ = try Migrations.apply(at: address, now: 0)
        try Connection(address).execute("DELETE FROM migrations WHERE version > 1")
        try Connection(address).execute("DROP TABLE login_failures")

        let applied = try Migrations.apply(at: address, now: 0)

        #expect(applied.prefix(2) == ["sessions", "login-failures"])
        #expect(try Connection(address).rows(CountOfFailures()) == [0])
    }

    @Test func `a script that was applied but not written down is repeated without harm`() throws {
        let address = try Laboratory.freshDatabase()
        try Connection(address).execute("DELETE FROM migrations WHERE version > 0")

        let applied = try Migrations.apply(at: address, now: 0)

        #expect(applied.count == Migration.all.count)
        #expect(try Migrations.version(on: Connection(address)) == Migration.newest)
    }

    @Test func `it is written down when a script was applied`() throws {
        struct Times: Query {
            static let sql: SQL = "SELECT applied_at FROM migrations WHERE version = 1"
            var parameters: [Parameter] { [] }
            static func row(_ columns: inout Columns) throws(DatabaseError) -> Int64 { try columns.time() }
        }
        let address = try Laboratory.emptyDatabase()

        _ = try Migrations.apply(at: address, now: 1_753_515_759_508_828)

        #expect(try Connection(address).rows(Times()) == [1_753_515_759_508_828])
    }
}

private struct CountOfFailures: Query {
    static let sql: SQL = "SELECT COUNT(*) FROM login_failures"
    var parameters: [Parameter] { [] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> Int64 { try columns.integer() }
}

/// What a connection to a database waits for; asks until there is one.
private func statementThatWaits(in database: String) -> String {
    for _ in 0..<200 {
        let found = try? Laboratory.server().execute(
            """
            SELECT p.info FROM information_schema.innodb_trx t JOIN information_schema.processlist p
            ON p.id = t.trx_mysql_thread_id WHERE t.trx_state = 'LOCK WAIT' AND p.db = '\(database)'
            """)
        if let found, !found.isEmpty { return found }
    }
    return ""
}
