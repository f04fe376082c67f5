import CLinux
import Foundation

extension Child {
    /// posix_spawn's result, an errno.
    func spawn(_ pid: inout pid_t, through setpriv: String, input: Int32?, output: Int32) -> Int32 {
        var files = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&files)
        defer { posix_spawn_file_actions_destroy(&files) }
        if let input {
            posix_spawn_file_actions_adddup2(&files, input, 0)
        } else {
            posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0)
        }
        posix_spawn_file_actions_adddup2(&files, output, 1)
        posix_spawn_file_actions_adddup2(&files, output, 2)
        // What others have left open without O_CLOEXEC is not the program's: a pipe kept open would hang its reader.
        for number in openDescriptors where number > 2 { posix_spawn_file_actions_addclose(&files, number) }
        if let kept = program.kept { posix_spawn_file_actions_adddup2(&files, kept, 3) }

        // Our blocked signals (a main that uses sigwait) and our ignored ones are not the program's.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        return withCStrings(words) { words in
            withCStrings(variables) { variables in
                posix_spawn(&pid, setpriv, &files, &attributes, words, variables)
            }
        }
    }

    private var openDescriptors: [Int32] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
        return names.compactMap { Int32($0) }.filter { $0 != program.kept }
    }

    private var words: [String] {
        let user = program.user.map { ["--reuid=\($0.id)", "--regid=\($0.group)", "--init-groups"] } ?? []
        // Had we ended before setpriv asked for the signal, it would never come: hence the look at the parent.
        let unlessOrphan = ["sh", "-c", #"[ "$PPID" = "$0" ] && exec "$@""#, "\(getpid())"]
        return ["setpriv"] + user + ["--pdeathsig=TERM", "--"] + unlessOrphan + [program.path] + program.arguments
    }

    /// Ours, but no setting of the service that happens to be in the caller's shell.
    private var variables: [String] {
        ProcessInfo.processInfo.environment
            .filter { !$0.key.hasPrefix("HOMEROOM_") }
            .merging(program.environment) { _, given in given }
            .map { "\($0.key)=\($0.value)" }
    }

    private func withCStrings<Result>(
        _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
    ) -> Result {
        let copies = strings.map { strdup($0) }
        defer { for copy in copies { free(copy) } }
        return body(copies + [nil])
    }
}
