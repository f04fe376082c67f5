import CLinux
import Foundation
import Synchronization
import System

/// nginx with `nginx/development.conf` of the checkout, on 127.0.0.1.
package final class Nginx: Sendable {
    package let port: UInt16
    /// nil: no TLS.
    package let tlsPort: UInt16?
    private let folder: Folder
    private let checkout: String
    private let limits: Bool
    private let origins: @Sendable () throws(StackError) -> String
    private let server = Mutex<Child?>(nil)

    /// - Parameters:
    ///   - checkout: the folder that holds `nginx/`.
    ///   - limits: whether requests and connections per address are limited.
    ///   - origins: what `homeroom nginx-origins` prints.
    init(
        _ folder: Folder, checkout: String, port: UInt16, tlsPort: UInt16?, limits: Bool,
        origins: @escaping @Sendable () throws(StackError) -> String
    ) {
        self.folder = folder
        self.checkout = checkout
        self.port = port
        self.tlsPort = tlsPort
        self.limits = limits
        self.origins = origins
    }

    package var process: Child? { server.withLock { $0 } }

    /// Starts nginx and waits until its ports accept.
    package func start() throws(StackError) {
        guard process?.isRunning != true else { return }
        try checkPorts()
        try makeCertificate()
        try configure()
        var program = try program([])
        program.kept = folder.lockDescriptor
        let child = try Child(program, log: log)
        server.withLock { $0 = child }
        try child.wait(until: { ([port] + [tlsPort].compactMap(\.self)).allSatisfy(Port.accepts) }, seconds: 10)
    }

    /// Throws `.portInUse` when another program listens where nginx is to.
    func checkPorts() throws(StackError) {
        guard process?.isRunning != true else { return }
        guard Port.isFree(port) else { throw .portInUse(port, option: "--port") }
        if let tlsPort, !Port.isFree(tlsPort) { throw .portInUse(tlsPort, option: "--tls-port") }
    }

    /// Reads the checkout's configuration and the trusted origins again. Throws, and goes on with the old ones, when nginx
    /// refuses them.
    package func reload() throws(StackError) {
        try configure()
        try program(["-t"]).output()
        process?.signal(SIGHUP)
    }

    /// Lets requests end, for at most 5 s.
    package func stop() {
        process?.terminate(within: 5, by: SIGQUIT)
    }

    /// Ends it at once; its ports are free afterwards.
    package func kill() {
        process?.kill()
        // Its workers, which were killed after it, may hold them a moment longer.
        for _ in 0..<200 where !Port.isFree(port) { usleep(5000) }
    }

    private var log: String { folder.log + "/nginx.log" }
    private var certificate: String { folder.run + "/tls.crt" }
    private var certificateKey: String { folder.run + "/tls.key" }

    private func program(_ more: [String]) throws(StackError) -> Program {
        try Program("nginx", ["-e", "stderr", "-p", folder.run, "-c", folder.run + "/nginx.conf"] + more)
    }

    private func configure() throws(StackError) {
        let shared = folder.run + "/homeroom"
        try? FileManager.default.removeItem(atPath: shared)
        let source = try FileSystem.realPath(checkout + "/nginx")
        if try canBeRead(source + "/pages") {
            guard symlink(source, shared) == 0 else { throw .system(SystemError("link", shared, code: errno)) }
        } else {
            // As below /root: the processes that serve the pages could not read them there.
            _ = try Program("cp", ["-R", source, shared]).output()
            _ = try Program("chmod", ["-R", "a+rX", shared]).output()
        }
        let template = try FileSystem.read(source + "/development.conf")
        try FileSystem.replace(folder.run + "/homeroom-origins.conf", with: try origins())
        try FileSystem.replace(folder.run + "/nginx.conf", with: filled(template))
    }

    /// Whether the user who serves files can read those in a folder.
    private func canBeRead(_ pages: String) throws(StackError) -> Bool {
        guard Folder.isRoot else { return true }
        var question = try Program("test", ["-r", pages + "/api.js"])
        question.user = folder.webUser
        return (try? question.output()) != nil
    }

    /// A line whose placeholder has no value is left out.
    private func filled(_ template: String) -> String {
        let values = [
            "@USER@": Folder.isRoot ? folder.webUser.name : "",
            "@RUN@": folder.run,
            "@LOG@": folder.log,
            "@MEDIA@": folder.media,
            "@PAGES@": folder.run + "/homeroom/pages",
            "@SERVERS@": folder.sockets.map { "server \"unix:\($0)\" fail_timeout=1s;" }.joined(separator: " "),
            "@LIMITED@": limits ? "1" : "0",
            "@PORT@": "\(port)",
            "@TLS_PORT@": tlsPort.map { "\($0)" } ?? "",
            "@CERTIFICATE@": tlsPort == nil ? "" : certificate,
            "@CERTIFICATE_KEY@": tlsPort == nil ? "" : certificateKey,
        ]
        return template.split(separator: "\n", omittingEmptySubsequences: false)
            .filter { line in !values.contains { $0.value.isEmpty && line.contains($0.key) } }
            .map { line in values.reduce(String(line)) { $0.replacing($1.key, with: $1.value) } }
            .joined(separator: "\n")
    }

    /// A self-signed certificate, at first start and when the old one ends within a day.
    private func makeCertificate() throws(StackError) {
        guard tlsPort != nil else { return }
        let day = "86400"
        let old = try Program("openssl", ["x509", "-checkend", day, "-noout", "-in", certificate])
        if access(certificateKey, F_OK) == 0, (try? old.output()) != nil { return }
        let kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "825"]
        let names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
        try Program("openssl", ["req"] + kind + names + ["-keyout", certificateKey, "-out", certificate]).output()
    }
}
