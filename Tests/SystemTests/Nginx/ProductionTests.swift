import DevStack
import Foundation
import TestSupport
import Testing

/// nginx with production.conf, its paths and ports replaced, in front of the shared service.
@Suite(.serialized)
struct ProductionTests {
    private let production: Production

    init() throws {
        production = try Production.shared.get()
    }

    @Test func `nginx accepts the configuration without a warning`() throws {
        let outcome = try production.nginx(["-t"])

        #expect(outcome.status == 0)
        #expect(!outcome.errors.contains("[warn]"))
        #expect(outcome.errors.contains("test is successful"))
    }

    @Test func `plain HTTP is sent to HTTPS, with the configured name and the method kept`() throws {
        let answer = try send(
            .port(production.port), "POST", "/api/v1/auth/login/?a=b", headers: [("Host", "evil.example")])

        #expect(answer.status == 308)
        #expect(answer["Location"] == "https://homeroom.example.org/api/v1/auth/login/?a=b")
        #expect(answer["Server"] == "nginx")
    }

    @Test func `the machine itself reaches the service without TLS and without a name`() throws {
        let answer = try send(.port(production.localPort), "GET", "/api/v1/info/", headers: [("Host", "127.0.0.1")])

        #expect(answer.status == 401)
        #expect(answer["Strict-Transport-Security"] == nil)
    }

    @Test func `the service is reached over TLS, and answers come with HSTS`() throws {
        let answer = try production.curl("/api/v1/info/")

        #expect(answer.output.hasPrefix("HTTP/2 401"))
        #expect(answer.output.contains("strict-transport-security: max-age=63072000\r\n"))
        #expect(answer.output.hasSuffix(#"{"detail":"Authentication credentials were not provided."}"#))
    }

    @Test func `avatars are served over TLS`() throws {
        let person = try production.site.newPerson()
        let path = try #require(production.site.upload(onePixelGIF, as: person).string("user", "avatar"))

        let answer = try production.curl("/media/\(path)")

        #expect(answer.output.hasPrefix("HTTP/2 200"))
        #expect(answer.output.contains("content-type: image/gif\r\n"))
        #expect(answer.output.contains("strict-transport-security: max-age=63072000\r\n"))
    }
}

/// An nginx of its own in front of the shared service; it ends with the site.
struct Production: Sendable {
    static let shared = Result { try Production("production") }

    let site: DevStack
    let port: UInt16
    let tlsPort: UInt16
    /// Of the server for the machine itself.
    let localPort: UInt16
    let folder: String
    private let server: Child

    /// - Parameters:
    ///   - name: of its folder.
    ///   - changes: what stands instead of what in production.conf.
    init(_ name: String, _ changes: [String: String] = [:]) throws {
        site = try Site.shared()
        port = try Site.freePort()
        tlsPort = try Site.freePort()
        localPort = try Site.freePort()
        // Inside the site's folder: so it is removed with it.
        folder = site.folder.run + "/" + name
        try FileManager.default.copyItem(atPath: Site.checkout + "/nginx", toPath: folder + "/homeroom")
        try Self.filled(
            try String(contentsOfFile: folder + "/homeroom/production.conf", encoding: .utf8),
            [
                "listen 127.0.0.1:8000;": "listen 127.0.0.1:\(localPort);", "listen 80;": "listen 127.0.0.1:\(port);",
                "listen 443 ssl http2;": "listen 127.0.0.1:\(tlsPort) ssl http2;",
                "listen [::]:80;": "", "listen [::]:443 ssl http2;": "",
                "/run/homeroom/homeroom.sock": site.folder.socket, "/var/lib/homeroom/media": site.folder.media,
                "/etc/ssl/homeroom/fullchain.pem": site.folder.run + "/tls.crt",
                "/etc/ssl/homeroom/privkey.pem": site.folder.run + "/tls.key",
                "/var/log/nginx/homeroom.log": folder + "/access.log",
            ].merging(changes) { $1 }
        ).write(toFile: folder + "/production.conf", atomically: true, encoding: .utf8)
        try """
        \(geteuid() == 0 ? "user \(site.folder.webUser.name);" : "")
        daemon off;
        pid \(folder)/nginx.pid;
        error_log stderr;
        events {}
        http {
            access_log off;
            include \(folder)/production.conf;
        }
        """.write(toFile: folder + "/nginx.conf", atomically: true, encoding: .utf8)
        server = try Child(try Program("nginx", Self.arguments(folder)), log: folder + "/nginx.log")
        let ports = [port, tlsPort, localPort]
        guard eventually({ ports.allSatisfy { (try? Stream(.port($0))) != nil } }) else {
            throw StackError.late("nginx", seconds: 60, output: server.lastWords)
        }
    }

    func nginx(_ more: [String]) throws -> Outcome {
        try Outcome("nginx", Self.arguments(folder) + more)
    }

    /// Headers and body of an answer over TLS.
    func curl(_ path: String, _ more: [String] = []) throws -> Outcome {
        let name = "homeroom.example.org"
        let address = ["--resolve", "\(name):\(tlsPort):127.0.0.1", "https://\(name):\(tlsPort)\(path)"]
        return try Outcome("curl", ["-sSik", "-o", "-"] + more + address)
    }

    private static func arguments(_ folder: String) -> [String] {
        ["-e", "stderr", "-p", folder, "-c", folder + "/nginx.conf"]
    }

    private static func filled(_ text: String, _ values: [String: String]) throws -> String {
        try values.reduce(text) { text, value in
            try #require(text.contains(value.key), "production.conf has no `\(value.key)`")
            return text.replacing(value.key, with: value.value)
        }
    }
}
