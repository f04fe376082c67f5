import DevStack
import Foundation
import JSON
import TestSupport
import Testing

/// `X-Request-Id`: on every answer once, made by nginx, and the same in both logs.
struct RequestIDTests {
    private let site: DevStack

    init() throws {
        site = try Site.shared()
    }

    private func ids(_ answer: Answer) -> [String] {
        answer.headers.filter { $0.name.lowercased() == "x-request-id" }.map(\.value)
    }

    private func isOne(_ ids: [String]) -> Bool {
        ids.count == 1 && ids[0].wholeMatch(of: /[0-9a-f]{32}/) != nil
    }

    @Test(arguments: [
        ("GET", "/api/v1/info/", 401), ("OPTIONS", "/api/v1/info/", 204), ("BREW", "/api/v1/info/", 405),
        ("GET", "/nowhere", 404), ("GET", "/media/", 404), ("POST", "/media/avatars/x.png", 404),
        ("POST", "/reset-password", 405), ("GET", "/reset-password", 200), ("HEAD", "/pages/style.css", 200),
        ("GET", "/.error", 404),
    ])
    func `an answer has one`(method: String, path: String, status: Int) throws {
        let answer = try site.send(method, path)

        #expect(answer.status == status)
        #expect(isOne(ids(answer)))
    }

    @Test func `a picture has one, also one that the browser has already`() throws {
        let person = try site.newPerson()
        let path = try #require(try site.upload(onePixelPNG, as: person).string("user", "avatar"))

        let first = try site.send("GET", "/media/" + path)
        let again = try site.send(
            "GET", "/media/" + path, headers: [("If-None-Match", first["ETag"] ?? "")])

        #expect(first.status == 200)
        #expect(again.status == 304)
        #expect(isOne(ids(first)) && isOne(ids(again)))
    }

    @Test(arguments: [
        ("GET\r\n\r\n", 400), ("GET / HTTP/1.1\r\n\r\n", 400), ("GET / HTTP/9.9\r\nHost: a\r\n\r\n", 505),
        ("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 405),
        ("GET /\(String(repeating: "a", count: 9000)) HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "a", count: 9000))\r\n\r\n", 431),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n", 413),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: x\r\n\r\n", 501),
    ])
    func `what nginx itself refuses has one`(request: String, status: Int) throws {
        let client = try Client(site.address)

        try client.stream.write(Array(request.utf8))
        let answer = try client.answer()

        #expect(answer.status == status)
        #expect(isOne(ids(answer)))
    }

    @Test func `plain HTTP on the TLS port has one`() throws {
        let answer = try send(.port(#require(site.nginx.tlsPort)), "GET", "/")

        #expect(answer.status == 400)
        #expect(isOne(ids(answer)))
    }

    @Test func `the way to HTTPS has one`() throws {
        let answer = try send(.port(Production.shared.get().port), "GET", "/api/v1/info/")

        #expect(answer.status == 308)
        #expect(isOne(ids(answer)))
    }

    @Test func `what is refused for its number has one`() throws {
        let production = try Production.shared.get()

        let answers = try production.curl("/api/v1/auth/login/?[1-200]", ["-X", "DELETE"]).output
            .replacing("\r\n", with: "\n").split(separator: /(?=HTTP\/2 )/)
        let refused = try #require(answers.first { $0.hasPrefix("HTTP/2 429") })

        #expect(refused.contains(/\nx-request-id: [0-9a-f]{32}\n/))
        #expect(refused.split(separator: "x-request-id: ").count == 2)
    }

    @Test func `while the service is away there is one`() throws {
        let production = try Production("away", ["/run/homeroom/homeroom.sock": site.folder.run + "/none"])

        let answer = try production.curl("/api/v1/info/").output.replacing("\r\n", with: "\n")

        #expect(answer.hasPrefix("HTTP/2 502"))
        #expect(answer.contains(/\nx-request-id: [0-9a-f]{32}\n/))
    }

    @Test(arguments: ["X-Request-Id", "x-request-id", "X-REQUEST-ID", "X_Request_Id", "Request-Id"])
    func `a client's own is neither sent back nor written down`(header: String) throws {
        let own = "c11e47" + String(UInt64.random(in: 0 ... .max), radix: 16)

        let answer = try site.send("GET", "/api/v1/info/", headers: [(header, own), (header, own)])
        let id = try #require(ids(answer).first)
        let log = try ["homeroom.log", "access.log"].map { name in
            let path = site.folder.log + "/" + name
            _ = try eventually { try String(contentsOfFile: path, encoding: .utf8).contains(id) }
            return try String(contentsOfFile: path, encoding: .utf8)
        }

        #expect(isOne(ids(answer)))
        #expect(log.allSatisfy { $0.contains(id) })
        #expect(log.allSatisfy { !$0.contains(own) })
    }
}
