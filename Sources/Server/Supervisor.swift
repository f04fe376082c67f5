import CLinux
import FastCGI
import Glibc
import JSON
import System

/// The parent: holds the socket and keeps the worker processes alive.
///
/// A worker is this executable, started anew from its path: so SIGHUP takes up a new binary and a new configuration.
/// SIGTERM and SIGINT drain.
package final class Supervisor {
    /// Seconds that workers have to answer what is in hand.
    private static let drainTimeout = 10.0
    /// A worker that says nothing of being ready and lives shorter than this died at its start, in seconds.
    private static let startUp = 5.0
    /// A worker that lives shorter than this, ready or not, is not replaced at once, in seconds.
    private static let shortest = 0.5
    /// Seconds after which a death at the start is forgotten.
    private static let deathWindow = 60.0
    /// Deaths at the start in a row after which there is no hope.
    private static let maxDeaths = 10

    /// One entry for each process to keep alive: its executable, then its words.
    private let commands: [[String]]
    private let trial: [String]?
    private let listening: Int32
    private let handover: Handover
    private let permits: Int32?
    private let metrics: Metrics
    private let notify: NotifySocket
    private let log: Log
    private var workers: [pid_t: Life] = [:]
    private var retired: Set<pid_t> = []
    /// Whether processes that were wanted, at the start or by a reload, are not ready yet.
    private var isStarting = true
    private let readyPipe: ReadyPipe
    private var deathsAtStart = 0
    /// Deaths in a row that were no reason to begin anew at once.
    private var earlyDeaths = 0
    private var lastDeath: ContinuousClock.Instant?

    private struct Life {
        /// Which of the commands it runs.
        let command: Int
        let begin = ContinuousClock.now
        var isReady = false
    }

    /// - Parameters:
    ///   - arguments: the command of a worker, its executable first; what it is handed it finds as `InheritedDescriptor`.
    ///   - listening: the listening socket.
    ///   - handover: how workers that are replaced pass their connections on.
    ///   - permits: a file that all workers share.
    ///   - metrics: where starts and deaths are counted, with the file that is handed on.
    ///   - notify: where systemd hears of all this.
    ///   - count: how many workers.
    ///   - companions: the commands of other processes to keep alive beside them, one of each.
    ///   - trial: a command that must end with 0 before a reload replaces any worker.
    package init(
        arguments: [String], listening: Int32, handover: Handover, permits: Int32? = nil,
        metrics: Metrics = Metrics(role: .parent), notify: NotifySocket, count: Int, companions: [[String]] = [],
        trial: [String]? = nil, log: Log
    ) throws(SystemError) {
        readyPipe = try ReadyPipe()
        self.trial = trial
        commands = Array(repeating: arguments, count: count) + companions
        self.listening = listening
        self.handover = handover
        self.permits = permits
        self.metrics = metrics
        self.notify = notify
        self.log = log
    }

    /// Runs until SIGTERM or SIGINT. The exit code of the process: 1 when the workers cannot be kept alive.
    package func run() -> Int32 {
        var signals = Supervisor.signals
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        log.write("start", message: "\(commands.count) processes")
        fill()
        if workers.isEmpty { return giveUp("no worker can be started. The line before says why") }
        while true {
            if deathsAtStart >= Supervisor.maxDeaths {
                let deaths = "\(deathsAtStart) workers in a row died at their start"
                return giveUp("\(deaths). The lines before say why, and so may: homeroom check")
            }
            switch homeroom_wait_signal(&signals, missing > 0 ? pause : -1) {
            case SIGTERM, SIGINT:
                stop()
                return 0
            case SIGHUP:
                reload()
            case SIGIO:
                hear()
            case SIGCHLD:
                reap()
                if earlyDeaths == 0 { fill() }
            default:
                // The pause after early deaths is over.
                fill()
            }
        }
    }

    /// The signals of a process of ours, blocked in all threads and waited for by one.
    package static var signals: sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in [SIGTERM, SIGINT, SIGHUP, SIGCHLD, SIGUSR1, SIGPIPE, SIGIO] { sigaddset(&set, signal) }
        return set
    }

    private var missing: Int { commands.count - workers.count }

    /// Seconds to wait before the next attempt: 0.1, 0.2, 0.4 … 5.
    private var pause: Double { min(5, 0.1 * Double(1 << min(earlyDeaths, 6))) }

    private func fill() {
        let running = Set(workers.values.map(\.command))
        for command in commands.indices where !running.contains(command) {
            guard spawn(command) else { return }
        }
    }

    private func spawn(_ command: Int) -> Bool {
        guard let pid = start(commands[command]) else {
            deathsAtStart += 1
            earlyDeaths += 1
            return false
        }
        workers[pid] = Life(command: command)
        metrics.processesStarted.add()
        log.write("worker started", [.init(name: "pid", value: .integer(Int64(pid)))])
        return true
    }

    /// Runs a command to its end.
    private func succeeds(_ arguments: [String]) -> Bool {
        guard let pid = start(arguments) else { return false }
        return exitCode(of: pid) == 0
    }

    private func start(_ arguments: [String]) -> pid_t? {
        let handed: [InheritedDescriptor: Int32?] = [
            .listening: listening, .handoverEntrance: handover.entrance, .handoverExit: handover.exit,
            .permits: permits, .ready: readyPipe.entrance, .metrics: metrics.file,
        ]
        var program = ChildProgram(arguments[0], arguments)
        for (name, descriptor) in handed { program.descriptors[name.rawValue] = descriptor }
        // Ctrl-C in a terminal reaches the parent alone, which then drains.
        program.hasOwnGroup = true
        do throws(SystemError) {
            return try program.start()
        } catch {
            log.write("worker not started", message: "\(error.path): \(error.reason)")
            return nil
        }
    }

    /// Notes which processes are ready; says so when all are that were wanted.
    private func hear() {
        for pid in readyPipe.take() { workers[pid]?.isReady = true }
        guard isStarting, missing == 0, workers.values.allSatisfy(\.isReady) else { return }
        isStarting = false
        log.write("all ready", message: "\(commands.count) processes")
        notify.tell(.ready, status: "\(commands.count) processes")
    }

    private func reap() {
        hear()
        var status: Int32 = 0
        while true {
            let pid = waitpid(-1, &status, WNOHANG)
            guard pid > 0 else { return }
            let code = homeroom_exit_code(status)
            metrics.forget(pid)
            if retired.remove(pid) != nil {
                if code == 0 { continue }
            } else {
                guard let life = workers.removeValue(forKey: pid) else { continue }
                note(life)
            }
            metrics.processesDied.add()
            log.write(
                "worker died",
                [.init(name: "pid", value: .integer(Int64(pid))), .init(name: "code", value: .integer(Int64(code)))])
        }
    }

    /// A worker that was ready and is killed, however often, is no sign of a program that cannot start.
    private func note(_ life: Life) {
        let lived = ContinuousClock.now - life.begin
        let isAtStart = !life.isReady && lived < .seconds(Supervisor.startUp)
        let isFirst = lastDeath.map { ContinuousClock.now - $0 > .seconds(Supervisor.deathWindow) } ?? true
        lastDeath = .now
        deathsAtStart = !isAtStart ? 0 : isFirst ? 1 : deathsAtStart + 1
        let isEarly = isAtStart || lived < .seconds(Supervisor.shortest)
        earlyDeaths = !isEarly ? 0 : isFirst ? 1 : earlyDeaths + 1
    }

    /// Starts new workers, then drains the old; those stay when no new one can be started.
    private func reload() {
        notify.tell(.reloading, status: "reloading")
        guard trial.map(succeeds) ?? true else {
            return keepOld("new workers would not start; the old ones stay")
        }
        log.write("reload", message: "starting \(commands.count) new processes")
        let old = workers
        workers = [:]
        (deathsAtStart, earlyDeaths) = (0, 0)
        fill()
        guard !workers.isEmpty || old.isEmpty else {
            workers = old
            (deathsAtStart, earlyDeaths) = (0, 0)
            return keepOld("the \(old.count) old processes stay")
        }
        metrics.reloads.add()
        isStarting = true
        retired.formUnion(old.keys)
        for pid in retired { kill(pid, SIGUSR1) }
    }

    private func keepOld(_ reason: String) {
        metrics.reloadsFailed.add()
        log.write("reload failed", message: reason)
        // Otherwise the old ones are yet to be heard.
        if !isStarting { notify.tell(.ready, status: "reload failed: \(reason)") }
    }

    private func giveUp(_ reason: String) -> Int32 {
        log.write("gave up", message: reason)
        stop("gave up: \(reason)")
        return 1
    }

    private func stop(_ status: String = "stopping") {
        log.write("stop", message: "draining \(workers.count) processes")
        notify.tell(.stopping, status: status)
        let all = retired.union(workers.keys)
        for pid in all { kill(pid, SIGTERM) }
        retired = all
        workers = [:]
        var signals = Supervisor.signals
        let deadline = ContinuousClock.now + .seconds(Supervisor.drainTimeout)
        while !retired.isEmpty, ContinuousClock.now < deadline {
            _ = homeroom_wait_signal(&signals, 0.1)
            reap()
        }
        for pid in retired {
            log.write("worker killed", [.init(name: "pid", value: .integer(Int64(pid)))])
            kill(pid, SIGKILL)
        }
        retired = []
        reap()
    }
}
