import CLinux
import Glibc
import Synchronization

/// `homeroom serve` with the folder's homeroom.conf.
package final class Service: Sendable {
    private let folder: Folder
    private let homeroom: String
    private let environment: [String: String]
    private let server = Mutex<Child?>(nil)

    /// `environment` wins over homeroom.conf.
    init(_ folder: Folder, homeroom: String, environment: [String: String]) {
        self.folder = folder
        self.homeroom = homeroom
        self.environment = environment
    }

    package var process: Child? { server.withLock { $0 } }

    /// Brings the database to the newest schema.
    package func migrate() throws(StackError) {
        try run(["migrate"])
    }

    /// Runs another subcommand to its end; gives what it wrote. Throws `.ended` unless its exit code is 0.
    @discardableResult
    package func run(_ arguments: [String], input: String = "") throws(StackError) -> String {
        try program(arguments).output(input: input)
    }

    /// Starts the service and waits until its socket accepts.
    package func start() throws(StackError) {
        guard process?.isRunning != true else { return }
        unlink(folder.socket)
        var program = try program(["serve"])
        program.kept = folder.lockDescriptor
        let child = try Child(program, log: log)
        server.withLock { $0 = child }
        try child.wait(until: { UnixSocket.accepts(folder.socket) }, seconds: 30)
    }

    /// Lets requests end, for at most 15 s.
    package func stop() {
        process?.terminate(within: 15)
    }

    /// Ends the service at once, requests and all.
    package func kill() {
        process?.kill()
    }

    private var log: String { folder.log + "/homeroom.log" }

    private func program(_ arguments: [String]) throws(StackError) -> Program {
        var program = try Program(homeroom, arguments + ["--config", folder.settings])
        program.environment = environment
        return program
    }
}
