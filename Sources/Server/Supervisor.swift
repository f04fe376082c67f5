import CLinux
import FastCGI
import Glibc
import JSON

/// The parent: holds the socket and keeps the worker processes alive.
///
/// A worker is this executable, started anew from its path: so SIGHUP takes up a new binary and a new configuration.
/// SIGTERM and SIGINT drain.
package final class Supervisor {
    /// Seconds that workers have to answer what is in hand.
    private static let patience = 10.0
    /// A worker that lives shorter than this died at its start, in seconds.
    private static let startUp = 5.0
    /// Seconds after which a death at the start is forgotten.
    private static let memory = 60.0
    /// Deaths at the start in a row after which there is no hope.
    private static let mostDeaths = 10

    /// One entry for each process to keep alive: its executable, then its words.
    private let commands: [[String]]
    private let trial: [String]?
    private let listening: Int32
    private let handover: Handover
    private let permits: Int32?
    private let log: Log
    private var workers: [pid_t: Life] = [:]
    private var retired: Set<pid_t> = []
    private var deathsAtStart = 0
    private var lastDeath: ContinuousClock.Instant?

    private struct Life {
        /// Which of the commands it runs.
        let command: Int
        let begin = ContinuousClock.now
    }

    /// - Parameters:
    ///   - arguments: the command of a worker, its executable first; it finds the socket as descriptor 3, the
    ///     ends of the handover as 4 and 5.
    ///   - listening: the listening socket.
    ///   - handover: how workers that are replaced pass their connections on.
    ///   - permits: a file that all workers share, as descriptor 6.
    ///   - count: how many workers.
    ///   - companions: the commands of other processes to keep alive beside them, one of each.
    ///   - trial: a command that must end with 0 before a reload replaces any worker.
    package init(
        arguments: [String], listening: Int32, handover: Handover, permits: Int32? = nil, count: Int,
        companions: [[String]] = [],
        trial: [String]? = nil, log: Log
    ) {
        self.trial = trial
        commands = Array(repeating: arguments, count: count) + companions
        self.listening = listening
        self.handover = handover
        self.permits = permits
        self.log = log
    }

    /// Runs until SIGTERM or SIGINT. The exit code of the process: 1 when the workers cannot be kept alive.
    package func run() -> Int32 {
        var signals = Supervisor.signals
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        log.write("start", message: "\(commands.count) processes")
        fill()
        if workers.isEmpty { return giveUp("no worker can be started") }
        while true {
            if deathsAtStart >= Supervisor.mostDeaths {
                return giveUp("\(deathsAtStart) workers in a row died at their start")
            }
            switch homeroom_wait_signal(&signals, missing > 0 ? pause : -1) {
            case SIGTERM, SIGINT:
                stop()
                return 0
            case SIGHUP:
                reload()
            case SIGCHLD:
                reap()
                if deathsAtStart == 0 { fill() }
            default:
                // The pause after deaths at the start is over.
                fill()
            }
        }
    }

    /// The signals of a process of ours, blocked in all threads and waited for by one.
    package static var signals: sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in [SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGUSR1, SIGPIPE] { sigaddset(&set, signal) }
        return set
    }

    private var missing: Int { commands.count - workers.count }

    /// Seconds to wait before the next attempt: 0.1, 0.2, 0.4 … 5.
    private var pause: Double { min(5, 0.1 * Double(1 << min(deathsAtStart, 6))) }

    private func fill() {
        let running = Set(workers.values.map(\.command))
        for command in commands.indices where !running.contains(command) {
            guard spawn(command) else { return }
        }
    }

    private func spawn(_ command: Int) -> Bool {
        guard let pid = start(commands[command]) else {
            deathsAtStart += 1
            return false
        }
        workers[pid] = Life(command: command)
        log.write("worker started", [.init(name: "pid", value: .integer(Int64(pid)))])
        return true
    }

    /// Runs a command to its end.
    private func succeeds(_ arguments: [String]) -> Bool {
        guard let pid = start(arguments) else { return false }
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        return homeroom_exit_code(status) == 0
    }

    private func start(_ arguments: [String]) -> pid_t? {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, listening, 3)
        posix_spawn_file_actions_adddup2(&actions, handover.entrance, 4)
        posix_spawn_file_actions_adddup2(&actions, handover.exit, 5)
        if let permits { posix_spawn_file_actions_adddup2(&actions, permits, 6) }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // A group of its own: Ctrl-C in a terminal reaches the parent alone, which then drains.
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        var pid = pid_t()
        var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
        defer { for word in words { free(word) } }
        words.append(nil)
        let code = posix_spawn(&pid, arguments[0], &actions, &attributes, words, environ)
        guard code == 0 else {
            log.write("worker not started", message: "\(arguments[0]): \(String(cString: strerror(code)))")
            return nil
        }
        return pid
    }

    private func reap() {
        var status: Int32 = 0
        while true {
            let pid = waitpid(-1, &status, WNOHANG)
            guard pid > 0 else { return }
            let code = homeroom_exit_code(status)
            if retired.remove(pid) != nil { continue }
            guard let life = workers.removeValue(forKey: pid) else { continue }
            let lived = ContinuousClock.now - life.begin
            // A single one now and then is no sign of a program that cannot start.
            let isFirst = lastDeath.map { ContinuousClock.now - $0 > .seconds(Supervisor.memory) } ?? true
            lastDeath = .now
            deathsAtStart = lived >= .seconds(Supervisor.startUp) ? 0 : isFirst ? 1 : deathsAtStart + 1
            log.write(
                "worker died",
                [.init(name: "pid", value: .integer(Int64(pid))), .init(name: "code", value: .integer(Int64(code)))])
        }
    }

    /// Starts new workers, then drains the old; those stay when no new one can be started.
    private func reload() {
        guard trial.map(succeeds) ?? true else {
            log.write("reload failed", message: "new workers would not start; the old ones stay")
            return
        }
        log.write("reload", message: "starting \(commands.count) new processes")
        let old = workers
        workers = [:]
        deathsAtStart = 0
        fill()
        guard !workers.isEmpty || old.isEmpty else {
            log.write("reload failed", message: "the \(old.count) old processes stay")
            workers = old
            deathsAtStart = 0
            return
        }
        retired.formUnion(old.keys)
        for pid in retired { kill(pid, SIGUSR1) }
    }

    private func giveUp(_ reason: String) -> Int32 {
        log.write("gave up", message: reason)
        stop()
        return 1
    }

    private func stop() {
        log.write("stop", message: "draining \(workers.count) processes")
        let all = retired.union(workers.keys)
        for pid in all { kill(pid, SIGTERM) }
        retired = all
        workers = [:]
        var signals = Supervisor.signals
        let deadline = ContinuousClock.now + .seconds(Supervisor.patience)
        while !retired.isEmpty, ContinuousClock.now < deadline {
            _ = homeroom_wait_signal(&signals, 0.1)
            reap()
        }
        for pid in retired {
            log.write("worker killed", [.init(name: "pid", value: .integer(Int64(pid)))])
            kill(pid, SIGKILL)
        }
        reap()
    }
}
