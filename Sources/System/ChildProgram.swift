import CLinux
import Glibc

/// A program to be started as a child process. (posix_spawn(3))
package struct ChildProgram: Sendable {
    /// Which signals are blocked and ignored in it.
    package enum Signals: Sendable {
        /// Those that are here.
        case inherited
        /// None is blocked; what is ignored here is ignored there.
        case unblocked
        /// None is blocked or ignored.
        case reset
    }

    /// Its file.
    package let path: String
    /// Its own name first.
    package let arguments: [String]
    /// `NAME=value`; nil for ours.
    package var environment: [String]?
    /// Ours, by the numbers under which it finds them. All others without O_CLOEXEC are open in it under the numbers that
    /// they have here, unless `closesOthers`.
    package var descriptors: [Int32: Int32] = [:]
    /// Numbers under which it finds `/dev/null`.
    package var nullDescriptors: [Int32] = []
    /// Whether what others have left open without O_CLOEXEC is closed in it; `descriptors` and `nullDescriptors` have the
    /// numbers from 0 on then.
    package var closesOthers = false
    package var signals = Signals.inherited
    /// Whether it has a process group of its own: Ctrl-C in a terminal does not reach it then.
    package var hasOwnGroup = false

    package init(_ path: String, _ arguments: [String]) {
        self.path = path
        self.arguments = arguments
    }

    /// Starts it; the caller waits for its end.
    package func start() throws(SystemError) -> pid_t {
        var files = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&files)
        defer { posix_spawn_file_actions_destroy(&files) }
        // Copies with numbers that none is to have in the child: else one could be overwritten before it is copied.
        let last = (nullDescriptors + descriptors.keys).max() ?? -1
        var copies: [Int32] = []
        defer { for copy in copies { close(copy) } }
        for number in nullDescriptors { posix_spawn_file_actions_addopen(&files, number, "/dev/null", O_RDWR, 0) }
        for (number, ours) in descriptors {
            let copy = fcntl(ours, F_DUPFD_CLOEXEC, last + 1)
            guard copy >= 0 else { throw SystemError("fcntl", path, code: errno) }
            copies.append(copy)
            posix_spawn_file_actions_adddup2(&files, copy, number)
        }
        if closesOthers {
            posix_spawn_file_actions_addclosefrom_np(&files, last + 1)
        }

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var flags = hasOwnGroup ? POSIX_SPAWN_SETPGROUP : 0
        var set = sigset_t()
        if signals != .inherited {
            sigemptyset(&set)
            posix_spawnattr_setsigmask(&attributes, &set)
            flags |= POSIX_SPAWN_SETSIGMASK
        }
        if signals == .reset {
            sigfillset(&set)
            posix_spawnattr_setsigdefault(&attributes, &set)
            flags |= POSIX_SPAWN_SETSIGDEF
        }
        posix_spawnattr_setflags(&attributes, Int16(flags))

        var pid = pid_t()
        let code = withCStrings(arguments) { words in
            guard let environment else { return posix_spawn(&pid, path, &files, &attributes, words, environ) }
            return withCStrings(environment) { posix_spawn(&pid, path, &files, &attributes, words, $0) }
        }
        guard code == 0 else { throw SystemError("posix_spawn", path, code: code) }
        return pid
    }

    /// With `NULL` behind the last, as exec(3) wants them.
    private func withCStrings<Result>(
        _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
    ) -> Result {
        let copies = strings.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        return body(copies + [nil])
    }
}

/// Waits for a child's end, also when signals come: its exit code, or 128 + the signal that ended it. -1 when there is no
/// such child.
package func exitCode(of pid: pid_t) -> Int32 {
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0 {
        guard errno == EINTR else { return -1 }
    }
    return homeroom_exit_code(status)
}
