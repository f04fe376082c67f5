import HTTP
import JSON
import TestSupport
import Testing

/// Which pages may make a browser change something with the session cookie: the table of Go's
/// net/http.CrossOriginProtection.
struct CrossOriginTests {
    /// What a browser says of the page that sends a request, and whether it may.
    struct Page: Sendable, CustomTestStringConvertible {
        let site: String?
        let origin: String?
        let passes: Bool

        var testDescription: String { "\(site ?? "-") \(origin ?? "-")" }

        var headers: [String: String] {
            var headers: [String: String] = [:]
            if let site { headers["sec-fetch-site"] = site }
            if let origin { headers["origin"] = origin }
            return headers
        }
    }

    private static let own = "http://school.example"
    private static let trusted = "https://app.partner.example"
    private static let foreign = "https://evil.example"

    private static let pages: [Page] = [
        Page(site: nil, origin: nil, passes: true),
        Page(site: "", origin: nil, passes: true),
        Page(site: nil, origin: "", passes: true),
        Page(site: "same-origin", origin: nil, passes: true),
        Page(site: "none", origin: nil, passes: true),
        Page(site: "same-site", origin: nil, passes: false),
        Page(site: "cross-site", origin: nil, passes: false),
        Page(site: "SAME-ORIGIN", origin: nil, passes: false),
        Page(site: "nonsense", origin: nil, passes: false),
        Page(site: "same-origin", origin: own, passes: true),
        Page(site: "none", origin: own, passes: true),
        Page(site: "same-site", origin: own, passes: false),
        Page(site: "cross-site", origin: own, passes: false),
        Page(site: "same-origin", origin: foreign, passes: true),
        Page(site: "none", origin: foreign, passes: true),
        Page(site: "same-site", origin: foreign, passes: false),
        Page(site: "cross-site", origin: foreign, passes: false),
        Page(site: "same-origin", origin: trusted, passes: true),
        Page(site: "none", origin: trusted, passes: true),
        Page(site: "same-site", origin: trusted, passes: true),
        Page(site: "cross-site", origin: trusted, passes: true),
        Page(site: nil, origin: own, passes: true),
        Page(site: nil, origin: "https://school.example", passes: true),
        Page(site: nil, origin: trusted, passes: true),
        Page(site: nil, origin: foreign, passes: false),
        Page(site: nil, origin: "null", passes: false),
        Page(site: nil, origin: "http://school.example:8000", passes: false),
        Page(site: nil, origin: "http://school.example.evil.example", passes: false),
        Page(site: nil, origin: "http://evil.example/school.example", passes: false),
        Page(site: nil, origin: "http://school.example@evil.example", passes: false),
        Page(site: nil, origin: "school.example", passes: false),
        Page(site: nil, origin: "https://app.partner.example.evil.example", passes: false),
        Page(site: "cross-site", origin: "http://app.partner.example", passes: false),
    ]

    /// Requests that a page may send: those that change nothing pass whatever the page.
    struct Endpoint: Sendable, CustomTestStringConvertible {
        let method: String
        let path: String
        let body: Body
        let changes: Bool

        var testDescription: String { "\(method) \(path)" }
    }

    private static let endpoints = [
        Endpoint(method: "GET", path: "/api/user/me/", body: .none, changes: false),
        Endpoint(method: "HEAD", path: "/api/user/list/", body: .none, changes: false),
        Endpoint(method: "OPTIONS", path: "/api/user/update/", body: .none, changes: false),
        Endpoint(method: "PUT", path: "/api/user/update/", body: .none, changes: true),
        Endpoint(method: "PATCH", path: "/api/user/update/", body: .none, changes: true),
        Endpoint(method: "POST", path: "/api/user/logout/", body: .none, changes: true),
        Endpoint(
            method: "POST", path: "/api/user/login/", body: .json(ContractAPI.roleSession.credentials("alice")),
            changes: true),
    ]

    private static func client() throws -> TestClient {
        let client = try TestClient(trustedOrigins: [Origin(trusted)])
        _ = ContractAPI.roleSession.register("alice", at: client)
        return client
    }

    @Test(arguments: endpoints)
    func `a page may change something with the cookie only from the same origin`(_ endpoint: Endpoint) throws {
        let client = try CrossOriginTests.client()

        let passing = try CrossOriginTests.pages.filter { page in
            let cookie = try #require(ContractAPI.roleSession.openSession("alice", at: client).cookie)
            let answer = client.ask(
                endpoint.method, endpoint.path, endpoint.body, cookie: cookie, headers: page.headers)
            return answer.status != 403
        }

        let expected = CrossOriginTests.pages.filter { $0.passes || !endpoint.changes }
        #expect(passing.map(\.testDescription) == expected.map(\.testDescription))
    }

    private static let login = endpoints.filter { $0.path == "/api/user/login/" }

    @Test(arguments: endpoints.filter { $0.path != "/api/user/login/" })
    func `without the cookie no page is refused`(_ endpoint: Endpoint) throws {
        let client = try CrossOriginTests.client()
        let access = ContractAPI.v1Auth.openSession("alice", at: client).access

        let refused = CrossOriginTests.pages.filter { page in
            let answer = client.ask(
                endpoint.method, endpoint.path, endpoint.body, bearer: access, headers: page.headers)
            return answer.status == 403
        }

        #expect(refused.map(\.testDescription) == [])
    }

    @Test(arguments: login) func `only a page of the same origin may sign a browser in`(_ endpoint: Endpoint) throws {
        let client = try CrossOriginTests.client()

        let answers = CrossOriginTests.pages.map { page in
            client.ask(endpoint.method, endpoint.path, endpoint.body, headers: page.headers)
        }

        #expect(answers.map { $0.status == 200 } == CrossOriginTests.pages.map(\.passes))
        #expect(answers.map { $0.cookie != nil } == CrossOriginTests.pages.map(\.passes))
        let refused = Set(answers.filter { $0.status != 200 }.map(\.said))
        #expect(refused == [#"403 {"message":"跨站请求被拒绝。"}"#])
    }

    @Test func `a form of another origin that would sign a browser in begins no session`() throws {
        let client = try CrossOriginTests.client()

        let answer = client.ask(
            "POST", "/api/user/login/", .form("username=alice&password=correct+horse+battery&role=student"),
            headers: ["sec-fetch-site": "cross-site", "origin": "https://evil.example"])

        #expect(answer.status == 403)
        #expect(try client.fixture.sql("SELECT COUNT(*) FROM sessions") == "0")
    }

    @Test(arguments: ["/api/v1/auth/login/", "/api/auth/login/", "/api/users/login", "/api/v1/auth/login/json"])
    func `other contracts' logins set no cookie, so any page may call them`(_ path: String) throws {
        let client = try CrossOriginTests.client()

        let answer = client.ask("POST", path, .json("{}"), headers: ["sec-fetch-site": "cross-site"])

        #expect([400, 422].contains(answer.status))
    }

    @Test(arguments: ["SCHOOL.example", "school.example"])
    func `the host is compared without regard to case`(_ host: String) throws {
        let client = try CrossOriginTests.client()
        let cookie = ContractAPI.roleSession.openSession("alice", at: client).cookie

        let answer = client.ask(
            "PUT", "/api/user/update/", cookie: cookie, headers: ["origin": "http://school.example", "host": host])

        #expect(answer.status == 200)
    }

    @Test func `the refusal is in the contract's words and changes nothing`() throws {
        let client = try CrossOriginTests.client()
        let cookie = ContractAPI.roleSession.openSession("alice", at: client).cookie

        let answer = client.ask(
            "PUT", "/api/user/update/", .json(["username": "mallory"]), cookie: cookie,
            headers: ["sec-fetch-site": "cross-site"])

        #expect(answer.said == #"403 {"message":"跨站请求被拒绝。"}"#)
        #expect(client.get("/api/user/me/", cookie: cookie).text("username") == "alice")
    }

    @Test(arguments: ["/api/v1/password/change/", "/api/users/logout", "/api/v1/auth/logout"])
    func `other contracts know no cookie, so any page may call them`(_ path: String) throws {
        let client = try CrossOriginTests.client()

        let answer = client.ask(
            "POST", path, cookie: "x", headers: ["sec-fetch-site": "cross-site"])

        #expect(answer.status == 401)
    }
}
