import DevStack
import Foundation
import Glibc
import Synchronization
import TestSupport
import Testing

@testable import Database

/// Several servers of one database: here one server on several ways, one of which can be frozen.
struct ServerMonitorTests {
    private final class Lines: Sendable {
        private let all = Mutex<[String]>([])
        var count: Int { all.withLock { $0.count } }
        func add(_ line: String) { all.withLock { $0.append(line) } }
        func contain(_ text: String) -> Bool { all.withLock { $0.contains { $0.contains(text) } } }
    }

    private let lines = Lines()

    private func connection(_ transports: [DatabaseAddress.Transport], as one: DatabaseAddress) -> Connection {
        let address = DatabaseAddress(
            transports: transports, database: one.database, user: one.user, password: one.password)
        return Connection(address) { [lines] in lines.add($0) }
    }

    /// An own database with the table of `Box`, and the way to it.
    private func box() throws -> DatabaseAddress { try Box.connection().address }

    // MARK: Which one is used

    private static let now = ContinuousClock.now

    /// `s` serves for long, `n` since just now; `d` gives its data to another node; `l` is lost; `u` is not known yet.
    private static func server(_ letter: Character) -> ServerMonitor.Server {
        var server = ServerMonitor.Server(name: "\(letter)")
        let state = [
            "wsrep_ready": "ON", "wsrep_cluster_status": "Primary", "wsrep_local_state": letter == "d" ? "2" : "4",
        ]
        server.state = ServerState(variables: [:], status: state)
        switch letter {
        case "s", "d": server.health = .serving(since: now - .seconds(60))
        case "n": server.health = .serving(since: now - .milliseconds(900))
        case "l": server.health = .lost("gone")
        default: server.state = nil
        }
        return server
    }

    @Test(
        arguments: [
            ("sss", nil, 0), ("lss", nil, 1), ("lls", nil, 2), ("lll", nil, nil), ("lss", 0, 1), ("lll", 0, nil),
            // Back to an earlier one only when it was well for a second; at once when the present one is lost.
            ("nss", 1, 1), ("sss", 1, 0), ("lns", 2, 2), ("lss", 2, 1), ("nls", 1, 0), ("nsl", 2, 0),
            // One that gives its data away is used when there is no other.
            ("dss", nil, 1), ("dss", 0, 1), ("dll", nil, 0), ("ldd", 2, 1), ("ddl", 1, 0), ("dls", 0, 2),
            // An earlier one that is not known yet is waited for.
            ("uss", nil, nil), ("sus", nil, 0), ("lus", nil, nil), ("uss", 1, 1), ("uuu", nil, nil),
        ] as [(String, Int?, Int?)])
    func `the first that can serve is used`(servers: String, current: Int?, expected: Int?) {
        let servers = servers.map(ServerMonitorTests.server)

        let choice = ServerMonitor.choice(
            among: servers, current: current, now: ServerMonitorTests.now, waitsForUnknown: true)

        #expect(choice == expected)
    }

    @Test(arguments: [("uss", 1), ("uul", nil), ("luu", nil), ("uus", 2)] as [(String, Int?)])
    func `a server that says nothing is passed over after a while`(servers: String, expected: Int?) {
        let servers = servers.map(ServerMonitorTests.server)

        let choice = ServerMonitor.choice(
            among: servers, current: nil, now: ServerMonitorTests.now, waitsForUnknown: false)

        #expect(choice == expected)
    }

    @Test func `one that is lost again soon after it was well must be well for longer each time, up to a minute`() {
        var server = ServerMonitorTests.server("s")
        var now = ServerMonitorTests.now
        var seconds: [Duration] = []

        for _ in 0..<8 {
            server.lose("too many connections", now: now)
            server.health = .serving(since: now)
            now += server.settling
            seconds.append(server.settling)
            let present = ServerMonitorTests.server("s")
            let choice = {
                ServerMonitor.choice(among: [server, present], current: 1, now: $0, waitsForUnknown: false)
            }
            #expect(choice(now - .milliseconds(1)) == 1)
            #expect(choice(now) == 0)
        }
        server.lose("gone", now: now + .seconds(600))

        #expect(seconds == [1, 2, 4, 8, 16, 32, 60, 60].map { Duration.seconds($0) })
        #expect(server.settling == .seconds(1))
    }

    @Test(
        arguments: [
            (["wsrep_ready": "ON", "wsrep_cluster_status": "Primary", "wsrep_local_state": "4"], "OFF", nil),
            (
                ["wsrep_ready": "ON", "wsrep_cluster_status": "Primary", "wsrep_local_state": "4"], "ON",
                "it is read-only"
            ),
            (
                ["wsrep_ready": "OFF", "wsrep_cluster_status": "non-Primary", "wsrep_local_state": "0"], "OFF",
                "it is not in the primary component of its cluster"
            ),
            (
                [
                    "wsrep_ready": "OFF", "wsrep_cluster_status": "Primary", "wsrep_local_state": "1",
                    "wsrep_local_state_comment": "Joining",
                ], "OFF", "it takes no statements (wsrep_ready is OFF, Joining)"
            ),
            (nil, "OFF", nil), (nil, "NO_LOCK", "it is read-only"), (nil, "0", nil),
        ] as [([String: String]?, String, String?)])
    func `what a server says of itself decides whether it can serve`(
        status: [String: String]?, readOnly: String, fault: String?
    ) {
        #expect(ServerState(variables: ["read_only": readOnly], status: status).fault == fault)
    }

    // MARK: With servers

    @Test func `servers that are not there, hang or do not resolve are passed over`() throws {
        let one = try box()
        let mute = try MuteServer()
        let connection = connection(
            [
                .socket(path: "/tmp/h-nobody-listens.sock"), mute.address.transports[0],
                .network(host: "no-such-host.invalid", port: 3306, encryption: .off), one.transports[0],
            ], as: one)

        try connection.run(PutWords(words: "here"))

        #expect(try connection.rows(Words()) == ["here"])
        #expect(connection.servers().map(\.isUsed) == [false, false, false, true])
        #expect(lines.contain("database: /tmp/h-nobody-listens.sock: lost: database: unavailable: 2002 "))
    }

    @Test func `without any that can serve all are named, with the reasons`() throws {
        let one = try box()
        let connection = connection(
            [.socket(path: "/tmp/h-none-1.sock"), .socket(path: "/tmp/h-none-2.sock")], as: one)

        let error = failure { () throws(DatabaseError) in try connection.ping() }

        guard case .unavailable(0, let message)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(message.hasPrefix("no server can serve: /tmp/h-none-1.sock: database: unavailable: 2002 "))
        #expect(message.contains("; /tmp/h-none-2.sock: database: unavailable: 2002 "))
    }

    @Test func `a read that waits for a server that freezes goes on at the next, and back when it is well`() throws {
        let one = try box()
        let relay = try Relay(to: one)
        defer { relay.end() }
        let connection = connection([relay.transport, one.transports[0]], as: one)
        try connection.run(PutWords(words: "before"))
        let before = connection.servers().map(\.isUsed)

        relay.freeze()
        let words = try connection.rows(Words())
        let meanwhile = connection.servers().map(\.isUsed)
        relay.goOn()
        let isBack = eventually { connection.servers()[0].isUsed }
        try connection.run(PutWords(id: 2, words: "after"))

        #expect(before == [true, false])
        #expect(words == ["before"])
        #expect(meanwhile == [false, true])
        #expect(isBack)
        #expect(try connection.rows(Words()) == ["before", "after"])
        #expect(lines.contain("database: \(relay.path): lost: database: unavailable: "))
        #expect(lines.contain("database: \(relay.path): well again"))
        #expect(lines.contain("database: uses \(one.transports[0].description)"))
    }

    @Test func `a write that waits for a server that freezes is refused, and the next goes to another`() throws {
        let one = try box()
        let relay = try Relay(to: one)
        defer { relay.end() }
        let connection = connection([relay.transport, one.transports[0]], as: one)
        try connection.run(PutWords(words: "before"))

        // On a busy machine the relay may be found lost before the write is sent: then once more.
        var refused: DatabaseError?
        var id: Int64 = 1
        while refused == nil, id < 40 {
            id += 1
            _ = eventually { connection.servers()[0].isUsed }
            relay.freeze()
            refused = failure { () throws(DatabaseError) in try connection.run(PutWords(id: id, words: "lost")) }
            if refused == nil { relay.goOn() }
        }
        let before = try connection.rows(Words()).count
        try connection.run(PutWords(id: 100, words: "next"))
        let words = try connection.rows(Words())
        relay.goOn()

        guard case .unavailable? = refused else {
            Issue.record("\(String(describing: refused))")
            return
        }
        #expect(before == Int(id) - 1)
        #expect(words.count == before + 1)
        #expect(words.last == "next")
    }

    @Test func `a transaction ends with its server, whole or not at all, and the next one is on another`() throws {
        let one = try box()
        let relay = try Relay(to: one)
        defer { relay.end() }
        let connection = connection([relay.transport, one.transports[0]], as: one)
        try connection.ping()

        let error = failure { () throws(DatabaseError) in
            try connection.transaction { () throws(DatabaseError) in
                try connection.run(PutWords(id: 1, words: "half"))
                relay.freeze()
                try connection.run(PutWords(id: 2, words: "other half"))
            }
        }
        relay.goOn()
        // Until the server has noticed, the row is locked.
        let isDone = eventually {
            (try? connection.transaction { () throws(DatabaseError) in
                try connection.run(PutWords(id: 1, words: "whole"))
            }) != nil
        }

        guard case .unavailable? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(isDone)
        #expect(try connection.rows(Words()) == ["whole"])
    }

    @Test func `descriptors that others opened in the place of a lost connection's stay open`() throws {
        let one = try box()
        let relay = try Relay(to: one)
        defer { relay.end() }
        let connection = connection([relay.transport, one.transports[0]], as: one)
        try connection.ping()

        relay.end()
        _ = try connection.rows(Words())
        // Whatever numbers are free now, among them those that the library has closed.
        var pairs: [[Int32]] = []
        for _ in 0..<32 {
            var pair: [Int32] = [-1, -1]
            #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair) == 0)
            pairs.append(pair)
        }
        defer { for pair in pairs { for descriptor in pair { close(descriptor) } } }
        // A verdict comes every 0.15 s: some of them.
        let verdicts = lines.count
        _ = eventually(within: 1) { lines.count > verdicts + 100 }

        var byte: UInt8 = 1
        #expect(pairs.allSatisfy { send($0[0], &byte, 1, Int32(MSG_NOSIGNAL)) == 1 && recv($0[1], &byte, 1, 0) == 1 })
        #expect(try connection.rows(Words()) == [])
    }

    @Test func `a read-only server is lost, one of another database is never used, and both are named`() throws {
        let server = try OwnServer()
        defer { server.end() }
        let shared = try TestEnvironment.server()
        for each in [shared, server.database] {
            try each.execute(
                """
                CREATE USER IF NOT EXISTS twin@localhost IDENTIFIED BY 'only-for-tests';
                GRANT ALL ON homeroom.* TO twin@localhost
                """)
        }
        let other = try TestEnvironment.emptyDatabase().transports[0]
        let mine = DatabaseAddress.Transport.socket(path: server.folder.databaseSocket)
        let address = DatabaseAddress(
            transports: [mine, other], database: "homeroom", user: "twin", password: "only-for-tests")
        let connection = connection(address.transports, as: address)

        try connection.ping()
        let isForeign = eventually { lines.contain("database: \(other.description): lost: another database than ") }
        let used = connection.servers().map(\.isUsed)
        try server.database.execute("SET GLOBAL read_only = 1")
        let isLost = eventually { lines.contain("database: \(mine.description): lost: it is read-only") }

        #expect(isForeign)
        #expect(used == [true, false])
        #expect(isLost)
    }
}

/// Another way to a server, which can be frozen as a whole machine can.
private struct Relay {
    let path: String
    private let process: Child

    init(to address: DatabaseAddress) throws {
        let path = try TestEnvironment.scratch("relay") + "/s"
        self.path = path
        let socat = try Program(
            "socat", ["UNIX-LISTEN:\(path),fork,backlog=64", "UNIX-CONNECT:\(address.transports[0].description)"])
        process = try Child(socat, log: path + ".log")
        try #require(eventually { access(path, F_OK) == 0 })
    }

    var transport: DatabaseAddress.Transport { .socket(path: path) }

    func freeze() { signal(SIGSTOP) }
    func goOn() { signal(SIGCONT) }

    func end() {
        goOn()
        process.kill()
    }

    /// To its children, one for each connection, as well.
    private func signal(_ number: Int32) { Glibc.kill(-process.pid, number) }
}

/// A MariaDB beside the one that the tests share.
private struct OwnServer {
    let folder: Folder
    let database: MariaDB

    init() throws {
        folder = try Folder(TestEnvironment.scratch("own"))
        database = MariaDB(folder, try StackSettings(folder), checkout: TestEnvironment.checkout)
        try database.start()
    }

    func end() { database.kill() }
}
