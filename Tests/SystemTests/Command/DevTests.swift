import CLinux
import DevStack
import Foundation
import TestSupport
import Testing

/// `homeroom dev` for real, each in a folder of its own.
struct DevTests {
    @Test func `it prints where to go, and the command it prints works as it stands`() throws {
        let dev = try Dev()
        defer { dev.remove() }
        let run = try dev.start()

        let words = run.lastWords
        let command = words.split(separator: "\n").drop { !$0.contains("curl") }.joined(separator: "\n")
        let answer = try Document.Command(section: "", text: command).run()

        #expect(words.contains("Homeroom answers on http://127.0.0.1:\(dev.port)."))
        #expect(words.contains("Its data, logs and settings: \(dev.folder)/data"))
        #expect(answer.status == 201)
        #expect(answer.string("user", "username") == "testuser")
    }

    @Test func `pages are there also from a checkout that nobody else can enter`() throws {
        let dev = try Dev()
        defer { dev.remove() }
        let closed = dev.folder + "/closed"
        for words in [
            ["mkdir", "-p", closed + "/build"], ["cp", Site.homeroom, closed + "/build/homeroom"],
            ["cp", "-R", Site.checkout + "/nginx", Site.checkout + "/sql", closed], ["chmod", "700", closed],
        ] {
            _ = try Program(words[0], Array(words.dropFirst())).output()
        }
        _ = try dev.start(closed + "/build/homeroom")

        let answers = try ["/", "/pages/api.js"].map { try send(.port(dev.port), "GET", $0).status }

        #expect(answers == [200, 200])
    }

    @Test func `it takes settings from the environment, but not where its own parts are`() throws {
        let dev = try Dev()
        defer { dev.remove() }
        let origin = ("Origin", "http://localhost:3000")
        _ = try dev.start(environment: [
            "HOMEROOM_TRUSTED_ORIGINS": origin.1, "HOMEROOM_DATABASE_HOST": "db.school.example",
            "HOMEROOM_TOKEN_KEY_FILE": "/nowhere",
        ])

        // The service's answer, and nginx's own.
        let answers = try ["/api/v1/info/", "/media/"].map { try send(.port(dev.port), "GET", $0, headers: [origin]) }

        #expect(answers.map(\.status) == [401, 404])
        #expect(answers.map { $0["Access-Control-Allow-Origin"] } == [origin.1, origin.1])
    }

    @Test func `its homeroom.conf is what other calls take`() throws {
        let dev = try Dev()
        defer { dev.remove() }
        _ = try dev.start()

        let outcome = try Outcome.homeroom(["check", "--config", dev.folder + "/data/homeroom.conf"])

        #expect(outcome.status == 0)
    }

    @Test(arguments: [SIGINT, SIGTERM])
    func `a signal stops everything it started, and the exit code is 0`(signal: Int32) throws {
        let dev = try Dev()
        defer { dev.remove() }
        let run = try dev.start()
        let running = dev.processes.count

        run.signal(signal)
        let status = run.waitForExit(within: 60)

        #expect(running >= 5)
        #expect(status == 0)
        #expect(dev.processes == [])
        #expect((try? Stream(.port(dev.port))) == nil)
    }

    @Test func `a second run finds its data again, also after kill -9 of the first`() throws {
        let dev = try Dev()
        defer { dev.remove() }
        let first = try dev.start()
        let login = #"{"username": "testuser", "password": "testpassword123"}"#
        let registration = try dev.post(
            "/api/v1/auth/register/",
            login.dropLast() + #", "email": "test@example.com", "password_confirm": "testpassword123"}"#)
        let access = try #require(registration.string("tokens", "access"))

        first.kill()
        _ = try dev.start()
        let session = try send(
            .port(dev.port), "GET", "/api/v1/info/", headers: [("Authorization", "Bearer \(access)")])
        let answer = try dev.post("/api/v1/auth/login/", login)

        #expect(session.status == 200)
        #expect(answer.status == 200)
    }

    @Test func `kill -9 leaves nothing running`() throws {
        let dev = try Dev()
        defer { dev.remove() }
        let run = try dev.start()
        let running = dev.processes.count

        run.kill()

        #expect(running >= 5)
        #expect(eventually { dev.processes == [] })
    }

    @Test func `a second one in the same folder refuses with a clear line`() throws {
        let dev = try Dev()
        defer { dev.remove() }
        let run = try dev.start()

        let outcome = try Outcome.homeroom(["dev", "--data", dev.folder + "/data", "--port", "\(Site.freePort())"])

        #expect(outcome.status == 1)
        #expect(
            outcome.errors == """
                homeroom: \(dev.folder)/data: in use by process \(run.pid). \
                Stop that, or choose another folder with: --data DIR\n
                """)
    }

    @Test func `a port in use is refused with a clear line, and nothing is left running`() throws {
        let dev = try Dev()
        defer { dev.remove() }
        let taken = try Site.shared().nginx.port

        let outcome = try Outcome.homeroom(["dev", "--data", dev.folder + "/data", "--port", "\(taken)"])

        #expect(outcome.status == 1)
        #expect(outcome.errors == "homeroom: 127.0.0.1:\(taken): port in use. Choose another with: --port PORT\n")
        #expect(dev.processes == [])
    }

    @Test func `a folder with somebody else's things is refused with a clear line`() throws {
        let dev = try Dev()
        defer { dev.remove() }
        try "mine".write(toFile: dev.folder + "/letter", atomically: true, encoding: .utf8)

        let outcome = try Outcome.homeroom(["dev", "--data", dev.folder])

        #expect(outcome.status == 1)
        #expect(
            outcome.errors == """
                homeroom: \(dev.folder): not empty, and not made by `homeroom dev`. \
                Choose another folder with: --data DIR\n
                """)
    }

    @Test func `when a part of it dies it stops the rest and says which`() throws {
        let dev = try Dev()
        defer { dev.remove() }
        let run = try dev.start()
        let database = try #require(dev.processes.first { $0.name == "mariadbd" })

        kill(database.id, SIGKILL)
        let status = run.waitForExit(within: 60)

        #expect(status == 1)
        #expect(try dev.output().contains("homeroom: mariadbd: ended with status 137\n"))
        #expect(dev.processes == [])
    }
}

/// A folder and ports for `homeroom dev`.
struct Dev {
    let folder: String
    let port: UInt16
    private let tlsPort: UInt16

    init() throws {
        folder = try DevStack.scratch("dev")
        port = try Site.freePort()
        tlsPort = try Site.freePort()
    }

    /// All that runs in the folder.
    var processes: [RunningProcess] {
        RunningProcess.all().filter { $0.id != getpid() && $0.uses(folder + "/") }
    }

    /// Starts it and waits until it says that it answers.
    func start(
        _ homeroom: String = Site.homeroom, environment: [String: String] = [:], more: [String] = []
    ) throws -> Child {
        var program = try Program(
            homeroom, ["dev", "--data", folder + "/data", "--port", "\(port)", "--tls-port", "\(tlsPort)"] + more)
        program.environment = environment.merging(["HOME": folder]) { $1 }
        let child = try Child(program, log: folder + "/dev.log")
        let isReady = eventually(within: 180) { !child.isRunning || child.lastWords.contains("password_confirm") }
        guard isReady, child.isRunning else {
            throw StackError.late("homeroom dev", seconds: 180, output: child.lastWords)
        }
        return child
    }

    /// All that it and those before it have printed.
    func output() throws -> String { try String(contentsOfFile: folder + "/dev.log", encoding: .utf8) }

    func post(_ path: String, _ json: some StringProtocol) throws -> Answer {
        try send(
            .port(port), "POST", path, headers: [("Content-Type", "application/json")], body: Array(json.utf8))
    }

    /// Stops what still runs and removes the folder.
    func remove() {
        for process in processes { kill(process.id, SIGKILL) }
        _ = eventually { processes.isEmpty }
        try? DevStack.removeScratch(folder)
    }
}
