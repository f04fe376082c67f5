import DevStack
import Dispatch
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Database

@Suite struct ConnectionTests {
    @Test func `a statement is prepared again after the connection was lost`() throws {
        let connection = try Box.connection()
        try connection.run(PutWords(words: "kept"))
        let before = try connection.first(OwnNumber())
        _ = try connection.rows(Words())

        try kill(connection)

        #expect(try connection.rows(Words()) == ["kept"])
        #expect(try connection.first(OwnNumber()) != before)
    }

    @Test func `a lost connection is reported once and its return too`() throws {
        let lines = Lines()
        let made = try Box.connection()
        let connection = Connection(made.address) { line in lines.all.withLock { $0.append(line) } }
        try kill(connection)

        try connection.ping()

        let all = lines.all.withLock { $0 }
        #expect(all.count == 1)
        #expect(all.first?.hasPrefix("database: connection lost: ") == true)
    }

    @Test func `a server that takes the connection and says nothing is given up`() throws {
        let mute = try MuteServer()

        let error = failure { () throws(DatabaseError) in try Connection(mute.address, timeouts: .probe).ping() }

        guard case .unavailable = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func `a change on a connection that was cut before is made on a new one`() throws {
        let connection = try Box.connection()
        try connection.run(PutWords(id: 1, words: "before"))
        try kill(connection)

        try connection.run(PutWords(id: 2, words: "after"))

        #expect(try connection.rows(Words()) == ["before", "after"])
    }

    @Test func `a change that is cut off is not repeated, the next one works`() throws {
        struct PutSlowly: Command {
            static let sql: SQL = "INSERT INTO box (id, words) SELECT ?, 'lost' FROM (SELECT SLEEP(3600)) AS nap"
            let id: Int64
            var parameters: [SQLValue] { [.integer(id)] }
        }
        struct Naps: Query {
            static let sql: SQL =
                "SELECT COUNT(*) FROM information_schema.processlist WHERE id = ? AND state = 'User sleep'"
            let number: Int64
            var parameters: [SQLValue] { [.integer(number)] }
            static func row(_ columns: inout Columns) throws(DatabaseError) -> Int64 { try columns.integer() }
        }
        let connection = try Box.connection()
        let number = try #require(try connection.first(OwnNumber()))
        let address = connection.address
        Thread.detachNewThread {
            let other = Connection(address)
            while (try? other.first(Naps(number: number))) == 0 { sched_yield() }
            try? other.execute("KILL \(number)")
        }

        let error = failure { () throws(DatabaseError) in try connection.run(PutSlowly(id: 1)) }
        try connection.run(PutWords(id: 2, words: "kept"))

        #expect(error?.isLostConnection == true)
        #expect(try connection.rows(Words()) == ["kept"])
    }

    @Test func `a transaction on a connection that was lost before begins on a new one`() throws {
        let connection = try Box.connection()
        try connection.ping()
        try kill(connection)

        _ = try connection.transaction { () throws(DatabaseError) in
            try connection.run(PutWords(words: "kept"))
        }

        #expect(try connection.rows(Words()) == ["kept"])
    }

    @Test func `a connection lost inside a transaction ends the transaction`() throws {
        let connection = try Box.connection()
        var runs = 0

        let error = failure { () throws(DatabaseError) in
            try connection.transaction { () throws(DatabaseError) in
                runs += 1
                try connection.run(PutWords(id: 1, words: "before"))
                try kill(connection)
                _ = try connection.rows(Words())
                try connection.run(PutWords(id: 2, words: "after"))
            }
        }

        #expect(runs == 1)
        #expect(error?.isLostConnection == true)
        #expect(try connection.rows(Words()) == [])
    }

    @Test func `a loss that the body of a transaction overlooks does not commit half of it`() throws {
        let connection = try Box.connection()

        let error = failure { () throws(DatabaseError) in
            try connection.transaction { () throws(DatabaseError) in
                try connection.run(PutWords(id: 1, words: "before"))
                try kill(connection)
                _ = try? connection.rows(Words())
                _ = try? connection.run(PutWords(id: 2, words: "after"))
            }
        }

        #expect(error != nil)
        #expect(try connection.rows(Words()) == [])
    }

    @Test func `what a transaction throws is rolled back`() throws {
        let connection = try Box.connection()

        let error = failure { () throws(DatabaseError) in
            try connection.transaction { () throws(DatabaseError) in
                try connection.run(PutWords(id: 1, words: "first"))
                try connection.run(PutWords(id: 1, words: "second"))
            }
        }

        #expect(error?.description == "database: duplicate entry for PRIMARY")
        #expect(try connection.rows(Words()) == [])
    }

    @Test func `the victim of a deadlock begins its transaction anew`() throws {
        let mine = try Box.connection()
        try mine.execute("INSERT INTO box (id, small) VALUES (1, 0), (2, 0), (3, 0), (4, 0), (5, 0), (6, 0)")
        let other = Rival(mine.address)
        var runs = 0

        try mine.transaction { () throws(DatabaseError) in
            runs += 1
            try mine.run(AddToSmall(id: 1))
            if runs == 1 { other.lockRowTwoThenOne() }
            try mine.run(AddToSmall(id: 2))
        }
        other.finish()

        #expect(runs == 2)
        #expect(try mine.rows(SmallNumbers()) == [11, 11, 10, 10, 10, 10])
    }

    @Test func `a lock that does not come is waited for once`() throws {
        let mine = try Box.connection()
        try mine.execute("INSERT INTO box (id, small) VALUES (1, 0)")
        try mine.execute("SET innodb_lock_wait_timeout = 0")
        let other = Connection(mine.address)
        try other.execute("START TRANSACTION", "SELECT * FROM box WHERE id = 1 FOR UPDATE")
        var runs = 0

        let error = failure { () throws(DatabaseError) in
            try mine.transaction { () throws(DatabaseError) in
                runs += 1
                try mine.run(AddToSmall(id: 1))
            }
        }

        #expect(runs == 1)
        guard case .contention(code: 1205) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func `a transaction that met contention leaves nothing behind and the next one works`() throws {
        let mine = try Box.connection()
        try mine.execute("INSERT INTO box (id, small) VALUES (1, 0), (2, 0)")
        try mine.execute("SET innodb_lock_wait_timeout = 0")
        let other = Connection(mine.address)
        try other.execute("START TRANSACTION", "SELECT * FROM box WHERE id = 2 FOR UPDATE")
        let addToBoth = { () throws(DatabaseError) in
            try mine.transaction { () throws(DatabaseError) in
                try mine.run(AddToSmall(id: 1))
                try mine.run(AddToSmall(id: 2))
            }
        }

        #expect(failure(addToBoth) != nil)
        try other.execute("COMMIT")
        try addToBoth()

        #expect(try mine.rows(SmallNumbers()) == [1, 1])
    }

    @Test(arguments: [false, true])
    func `a transaction that the server has ended by itself begins again, and nothing of it stays`(isRead: Bool) throws
    {
        let connection = try Box.connection()
        var attempts = 0
        var next = 0

        try connection.transaction { () throws(DatabaseError) in
            attempts += 1
            try connection.run(PutWords(id: 1, words: "first"))
            if attempts == 1 { try connection.execute("ROLLBACK") }
            if isRead { _ = try connection.rows(Words()) } else { try connection.run(PutWords(id: 2, words: "second")) }
            next += 1
        }

        #expect(attempts == 2)
        #expect(next == 1)
        #expect(try connection.rows(Words()).first == "first")
    }

    @Test func `a schema that lacks what a statement names is unavailable, and the log says what to do, once`() throws {
        let lines = Lines()
        let connection = Connection(try TestEnvironment.emptyDatabase()) { line in
            lines.all.withLock { $0.append(line) }
        }

        let errors = (1...2).map { _ in failure { () throws(DatabaseError) in _ = try connection.rows(Words()) } }

        #expect(errors.allSatisfy { $0?.code == 1146 })
        let all = lines.all.withLock { $0 }
        #expect(all.count == 1)
        #expect(all[0].hasSuffix("the schema is older than this program. Run: homeroom migrate"))
    }

    @Test func `no server is unavailable and names the place in the log`() throws {
        let lines = Lines()
        let address = DatabaseAddress(
            transport: .socket(path: "/tmp/h-nobody-listens.sock"), database: "school", user: "homeroom",
            password: "secret")
        let connection = Connection(address) { line in lines.all.withLock { $0.append(line) } }

        let errors = (1...2).map { _ in failure { () throws(DatabaseError) in try connection.ping() } }

        #expect(errors.allSatisfy { $0?.code == 2002 })
        let all = lines.all.withLock { $0 }
        #expect(all.count == 1)
        #expect(all[0].hasPrefix("database: cannot connect to `school` at /tmp/h-nobody-listens.sock as homeroom: "))
        #expect(!all[0].contains("secret"))
    }

    @Test func `a server that does not answer is waited for once, and its first answer is noticed`() throws {
        let lines = Lines()
        let server = try MuteServer()
        let monitor = ServerMonitor(server.address) { line in lines.all.withLock { $0.append(line) } }
        let connections = (0..<2).map { _ in Connection(server.address, monitor: monitor) }

        let errors = connections.map { connection in failure { () throws(DatabaseError) in try connection.ping() } }
        server.end()
        while (try? monitor.server()) == nil { usleep(1000) }
        let later = failure { () throws(DatabaseError) in try connections[0].ping() }

        #expect(errors.map { $0?.code } == [0, 0])
        #expect(errors[1]?.description == "database: unavailable: 0 no answer; not asked again yet")
        #expect(later?.code == 2002)
        let all = lines.all.withLock { $0.filter { $0.contains("answer") } }
        #expect(all.count == 2)
        #expect(all[0].hasPrefix("database: no answer; requests are refused until there is one: "))
        #expect(all[1] == "database: answers again")
    }

    @Test func `a wrong password is unavailable`() throws {
        let good = try TestEnvironment.emptyDatabase()
        let connection = Connection(
            DatabaseAddress(transports: good.transports, database: good.database, user: good.user, password: "wrong"))

        let error = failure { () throws(DatabaseError) in try connection.ping() }

        guard case .unavailable(code: 1045, _) = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test func `a session is strict, reads what is committed, counts in UTC and waits some seconds for locks`() throws {
        struct Session: Query {
            static let sql: SQL = """
                SELECT @@sql_mode LIKE '%STRICT_TRANS_TABLES%', @@tx_isolation, @@time_zone, @@character_set_client, \
                @@lock_wait_timeout, @@innodb_lock_wait_timeout
                """
            var parameters: [SQLValue] { [] }
            static func row(_ columns: inout Columns) throws(DatabaseError) -> [String] {
                let texts = [String(try columns.integer()), try columns.text(), try columns.text(), try columns.text()]
                return texts + [String(try columns.integer()), String(try columns.integer())]
            }
        }
        let connection = Connection(try TestEnvironment.emptyDatabase())

        #expect(try connection.first(Session()) == ["1", "READ-COMMITTED", "+00:00", "utf8mb4", "1", "3"])
    }

    private func kill(_ connection: Connection) throws(DatabaseError) {
        guard let number = try connection.first(OwnNumber()) else { return }
        try Connection(connection.address).execute("KILL \(number)")
    }
}

private final class Lines: Sendable {
    let all = Mutex<[String]>([])
}

/// Another connection, on a thread of its own, whose transaction is the larger one: a deadlock spares it.
private final class Rival: Sendable {
    private let address: DatabaseAddress
    private let hasRowTwo = DispatchSemaphore(value: 0)
    private let isDone = DispatchSemaphore(value: 0)

    init(_ address: DatabaseAddress) {
        self.address = address
    }

    /// Returns when the second row is locked; then goes for the first.
    func lockRowTwoThenOne() {
        Thread.detachNewThread { [self] in
            let connection = Connection(address)
            try? connection.execute("START TRANSACTION", "UPDATE box SET small = small + 10 WHERE id >= 2")
            hasRowTwo.signal()
            try? connection.execute("UPDATE box SET small = small + 10 WHERE id = 1", "COMMIT")
            isDone.signal()
        }
        hasRowTwo.wait()
    }

    func finish() {
        isDone.wait()
    }
}

extension Connection {
    fileprivate func execute(_ first: String, _ second: String) throws(DatabaseError) {
        try execute(first)
        try execute(second)
    }
}
