import Synchronization
import TestSupport
import Testing

@testable import Database

@Suite struct MigrationTests {
    private var steps: [String: Migrations.Step] { ["address-keys": { _ throws(DatabaseError) in }] }

    @Test func `an empty database has version 0`() throws {
        let connection = Connection(try TestEnvironment.emptyDatabase())

        #expect(try Migrations.version(on: connection) == 0)
    }

    @Test func `migrating brings an empty database to the newest version`() throws {
        let address = try TestEnvironment.emptyDatabase()

        let applied = try Migrations.apply(at: address, now: 0, steps: steps)

        #expect(applied.prefix(3) == ["accounts", "sessions", "login-failures"])
        #expect(applied.count == Migration.all.count)
        #expect(try Migrations.version(on: Connection(address)) == Migration.newest)
    }

    @Test func `migrations are numbered from 1 without gaps`() {
        #expect(Migration.all.map(\.version) == (1...Int64(Migration.all.count)).map { $0 })
    }

    @Test func `migrating twice does nothing the second time`() throws {
        let address = try TestEnvironment.freshDatabase()

        #expect(try Migrations.apply(at: address, now: 0, steps: steps) == [])
    }

    @Test func `of several that migrate at once one does and the others wait`() throws {
        let address = try TestEnvironment.emptyDatabase()

        let applied = concurrently(4) { _ in
        } _: { _, _ in
            Result { try Migrations.apply(at: address, now: 0, steps: steps) }
        }

        let counts = try applied.map { try $0.get().count }
        #expect(counts.sorted() == [0, 0, 0, Migration.all.count])
    }

    @Test func `whoever comes second waits, and says so, while the first goes on`() throws {
        let address = try TestEnvironment.freshDatabase()
        let first = try MigrationLease(at: address, term: .milliseconds(500)) { _ in }
        let lines = Mutex<[String]>([])
        let ended = Atomic<Bool>(false)

        let answers = concurrently(2) { _ in
        } _: { number, _ in
            Result {
                guard number == 0 else {
                    let second = try MigrationLease(at: address, term: .milliseconds(500)) { line in
                        lines.withLock { $0.append(line) }
                    }
                    defer { second.end() }
                    return ended.load(ordering: .acquiring)
                }
                // Ten of them are as long as one that is not renewed is waited for.
                let connection = Connection(address)
                let isRenewed = try eventually { try connection.first(LeaseHolder())?.hasSuffix(" 40") == true }
                ended.store(true, ordering: .releasing)
                first.end()
                return isRenewed
            }
        }

        #expect(try answers.map { try $0.get() } == [true, true])
        #expect(lines.withLock { $0 } == ["another migration runs: waiting for its end"])
    }

    @Test func `what a migration that was killed has held is taken after a while, and it may not go on`() throws {
        let address = try TestEnvironment.freshDatabase()
        try Connection(address).execute("UPDATE migrations SET name = 'held by somebody 7' WHERE version = 0")

        let lease = try MigrationLease(at: address, term: .milliseconds(300)) { _ in }
        try lease.check()
        try Connection(address).execute("UPDATE migrations SET name = 'held by another 0' WHERE version = 0")

        #expect(eventually { (try? lease.check()) == nil })
        lease.end()
        #expect(try Connection(address).rows(LeaseHolder()) == ["held by another 0"])
    }

    @Test func `who cannot be heard of because all are held up still has the right to migrate`() throws {
        let address = try TestEnvironment.freshDatabase()
        let lease = try MigrationLease(at: address, term: .milliseconds(100)) { _ in }
        let lock = Connection(address)

        try lock.execute("LOCK TABLES migrations WRITE")
        // Each renewal waits for a second.
        _ = eventually(within: 2.5) { false }
        try lock.execute("UNLOCK TABLES")

        try lease.check()
        let name = try lock.first(LeaseHolder())
        #expect(eventually { (try? lock.first(LeaseHolder())) != name })
        lease.end()
        #expect(try lock.rows(LeaseHolder()) == ["lock"])
    }

    @Test func `a run that was killed between two scripts goes on`() throws {
        let address = try TestEnvironment.emptyDatabase()
        _ = try Migrations.apply(at: address, now: 0, steps: steps)
        try Connection(address).execute("DELETE FROM migrations WHERE version > 1")
        try Connection(address).execute("DROP TABLE login_failures")

        let applied = try Migrations.apply(at: address, now: 0, steps: steps)

        #expect(applied.prefix(2) == ["sessions", "login-failures"])
        #expect(try Connection(address).rows(CountOfFailures()) == [0])
    }

    @Test func `a script that was applied but not written down is repeated without harm`() throws {
        let address = try TestEnvironment.freshDatabase()
        try Connection(address).execute("DELETE FROM migrations WHERE version > 0")

        let applied = try Migrations.apply(at: address, now: 0, steps: steps)

        #expect(applied.count == Migration.all.count)
        #expect(try Migrations.version(on: Connection(address)) == Migration.newest)
    }

    @Test func `a step in code runs once, behind the scripts before it`() throws {
        let address = try TestEnvironment.emptyDatabase()
        var found: [[Int64]] = []
        let steps: [String: Migrations.Step] = [
            "address-keys": { connection throws(DatabaseError) in found.append(try connection.rows(CountOfAccounts())) }
        ]

        _ = try Migrations.apply(at: address, now: 0, steps: steps)
        _ = try Migrations.apply(at: address, now: 0, steps: steps)

        #expect(found == [[0]])
    }

    @Test func `a step that fails is repeated the next time`() throws {
        let address = try TestEnvironment.emptyDatabase()
        let failing: [String: Migrations.Step] = [
            "address-keys": { _ throws(DatabaseError) in throw .missingReference }
        ]

        #expect(throws: DatabaseError.self) { try Migrations.apply(at: address, now: 0, steps: failing) }
        let applied = try Migrations.apply(at: address, now: 0, steps: steps)

        #expect(applied.first == "address-keys")
    }

    @Test func `it is written down when a script was applied`() throws {
        struct Times: Query {
            static let sql: SQL = "SELECT applied_at FROM migrations WHERE version = 1"
            var parameters: [SQLValue] { [] }
            static func row(_ columns: inout Columns) throws(DatabaseError) -> Int64 { try columns.time() }
        }
        let address = try TestEnvironment.emptyDatabase()

        _ = try Migrations.apply(at: address, now: 1_753_515_759_508_828, steps: steps)

        #expect(try Connection(address).rows(Times()) == [1_753_515_759_508_828])
    }
}

private struct CountOfAccounts: Query {
    static let sql: SQL = "SELECT COUNT(*) FROM accounts"
    var parameters: [SQLValue] { [] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> Int64 { try columns.integer() }
}

private struct CountOfFailures: Query {
    static let sql: SQL = "SELECT COUNT(*) FROM login_failures"
    var parameters: [SQLValue] { [] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> Int64 { try columns.integer() }
}
