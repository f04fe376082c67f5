import Accounts
import CLinux
import Database
import DevStack
import Foundation
import JSON
import Synchronization
import TestSupport

/// Whole systems for tests: nginx, `homeroom serve` and MariaDB in scratch folders, gone when the process ends.
enum Site {
    /// Hashing as cheap as it can be, where its cost is not the subject.
    static let fastHashing = ["HOMEROOM_HASH_MEMORY": "64", "HOMEROOM_HASH_ITERATIONS": "1"]

    /// For all tests that disturb nobody: two workers, a TLS port, no limits.
    static func shared() throws -> DevStack { try everybodys.get() }

    /// A new one; a test that needs it no longer may end it with `discard`.
    ///
    /// - Parameters:
    ///   - environment: settings that hold as long as it lives.
    ///   - checkout: the folder that holds `nginx/` and `sql/`.
    ///   - homeroom: the executable.
    static func start(
        environment: [String: String] = fastHashing, limits: Bool = false, hasTLS: Bool = false,
        checkout: String = Site.checkout, homeroom: String = Site.homeroom
    ) throws -> DevStack {
        registration
        var options = DevStack.Options(
            directory: try DevStack.scratch("sys"), homeroom: homeroom, checkout: checkout)
        options.port = try freePort()
        options.tlsPort = hasTLS ? try freePort() : nil
        options.environment = environment
        options.limits = limits
        options.databaseTemplate = try template.get()
        let site = try DevStack(options)
        sites.withLock { $0.append(site) }
        try site.start()
        return site
    }

    /// Stops it and removes its folder.
    static func discard(_ site: DevStack) {
        site.nginx.kill()
        site.service.stop()
        site.database.kill()
        site.stop()
        try? DevStack.removeScratch(site.folder.path)
        sites.withLock { $0.removeAll { $0 === site } }
    }

    /// The folder of Package.swift.
    static let checkout = TestEnvironment.checkout

    static let homeroom = TestEnvironment.homeroom

    /// A port on 127.0.0.1 below those that the kernel gives to clients (ip_local_port_range), so that none of them
    /// takes it while nginx is restarted.
    static func freePort() throws -> UInt16 {
        while true {
            let port = UInt16.random(in: 10_240..<32_768)
            if (try? Stream(.port(port))) == nil { return port }
        }
    }

    private static let everybodys = Result {
        try start(environment: fastHashing.merging(["HOMEROOM_WORKERS": "2"]) { $1 }, hasTLS: true)
    }
    /// The `db/` of a stopped server with the newest schema: a copy is there in a tenth of the time that a new one takes.
    private static let template = Result {
        let folder = try Folder(DevStack.scratch("tpl"))
        scratches.withLock { $0.append(folder.path) }
        let settings = try StackSettings(folder)
        let database = MariaDB(folder, settings, checkout: checkout)
        try database.start()
        defer { database.stop() }
        let address = DatabaseAddress(
            transport: .socket(path: folder.databaseSocket), database: "homeroom", user: "homeroom_owner",
            password: settings["HOMEROOM_DATABASE_OWNER_PASSWORD"] ?? "")
        _ = try Migrations.apply(at: address, now: 0, steps: AddressKeys.steps { _ in })
        return folder.database
    }

    private static let sites = Mutex<[DevStack]>([])
    private static let scratches = Mutex<[String]>([])
    private static let registration: Void = {
        atexit { Site.discardAll() }
    }()

    private static func discardAll() {
        for site in sites.withLock({ $0 }) { discard(site) }
        for path in scratches.withLock({ $0 }) { try? DevStack.removeScratch(path) }
    }
}

extension DevStack {
    var address: Address { .port(nginx.port) }

    /// Sends one request through nginx.
    func send(
        _ method: String, _ path: String, as person: Person? = nil, json: JSON? = nil,
        headers: [(String, String)] = [], body: [UInt8]? = nil
    ) throws -> Answer {
        try Client(address).send(
            method, path, headers: headers + Self.headers(person, json), body: json?.bytes ?? body)
    }

    /// `Authorization` and `Content-Type` as far as they are needed.
    static func headers(_ person: Person?, _ json: JSON?) -> [(String, String)] {
        var headers: [(String, String)] = []
        if let person { headers.append(("Authorization", "Bearer \(person.access)")) }
        if json != nil { headers.append(("Content-Type", "application/json")) }
        return headers
    }

    /// The rows of a query, columns parted by tabs.
    func rows(_ sql: String) throws -> [String] {
        try database.execute("USE homeroom; \(sql)").split(separator: "\n").map(String.init)
    }

    /// The files below the media folder, in order, without what is there for locks alone.
    func mediaFiles() throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: folder.media).filter { !$0.contains("/.") }.sorted()
    }

    /// What stands in the tables of people and sessions and in the media folder.
    func state() throws -> [String] {
        // Not when a session was used: after five minutes any request may write that.
        try rows(
            """
            SELECT * FROM accounts ORDER BY id;
            SET @columns = (SELECT GROUP_CONCAT(column_name) FROM information_schema.columns
                WHERE table_schema = DATABASE() AND table_name = 'sessions' AND column_name <> 'used_at');
            SET @sessions = CONCAT('SELECT ', @columns, ' FROM sessions ORDER BY id');
            EXECUTE IMMEDIATE @sessions
            """) + mediaFiles()
    }

    /// The pids of the worker processes.
    func workers() -> Set<pid_t> {
        guard let parent = service.process?.pid else { return [] }
        let children = RunningProcess.all().filter { $0.parent == parent && $0.state != "Z" }
        return Set(children.filter { $0.call == "worker" }.map(\.id))
    }

    /// Starts the service anew, with these settings on top of homeroom.conf instead of those of the last time.
    func restart(with more: [String: String]) throws {
        service.stop()
        try set(more)
        try service.start()
    }

    /// Writes these settings on top of homeroom.conf instead of those of the last time.
    func set(_ more: [String: String]) throws {
        let mark = "# Of a test:\n"
        let settings = try String(contentsOfFile: folder.settings, encoding: .utf8)
        let kept = settings.split(separator: mark, maxSplits: 1, omittingEmptySubsequences: false)[0]
        let lines = more.map { "\($0.key)=\($0.value)\n" }.sorted().joined()
        try (kept + mark + lines).write(toFile: folder.settings, atomically: true, encoding: .utf8)
    }

    /// What the service, or another part, has logged.
    func log(_ name: String = "homeroom") throws -> String {
        try String(contentsOfFile: "\(folder.log)/\(name).log", encoding: .utf8)
    }
}
