import CLinux
import DevStack
import Foundation
import Glibc
import Server

/// `homeroom dev`: everything on this machine, until Ctrl-C.
enum Dev {
    static func run(_ arguments: inout Arguments) throws(CommandError) -> Int32 {
        let checkout = try checkout()
        var options = DevStack.Options(
            directory: try arguments.option("data") ?? checkout + "/.homeroom", homeroom: try Executable.path(),
            checkout: checkout)
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
            while homeroom_wait_signal(&signals, 1) == 0 {
                if let failure = stack.failure { throw failure }
            }
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

            Try:
              curl -X POST \(stack.url)/api/v1/auth/register/ \\
                -H "Content-Type: application/json" \\
                -d '{"username": "testuser", "email": "test@example.com",
                     "password": "testpassword123", "password_confirm": "testpassword123"}'

            """)
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
