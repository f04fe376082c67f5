import CLinux
import Foundation
import Glibc
import JSON
import System
import TestSupport
import Testing

/// A line of the parent's log, or of a worker.
private struct Event: Equatable {
    var name: String
    var pid: pid_t?
    var code: Int64?
}

/// `supervise` in a process of its own, with a shell script as worker; it ends with the test.
private final class Supervised {
    /// Says when it is ready to be stopped, and that it was. Waits on descriptor 3, which ends with the test.
    static let patient = [
        "/usr/bin/env", "--default-signal", "/bin/sh", "-c",
        #"""
        say() { printf '{"event": "%s", "pid": %d}\n' "$1" $$ >&2; }
        trap 'kill $! 2>/dev/null; say drained; exit' TERM USR1
        say ready
        echo $$ >&7
        # In `wait` no signal comes too late to be seen, as in `read` it may.
        read -r _ <&3 &
        wait $!
        """#,
    ]

    /// Says to its parent that it has started, and ends by itself.
    static let shortLived = ["/bin/sh", "-c", "echo $$ >&7; exec sleep 0.6"]

    private let output = Pipe()
    private let leash = Pipe()
    private(set) var pid: pid_t = 0
    private var isWaitedFor = false

    /// - Parameter notifying: the path of systemd's socket.
    init(_ count: Int, _ worker: [String] = patient, notifying path: String = "") throws {
        let supervise = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().path + "/supervise"
        var program = ChildProgram(
            "/usr/bin/env", ["/usr/bin/env", "NOTIFY_SOCKET=\(path)", supervise, "\(count)"] + worker)
        program.descriptors = [0: leash.readEnd, 2: output.writeEnd]
        pid = try program.start()
        output.closeWriteEnd()
    }

    deinit {
        leash.closeWriteEnd()
        if !isWaitedFor { _ = exitCode() }
    }

    func send(_ signal: Int32) { kill(pid, signal) }

    /// How it ended: exit code, or 128 + signal. Waits for it.
    func exitCode() -> Int32 {
        isWaitedFor = true
        return System.exitCode(of: pid)
    }

    /// The next events until so many of each name were among them; fewer when the output ends.
    ///
    /// The parent and its workers write side by side: a worker can be ready before it is reported as started.
    func events(until wanted: [String: Int]) -> [Event] {
        var events: [Event] = []
        while wanted.contains(where: { name, count in events.count { $0.name == name } < count }), let event = event() {
            events.append(event)
        }
        return events
    }

    /// The pids of the first workers, when all of them are ready.
    func workers(_ count: Int) -> [pid_t] {
        events(until: ["worker started": count, "ready": count, "all ready": 1]).pids("ready")
    }

    private func event() -> Event? {
        guard let value = output.object() else { return nil }
        func integer(_ name: String) -> Int64? {
            if case .integer(let number)? = value[name] { number } else { nil }
        }
        guard case .string(let name)? = value["event"] else { return Event(name: "not an event") }
        return Event(name: name, pid: integer("pid").map { pid_t($0) }, code: integer("code"))
    }
}

extension [Event] {
    fileprivate func pids(_ name: String) -> [pid_t] {
        filter { $0.name == name }.compactMap(\.pid)
    }
}

struct SupervisorTests {
    private let path = "@h-notify-\(UInt64.random(in: 0 ... .max))"

    private func isAlive(_ pid: pid_t) -> Bool { kill(pid, 0) == 0 }

    @Test func `as many workers are started as are wanted`() throws {
        let supervised = try Supervised(3)

        let pids = supervised.workers(3)

        #expect(Set(pids).count == 3)
        for pid in pids { #expect(isAlive(pid)) }
    }

    @Test func `a worker that is killed is replaced`() throws {
        let supervised = try Supervised(2)
        let old = supervised.workers(2)

        kill(try #require(old.first), SIGKILL)

        let events = supervised.events(until: ["worker died": 1, "worker started": 1, "ready": 1])
        #expect(events.first == Event(name: "worker died", pid: old[0], code: 137))
        let new = try #require(events.pids("ready").first)
        #expect(!old.contains(new))
        #expect(isAlive(new))
        #expect(isAlive(old[1]))
    }

    @Test(arguments: [SIGTERM, SIGINT])
    func `a signal to stop drains all workers, and the parent succeeds`(signal: Int32) throws {
        let supervised = try Supervised(3)
        let pids = supervised.workers(3)

        supervised.send(signal)

        #expect(Set(supervised.events(until: ["drained": 3]).pids("drained")) == Set(pids))
        #expect(supervised.exitCode() == 0)
        for pid in pids { #expect(!isAlive(pid)) }
    }

    @Test func `a reload starts new workers and drains the old`() throws {
        let supervised = try Supervised(2)
        let old = supervised.workers(2)

        supervised.send(SIGHUP)

        let events = supervised.events(until: ["worker started": 2, "ready": 2, "drained": 2])
        let new = events.pids("ready")
        #expect(Set(new).count == 2)
        #expect(Set(new).isDisjoint(with: old))
        #expect(Set(events.pids("drained")) == Set(old))
        for pid in new { #expect(isAlive(pid)) }
    }

    @Test func `workers that die at their start make the parent give up`() throws {
        let supervised = try Supervised(10, ["/bin/false"])

        let events = supervised.events(until: ["gave up": 1])

        #expect(events.count { $0.name == "worker died" && $0.code == 1 } == 10)
        #expect(supervised.exitCode() == 1)
    }

    @Test func `workers that die after they were ready are replaced at once, however many`() throws {
        let supervised = try Supervised(4, Supervised.shortLived)

        let events = supervised.events(until: ["worker died": 16, "worker started": 20])

        #expect(events.count { $0.name == "gave up" } == 0)
        #expect(isAlive(supervised.pid))
    }

    @Test func `a worker that cannot be started makes the parent give up`() throws {
        let supervised = try Supervised(2, ["/nonexistent/homeroom"])

        let events = supervised.events(until: ["gave up": 1])

        #expect(events.map(\.name) == ["start", "worker not started", "gave up"])
        #expect(supervised.exitCode() == 1)
    }

    @Test func `a reload without a program to start leaves the workers alone`() throws {
        let program = "/tmp/h-worker-\(UInt64.random(in: 0 ... .max))"
        try #require(symlink("/usr/bin/env", program) == 0)
        let supervised = try Supervised(1, [program] + Supervised.patient.dropFirst())
        let old = supervised.workers(1)
        unlink(program)

        supervised.send(SIGHUP)

        let failed = supervised.events(until: ["reload failed": 1])
        #expect(failed.map(\.name) == ["reload", "worker not started", "reload failed"])
        try #require(symlink("/usr/bin/env", program) == 0)
        defer { unlink(program) }
        supervised.send(SIGHUP)
        let events = supervised.events(until: ["worker started": 1, "ready": 1, "drained": 1])
        #expect(events.first?.name == "reload")
        #expect(events.pids("drained") == old)
    }

    // MARK: What systemd hears

    @Test func `systemd hears that the service is ready when all workers have said so`() throws {
        let systemd = DatagramSocket(path)
        // Who makes it passes, all others wait for what is in it.
        let gate = "/tmp/h-gate-\(UInt64.random(in: 0 ... .max))"
        defer { for folder in [gate + "/open", gate] { rmdir(folder) } }
        let script = "until mkdir \(gate) 2>/dev/null || [ -e \(gate)/open ]; do sleep 0.01; done\n"
        let worker = Supervised.patient.dropLast() + Supervised.patient.suffix(1).map { script + $0 }

        let supervised = try Supervised(2, Array(worker), notifying: path)
        _ = supervised.events(until: ["worker started": 2, "ready": 1])
        let isEarly = !systemd.isEmpty
        try #require(mkdir(gate + "/open", 0o700) == 0)

        #expect(!isEarly)
        #expect(systemd.next() == ["READY=1", "STATUS=2 processes"])
    }

    @Test func `systemd hears of a reload and of its end, and of the stop`() throws {
        let systemd = DatagramSocket(path)
        let supervised = try Supervised(2, notifying: path)
        let first = systemd.next()

        supervised.send(SIGHUP)
        let reloading = systemd.next()
        let second = systemd.next()
        supervised.send(SIGTERM)
        let stopping = systemd.next()

        #expect(first == ["READY=1", "STATUS=2 processes"])
        #expect(reloading.first == "RELOADING=1")
        #expect(reloading.last == "STATUS=reloading")
        #expect(second == ["READY=1", "STATUS=2 processes"])
        #expect(stopping == ["STOPPING=1", "STATUS=stopping"])
        #expect(supervised.exitCode() == 0)
    }

    @Test func `systemd hears that a reload failed, and that the service is still ready`() throws {
        let systemd = DatagramSocket(path)
        let program = "/tmp/h-worker-\(UInt64.random(in: 0 ... .max))"
        try #require(symlink("/usr/bin/env", program) == 0)
        let supervised = try Supervised(1, [program] + Supervised.patient.dropFirst(), notifying: path)
        _ = systemd.next()
        unlink(program)

        supervised.send(SIGHUP)

        #expect(systemd.next().first == "RELOADING=1")
        #expect(systemd.next() == ["READY=1", "STATUS=reload failed: the 1 old processes stay"])
    }

    @Test func `systemd hears why the parent gives up`() throws {
        let systemd = DatagramSocket(path)

        let supervised = try Supervised(10, ["/bin/false"], notifying: path)

        let reason =
            "10 workers in a row died at their start. The lines before say why, and so may: homeroom check"
        #expect(systemd.next() == ["STOPPING=1", "STATUS=gave up: \(reason)"])
        #expect(supervised.exitCode() == 1)
    }

    @Test func `no worker can speak to systemd for its parent`() throws {
        let systemd = DatagramSocket(path)
        let supervised = try Supervised(
            1,
            ["/bin/sh", "-c", #"printf '{"event": "environment %s"}\n' "${NOTIFY_SOCKET-none}" >&2; read -r _ <&3"#],
            notifying: path)

        let events = supervised.events(until: ["environment none": 1])

        #expect(events.last?.name == "environment none")
        #expect(systemd.isEmpty)
    }
}
