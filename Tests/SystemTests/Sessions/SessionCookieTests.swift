import DevStack
import Foundation
import JSON
import TestSupport
import Testing

/// Contract 3's cookie in a browser's hands: attributes, life, origins, TLS and HTTP/2.
struct SessionCookieTests {
    private let site: DevStack

    init() throws {
        site = try Site.shared()
    }

    @Test func `curl's cookie jar carries a person from login to logout`() throws {
        let person = try site.newPerson()
        let curl = try Curl(site)
        defer { curl.discard() }
        let form = #"{"username": "\#(person.username)", "password": "\#(person.password)", "role": "student"}"#

        let login = try curl.run("/api/user/login/", "-H", "Content-Type: application/json", "-d", form)
        let me = try curl.run("/api/user/me/")
        let logout = try curl.run("/api/user/logout/", "-X", "POST")
        let after = try curl.run("/api/user/me/")

        #expect([login, me, logout, after].map(\.status) == [200, 200, 200, 401])
        #expect(me.string("username") == person.username)
    }

    @Test func `curl's cookie jar is empty after logout`() throws {
        let person = try site.newPerson()
        let curl = try Curl(site)
        defer { curl.discard() }
        let form = #"{"username": "\#(person.username)", "password": "\#(person.password)", "role": "student"}"#

        _ = try curl.run("/api/user/login/", "-H", "Content-Type: application/json", "-d", form)
        let full = try curl.jar()
        _ = try curl.run("/api/user/logout/", "-X", "POST")

        #expect(full.contains("sessionid"))
        #expect(try !curl.jar().contains("sessionid"))
    }

    @Test func `the cookie has the attributes of the law`() throws {
        let answer = try login(try site.newPerson())

        let cookie = try #require(answer["Set-Cookie"])
        let attributes = cookie.split(separator: "; ").dropFirst().sorted()
        #expect(attributes == ["HttpOnly", "Max-Age=1209600", "Path=/", "SameSite=Lax"])
    }

    @Test func `over TLS the cookie is Secure`() throws {
        let person = try site.newPerson()
        let curl = try Curl(site, isTLS: true)
        defer { curl.discard() }
        let form = #"{"username": "\#(person.username)", "password": "\#(person.password)", "role": "student"}"#

        let answer = try curl.run("/api/user/login/", "-i", "-H", "Content-Type: application/json", "-d", form)

        let cookie = try #require(answer.text.firstMatch(of: /(?i)set-cookie: (.+)/)).1
        #expect(cookie.split(separator: "; ").contains { $0.hasPrefix("Secure") })
    }

    @Test func `the session's life slides, and the cookie's with it`() throws {
        let keys = try site.session(of: site.newPerson(), through: .roleSession)
        let mine = "cookie_hash = UNHEX(SHA2('\(keys.cookie ?? "")', 256))"
        _ = try site.rows("UPDATE sessions SET expires_at = expires_at - INTERVAL 2 HOUR WHERE \(mine)")

        let answer = try site.send("GET", "/api/user/me/", headers: [("Cookie", "sessionid=\(keys.cookie ?? "")")])

        #expect(answer["Set-Cookie"]?.contains("Max-Age=1209600") == true)
        #expect(
            try site.rows(
                "SELECT expires_at > UTC_TIMESTAMP() + INTERVAL 1209500 SECOND FROM sessions WHERE \(mine)") == ["1"])
    }

    @Test func `a session whose life is over is refused`() throws {
        let keys = try site.session(of: site.newPerson(), through: .roleSession)
        _ = try site.rows(
            """
            UPDATE sessions SET expires_at = UTC_TIMESTAMP() - INTERVAL 1 SECOND
            WHERE cookie_hash = UNHEX(SHA2('\(keys.cookie ?? "")', 256))
            """)

        let answer = try site.send("GET", "/api/user/me/", headers: [("Cookie", "sessionid=\(keys.cookie ?? "")")])

        #expect(answer.status == 401)
    }

    @Test func `login ends the session of the cookie that was sent along`() throws {
        let person = try site.newPerson()
        let old = try site.session(of: person, through: .roleSession).cookie ?? ""

        let answer = try login(person, headers: [("Cookie", "sessionid=\(old)")])
        let after = try site.send("GET", "/api/user/me/", headers: [("Cookie", "sessionid=\(old)")])

        #expect(answer.status == 200)
        #expect(answer["Set-Cookie"]?.contains(old) == false)
        #expect(after.status == 401)
    }

    // MARK: Origins

    static let passing: [[(String, String)]] = [
        [], [("Sec-Fetch-Site", "same-origin")], [("Sec-Fetch-Site", "none")], [("Origin", "http://school.example")],
        [("Sec-Fetch-Site", "same-origin"), ("Origin", "https://elsewhere.example")],
    ]
    static let refused: [[(String, String)]] = [
        [("Sec-Fetch-Site", "cross-site")], [("Sec-Fetch-Site", "same-site")],
        [("Origin", "http://elsewhere.example")], [("Origin", "null")], [("Origin", "http://school.example.evil.test")],
        [("Origin", "http://school.example:8080")],
        [("Sec-Fetch-Site", "cross-site"), ("Origin", "http://school.example")],
        [("Origin", "http://elsewhere.example"), ("X-Forwarded-Host", "elsewhere.example")],
    ]

    @Test(arguments: passing)
    func `a change from the same origin passes`(headers: [(String, String)]) throws {
        let answer = try change(headers)

        #expect(answer.status == 200)
    }

    @Test(arguments: refused)
    func `a change from elsewhere is refused`(headers: [(String, String)]) throws {
        let answer = try change(headers)

        #expect(answer.status == 403)
        #expect(answer.json == ["message": "跨站请求被拒绝。"])
    }

    @Test func `a change from elsewhere changes nothing`() throws {
        let person = try site.newPerson()
        let cookie = try site.session(of: person, through: .roleSession).cookie ?? ""

        _ = try site.send(
            "POST", "/api/user/logout/",
            headers: [("Cookie", "sessionid=\(cookie)"), ("Sec-Fetch-Site", "cross-site")])
        let after = try site.send("GET", "/api/user/me/", headers: [("Cookie", "sessionid=\(cookie)")])

        #expect(after.status == 200)
    }

    @Test func `reading from elsewhere passes`() throws {
        let cookie = try site.session(of: site.newPerson(), through: .roleSession).cookie ?? ""

        let answer = try site.send(
            "GET", "/api/user/me/", headers: [("Cookie", "sessionid=\(cookie)"), ("Sec-Fetch-Site", "cross-site")])

        #expect(answer.status == 200)
    }

    @Test func `a bearer token needs no origin`() throws {
        let person = try site.newPerson()

        let answer = try site.send(
            "POST", "/api/user/logout/", as: person, headers: [("Sec-Fetch-Site", "cross-site")])

        #expect(answer.status == 200)
    }

    @Test(arguments: [("https://app.school.example", 200), ("https://other.school.example", 403)])
    func `another origin passes when it is configured as trusted`(origin: String, status: Int) throws {
        let site = try Trusting.site.get()
        let cookie = try site.session(of: site.newPerson(), through: .roleSession).cookie ?? ""

        let answer = try site.send(
            "POST", "/api/user/logout/",
            headers: [("Cookie", "sessionid=\(cookie)"), ("Origin", origin), ("Sec-Fetch-Site", "cross-site")])

        #expect(answer.status == status)
    }

    @Test(arguments: [[("Sec-Fetch-Site", "cross-site")], [("Origin", "https://evil.example")], [("Origin", "null")]])
    func `a page elsewhere cannot sign a browser in`(headers: [(String, String)]) throws {
        let person = try site.newPerson()

        let answer = try login(person, headers: headers)

        #expect(answer.status == 403)
        #expect(answer.json == ["message": "跨站请求被拒绝。"])
        #expect(answer["Set-Cookie"] == nil)
    }

    // MARK: Several Cookie headers

    @Test(arguments: [["old", ""], ["", "old"], ["older", "old", ""]])
    func `an older system's cookies of the same name are passed over`(others: [String]) throws {
        let person = try site.newPerson()
        let cookie = try site.session(of: person, through: .roleSession).cookie ?? ""
        let pairs = others.map { "sessionid=\($0.isEmpty ? cookie : $0)" }

        let answers = [
            try site.send("GET", "/api/user/me/", headers: [("Cookie", pairs.joined(separator: "; "))]),
            try site.send("GET", "/api/user/me/", headers: pairs.map { ("Cookie", $0) }),
        ]

        #expect(answers.map { $0.string("username") } == [person.username, person.username])
    }

    @Test(arguments: ["--http2", "--http1.1"])
    func `two Cookie headers are read as one`(version: String) throws {
        let person = try site.newPerson()
        let cookie = try site.session(of: person, through: .roleSession).cookie ?? ""
        let curl = try Curl(site, isTLS: true)
        defer { curl.discard() }

        let answer = try curl.run(
            "/api/user/me/", version, "-H", "Cookie: theme=dark", "-H", "Cookie: sessionid=\(cookie)")

        #expect(answer.status == 200)
        #expect(answer.string("username") == person.username)
    }

    @Test func `the TLS port speaks HTTP 2`() throws {
        let curl = try Curl(site, isTLS: true)
        defer { curl.discard() }

        let answer = try curl.run("/api/user/me/", "--http2", "-i")

        #expect(answer.text.hasPrefix("HTTP/2 401"))
    }

    private func login(_ person: Person, headers: [(String, String)] = []) throws -> Answer {
        try site.send(
            "POST", "/api/user/login/",
            json: ["username": .string(person.username), "password": .string(person.password), "role": "student"],
            headers: headers)
    }

    /// Logs somebody out by cookie, at `http://school.example`.
    private func change(_ headers: [(String, String)]) throws -> Answer {
        let cookie = try site.session(of: site.newPerson(), through: .roleSession).cookie ?? ""
        return try site.send(
            "POST", "/api/user/logout/",
            headers: [("Host", "school.example"), ("Cookie", "sessionid=\(cookie)")] + headers)
    }
}

private enum Trusting {
    static let site = Result {
        try Site.start(
            environment: Site.fastHashing.merging(["HOMEROOM_TRUSTED_ORIGINS": "https://app.school.example"]) { $1 })
    }
}

/// curl with a cookie jar of its own.
private struct Curl {
    private let folder: String
    private let url: String

    init(_ site: DevStack, isTLS: Bool = false) throws {
        folder = try DevStack.scratch("jar")
        url = isTLS ? "https://127.0.0.1:\(site.nginx.tlsPort ?? 0)" : site.url
    }

    func discard() { try? DevStack.removeScratch(folder) }

    func run(_ path: String, _ options: String...) throws -> Answer {
        let jar = ["-b", folder + "/jar", "-c", folder + "/jar"]
        let output = try Outcome("curl", ["-sk", "-w", "\n%{http_code}"] + jar + options + [url + path]).output
        let end = output.lastIndex(of: "\n") ?? output.startIndex
        return Answer(status: Int(output[end...].dropFirst()) ?? 0, headers: [], body: Array(output[..<end].utf8))
    }

    func jar() throws -> String {
        try String(contentsOfFile: folder + "/jar", encoding: .utf8)
    }
}
