import CLinux
import DevStack
import Foundation
import TestSupport
import Testing

/// `homeroom serve` as systemd starts it: on a socket that it is handed, beside the shared service.
final class SocketActivationTests {
    private let site: DevStack
    private let folder: String
    private let systemd: DatagramSocket
    private var path: String { folder + "/s.sock" }

    init() throws {
        site = try Site.shared()
        folder = try DevStack.scratch("act")
        systemd = DatagramSocket(folder + "/notify")
    }

    deinit { try? DevStack.removeScratch(folder) }

    @Test func `on an activated socket requests are answered, and systemd hears how the service is`() throws {
        let options = ["--listen=" + path, "-E", "NOTIFY_SOCKET=\(folder)/notify", "-E", "HOMEROOM_WORKERS=1"]
        let program = try Program("systemd-socket-activate", options + serve)

        let service = try Child(program, log: folder + "/log")
        defer { service.kill() }
        #expect(eventually { (try? Stream(.unix(path))) != nil })
        let answer = try FastCGIClient(path).send("OPTIONS", "/api/v1/info/")
        let ready = systemd.next()
        service.signal(SIGHUP)
        let reload = [systemd.next(), systemd.next()]
        service.signal(SIGTERM)

        #expect(answer.status == 204)
        #expect(ready == ["READY=1", "STATUS=2 processes"])
        #expect(reload.map(\.first) == ["RELOADING=1", "READY=1"])
        #expect(systemd.next().first == "STOPPING=1")
        #expect(service.waitForExit(within: 60) == 0)
    }

    @Test func `who connects while the service restarts waits and is answered`() throws {
        let listening = try Self.listening(at: path)
        defer { close(listening) }
        let before = try launched(listening)
        _ = systemd.next()
        before.terminate(within: 60)
        _ = systemd.next()

        let client = try FastCGIClient(path)
        try client.write("OPTIONS", "/api/v1/info/")
        let after = try launched(listening)
        defer { after.terminate(within: 60) }

        #expect(try client.answer().status == 204)
        #expect(before.status == 0)
    }

    @Test func `a socket that is meant for another process is left alone`() throws {
        let listening = try Self.listening(at: folder + "/other")
        defer { close(listening) }
        let service = try launched(listening, process: "1", ["HOMEROOM_SOCKET": path])
        defer { service.terminate(within: 60) }

        #expect(systemd.next() == ["READY=1", "STATUS=2 processes"])
        #expect(try FastCGIClient(path).send("OPTIONS", "/api/v1/info/").status == 204)
    }

    @Test func `several sockets are refused with a clear line`() throws {
        let listening = try Self.listening(at: path)
        defer { close(listening) }

        let service = try launched(listening, count: "2")

        #expect(service.waitForExit(within: 60) == 1)
        #expect(
            service.lastWords == """
                homeroom: homeroom.socket: 2 sockets were handed over. \
                It needs one ListenStream=, the path of a unix socket.
                """)
    }

    @Test(arguments: ["a port", "datagrams", "not listening", "a file", "nothing"])
    func `what is no unix socket that listens is refused with a clear line`(kind: String) throws {
        let descriptor: Int32? =
            switch kind {
            case "a port": try Self.listening(at: nil)
            case "datagrams": socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
            case "not listening": socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
            case "a file": open("/dev/null", O_RDWR | O_CLOEXEC)
            default: nil
            }
        defer { if let descriptor { close(descriptor) } }

        let service = try launched(descriptor)

        #expect(service.waitForExit(within: 60) == 1)
        #expect(
            service.lastWords == """
                homeroom: homeroom.socket: what was handed over is no unix stream socket that listens. \
                It needs one ListenStream=, the path of a unix socket.
                """)
    }

    private var serve: [String] { [Site.homeroom, "serve", "--config", site.folder.settings] }

    /// The service with a socket of ours, as systemd hands it over.
    private func launched(
        _ socket: Int32?, count: String = "1", process: String = "$$", _ settings: [String: String] = [:]
    ) throws -> Child {
        let script = #"LISTEN_PID=\#(process) LISTEN_FDS=\#(count) exec "$@""#
        var program = try Program("sh", ["-c", script, "sh"] + serve)
        program.environment = settings.merging(
            ["HOMEROOM_WORKERS": "1", "NOTIFY_SOCKET": folder + "/notify"]) { $1 }
        program.kept = socket
        return try Child(program, log: folder + "/log")
    }

    /// A socket that listens at a path, or on a port of 127.0.0.1.
    private static func listening(at path: String?) throws -> Int32 {
        let family = path == nil ? AF_INET : AF_UNIX
        let descriptor = socket(family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var code: Int32 = 0
        if let path {
            var name = sockaddr_un()
            name.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: path.utf8) }
            code = withUnsafePointer(to: &name) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
        }
        // A socket without a name gets a port when it listens; which one is all the same.
        try #require(descriptor >= 0 && code == 0 && listen(descriptor, 16) == 0)
        return descriptor
    }
}
