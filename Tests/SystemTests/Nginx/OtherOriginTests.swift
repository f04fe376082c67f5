import DevStack
import Foundation
import JSON
import TestSupport
import Testing

/// What pages of other origins may read of all that comes out of nginx, its own answers among them.
@Suite(.serialized)
struct OtherOriginTests {
    private static let trusted = "https://app.school.example"
    private static let started = Result {
        try Site.start(
            environment: Site.fastHashing.merging([
                "HOMEROOM_TRUSTED_ORIGINS": "\(trusted),http://localhost:3000,http://[::1]:3000"
            ]) { $1 })
    }

    /// What is not trusted, whatever it looks like.
    private static let strangers: [[(String, String)]] =
        [[]]
        + [
            "", "null", "*", "https://evil.example", "https://app.school.example.evil.example",
            "http://app.school.example", "https://app.school.example:443", "https://app.school.example/",
            "https://appxschool.example", "https://APP.school.example", "HTTPS://APP.SCHOOL.EXAMPLE",
            "http://localhost:30000", "http://localhost", "http://::1:3000", "https://app.school.example\u{1}",
            "https://app.school.example\u{7F}", "https://app.school.example\t.", "https://app.school.example é",
            "https://app.school.example" + String(repeating: "a", count: 7_000),
        ].map { [("Origin", $0)] }

    private let site: DevStack

    init() throws {
        site = try Self.started.get()
    }

    /// The header lines of the CORS protocol and `Vary`, in order.
    private func sharing(_ answer: Answer) -> [String] {
        answer.headers.map { "\($0.name): \($0.value)" }
            .filter { $0.hasPrefix("Access-Control-") || $0.hasPrefix("Vary:") && $0 != "Vary: Accept-Encoding" }
            .sorted()
    }

    private static let readable = [
        "Access-Control-Allow-Credentials: true", "Access-Control-Allow-Origin: https://app.school.example",
        "Access-Control-Expose-Headers: Retry-After, Link, X-Request-Id", "Vary: Origin",
    ]

    private static let origin = [("Origin", trusted)]

    /// Every kind of answer, with its status.
    private static let answers: [(status: Int, method: String, path: String, headers: [(String, String)], body: Int)] =
        [
            (401, "GET", "/api/v1/info/", [], 0), (404, "GET", "/nowhere", [], 0),
            (405, "GET", "/api/user/login/", [], 0),
            (415, "POST", "/api/v1/auth/login/", [("Content-Type", "text/x")], 1),
            (413, "POST", "/api/v1/auth/login/", [("Content-Type", "application/json")], 70_000),
            (200, "GET", "/docs/style.css", [], 0), (400, "GET", "/api/me", [("Host", "a_!b")], 0),
            // nginx's own.
            (413, "POST", "/api/v1/auth/login/", [], 131_073), (413, "PUT", "/api/v1/profile/update/", [], 6_300_000),
            (413, "POST", "/api/account/email/undo/", [], 131_073), (404, "GET", "/media/", [], 0),
            (404, "POST", "/media/avatars/0123456789abcdef0123456789abcdef.png", [], 0),
            (404, "GET", "/media/avatars/0123456789abcdef0123456789abcdef.png", [], 0),
            (431, "GET", "/", [("X-Long", String(repeating: "a", count: 9000))], 0),
            (400, "GET", "/api/v1/info/", [("Content-Length", "-1")], 0),
            (200, "GET", "/reset-password", [], 0), (200, "GET", "/pages/style.css", [], 0),
            (200, "HEAD", "/pages/api.js", [], 0),
        ]

    private func ask(_ index: Int, _ headers: [(String, String)]) throws -> Answer {
        let wanted = Self.answers[index]
        let body = wanted.body > 0 ? [UInt8](repeating: 0x20, count: wanted.body) : nil
        // The origin first: nginx reads no header behind one that it refuses.
        return try site.send(wanted.method, wanted.path, headers: headers + wanted.headers, body: body)
    }

    @Test(arguments: answers.indices) func `a page of a trusted origin may read every answer`(index: Int) throws {
        let answer = try ask(index, Self.origin)

        #expect(answer.status == Self.answers[index].status)
        #expect(sharing(answer) == Self.readable)
    }

    @Test(arguments: answers.indices) func `no other page may read any`(index: Int) throws {
        for headers in Self.strangers {
            let answer = try ask(index, headers)

            #expect(answer.status == Self.answers[index].status, "\(headers)")
            #expect(sharing(answer) == ["Vary: Origin"], "\(headers)")
        }
    }

    @Test(arguments: ["http://localhost:3000", "http://[::1]:3000"])
    func `each answer names the origin that asked`(origin: String) throws {
        for index in Self.answers.indices {
            let answer = try ask(index, [("Origin", origin)])

            #expect(answer["Access-Control-Allow-Origin"] == origin)
        }
    }

    @Test func `two origins are none`() throws {
        let headers = [("Origin", Self.trusted), ("Origin", "http://localhost:3000")]

        let answer = try site.send("GET", "/api/v1/info/", headers: headers)

        #expect(answer.status == 401)
        #expect(sharing(answer) == ["Vary: Origin"])
    }

    @Test func `an origin of 10 KB is refused by nginx`() throws {
        let answer = try site.send("GET", "/", headers: [("Origin", String(repeating: "a", count: 10_240))])

        #expect(answer.status == 431)
        #expect(sharing(answer) == ["Vary: Origin"])
    }

    // MARK: Pictures

    @Test func `pictures come to pages of trusted origins as to everybody`() throws {
        let path = try #require(site.upload(onePixelPNG, as: site.newPerson()).string("user", "avatar"))

        let open = try site.send("GET", "/media/\(path)", headers: Self.origin)
        let stranger = try site.send("GET", "/media/\(path)", headers: [("Origin", "https://evil.example")])
        let known = try site.send(
            "GET", "/media/\(path)", headers: Self.origin + [("If-None-Match", open["ETag"] ?? "")])
        let refused = try site.send("POST", "/media/\(path)", headers: Self.origin)

        #expect([open, stranger, known, refused].map(\.status) == [200, 200, 304, 405])
        #expect(sharing(open) == Self.readable)
        #expect(sharing(stranger) == ["Vary: Origin"])
        #expect(sharing(known) == Self.readable)
        #expect(sharing(refused) == Self.readable)
    }

    // MARK: Preflights

    private func preflight(_ path: String, _ method: String, _ headers: [(String, String)] = origin) throws -> Answer {
        try site.send(
            "OPTIONS", path,
            headers: headers + [
                ("Access-Control-Request-Method", method),
                ("Access-Control-Request-Headers", "authorization,content-type"),
            ])
    }

    @Test func `a preflight is answered with what was asked for`() throws {
        let answer = try preflight("/api/v1/profile/update/", "PUT")

        #expect(answer.status == 204)
        #expect(
            sharing(answer) == [
                "Access-Control-Allow-Credentials: true", "Access-Control-Allow-Headers: authorization, content-type",
                "Access-Control-Allow-Methods: PUT, PATCH, OPTIONS",
                "Access-Control-Allow-Origin: https://app.school.example", "Access-Control-Max-Age: 7200",
                "Vary: Origin",
            ])
    }

    private static let files = [
        "/", "/reset-password", "/pages/api.js", "/media/avatars/0123456789abcdef0123456789abcdef.png",
    ]

    @Test(arguments: files) func `a preflight for a page or picture is answered by nginx`(path: String) throws {
        let answer = try preflight(path, "GET")

        #expect(answer.status == 204)
        #expect(answer["Allow"] == "GET, HEAD, OPTIONS")
        #expect(
            sharing(answer)
                == ([
                    "Access-Control-Allow-Headers: authorization,content-type",
                    "Access-Control-Allow-Methods: GET, HEAD, OPTIONS", "Access-Control-Max-Age: 7200",
                ] + Self.readable).sorted())
    }

    @Test(arguments: files) func `a preflight of a stranger for a file says what all may do`(path: String) throws {
        for headers in Self.strangers {
            let answer = try preflight(path, "GET", headers)

            #expect(answer.status == 204, "\(headers)")
            #expect(answer["Allow"] == "GET, HEAD, OPTIONS", "\(headers)")
            #expect(sharing(answer) == ["Vary: Origin"], "\(headers)")
        }
    }

    @Test(arguments: ["a: b", "a;b", "\u{7F}", "é", String(repeating: "a", count: 1025)])
    func `what is no list of headers is not said again`(list: String) throws {
        for path in Self.files + ["/api/v1/info/"] {
            let answer = try site.send(
                "OPTIONS", path,
                headers: Self.origin + [
                    ("Access-Control-Request-Method", "GET"), ("Access-Control-Request-Headers", list),
                ])

            #expect(answer.status == 204, "\(path)")
            #expect(answer["Access-Control-Allow-Origin"] == Self.trusted, "\(path)")
            #expect(answer["Access-Control-Allow-Headers"] == nil, "\(path)")
        }
    }

    @Test(arguments: ["/healthz", "/readyz", "/metrics"])
    func `no page may read how the service is`(path: String) throws {
        let answers = [try site.send("GET", path, headers: Self.origin), try preflight(path, "GET")]

        #expect(answers.map(\.status) == [200, 405])
        #expect(answers.map(sharing) == [["Vary: Origin"], ["Vary: Origin"]])
    }

    @Test func `preflights are answered while the database is away`() throws {
        site.database.stop()
        defer { try? site.database.start() }

        let preflight = try preflight("/api/v1/auth/login/", "POST")
        let login = try site.send(
            "POST", "/api/v1/auth/login/", json: ["username": "a", "password": "b"], headers: Self.origin)

        #expect(preflight.status == 204)
        #expect(preflight["Access-Control-Allow-Origin"] == Self.trusted)
        #expect(login.status == 503)
        #expect(login["Retry-After"] != nil)
        #expect(sharing(login) == Self.readable)
    }

    // MARK: Limits, and a service that is away

    @Test func `preflights are not counted among logins, and what is over the limit can be read`() throws {
        let limited = try Site.start(
            environment: Site.fastHashing.merging(["HOMEROOM_TRUSTED_ORIGINS": Self.trusted]) { $1 }, limits: true)
        defer { Site.discard(limited) }
        let asking = Self.origin + [("Access-Control-Request-Method", "POST")]

        let preflights = try (0..<300).map { _ in
            try limited.send("OPTIONS", "/api/v1/auth/login/", headers: asking).status
        }
        let logins = try (0..<300).map { _ in
            try limited.send("POST", "/api/v1/auth/login/", headers: Self.origin)
        }

        let refused = try #require(logins.first { $0.status == 429 })
        #expect(Set(preflights) == [204])
        #expect(sharing(refused) == Self.readable)
        #expect(refused["Retry-After"] == "1")
    }

    @Test func `a page of a trusted origin may read that the service is away`() throws {
        site.service.stop()
        defer { try? site.service.start() }

        let answers = try [Self.origin, [("Origin", "https://evil.example")]].map {
            try site.send("GET", "/api/v1/info/", headers: $0)
        }

        #expect(answers.map(\.status) == [502, 502])
        #expect(answers.map { $0["Retry-After"] ?? "" } == ["2", "2"])
        #expect(answers.map(sharing) == [Self.readable, ["Vary: Origin"]])
    }

    // MARK: Without origins

    @Test func `nginx needs no list of origins`() throws {
        let production = try Production.shared.get()
        let redirect = try send(.port(production.port), "GET", "/api/v1/info/", headers: Self.origin)
        let own = try production.curl("/media/", ["-H", "Origin: \(Self.trusted)"])

        #expect(redirect.status == 308)
        #expect(sharing(redirect) == ["Vary: Origin"])
        #expect(own.output.hasPrefix("HTTP/2 404"))
        #expect(own.output.contains("\r\nvary: Origin\r\n"))
        #expect(!own.output.contains("access-control"))
    }
}
