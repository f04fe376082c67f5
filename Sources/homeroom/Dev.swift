import CLinux
import DevStack
import Foundation
import Glibc
import Server

/// `homeroom dev`: everything on this machine, until Ctrl-C.
enum Dev {
    static func run(_ arguments: inout Arguments) throws(CommandError) -> Int32 {
        let checkout = try checkout()
        let nodes = try nodes(&arguments)
        // Another one for each number, so that none is asked to hold what another has.
        let folder = checkout + "/.homeroom" + (nodes == 1 ? "" : "-\(nodes)")
        var options = DevStack.Options(
            directory: try arguments.option("data") ?? folder, homeroom: try Executable.path(), checkout: checkout)
        options.nodes = nodes
        if let port = try port("port", &arguments) { options.port = port }
        if let port = try port("tls-port", &arguments) { options.tlsPort = port }
        // One developer is one address: what nginx limits per address would only be in the way of load tests.
        options.limits = false
        options.environment = ProcessInfo.processInfo.environment.filter {
            $0.key.hasPrefix("HOMEROOM_") && !StackSettings.isDecided($0.key)
        }
        options.output = { print($0) }
        try arguments.refuseRest()
        homeroom_line_buffer_output()
        // Before any thread and any child: Ctrl-C waits until we look.
        var signals = Supervisor.signals
        sigdelset(&signals, SIGCHLD)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        do throws(StackError) {
            let stack = try DevStack(options)
            try stack.start()
            defer { stack.stop() }
            welcome(stack)
            var supervisor = StackSupervisor(stack)
            while homeroom_wait_signal(&signals, 1) == 0 { try supervisor.look() }
            print("\nstopping")
        } catch {
            throw .refused("\(error)")
        }
        return 0
    }

    private static func welcome(_ stack: DevStack) {
        print(
            """

            Homeroom answers on \(stack.url). Ctrl-C stops it.
            Its data, logs and settings: \(stack.folder.path); mail that it sends: \(stack.folder.mail)
            \(parts(stack))
            Try:
              curl -X POST \(stack.url)/api/v1/auth/register/ \\
                -H "Content-Type: application/json" \\
                -d '{"username": "testuser", "email": "test@example.com",
                     "password": "testpassword123", "password_confirm": "testpassword123"}'

            """)
    }

    /// Where the databases and services are, where there are several of them.
    private static func parts(_ stack: DevStack) -> String {
        guard stack.databases.count > 1 else { return "" }
        let parts =
            stack.databases.map { ($0.title, $0.process, $0.socket, $0.log) }
            + stack.services.map { ($0.title, $0.process, $0.socket, $0.log) }
        return "\nEach of these comes back when it is killed; see it with: kill -9 PROCESS\n"
            + parts.map { "  \($0): process \($1?.pid ?? 0), \($2), log \($3)\n" }.joined()
    }

    /// A group goes on as long as a majority is there; of an even number half may be lost, and nobody decides.
    private static func nodes(_ arguments: inout Arguments) throws(CommandError) -> Int {
        guard let text = try arguments.option("nodes") else { return 1 }
        guard let nodes = Int(text), [1, 3, 5].contains(nodes) else {
            throw .usage("--nodes: `\(text)` is none of 1, 3 and 5: databases go on as long as a majority is there")
        }
        return nodes
    }

    private static func port(_ name: String, _ arguments: inout Arguments) throws(CommandError) -> UInt16? {
        guard let text = try arguments.option(name) else { return nil }
        guard let port = UInt16(text), port > 0 else { throw .usage("--\(name): `\(text)` is no port") }
        return port
    }

    /// The folder that holds `nginx/` and Package.swift: above this program's file, or above the present folder.
    private static func checkout() throws(CommandError) -> String {
        for start in [try Executable.path(), FileManager.default.currentDirectoryPath] {
            var folder = URL(filePath: start)
            while true {
                if access(folder.path + "/nginx/development.conf", R_OK) == 0 { return folder.path }
                if folder.path == "/" { break }
                folder.deleteLastPathComponent()
            }
        }
        throw .refused("no nginx/development.conf above \(try Executable.path()): run `homeroom dev` in its checkout")
    }
}
