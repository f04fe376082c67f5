import CLinux
import Foundation
import System

extension Child {
    /// Starts the program through setpriv.
    func spawn(through setpriv: String, input: Int32?, output: Int32) throws(SystemError) -> pid_t {
        var child = ChildProgram(setpriv, words)
        child.environment = variables
        child.descriptors = [1: output, 2: output]
        child.descriptors[0] = input
        child.descriptors[3] = program.kept
        if input == nil { child.nullDescriptors = [0] }
        // A pipe that others have left open would hang its reader.
        child.closesOthers = true
        // Our blocked signals (a main that uses sigwait) and our ignored ones are not the program's.
        child.signals = .reset
        child.hasOwnGroup = true
        return try child.start()
    }

    private var words: [String] {
        let user = program.user.map { ["--reuid=\($0.id)", "--regid=\($0.group)", "--init-groups"] } ?? []
        // Had we ended before setpriv asked for the signal, it would never come: hence the look at the parent.
        let unlessOrphan = ["sh", "-c", #"[ "$PPID" = "$0" ] && exec "$@""#, "\(getpid())"]
        return ["setpriv"] + user + ["--pdeathsig=" + program.orphanSignal, "--"] + unlessOrphan + [program.path]
            + program.arguments
    }

    /// Ours, but no setting of the service that happens to be in the caller's shell.
    private var variables: [String] {
        ProcessInfo.processInfo.environment
            .filter { !$0.key.hasPrefix("HOMEROOM_") }
            .merging(program.environment) { _, given in given }
            .map { "\($0.key)=\($0.value)" }
    }
}
