import CLinux
import Glibc
import Synchronization

/// The confined processes that turn uploads into avatars, started when they are needed and kept warm.
///
/// A crash, a hang or a limit hit there costs that one picture; the next one gets a fresh process.
package final class AvatarDecoder: Sendable {
    private struct Process {
        let pid: pid_t
        let socket: Int32
    }

    private let command: [String]
    private let patience: Int
    private let report: @Sendable (String) -> Void
    private let idle = Mutex<[Process]>([])

    /// - Parameters:
    ///   - command: `homeroom avatar-worker`, the executable first.
    ///   - patience: seconds that a picture may take.
    ///   - report: gets one line when a process failed.
    package init(command: [String], patience: Int = 15, report: @escaping @Sendable (String) -> Void) {
        self.command = command
        self.patience = patience
        self.report = report
    }

    deinit {
        for process in idle.withLock({ $0 }) { AvatarDecoder.end(process) }
    }

    /// Keeps a process ready: to start one takes a second. Also forgets those that ended while nothing was to do.
    package func prepare() {
        idle.withLock { processes in
            processes.removeAll { AvatarDecoder.hasEnded($0) }
        }
        guard idle.withLock({ $0.isEmpty }), let process = start() else { return }
        idle.withLock { $0.append(process) }
    }

    /// Reads the picture from `input`, from its beginning, and writes the avatar and its squares to `outputs`.
    ///
    /// nil when the process could not be started: then it is not the picture's fault.
    package func encode(_ input: Int32, to outputs: [Int32]) -> AvatarOutcome? {
        lseek(input, 0, SEEK_SET)
        let descriptors = [input] + outputs
        // A process that has taken its share of pictures ends by itself, perhaps just now: then a fresh one does it.
        for _ in 0..<3 {
            guard let process = idle.withLock({ $0.popLast() }) ?? start() else { return nil }
            guard homeroom_send_descriptors(process.socket, descriptors, Int32(descriptors.count)) == 0 else {
                AvatarDecoder.end(process)
                continue
            }
            var byte: UInt8 = 0
            let received = recv(process.socket, &byte, 1, 0)
            if received == 1, let outcome = AvatarOutcome(byte: byte) {
                idle.withLock { $0.append(process) }
                return outcome
            }
            let isHung = received < 0 && errno == EAGAIN
            let code = AvatarDecoder.end(process)
            if code == 0 { continue }
            report("a picture \(isHung ? "took over \(patience) s" : "ended its decoder, code \(code)")")
            return .refused(.notAPicture)
        }
        return nil
    }

    private func start() -> Process? {
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            return nil
        }
        defer { close(ends[1]) }
        var limit = timeval(tv_sec: patience, tv_usec: 0)
        setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))

        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        for standard in 0..<Int32(3) { posix_spawn_file_actions_addopen(&actions, standard, "/dev/null", O_RDWR, 0) }
        posix_spawn_file_actions_adddup2(&actions, ends[1], AvatarWorker.socket)
        // Our blocked signals are not the decoder's: it would not end by its own alarm.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var words: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) }
        defer { for word in words { free(word) } }
        words.append(nil)
        // Nothing of ours in its environment: settings may hold secrets.
        var environment: [UnsafeMutablePointer<CChar>?] = [nil]
        var pid = pid_t()
        let code = posix_spawn(&pid, command[0], &actions, &attributes, words, &environment)
        guard code == 0 else {
            report("\(command[0]): \(String(cString: strerror(code)))")
            close(ends[0])
            return nil
        }
        return Process(pid: pid, socket: ends[0])
    }

    /// Reaps it if it has.
    private static func hasEnded(_ process: Process) -> Bool {
        guard waitpid(process.pid, nil, WNOHANG) == process.pid else { return false }
        close(process.socket)
        return true
    }

    /// Its exit code, or 128 + the signal that ended it.
    @discardableResult
    private static func end(_ process: Process) -> Int32 {
        close(process.socket)
        var status: Int32 = 0
        // One that ended by itself keeps its own code; SIGKILL does nothing to it.
        if waitpid(process.pid, &status, WNOHANG) == 0 {
            kill(process.pid, SIGKILL)
            waitpid(process.pid, &status, 0)
        }
        return homeroom_exit_code(status)
    }
}
