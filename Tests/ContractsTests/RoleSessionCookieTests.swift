import Accounts
import HTTP
import JSON
import TestSupport
import Testing

/// Contract 3's cookie: how it looks, how long it lives, who may use it.
struct RoleSessionCookieTests {
    let client: TestClient

    init() throws {
        client = try TestClient()
        _ = ContractAPI.roleSession.register("alice", at: client)
    }

    private func cookie() throws -> String {
        try #require(ContractAPI.roleSession.signIn("alice", at: client).cookie)
    }

    private static let day: Int64 = 86_400

    // MARK: How it looks

    @Test func `the cookie is hidden from scripts and lives for 14 days`() throws {
        let answer = ContractAPI.roleSession.signIn("alice", at: client)

        let value = try #require(answer.cookie)
        #expect(value.count == 43)
        #expect(
            answer.all("Set-Cookie") == ["sessionid=\(value); Max-Age=1209600; Path=/; HttpOnly; SameSite=Lax"])
    }

    @Test func `under HTTPS the cookie is secure`() throws {
        let answer = client.ask(
            "POST", "/api/user/login/", .json(ContractAPI.roleSession.credentials("alice")), isSecure: true)

        let value = try #require(answer.cookie)
        #expect(
            answer.all("Set-Cookie") == ["sessionid=\(value); Max-Age=1209600; Path=/; Secure; HttpOnly; SameSite=Lax"])
    }

    @Test(arguments: [false, true])
    func `a cookie that comes with pages of other sites is always secure`(isSecure: Bool) throws {
        let client = TestClient(of: client.fixture, cookieSameSite: .none)
        let login = client.ask(
            "POST", "/api/user/login/", .json(ContractAPI.roleSession.credentials("alice")), isSecure: isSecure)
        let value = try #require(login.cookie)

        let logout = client.ask("POST", "/api/user/logout/", cookie: value, isSecure: isSecure)

        #expect(
            login.all("Set-Cookie") == ["sessionid=\(value); Max-Age=1209600; Path=/; Secure; HttpOnly; SameSite=None"])
        #expect(logout.all("Set-Cookie") == ["sessionid=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=None"])
    }

    @Test func `logout takes the cookie away`() throws {
        let cookie = try cookie()

        let answer = client.ask("POST", "/api/user/logout/", cookie: cookie)

        #expect(answer.all("Set-Cookie") == ["sessionid=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax"])
    }

    @Test func `logout takes away a cookie that was just about to live longer`() throws {
        let cookie = try cookie()
        client.fixture.clock.move(seconds: 2 * 3600)

        let answer = client.ask("POST", "/api/user/logout/", cookie: cookie)

        #expect(answer.all("Set-Cookie") == ["sessionid=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax"])
    }

    // MARK: New at every login

    @Test func `every login has a new session id`() throws {
        let first = try cookie()
        let second = try cookie()

        #expect(first != second)
        #expect(client.get("/api/user/me/", cookie: first).status == 200)
    }

    @Test func `a login with a cookie ends that cookie's session`() throws {
        let old = try cookie()

        let answer = client.post("/api/user/login/", ContractAPI.roleSession.credentials("alice"), cookie: old)

        #expect(client.get("/api/user/me/", cookie: old).status == 401)
        #expect(client.get("/api/user/me/", cookie: answer.cookie).status == 200)
    }

    @Test func `a failed login leaves the cookie's session alone`() throws {
        let old = try cookie()

        _ = client.post("/api/user/login/", ContractAPI.roleSession.credentials("alice", "wrong"), cookie: old)

        #expect(client.get("/api/user/me/", cookie: old).status == 200)
    }

    @Test func `a session id that the client made up is never taken over`() throws {
        let answer = client.post("/api/user/login/", ContractAPI.roleSession.credentials("alice"), cookie: "chosen")

        #expect(answer.cookie != "chosen")
        #expect(client.get("/api/user/me/", cookie: "chosen").status == 401)
    }

    @Test func `the database holds no cookie`() throws {
        let cookie = try cookie()

        let rows = try client.fixture.sql("SELECT * FROM sessions")

        #expect(!rows.contains(cookie))
    }

    // MARK: Its life slides

    @Test func `a cookie that nobody uses dies after 14 days`() throws {
        let cookie = try cookie()
        client.fixture.clock.move(seconds: 14 * RoleSessionCookieTests.day)

        let answer = client.get("/api/user/me/", cookie: cookie)

        #expect(answer.status == 401)
    }

    @Test func `a cookie in its last second is good`() throws {
        let cookie = try cookie()
        client.fixture.clock.move(seconds: 14 * RoleSessionCookieTests.day - 1)

        let answer = client.get("/api/user/me/", cookie: cookie)

        #expect(answer.status == 200)
    }

    @Test func `a cookie that is used lives on`() throws {
        let cookie = try cookie()
        for _ in 0..<5 {
            client.fixture.clock.move(seconds: 13 * RoleSessionCookieTests.day)
            #expect(client.get("/api/user/me/", cookie: cookie).status == 200)
        }
    }

    @Test func `a use within the hour writes nothing`() throws {
        let cookie = try cookie()
        client.fixture.clock.move(seconds: 3599)

        let answer = client.get("/api/user/me/", cookie: cookie)

        #expect(answer.all("Set-Cookie") == [])
    }

    @Test func `a later use makes the browser's copy live as long as the session`() throws {
        let cookie = try cookie()
        client.fixture.clock.move(seconds: 3601)

        let answer = client.get("/api/user/me/", cookie: cookie)

        #expect(answer.all("Set-Cookie") == ["sessionid=\(cookie); Max-Age=1209600; Path=/; HttpOnly; SameSite=Lax"])
    }

    @Test func `a refused request too makes the browser's copy live as long as the session`() throws {
        let cookie = try cookie()
        client.fixture.clock.move(seconds: 3601)

        let answer = client.ask("PUT", "/api/user/update/", .json(["email": "nonsense"]), cookie: cookie)

        #expect(answer.status == 400)
        #expect(answer.all("Set-Cookie") == ["sessionid=\(cookie); Max-Age=1209600; Path=/; HttpOnly; SameSite=Lax"])
    }

    // MARK: Beside other credentials

    @Test func `a bearer token goes before the cookie`() throws {
        let cookie = try cookie()

        let answer = client.get("/api/user/me/", bearer: "nonsense", cookie: cookie)

        #expect(answer.status == 401)
    }

    @Test(arguments: ["/api/v1/info/", "/api/protected/", "/api/users/me", "/api/v1/auth/me"])
    func `the cookie opens no other contract`(_ path: String) throws {
        let cookie = try cookie()

        let answer = client.get(path, cookie: cookie)

        #expect(answer.status == 401)
    }

    @Test func `the cookie is found among others`() throws {
        let cookie = try cookie()

        let answer = client.ask(
            "GET", "/api/user/me/", headers: ["cookie": "csrftoken=x; sessionid=\(cookie); theme=dark"])

        #expect(answer.status == 200)
    }

    // MARK: Several of its name

    private func ask(_ method: String, _ path: String, _ body: Body = .none, cookies: [String]) -> Response {
        let header = cookies.map { "sessionid=\($0)" }.joined(separator: "; ")
        return client.ask(method, path, body, headers: ["cookie": header])
    }

    @Test(arguments: 0..<8) func `of several cookies the first with a living session counts`(_ place: Int) throws {
        var cookies = (0..<8).map { "old\($0)" }
        cookies[place] = try cookie()

        let answer = ask("GET", "/api/user/me/", cookies: cookies)

        #expect(answer.text("username") == "alice")
    }

    @Test func `a ninth cookie is not looked at`() throws {
        let cookies = (0..<8).map { "old\($0)" } + [try cookie()]

        let answer = ask("GET", "/api/user/me/", cookies: cookies)

        #expect(answer.status == 401)
    }

    @Test func `of two living sessions the first counts, of a dead one and a living one the living`() throws {
        _ = ContractAPI.roleSession.register("bert", at: client)
        let (alice, bert) = (try cookie(), try #require(ContractAPI.roleSession.signIn("bert", at: client).cookie))
        let dead = try cookie()
        _ = client.ask("POST", "/api/user/logout/", cookie: dead)

        let names = [[alice, bert], [bert, alice], [dead, bert], [bert, dead], ["x y", "", bert]].map {
            ask("GET", "/api/user/me/", cookies: $0).text("username")
        }

        #expect(names == ["alice", "bert", "bert", "bert", "bert"])
    }

    @Test func `a session that is over counts no more than one that never was`() throws {
        let old = try cookie()
        client.fixture.clock.move(seconds: 15 * RoleSessionCookieTests.day)
        let new = try cookie()

        let answer = ask("GET", "/api/user/me/", cookies: [old, new])

        #expect(answer.status == 200)
    }

    @Test(arguments: [0, 1, 2]) func `of several cookies the one that lives is made to live longer`(_ place: Int) throws
    {
        let cookie = try cookie()
        var cookies = ["old0", "old1"]
        cookies.insert(cookie, at: place)
        client.fixture.clock.move(seconds: 3601)

        let answer = ask("GET", "/api/user/me/", cookies: cookies)

        #expect(answer.all("Set-Cookie") == ["sessionid=\(cookie); Max-Age=1209600; Path=/; HttpOnly; SameSite=Lax"])
    }

    @Test func `logout ends the session that counts`() throws {
        let (first, second) = (try cookie(), try cookie())

        let answer = ask("POST", "/api/user/logout/", cookies: ["old", first, second])

        #expect(answer.status == 200)
        #expect(client.get("/api/user/me/", cookie: first).status == 401)
        #expect(client.get("/api/user/me/", cookie: second).status == 200)
    }

    @Test func `a login ends the sessions of all cookies that came with it`() throws {
        let cookies = [try cookie(), "old", try cookie()]

        let answer = ask(
            "POST", "/api/user/login/", .json(ContractAPI.roleSession.credentials("alice")), cookies: cookies)

        #expect(cookies.map { client.get("/api/user/me/", cookie: $0).status } == [401, 401, 401])
        #expect(client.get("/api/user/me/", cookie: answer.cookie).status == 200)
    }

    @Test(arguments: [1, 8]) func `however many cookies cost one round trip to the database`(_ count: Int) throws {
        let cookies = (1..<count).map { "old\($0)" } + [try cookie()]
        _ = ask("GET", "/api/user/me/", cookies: cookies)
        _ = client.accounts.takeUsage()

        let answer = ask("GET", "/api/user/me/", cookies: cookies)

        #expect(answer.status == 200)
        #expect(client.accounts.takeUsage().roundTrips == 1)
    }

    @Test(arguments: ["a b", "a;b", "a\r\nSet-Cookie: x=y", "\u{0}", "é", "\"", ""])
    func `a cookie that none of ours can be is no cookie`(_ value: String) {
        let answer = ask("GET", "/api/user/me/", cookies: [value])

        #expect(answer.status == 401)
        #expect(answer.all("Set-Cookie") == [])
    }
}
