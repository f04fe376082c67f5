import Accounts
import HTTP
import JSON
import TestSupport
import Testing

@testable import Contracts

/// What pages of other origins may read of every contract's answers, and send to it.
struct OtherOriginTests {
    private static let trusted = "https://app.school.example"
    private static let local = "http://localhost:3000"

    /// What is not trusted, whatever it looks like.
    private static let strangers: [String?] = [
        nil, "", "null", "*", "https://evil.example", "https://app.school.example.evil.example",
        "https://evil.example/https://app.school.example", "https://evil.example#https://app.school.example",
        "https://app.school.example@evil.example", "https://user@app.school.example", "http://app.school.example",
        "https://app.school.example:443", "https://app.school.example:8443", "https://app.school.example/",
        "https://app.school.example.", "https://App.School.Example", "HTTPS://APP.SCHOOL.EXAMPLE",
        "https://school.example", "https://xapp.school.example", "https://appxschool.example", "app.school.example",
        " https://app.school.example", "https://app.school.example ", "http://localhost", "http://localhost:30000",
        "https://app.school.example, http://localhost:3000", "https://app.school.example https://evil.example",
        "https://app.school.example\u{0}", "https://app.school.example\n", "https://app.school.example\r\nX: y",
        "https://app.school.example\u{7F}", "https://app.school.exa\u{301}mple", "https://app.school.example\u{200B}",
        "https://app.school.example" + String(repeating: "a", count: 10_240),
        "https://app.school.example" + String(repeating: "\u{301}", count: 5_000),
    ]

    private let client: TestClient

    init() throws {
        client = try TestClient(trustedOrigins: [Origin(Self.trusted), Origin(Self.local)])
    }

    private func ask(
        _ method: String, _ path: String, _ body: Body = .none, from origin: String?, bearer: String? = nil,
        cookie: String? = nil, headers: [String: String] = [:]
    ) -> Response {
        let headers = headers.merging(origin.map { ["origin": $0] } ?? [:]) { $1 }
        return client.ask(method, path, body, bearer: bearer, cookie: cookie, headers: headers)
    }

    private func preflight(
        _ path: String, _ method: String, from origin: String?, headers: String? = nil
    ) -> Response {
        let asked = headers.map { ["access-control-request-headers": $0] } ?? [:]
        return ask(
            "OPTIONS", path, from: origin, headers: asked.merging(["access-control-request-method": method]) { $1 })
    }

    /// The header lines of the CORS protocol, and `Vary`.
    private func sharing(_ answer: Response) -> [String] {
        answer.head.filter { $0.hasPrefix("Access-Control-") || $0.hasPrefix("Vary") }
    }

    private static let readable = [
        "Vary: Origin", "Access-Control-Allow-Origin: https://app.school.example",
        "Access-Control-Allow-Credentials: true", "Access-Control-Expose-Headers: Retry-After, Link, X-Request-Id",
    ]

    /// Every method and path of every contract, with a number where the path has a parameter.
    private static let routes = Router.documented.flatMap { contract in
        contract.routes.flatMap { route in
            contract.spellings(of: route.path).map { path in
                (contract: contract, route: route, path: path.replacing(/\{[^}]*\}/, with: "1"))
            }
        }
    }

    // MARK: Answers

    /// In each contract: what all is well with, and what is refused in each way.
    private func answers(from origin: String?) throws -> [(name: String, answer: Response)] {
        var answers: [(String, Response)] = []
        for contract in ContractAPI.allCases {
            let session = contract.openSession("alice", at: client)
            let headers = [session.header.name.lowercased(): session.header.value]
            answers += [
                ("\(contract) me", ask("GET", contract.me, from: origin, headers: headers)),
                ("\(contract) head", ask("HEAD", contract.me, from: origin, headers: headers)),
                ("\(contract) 401", ask("GET", contract.me, from: origin)),
                ("\(contract) 405", ask("DELETE", contract.me, from: origin)),
                ("\(contract) 404", ask("GET", contract.me + "nowhere", from: origin)),
                ("\(contract) 400", ask("GET", contract.me, from: origin, headers: ["host": "a b"])),
                ("\(contract) fields", ask("POST", contract.login, .json("{"), from: origin)),
                ("\(contract) options", ask("OPTIONS", contract.me, from: origin)),
            ]
        }
        return answers + [
            ("account", ask("POST", "/api/account/email/undo/", .json(["token": "x"]), from: origin)),
            ("account 404", ask("GET", "/api/account/nowhere", from: origin)),
            ("account 405", ask("GET", "/api/account/email/undo/", from: origin)),
            ("description", ask("GET", "/api/openapi.json", from: origin)), ("nowhere", ask("GET", "/", from: origin)),
            ("not Unicode", ask("GET", "/é", from: origin)),
        ]
    }

    @Test func `a page of a trusted origin may read every answer of every contract`() throws {
        _ = ContractAPI.v1Auth.register("alice", at: client)

        let answers = try answers(from: Self.trusted)

        #expect(answers.count == 46)
        #expect(Set(answers.map(\.answer.status)).isSuperset(of: [200, 204, 400, 401, 404, 405, 422]))
        for (name, answer) in answers { #expect(sharing(answer) == Self.readable, "\(name)") }
    }

    @Test func `each answer names the origin that asked`() {
        let answer = ask("GET", "/api/v1/info/", from: Self.local)

        #expect(answer.all("Access-Control-Allow-Origin") == ["http://localhost:3000"])
    }

    @Test func `answers to those without an origin differ in nothing but that`() throws {
        _ = ContractAPI.v1Auth.register("alice", at: client)

        for (name, answer) in try answers(from: nil) { #expect(sharing(answer) == ["Vary: Origin"], "\(name)") }
    }

    @Test(arguments: strangers) func `no other page may read an answer`(origin: String?) {
        let answers = [
            ask("GET", "/api/v1/info/", from: origin), ask("GET", "/nowhere", from: origin),
            preflight("/api/v1/info/", "GET", from: origin, headers: "authorization"),
            preflight("/nowhere", "GET", from: origin),
        ]

        #expect(answers.map(\.status) == [401, 404, 204, 404])
        #expect(answers.map(sharing) == Array(repeating: ["Vary: Origin"], count: 4))
    }

    @Test func `without the setting no page of another origin may read an answer`() throws {
        let client = TestClient(of: client.fixture)

        let answer = client.ask("GET", "/api/v1/info/", headers: ["origin": Self.trusted])

        #expect(sharing(answer) == ["Vary: Origin"])
    }

    @Test func `the answers of who must wait and of mistakes of ours can be read too`() throws {
        let router = Router(trustedOrigins: [try Origin(Self.trusted)])
        let request = Request(
            id: "r-1", method: "POST", target: "/api/v1/auth/login/", origin: "http://school.example",
            contentLength: 0, header: { $0 == "origin" ? Self.trusted : nil }, read: { _ in 0 })
        let context = RequestContext(request, router: router)

        let busy = Response(router.busy(context))
        let fault = Response(context.shared(Reply(200).with("Link", "\r\n")))

        #expect(busy.status == 503)
        #expect(sharing(busy) == Self.readable)
        #expect(fault.head.first == "Status: 500 Internal Server Error")
        #expect(sharing(fault) == ["Vary: Origin"])
    }

    // MARK: Preflights

    @Test func `every method of every path may be asked for`() {
        #expect(Self.routes.count > 60)
        for (_, route, path) in Self.routes {
            let method = route.method.rawValue

            let answer = preflight(path, method, from: Self.trusted, headers: "authorization,content-type")

            let methods = answer.header("Access-Control-Allow-Methods") ?? ""
            #expect(answer.said == "204", "\(path)")
            #expect(methods.split(separator: ", ").contains { $0 == method }, "\(method) \(path)")
            #expect(
                sharing(answer) == [
                    "Vary: Origin", "Access-Control-Allow-Origin: https://app.school.example",
                    "Access-Control-Allow-Credentials: true", "Access-Control-Allow-Methods: \(methods)",
                    "Access-Control-Allow-Headers: authorization, content-type", "Access-Control-Max-Age: 7200",
                ], "\(path)")
        }
    }

    @Test func `a preflight asks the database nothing`() {
        _ = client.accounts.takeUsage()

        let answers = Self.routes.map { preflight($0.path, $0.route.method.rawValue, from: Self.trusted) }

        #expect(answers.allSatisfy { $0.status == 204 })
        #expect(client.accounts.takeUsage().roundTrips == 0)
    }

    @Test(arguments: [
        ("/api/v1/profile/update/", "PUT, PATCH, OPTIONS"), ("/api/v1/info", "GET, HEAD, OPTIONS"),
        ("/api/user/login/", "POST, OPTIONS"), ("/api/account/email/undo", "POST, OPTIONS"),
    ])
    func `a preflight for a method that the path lacks names those that it has`(path: String, methods: String) {
        let answers = ["DELETE", "BREW", "put", "*", "", "a b"].map { preflight(path, $0, from: Self.trusted) }

        #expect(answers.allSatisfy { $0.status == 204 })
        #expect(Set(answers.map { $0.all("Access-Control-Allow-Methods") }) == [[methods]])
        #expect(Set(answers.map { $0.all("Allow") }) == [[methods]])
    }

    @Test func `a preflight for a path that is not there is a 404`() {
        let answer = preflight("/api/v1/nowhere/", "GET", from: Self.trusted, headers: "authorization")

        #expect(answer.said == #"404 {"detail":"Not found."}"#)
        #expect(sharing(answer) == Self.readable)
    }

    @Test(arguments: ["/healthz", "/readyz", "/metrics"])
    func `how the service is is not there for strangers' pages`(path: String) {
        let answer = preflight(path, "GET", from: Self.trusted)

        #expect(answer.status == 404)
        #expect(answer.all("Access-Control-Allow-Methods") == [])
    }

    @Test(arguments: ["/healthz", "/readyz", "/metrics"])
    func `how the service is no page may read, not even inside the own network`(path: String) throws {
        let router = Router(trustedOrigins: [try Origin(Self.trusted)])
        let answers = ["GET", "OPTIONS"].map { method in
            let request = Request(
                id: "r-1", method: method, target: path, origin: "http://school.example", isInside: true,
                contentLength: 0, header: { ["origin": Self.trusted, "access-control-request-method": "GET"][$0] },
                read: { _ in 0 })
            return Response(router.answer(RequestContext(request, router: router), client.accounts))
        }

        #expect(answers.map(\.status).last == 405)
        #expect(answers.map(sharing) == [["Vary: Origin"], ["Vary: Origin"]])
    }

    @Test func `OPTIONS without a method asked for is no preflight`() {
        let answer = ask("OPTIONS", "/api/v1/info/", from: Self.trusted)

        #expect(answer.status == 204)
        #expect(sharing(answer) == Self.readable)
    }

    @Test(arguments: [
        ("authorization", "authorization"), ("authorization, content-type", "authorization, content-type"),
        ("authorization,content-type,x-requested-with", "authorization, content-type, x-requested-with"),
        ("\t Authorization \t,, X-A ,", "Authorization, X-A"), (String(repeating: "a", count: 1024), nil),
    ])
    func `the headers that were asked for are allowed`(asked: String, allowed: String?) {
        let answer = preflight("/api/v1/info/", "GET", from: Self.trusted, headers: asked)

        #expect(answer.all("Access-Control-Allow-Headers") == [allowed ?? asked])
    }

    @Test(arguments: [
        "", " ", ",,", "a b", "a\r\nSet-Cookie: a=b", "a\u{0}", "a\u{1}", "é", "a:b", "a;b", "\"a\"", "(a)", "a,b c",
        "authorization\u{85}", String(repeating: "a", count: 1025), String(repeating: "a,", count: 5_000),
        String(repeating: "e\u{301}", count: 5_000),
    ])
    func `what is no list of headers is not echoed`(asked: String) {
        let answer = preflight("/api/v1/info/", "GET", from: Self.trusted, headers: asked)

        #expect(answer.status == 204)
        #expect(answer.all("Access-Control-Allow-Headers") == [])
        #expect(answer.all("Access-Control-Allow-Origin") == [Self.trusted])
    }

    // MARK: The cookie

    private static let cookieRoutes = routes.filter { $0.contract.policy.isCookie }

    /// What each of the cookie's endpoints says to a page.
    private func cookieAnswers(from origin: String?, site: String?) throws -> [String: Response] {
        _ = ContractAPI.roleSession.register("alice", at: client)
        let cookie = try #require(ContractAPI.roleSession.openSession("alice", at: client).cookie)
        var answers: [String: Response] = [:]
        for (_, route, path) in Self.cookieRoutes {
            let headers = site.map { ["sec-fetch-site": $0] } ?? [:]
            answers["\(route.method.rawValue) \(path)"] = ask(
                route.method.rawValue, path, .json("{}"), from: origin, cookie: cookie, headers: headers)
        }
        return answers
    }

    /// Whether it was refused for where it came from, and not for anything else.
    private func isCrossOrigin(_ answer: Response) -> Bool {
        answer.status == 403 && (answer.text("code") == "cross_origin" || answer.text("message") == "跨站请求被拒绝。")
    }

    @Test(arguments: ["cross-site", "same-site", nil])
    func `a page of a trusted origin may use the cookie with every method`(site: String?) throws {
        let answers = try cookieAnswers(from: Self.trusted, site: site)

        #expect(answers.filter { isCrossOrigin($0.value) }.map(\.key) == [])
        #expect(Set(answers.values.map(sharing)) == [Self.readable])
    }

    @Test(arguments: strangers.compactMap(\.self).filter { !$0.isEmpty })
    func `no other page may change anything with the cookie`(origin: String) throws {
        let answers = try cookieAnswers(from: origin, site: "cross-site")

        let passing = answers.filter { !isCrossOrigin($0.value) }.map(\.key)
        #expect(passing.allSatisfy { $0.hasPrefix("GET ") })
        #expect(Set(passing) == Set(answers.keys.filter { $0.hasPrefix("GET ") }))
        #expect(Set(answers.values.map(sharing)) == [["Vary: Origin"]])
    }

    @Test func `a page of a trusted origin may sign in, and use what it gets`() throws {
        _ = ContractAPI.roleSession.register("alice", at: client)
        let login = ask(
            "POST", "/api/user/login/", .json(ContractAPI.roleSession.credentials("alice")), from: Self.trusted,
            headers: ["sec-fetch-site": "cross-site"])
        let me = ask(
            "GET", "/api/user/me/", from: Self.trusted, cookie: login.cookie, headers: ["sec-fetch-site": "cross-site"])

        #expect(login.status == 200)
        #expect(me.text("username") == "alice")
        #expect([login, me].map(sharing) == [Self.readable, Self.readable])
    }
}
