import CLinux
import DevStack
import Foundation
import JSON
import TestSupport
import Testing

/// How the service starts, stops, and keeps itself alive.
struct SupervisionTests {
    /// Half a second of a core for each password.
    private static let slowHashing = ["HOMEROOM_HASH_MEMORY": "65536", "HOMEROOM_HASH_ITERATIONS": "4"]

    @Test func `SIGTERM lets slow requests end, each answered, and the exit code is 0`() throws {
        let site = try Site.start(environment: Self.slowHashing.merging(["HOMEROOM_WORKERS": "2"]) { $1 })
        defer { Site.discard(site) }
        let clients = try (0..<8).map { _ in try FastCGIClient(site.folder.socket) }
        for client in clients { _ = try client.send("OPTIONS", "/api/v1/info/") }
        for (index, client) in clients.enumerated() {
            try client.write(
                "POST", "/api/v1/auth/register/", headers: [("Content-Type", "application/json")],
                body: registration("drained\(index)").bytes)
        }

        let begin = ContinuousClock.now
        site.service.process?.signal(SIGTERM)
        let statuses = try clients.map { try $0.answer().status }
        let status = site.service.process?.waitForExit(within: 60)

        #expect(statuses == Array(repeating: 201, count: 8))
        #expect(status == 0)
        #expect(ContinuousClock.now - begin < .seconds(10))
    }

    @Test func `SIGTERM ends an idle service at once`() throws {
        let site = try Site.start()
        defer { Site.discard(site) }
        _ = try site.newPerson()
        let workers = site.workers()

        let begin = ContinuousClock.now
        site.service.process?.signal(SIGTERM)
        let status = site.service.process?.waitForExit(within: 60)

        #expect(status == 0)
        // The connections in hand would have ten.
        #expect(ContinuousClock.now - begin < .seconds(9))
        #expect(workers.allSatisfy { kill($0, 0) != 0 })
    }

    @Test func `SIGTERM waits a second for all silent connections together`() throws {
        let site = try Site.start(environment: ["HOMEROOM_WORKERS": "1"])
        defer { Site.discard(site) }
        let silent = try (0..<50).map { _ in try FastCGIClient(site.folder.socket) }
        let (stopped, whole) = try Self.connections(to: site)

        let begin = ContinuousClock.now
        site.service.process?.signal(SIGTERM)
        try whole.write("OPTIONS", "/api/v1/info/")
        let answer = try whole.answer().status
        let status = site.service.process?.waitForExit(within: 60)

        #expect(answer == 204)
        #expect(status == 0)
        // One after the other they would take 50.
        #expect(ContinuousClock.now - begin < .seconds(30))
        #expect(silent.allSatisfy(\.stream.isAtEnd) && stopped.stream.isAtEnd)
    }

    @Test func `rubbish harms a worker that is stopping as little as any other`() throws {
        let site = try Site.start(environment: ["HOMEROOM_WORKERS": "1"])
        defer { Site.discard(site) }
        let clients = try Rubbish.all.map { ($0, try FastCGIClient(site.folder.socket)) }
        let (_, whole) = try Self.connections(to: site)

        site.service.process?.signal(SIGTERM)
        for (rubbish, client) in clients { try? client.stream.write(rubbish.bytes) }
        try whole.write("OPTIONS", "/api/v1/info/")
        let answer = try whole.answer().status
        let status = site.service.process?.waitForExit(within: 60)
        let log = try String(contentsOfFile: site.folder.log + "/homeroom.log", encoding: .utf8)

        #expect(answer == 204)
        #expect(status == 0)
        #expect(!log.contains("worker died") && !log.contains("worker killed"))
    }

    @Test func `an upload behind a request that is in work when the service stops is answered too`() throws {
        let site = try Site.start(environment: Self.slowHashing.merging(["HOMEROOM_WORKERS": "1"]) { $1 })
        defer { Site.discard(site) }
        let client = try FastCGIClient(site.folder.socket)
        let json = [("Content-Type", "application/json")]
        let headers = [("Content-Type", "multipart/form-data; boundary=x")]
        // So long that it is taken in by the spool, which leaves what stands behind it.
        let body = registration("slow").bytes
        let padding = [UInt8](repeating: 0x20, count: 65_536 - body.count)

        try client.write("POST", "/api/v1/auth/register/", headers: json, body: body + padding)
        try client.write(
            "PUT", "/api/v1/profile/update/", headers: headers, body: [UInt8](repeating: 7, count: 100_000))
        // Once it is in work: its hashing takes far longer than a signal.
        _ = try FastCGIClient(site.folder.socket).send("OPTIONS", "/api/v1/info/")
        site.service.process?.signal(SIGTERM)
        let statuses = try (0..<2).map { _ in try client.answer().status }

        #expect(statuses == [201, 401])
        #expect(site.service.process?.waitForExit(within: 60) == 0)
    }

    @Test func `an upload that stops holds up nobody else when the service stops`() throws {
        let site = try Site.start(environment: Self.slowHashing.merging(["HOMEROOM_WORKERS": "1"]) { $1 })
        defer { Site.discard(site) }
        let upload = try FastCGIClient(site.folder.socket)
        let headers = [("Content-Type", "multipart/form-data; boundary=x")]
        let whole = FastCGIClient.request(
            "PUT", "/api/v1/profile/update/", headers: headers, body: [UInt8](repeating: 7, count: 1_000_000))
        try upload.stream.write(whole.prefix(100_000))
        let clients = try (0..<4).map { _ in try FastCGIClient(site.folder.socket) }
        _ = try Self.connections(to: site)

        let begin = ContinuousClock.now
        site.service.process?.signal(SIGTERM)
        for (index, client) in clients.enumerated() {
            try client.write(
                "POST", "/api/v1/auth/register/", headers: [("Content-Type", "application/json")],
                body: registration("late\(index)").bytes)
        }
        let statuses = try clients.map { try $0.answer().status }

        #expect(statuses == Array(repeating: 201, count: 4))
        #expect(ContinuousClock.now - begin < .seconds(9))
    }

    /// Two connections that are accepted: on one a part of a request has come, on the other nothing.
    private static func connections(to site: DevStack) throws -> (FastCGIClient, FastCGIClient) {
        let stopped = try FastCGIClient(site.folder.socket)
        try stopped.stream.write(Rubbish.begin)
        let other = try FastCGIClient(site.folder.socket)
        // A worker accepts in order.
        _ = try FastCGIClient(site.folder.socket).send("OPTIONS", "/api/v1/info/")
        return (stopped, other)
    }

    @Test func `after kill -9 of the only worker the next request is answered, and the parent replaces it`() throws {
        let site = try Site.start(environment: Site.fastHashing.merging(["HOMEROOM_WORKERS": "1"]) { $1 })
        defer { Site.discard(site) }
        let person = try site.newPerson()

        var statuses: [Int] = []
        var workers: [Set<pid_t>] = [site.workers()]
        for _ in 0..<3 {
            for worker in site.workers() { kill(worker, SIGKILL) }
            statuses.append(try site.send("GET", "/api/v1/info/", as: person).status)
            workers.append(site.workers())
        }

        #expect(statuses == [200, 200, 200])
        #expect(workers.map(\.count) == [1, 1, 1, 1])
        #expect(Set(workers.flatMap { $0 }).count == 4)
    }

    @Test func `a worker that is killed costs the other workers nothing`() throws {
        let site = try Site.start(environment: Site.fastHashing.merging(["HOMEROOM_WORKERS": "2"]) { $1 })
        defer { Site.discard(site) }
        let person = try site.newPerson()
        let victim = try #require(site.workers().min())

        kill(victim, SIGKILL)
        let statuses = try (0..<50).map { _ in try site.send("GET", "/api/v1/info/", as: person).status }

        #expect(statuses == Array(repeating: 200, count: 50))
        #expect(eventually { site.workers().count == 2 && !site.workers().contains(victim) })
    }

    @Test func `kill -9 of the parent leaves no worker behind`() throws {
        let site = try Site.start()
        defer { Site.discard(site) }
        let workers = site.workers()

        site.service.kill()

        #expect(!workers.isEmpty)
        #expect(eventually { workers.allSatisfy { kill($0, 0) != 0 } })
    }

    @Test func `SIGHUP under steady load starts new workers and fails not one request`() throws {
        let site = try Site.start(environment: Site.fastHashing.merging(["HOMEROOM_WORKERS": "2"]) { $1 })
        defer { Site.discard(site) }
        // Two, for with each login beyond a hundred the oldest session of an account ends.
        let (reader, arriver) = (try site.newPerson(), try site.newPerson())
        let isOver = Flag()

        let statuses = try concurrently(9) { index in
            guard index == 0 else {
                let person = index > 6 ? arriver : reader
                return try Self.statuses(of: person, at: site, signsIn: index > 6, until: isOver)
            }
            defer { isOver.raise() }
            var reloads: Set<Int> = []
            for _ in 0..<3 {
                let old = site.workers()
                site.service.process?.signal(SIGHUP)
                let areNew = eventually {
                    site.workers().count == 2 && site.workers().isDisjoint(with: old)
                }
                reloads.insert(areNew ? 200 : 0)
            }
            return reloads
        }

        #expect(statuses == Array(repeating: [200], count: 9))
    }

    @Test func `a reload with a wrong setting leaves the old workers at work, until it is put right`() throws {
        let site = try Site.start()
        defer { Site.discard(site) }
        let settings = try String(contentsOfFile: site.folder.settings, encoding: .utf8)
        let old = site.workers()
        // One that still starts would read the wrong setting itself.
        let haveStarted = eventually { old.allSatisfy { Self.threads(of: $0) >= 8 } }

        try (settings + "HOMEROOM_WROKERS=2\n").write(toFile: site.folder.settings, atomically: true, encoding: .utf8)
        site.service.process?.signal(SIGHUP)
        let isLogged = try eventually {
            try String(contentsOfFile: site.folder.log + "/homeroom.log", encoding: .utf8).contains("reload failed")
        }
        let workers = site.workers()
        let answer = try site.send("OPTIONS", "/api/v1/info/")
        try settings.write(toFile: site.folder.settings, atomically: true, encoding: .utf8)
        site.service.process?.signal(SIGHUP)

        #expect(haveStarted && isLogged)
        #expect(workers == old)
        #expect(answer.status == 204)
        #expect(eventually { site.workers().count == old.count && site.workers().isDisjoint(with: old) })
    }

    @Test func `a second service on the same socket refuses with a clear line`() throws {
        let site = try Site.shared()

        let outcome = try site.homeroom("serve")

        #expect(outcome.status == 1)
        #expect(
            outcome.errors == """
                homeroom: HOMEROOM_SOCKET: \(site.folder.socket): another homeroom answers there. \
                Stop it first, or choose another path.\n
                """)
    }

    @Test func `a second service on the same socket leaves the first one alone`() throws {
        let site = try Site.shared()

        _ = try site.homeroom("serve")
        let answer = try site.send("OPTIONS", "/api/v1/info/")

        #expect(answer.status == 204)
    }

    @Test func `a socket that a killed service left behind is taken over`() throws {
        let site = try Site.start()
        defer { Site.discard(site) }
        let workers = site.workers()
        site.service.kill()
        _ = eventually { workers.allSatisfy { kill($0, 0) != 0 } }
        let left = FileManager.default.fileExists(atPath: site.folder.socket)

        try site.service.start()
        let answer = try site.send("OPTIONS", "/api/v1/info/")

        #expect(left)
        #expect(answer.status == 204)
    }

    @Test func `the socket is open to its user and group alone`() throws {
        let site = try Site.shared()

        let mode = try FileManager.default.attributesOfItem(atPath: site.folder.socket)[.posixPermissions] as? Int

        #expect(mode == 0o660)
    }

    @Test(arguments: [SIGSEGV, SIGABRT])
    func `a worker that crashes leaves no core dump`(signal: Int32) throws {
        let site = try Site.start(environment: Site.fastHashing.merging(["HOMEROOM_WORKERS": "1"]) { $1 })
        defer { Site.discard(site) }
        let (parent, worker) = (try #require(site.service.process?.pid), try #require(site.workers().first))
        #expect(try eventually { try site.send("GET", "/healthz").status == 200 })

        let limits = try [parent, worker].map { try String(contentsOfFile: "/proc/\($0)/limits", encoding: .utf8) }
        let folder = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(worker)/cwd")
        let before = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasPrefix("core") }
        kill(worker, signal)
        let isReplaced = eventually { kill(worker, 0) != 0 && site.workers().count == 1 }

        // Not even to a program that takes core dumps, which a limit of 0 lets have them. (core(5))
        #expect(limits.allSatisfy { $0.contains(/Max core file size +1 +1 +bytes/) })
        #expect(isReplaced)
        #expect(try site.log().contains(#""event":"worker died","pid":\#(worker),"code":\#(128 + signal)"#))
        #expect(try !site.log().contains("Registers:"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasPrefix("core") } == before)
    }

    @Test func `a full queue answers 503 with Retry-After, and light requests go on`() throws {
        let settings = ["HOMEROOM_WORKERS": "1", "HOMEROOM_HEAVY_THREADS": "1", "HOMEROOM_QUEUE": "1"]
        let site = try Site.start(environment: Self.slowHashing.merging(settings) { $1 })
        defer { Site.discard(site) }
        let person = try site.newPerson()
        let isOver = Flag()

        let (answers, light) = try during(isOver) {
            try Self.statuses(of: person, at: site, signsIn: false, until: isOver)
        } _: {
            try concurrently(8) { _ in try site.signIn(person.username, person.password) }
        }
        let refused = answers.filter { $0.status != 200 }

        #expect((1...7).contains(refused.count))
        #expect(refused.allSatisfy { $0.status == 503 && $0["Retry-After"] == "3" })
        #expect(refused.allSatisfy { $0.text == #"{"detail":"Service temporarily unavailable, try again later."}"# })
        #expect(light == [200])
    }

    /// What a client that asks without a pause is answered on its one connection.
    private static func statuses(
        of person: Person, at site: DevStack, signsIn: Bool, until isOver: Flag
    ) throws -> Set<Int> {
        var client = try Client(site.address)
        let form: JSON = ["username": .string(person.username), "password": .string(person.password)]
        var statuses: Set<Int> = []
        while !isOver.isRaised {
            let answer =
                signsIn
                ? try client.send(
                    "POST", "/api/v1/auth/login/", headers: DevStack.headers(nil, form), body: form.bytes)
                : try client.send("GET", "/api/v1/info/", headers: DevStack.headers(person, nil))
            statuses.insert(answer.status)
            if answer["Connection"] == "close" { client = try Client(site.address) }
        }
        return statuses
    }

    private func registration(_ name: String) -> JSON {
        [
            "username": .string(name), "email": "\(name)@example.com", "password": "seven-Owls-42",
            "password_confirm": "seven-Owls-42",
        ]
    }

    private static func threads(of process: pid_t) -> Int {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/task"))?.count ?? 0
    }
}
