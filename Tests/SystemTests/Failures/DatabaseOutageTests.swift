import CLinux
import DevStack
import Foundation
import JSON
import TestSupport
import Testing

@testable import Database

/// What people notice of it when the database of a busy site is gone, full up or stuck, and that nothing acknowledged
/// is lost by it.
@Suite(.serialized)
struct DatabaseOutageTests {
    private static let everybodys = Result {
        try Site.start(environment: Site.fastHashing.merging(["HOMEROOM_WORKERS": "2"]) { $1 })
    }
    private let site: DevStack
    private let load: LoadGenerator

    init() throws {
        site = try Self.everybodys.get()
        load = try LoadGenerator(5, at: site)
    }

    @Test(arguments: [true, false])
    func `a restart of the database costs refusals while it lasts and nothing else`(isKilled: Bool) throws {
        try load.running {
            try #require(load.isAnswered())
            if isKilled { site.database.kill() } else { site.database.stop() }
            try #require(load.isAnswered(20))
            try site.database.start()
            try expectRecovery()
        }

        try expectRefusals(throughAll: true)
    }

    @Test func `connections that are cut again and again cost refusals and nothing else`() throws {
        let console = try site.console()

        try load.running {
            try #require(load.isAnswered())
            for _ in 0..<20 {
                try console.execute("KILL USER homeroom@localhost")
                usleep(50_000)
            }
            try expectRecovery()
        }

        try expectRefusals()
    }

    @Test func `a database without a free connection costs refusals while it lasts and nothing else`() throws {
        let console = try site.console()
        try console.execute("SET GLOBAL max_connections = 10")
        defer { try? console.execute("SET GLOBAL max_connections = 200") }

        try load.running {
            try #require(load.isAnswered())
            var held: [Connection] = []
            while held.count < 10 {
                try console.execute("KILL USER homeroom@localhost")
                let connection = try site.console()
                guard (try? connection.ping()) != nil else { break }
                held.append(connection)
            }
            try console.execute("KILL USER homeroom@localhost")
            try #require(load.isAnswered(100))
            held = []
            try console.execute("SET GLOBAL max_connections = 200")
            try expectRecovery()
        }

        try expectRefusals(throughAll: true)
    }

    @Test func `a read-only database answers who reads, and refuses who writes`() throws {
        let console = try site.console()

        try load.running {
            try #require(load.isAnswered())
            try console.execute("SET GLOBAL read_only = 1")
            try #require(load.isAnswered(20))
            try console.execute("SET GLOBAL read_only = 0")
            try expectRecovery()
        }

        try expectRefusals()
        #expect(!load.troubles.isEmpty)
        #expect(load.troubles.filter { $0.request.hasPrefix("GET") }.map(\.description) == [])
    }

    @Test func `tables that somebody locks for long cost refusals while it lasts and nothing else`() throws {
        let console = try site.console()

        try load.running {
            try #require(load.isAnswered())
            try console.execute("LOCK TABLES accounts WRITE, sessions WRITE, login_failures WRITE")
            try #require(load.isAnswered(2))
            try console.execute("UNLOCK TABLES")
            try expectRecovery()
        }

        try expectRefusals()
        #expect(!load.troubles.isEmpty)
    }

    @Test func `a row that somebody locks for long costs its own person's writes and nobody else's`() throws {
        let console = try site.console()
        let (person, other) = (try site.newPerson(), try site.newPerson())
        try console.execute("START TRANSACTION; SELECT id FROM accounts WHERE id = \(person.id) FOR UPDATE")

        let answers = try concurrently(3) { [site] index in
            switch index {
            case 0: try site.send("PATCH", "/api/v1/profile/update/", as: person, json: ["bio": "stuck"])
            case 1: try site.signIn(person.username, person.password)
            default: try site.signIn(other.username, other.password)
            }
        }
        let read = try site.send("GET", "/api/v1/info/", as: person)
        try console.execute("ROLLBACK")
        let bio = try site.send("PATCH", "/api/v1/profile/update/", as: person, json: ["bio": "free"])

        #expect(answers.map(\.status) == [503, 503, 200])
        #expect(answers[..<2].allSatisfy { $0["Retry-After"] == "2" && $0.text == ContractAPI.v1Profile.unavailable })
        #expect(read.status == 200)
        #expect(read[["bio"]] == .null)
        #expect(bio.status == 200)
        #expect(try site.signIn(person.username, person.password).status == 200)
    }

    @Test func `a login that is the victim of a deadlock is begun anew and succeeds`() throws {
        // Connections that are there: the login waits for its lock for a few seconds only.
        let (site, console, watch) = (site, try site.console(), try site.console())
        let person = try site.newPerson()
        #expect(try watch.first(LockWaits()) == 0)
        // Enough rows that a deadlock spares this transaction.
        let rows = (0..<200).map { "(UNHEX(SHA2('deadlock \($0)', 256)), 1, UTC_TIMESTAMP(6))" }
        let own = "(UNHEX(SHA2('account:\(person.id)', 256)), 1, UTC_TIMESTAMP(6))"
        try console.execute(
            """
            START TRANSACTION;
            INSERT INTO login_failures (subject, failures, window_start) VALUES \((rows + [own]).joined(separator: ", "))
            """)

        let (isDeadlock, login) = try during(Flag()) {
            try site.signIn(person.username, person.password)
        } _: {
            // The login has locked its account's row and waits for that of its failures.
            let isDeadlock = try eventually { try watch.first(LockWaits()) == 1 }
            try console.execute("UPDATE accounts SET bio = 'first' WHERE id = \(person.id); COMMIT")
            return isDeadlock
        }

        #expect(isDeadlock)
        #expect(login.status == 200)
        #expect(try site.rows("SELECT bio FROM accounts WHERE id = \(person.id)") == ["first"])
    }

    @Test func `a database that stops answering costs refusals, soon at once, and nothing else`() throws {
        try load.running {
            try #require(load.isAnswered())
            site.database.process?.signal(SIGSTOP)
            try #require(load.isAnswered(20))
            site.database.process?.signal(SIGCONT)
            try expectRecovery()
        }

        try expectRefusals(throughAll: true)
    }

    /// What is asked from now on is soon answered well, and stays so.
    private func expectRecovery(_ place: SourceLocation = #_sourceLocation) throws {
        try #require(load.isWell(), sourceLocation: place)
        let before = load.troubles.count
        #expect(load.isAnswered(20), sourceLocation: place)
        #expect(load.troubles.count == before, sourceLocation: place)
    }

    /// Whatever was not answered well was refused, in the words of the contracts.
    private func expectRefusals(
        throughAll: Bool = false, _ place: SourceLocation = #_sourceLocation
    ) throws {
        let troubles = load.troubles
        #expect(troubles.filter { !$0.isRefusal }.prefix(5).map(\.description) == [], sourceLocation: place)
        if throughAll {
            #expect(Set(troubles.map(\.api)) == Set(ContractAPI.allCases), sourceLocation: place)
        }
        #expect(try load.losses() == [], sourceLocation: place)
    }
}

extension DevStack {
    /// A connection as the administrator, kept open: for locks that last.
    func console() throws -> Connection {
        Connection(
            DatabaseAddress(
                transport: .socket(path: folder.databaseSocket), database: "homeroom", user: try User.own().name,
                password: ""),
            isMigrating: true)
    }
}

/// How many transactions wait for a row's lock. (INNODB_TRX is not looked up anew for who asks all the time.)
private struct LockWaits: Query {
    static let sql: SQL = """
        SELECT CAST(VARIABLE_VALUE AS SIGNED) FROM information_schema.GLOBAL_STATUS \
        WHERE VARIABLE_NAME = 'INNODB_ROW_LOCK_CURRENT_WAITS'
        """
    var parameters: [SQLValue] { [] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> Int64 { try columns.integer() }
}
