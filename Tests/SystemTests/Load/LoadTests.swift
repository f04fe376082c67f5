import CLinux
import DevStack
import Foundation
import TestSupport
import Testing

/// What people notice of it while processes of a busy site are killed, replaced and stopped.
struct LoadTests {
    private static let twoWorkers = Site.fastHashing.merging(["HOMEROOM_WORKERS": "2"]) { $1 }
    /// How many workers are killed, one each second: more than deaths at the start make the parent give up.
    private static let kills = Int(ProcessInfo.processInfo.environment["LOAD_KILLS"] ?? "") ?? 11

    @Test(arguments: [1, 2])
    func `a worker killed each second costs its requests in flight and nothing that was acknowledged`(
        workers: Int
    ) throws {
        let site = try Site.start(environment: Site.fastHashing.merging(["HOMEROOM_WORKERS": "\(workers)"]) { $1 })
        defer { Site.discard(site) }
        let load = try LoadGenerator(6, at: site)

        let isWell = try load.running {
            for _ in 0..<Self.kills {
                if let victim = site.workers().randomElement() { kill(victim, SIGKILL) }
                sleep(1)
            }
            return load.isWell()
        }
        let troubles = load.troubles

        #expect(isWell)
        #expect(troubles.count <= Self.kills * 6)
        #expect(troubles.filter { $0.kind != .status(502) }.map(\.description) == [])
        #expect(try load.losses() == [])
        #expect(eventually { site.workers().count == workers })
    }

    @Test func `workers that cannot start any more end the service, and its log says why and what to try`() throws {
        let site = try Site.start(environment: Site.fastHashing.merging(["HOMEROOM_WORKERS": "10"]) { $1 })
        defer { Site.discard(site) }

        // One of them alone makes the site answer.
        try #require(try eventually { try site.log().contains("all ready") })
        try site.set(["HOMEROOM_LOCK_WINDOW": "soon"])
        for worker in site.workers() { kill(worker, SIGKILL) }
        let status = site.service.process?.waitForExit(within: 60)
        let log = try site.log()

        #expect(status == 1)
        #expect(log.contains("homeroom: HOMEROOM_LOCK_WINDOW: "))
        // More where some died in the same moment.
        let deaths = log.firstMatch(of: /"event":"gave up","message":"(\d+) workers in a row died at their start\. The/)
        #expect(deaths.flatMap { Int($0.1) } ?? 0 >= 10)
        #expect(log.contains("homeroom check"))
    }

    @Test func `ten reloads with new settings and a new executable fail not one request`() throws {
        let folder = try DevStack.scratch("exe")
        defer { try? DevStack.removeScratch(folder) }
        let program = folder + "/homeroom"
        let site = try Self.start(copiedTo: program)
        defer { Site.discard(site) }
        let load = try LoadGenerator(6, at: site)
        var seen: [[Int]] = []

        try load.running {
            for number in 1...10 {
                let old = site.workers()
                try FileManager.default.copyItem(atPath: Site.homeroom, toPath: program + ".new")
                try #require(rename(program + ".new", program) == 0)
                try site.set(["HOMEROOM_THREADS": "\(number + 1)"])
                site.service.process?.signal(SIGHUP)
                try #require(eventually { site.workers().count == 2 && site.workers().isDisjoint(with: old) })
                try #require(load.isAnswered())
                let light = { site.workers().map { Self.threads(of: $0, named: "light") } }
                // One worker may answer everybody before the other has made its threads.
                _ = eventually { light() == [number + 1, number + 1] }
                seen.append(light())
            }
        }

        #expect(seen == (1...10).map { [$0 + 1, $0 + 1] })
        #expect(load.troubles.map(\.description) == [])
        #expect(try load.losses() == [])
    }

    @Test func `the way to a new version and back, as docs/operating.md walks it, fails not one request`() throws {
        let folder = try DevStack.scratch("exe")
        defer { try? DevStack.removeScratch(folder) }
        let program = folder + "/homeroom"
        let site = try Self.start(copiedTo: program)
        defer { Site.discard(site) }
        // As before the newest migration.
        _ = try site.database.execute(
            """
            USE homeroom; ALTER TABLE accounts DROP COLUMN password_form; DELETE FROM migrations WHERE version >= 10
            """)
        let load = try LoadGenerator(6, at: site)
        /// Puts a file into the executable's place, and waits for workers that run from it.
        func reload(from file: String) throws {
            let old = site.workers()
            try #require(rename(file, program) == 0)
            site.service.process?.signal(SIGHUP)
            try #require(eventually { site.workers().count == 2 && site.workers().isDisjoint(with: old) })
            try #require(load.isAnswered())
        }

        let (before, checkup, after) = try load.running {
            let before = try site.send("GET", "/readyz").status
            _ = try site.database.execute(try String(contentsOfFile: Site.checkout + "/sql/users.sql", encoding: .utf8))
            _ = try site.homeroom("migrate")
            try FileManager.default.copyItem(atPath: program, toPath: program + ".before")
            try FileManager.default.copyItem(atPath: Site.homeroom, toPath: program + ".new")
            let checkup = try site.homeroom("check").status
            try reload(from: program + ".new")
            let after = try site.send("GET", "/readyz").status
            try reload(from: program + ".before")
            return (before, checkup, after)
        }

        #expect(before == 503)
        #expect(after == 200)
        #expect(checkup == 0)
        #expect(load.troubles.map(\.description) == [])
        #expect(try load.losses() == [])
    }

    @Test func `SIGTERM under load lets all requests end that a worker has taken`() throws {
        let site = try Site.start(environment: Self.twoWorkers)
        defer { Site.discard(site) }
        let load = try LoadGenerator(6, at: site)

        let (status, isWell) = try load.running {
            try #require(load.isAnswered())
            site.service.process?.signal(SIGTERM)
            let status = site.service.process?.waitForExit(within: 60)
            try site.service.start()
            return (status, load.isWell())
        }
        let log = try site.log()
        // Whatever a worker takes it also logs, when it has answered.
        let taken = load.troubles.filter { log.contains($0.answer?["X-Request-Id"] ?? "-") }

        #expect(status == 0)
        #expect(isWell)
        #expect(!log.contains("worker killed"))
        #expect(taken.map(\.description) == [])
        #expect(load.troubles.filter { $0.kind != .status(502) }.map(\.description) == [])
        #expect(try load.losses() == [])
    }

    @Test(arguments: [false, true])
    func `a restart of nginx costs the requests in it, and the service goes on as before`(isKilled: Bool) throws {
        let site = try Site.start(environment: Self.twoWorkers)
        defer { Site.discard(site) }
        let load = try LoadGenerator(6, at: site)
        let workers = site.workers()

        let (before, isWell, isLean) = try load.running {
            try #require(load.isWell())
            let before = Self.descriptors(of: workers)
            if isKilled { site.nginx.kill() } else { site.nginx.stop() }
            try site.nginx.start()
            let isWell = load.isWell()
            // The connections of the nginx that ended are closed; the new one has made its own, and some threads have
            // asked the database for the first time meanwhile.
            return (before, isWell, eventually { Self.descriptors(of: workers) <= before + 26 })
        }

        #expect(before > 0)
        #expect(isWell)
        #expect(isLean)
        #expect(site.workers() == workers)
        #expect(load.troubles.filter { $0.kind != .cut }.map(\.description) == [])
        #expect(try load.losses() == [])
    }

    /// A site whose executable is a copy, which can be replaced.
    private static func start(copiedTo program: String) throws -> DevStack {
        try FileManager.default.copyItem(atPath: Site.homeroom, toPath: program)
        return try Site.start(environment: twoWorkers, homeroom: program)
    }

    private static func threads(of process: pid_t, named name: String) -> Int {
        let threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/task")) ?? []
        return threads.count { thread in
            let text = try? String(contentsOfFile: "/proc/\(process)/task/\(thread)/comm", encoding: .utf8)
            return text?.hasPrefix(name) == true
        }
    }

    private static func descriptors(of processes: Set<pid_t>) -> Int {
        processes.reduce(0) { sum, process in
            sum + ((try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/fd"))?.count ?? 0)
        }
    }
}
