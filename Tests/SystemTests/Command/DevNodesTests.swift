import CLinux
import DevStack
import Foundation
import TestSupport
import Testing

/// `homeroom dev --nodes 3` for real: three databases that hold the same, and three services.
@Suite(.serialized) struct DevNodesTests {
    @Test func `what was told to one database is in all of them`() throws {
        let dev = try DevNodesTests.running()

        let registration = try dev.register("everywhere")

        #expect(registration.status == 201)
        let names = try (1...3).map { try dev.rows(node: $0, DevNodesTests.count("everywhere")) }
        #expect(names == ["1\n", "1\n", "1\n"])
    }

    @Test func `a database that is killed comes back and has what it missed, and a line says so`() throws {
        let dev = try DevNodesTests.running()
        let database = try dev.process("mariadbd", "/node2/db.sock")

        kill(database, SIGKILL)
        // Its own service may refuse meanwhile.
        let isTold = try eventually(within: 180) {
            _ = try dev.register("missed")
            return try dev.rows(node: 1, DevNodesTests.count("missed")) == "1\n"
        }
        let isBack = try eventually(within: 180) { try dev.output().contains("database 2: back, process ") }

        #expect(isTold)
        #expect(isBack)
        #expect(try dev.output().contains("database 2: mariadbd ended with status 137, starting it again\n"))
        #expect(try dev.rows(node: 2, "SHOW STATUS LIKE 'wsrep_cluster_size'") == "wsrep_cluster_size\t3\n")
        #expect(try dev.rows(node: 2, DevNodesTests.count("missed")) == "1\n")
    }

    @Test func `databases that are all killed at once come back with all that they had`() throws {
        let dev = try DevNodesTests.running()
        _ = try dev.register("kept")

        for number in 1...3 { kill(try dev.process("mariadbd", "/node\(number)/db.sock"), SIGKILL) }
        let areBack = eventually(within: 180) { (1...3).allSatisfy { dev.isSynced(node: $0) } }

        #expect(areBack)
        #expect(try dev.rows(node: 3, DevNodesTests.count("kept")) == "1\n")
    }

    @Test func `while a killed service comes back the others answer`() throws {
        let dev = try DevNodesTests.running()
        let words = try #require(dev.output().firstMatch(of: /service 2: process (\d+),/)?.1)

        kill(try #require(pid_t(words)), SIGKILL)
        var statuses: [Int] = []
        let isBack = try eventually(within: 180) {
            statuses.append(try send(.port(dev.port), "GET", "/api/v1/info/").status)
            return try dev.output().contains("service 2: back, process ")
        }

        #expect(isBack)
        #expect(try dev.output().contains("service 2: homeroom ended with status 137, starting it again\n"))
        #expect(Set(statuses) == [401])
    }

    @Test func `the data are there after kill -9 of everything, and Ctrl-C then stops everything`() throws {
        let dev = try Dev()
        defer { dev.remove() }
        let first = try dev.start(more: ["--nodes", "3"])
        let registration = try dev.register("survivor")

        for process in [first.pid] + dev.processes.map(\.id) { kill(process, SIGKILL) }
        let isGone = eventually { dev.processes.isEmpty }
        let second = try dev.start(more: ["--nodes", "3"])
        let login = try dev.post("/api/v1/auth/login/", #"{"username": "survivor", "password": "testpassword123"}"#)
        let running = dev.processes.count
        second.signal(SIGINT)
        let status = second.waitForExit(within: 60)

        #expect(registration.status == 201)
        #expect(isGone)
        #expect(login.status == 200)
        #expect(running >= 13)
        #expect(status == 0)
        #expect(dev.processes == [])
    }

    @Test func `its homeroom.conf is what other calls take`() throws {
        let dev = try DevNodesTests.running()

        let outcome = try Outcome.homeroom(["check", "--config", dev.folder + "/data/homeroom.conf"])

        #expect(outcome.status == 0)
    }

    @Test(arguments: ["0", "2", "4", "7", "three"])
    func `another number of nodes is refused with a clear line`(number: String) throws {
        let outcome = try Outcome.homeroom(["dev", "--nodes", number])

        #expect(outcome.status == 2)
        #expect(
            outcome.errors.hasPrefix(
                "homeroom: --nodes: `\(number)` is none of 1, 3 and 5: databases go on as long as a majority is there\n"
            ))
    }

    @Test(arguments: [
        (["db"], "3", "1"), (["node1", "node2", "node3"], "1", "3"), (["node1", "node2", "node3"], "5", "3"),
    ])
    func `a folder of another number of nodes is refused`(folders: [String], number: String, there: String) throws {
        let dev = try Dev()
        defer { dev.remove() }
        for folder in ["run"] + folders {
            try FileManager.default.createDirectory(
                atPath: dev.folder + "/data/" + folder, withIntermediateDirectories: true)
        }

        let outcome = try Outcome.homeroom(["dev", "--data", dev.folder + "/data", "--nodes", number])

        #expect(outcome.status == 1)
        #expect(
            outcome.errors == """
                homeroom: \(dev.folder)/data: made with --nodes \(there). \
                Start it with that, or choose another folder with: --data DIR\n
                """)
    }

    @Test func `without Galera it says which package is missing, and how to get it`() throws {
        let dev = try Dev()
        defer { dev.remove() }
        let hidden = #"mount -t tmpfs none /usr/lib/galera && exec "$@""#
        let call = [Site.homeroom, "dev", "--data", dev.folder + "/data", "--nodes", "3"]

        let outcome = try Outcome("unshare", ["--map-root-user", "--mount", "sh", "-c", hidden, "sh"] + call)

        #expect(outcome.status == 1)
        #expect(
            outcome.errors == """
                homeroom: /usr/lib/galera/libgalera_smm.so: not found. It comes with the package galera-4; \
                install what --nodes needs with: make node-packages\n
                """)
        #expect(dev.processes == [])
    }

    /// One for all tests that leave it as it was.
    private static func running() throws -> Dev { try shared.get() }
    private static let shared: Result<Dev, any Error> = Result {
        let dev = try Dev()
        atexit { if case .success(let dev) = DevNodesTests.shared { dev.remove() } }
        do {
            _ = try dev.start(more: ["--nodes", "3"])
        } catch {
            dev.remove()
            throw error
        }
        return dev
    }

    private static func count(_ name: String) -> String {
        "SELECT COUNT(*) FROM homeroom.accounts WHERE username = '\(name)'"
    }
}

extension Dev {
    fileprivate func register(_ name: String) throws -> Answer {
        try post(
            "/api/v1/auth/register/",
            """
            {"username": "\(name)", "email": "\(name)@example.com",
             "password": "testpassword123", "password_confirm": "testpassword123"}
            """)
    }

    /// What a node answers to its owner, when it has all that the others have told it.
    fileprivate func rows(node: Int, _ sql: String) throws -> String {
        let socket = "--socket=\(folder)/data/node\(node)/db.sock"
        let access = ["--no-defaults", "--batch", "--skip-column-names", socket, "--user=" + (try User.own().name)]
        return try Program("mariadb", access).output(input: "SET SESSION wsrep_sync_wait = 7; " + sql)
    }

    fileprivate func isSynced(node: Int) -> Bool {
        (try? rows(node: node, "SHOW STATUS LIKE 'wsrep_cluster_size'")) == "wsrep_cluster_size\t3\n"
            && (try? rows(node: node, "SHOW STATUS LIKE 'wsrep_local_state'")) == "wsrep_local_state\t4\n"
    }

    /// The process that has a file of the folder in its command line.
    fileprivate func process(_ name: String, _ file: String) throws -> pid_t {
        try #require(processes.first { $0.name == name && $0.uses(folder + "/data" + file) }).id
    }
}
