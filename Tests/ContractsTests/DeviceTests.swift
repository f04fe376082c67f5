import Accounts
import JSON
import TestSupport
import Testing

/// Contract 6: the sessions of an account, as its owner sees and ends them.
struct DeviceTests {
    let client: TestClient

    init() throws {
        client = try TestClient()
        _ = client.register("anna", email: "anna@school.example")
    }

    private static let firefox =
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:132.0) Gecko/20100101 Firefox/132.0"

    private func signIn(_ name: String = "anna", userAgent: String = firefox) -> String {
        client.ask(
            "POST", "/api/v1/auth/login/",
            .json(["username": .string(name), "password": "testpassword123"]), headers: ["user-agent": userAgent]
        ).access
    }

    private func sessions(_ token: String) -> [JSON] {
        guard case .array(let sessions) = client.get("/api/account/sessions/", bearer: token).json else { return [] }
        return sessions
    }

    private func ids(_ token: String) -> [String] {
        sessions(token).compactMap { if case .string(let id)? = $0["id"] { id } else { nil } }
    }

    @Test func `living sessions are listed, newest first`() throws {
        client.fixture.clock.move(seconds: 10)
        let token = signIn()

        let list = sessions(token)

        #expect(list.count == 2)
        let (newest, first) = (try #require(list.first), try #require(list.last))
        let id = try #require(ids(token).first)
        #expect(id.wholeMatch(of: /[0-9a-f]{16}/) != nil)
        #expect(
            newest.with("id", nil) == [
                "is_current": true, "contract": "v1-profile", "address": nil, "client": "Firefox on Windows",
                "created_at": "2025-07-26T07:42:49.508828Z", "used_at": "2025-07-26T07:42:49.508828Z",
                "expires_at": "2025-07-27T07:42:49.508828Z",
            ])
        #expect(first["is_current"] == false && first["client"] == .null)
    }

    @Test func `expired and ended sessions are not listed`() {
        client.fixture.clock.move(seconds: 86_400)

        #expect(ids(signIn()).count == 1)
    }

    @Test func `the use of a session is noted every five minutes`() throws {
        let token = signIn()
        func used() throws -> String { try client.fixture.sql("SELECT used_at FROM sessions WHERE client IS NOT NULL") }

        client.fixture.clock.move(seconds: 299)
        _ = client.get("/api/account/", bearer: token)
        let before = try used()
        client.fixture.clock.move(seconds: 1)
        _ = client.get("/api/v1/info/", bearer: token)

        #expect(before == "2025-07-26 07:42:39.508828")
        #expect(try used() == "2025-07-26 07:47:39.508828")
        #expect(sessions(token).first { $0["is_current"] == true }?["used_at"] == "2025-07-26T07:47:39.508828Z")
    }

    @Test func `one session is ended from the next request on`() throws {
        let (mine, other) = (signIn(), signIn())
        let id = try #require(
            sessions(mine).first { $0["is_current"] == false && $0["client"] != .null }.flatMap { session in
                if case .string(let id)? = session["id"] { id } else { nil }
            })

        let answer = client.ask("DELETE", "/api/account/sessions/\(id)", bearer: mine)
        let again = client.ask("DELETE", "/api/account/sessions/\(id)/", bearer: mine)

        #expect(answer.said == "204")
        #expect(again.status == 404 && again.text("code") == "not_found")
        #expect(client.get("/api/account/", bearer: other).status == 401)
        #expect(client.get("/api/account/", bearer: mine).status == 200)
    }

    @Test func `the present session can be ended too`() throws {
        let token = signIn()
        let current = try #require(sessions(token).first { $0["is_current"] == true })
        guard case .string(let id)? = current["id"] else { return }

        #expect(client.ask("DELETE", "/api/account/sessions/\(id)/", bearer: token).status == 204)
        #expect(client.get("/api/account/", bearer: token).status == 401)
    }

    @Test func `somebody else's session is as unknown as none`() throws {
        _ = client.register("bob", email: "bob@school.example")
        let (bob, anna) = (signIn("bob"), signIn())
        let id = try #require(ids(bob).first)

        for id in [id, "0000000000000000", "x", "{id}", id.uppercased() + "0", "%2e%2e"] {
            #expect(client.ask("DELETE", "/api/account/sessions/\(id)/", bearer: anna).status == 404, "\(id)")
        }
        #expect(client.get("/api/account/", bearer: bob).status == 200)
    }

    @Test func `all other sessions are ended at once`() {
        let (mine, other) = (signIn(), signIn())

        #expect(client.ask("DELETE", "/api/account/sessions/", bearer: mine).said == "204")
        #expect(client.get("/api/account/", bearer: other).status == 401)
        #expect(ids(mine).count == 1)
    }

    @Test func `two sessions that end each other at once leave one alive`() throws {
        for _ in 0..<5 {
            let tokens = [signIn(), signIn()]
            let fixture = client.fixture
            let statuses = try concurrently(tokens.count) { index in
                TestClient(of: fixture).ask("DELETE", "/api/account/sessions/", bearer: tokens[index]).status
            }
            let living = tokens.filter { client.get("/api/account/", bearer: $0).status == 200 }

            #expect(living.count == 1)
            #expect(statuses.allSatisfy { $0 == 204 || $0 == 401 })
        }
    }

    @Test func `a path with more or fewer segments is none of a session's`() {
        let token = signIn()
        for path in ["/api/account/sessions//", "/api/account/sessions/a/b", "/api/account/x/y/", "/api/account//"] {
            #expect(client.ask("DELETE", path, bearer: token).status == 404, "\(path)")
        }
        #expect(client.get("/api/account/sessions/0123456789abcdef/", bearer: token).status == 405)
    }

    @Test(arguments: [
        (firefox, #""Firefox on Windows""#),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 "
                + "Mobile/15E148 Safari/604.1", #""Safari on iPhone""#
        ),
        (
            "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile "
                + "Safari/537.36 EdgA/130.0.0.0", #""Edge on Android""#
        ),
        (
            "Mozilla/5.0 (Linux; Android 13; V2218A) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/116.0.0.0 "
                + "Mobile Safari/537.36 MicroMessenger/8.0.44", #""WeChat on Android""#
        ),
        (
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
            #""Chrome on Linux""#
        ),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)", #""macOS""#), ("curl/7.88.1", #""curl""#),
        ("python-requests/2.32", #""Requests""#), ("", "null"), ("<script>alert(1)</script>", "null"),
        (String(repeating: "x", count: 10_000) + "Firefox/1", "null"), ("Firefox/\u{1}\u{7F}\n", #""Firefox""#),
    ])
    func `the program of a login is named, and nothing is shown of what it says itself`(
        userAgent: String, name: String
    ) throws {
        let token = signIn(userAgent: userAgent)

        #expect(client.get("/api/account/sessions/", bearer: token).body.contains(#""client":\#(name)"#))
    }
}
