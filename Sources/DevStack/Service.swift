import CLinux
import Glibc
import Synchronization

/// `homeroom serve` with the folder's homeroom.conf, but for what is each service's own where there are several.
package final class Service: Sendable {
    private let folder: Folder
    private let homeroom: String
    private let environment: [String: String]
    /// The one on which it listens.
    package let socket: String
    package let log: String
    /// What the operator is told it is.
    package let title: String
    private let server = Mutex<Child?>(nil)

    /// - Parameters:
    ///   - index: which one of those in the folder it is.
    ///   - environment: wins over homeroom.conf.
    init(_ folder: Folder, _ index: Int, homeroom: String, environment: [String: String]) {
        self.folder = folder
        self.homeroom = homeroom
        // homeroom.conf is the first one's.
        let own = index == 0 ? [] : StackSettings.own(folder, service: index)
        self.environment = environment.merging(own.map { ($0.key, $0.value) }) { _, own in own }
        title = Folder.title("service", folder.suffixes[index])
        socket = folder.sockets[index]
        log = folder.log + "/homeroom\(folder.suffixes[index]).log"
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
        try launch().wait(until: { isReady }, seconds: 30)
    }

    /// Starts the service and does not wait.
    @discardableResult
    func launch() throws(StackError) -> Child {
        unlink(socket)
        var program = try program(["serve"])
        program.kept = folder.lockDescriptor
        let child = try Child(program, log: log)
        server.withLock { $0 = child }
        return child
    }

    var isReady: Bool { UnixSocket.accepts(socket) }

    /// Lets requests end, for at most 15 s.
    package func stop() {
        process?.terminate(within: 15)
    }

    /// Ends the service at once, requests and all.
    package func kill() {
        process?.kill()
    }

    private func program(_ arguments: [String]) throws(StackError) -> Program {
        var program = try Program(homeroom, arguments + ["--config", folder.settings])
        program.environment = environment
        return program
    }
}
