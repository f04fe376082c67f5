import Accounts
import HTTP
import JSON
import TestSupport
import Testing

@testable import Contracts

/// A password that somebody else chose: what can be done with it, and what takes the mark away.
struct PasswordToChangeTests {
    private let client: TestClient
    private static let given = "brass-otter-31"
    private static let own = "green-kite-82"

    init() throws {
        client = try TestClient()
        _ = try client.accounts.create(
            "alice", email: "alice@school.example", password: Self.given, privileges: Privileges(role: .student),
            mustChange: true, rules: PasswordRules(shortest: 8))
    }

    private func session(of api: ContractAPI = .v1Profile, _ password: String = given) -> SessionCredentials {
        api.openSession("alice", password, at: client)
    }

    private func isMarked() throws -> Bool {
        try client.fixture.sql("SELECT must_change_password FROM accounts") == "1"
    }

    @Test(arguments: ContractAPI.allCases) func `it signs in, and shows whose account it is`(_ api: ContractAPI) {
        let session = session(of: api)

        let answer = client.get(api.me, bearer: session.access, cookie: session.cookie)

        #expect(answer.status == 200)
    }

    /// Whatever needs a session and is not among what may be done before.
    private static let refused: [(contract: Int, method: String, path: String, said: String)] = [
        (1, "PUT", "/api/v1/profile/update/", #"403 {"detail":"请先修改密码"}"#),
        (1, "PATCH", "/api/v1/profile/update/", #"403 {"detail":"请先修改密码"}"#),
        (3, "GET", "/api/user/list/", #"403 {"message":"请先修改密码"}"#),
        (3, "PUT", "/api/user/update/", #"403 {"message":"请先修改密码"}"#),
        (3, "PATCH", "/api/user/update/", #"403 {"message":"请先修改密码"}"#),
        (6, "PATCH", "/api/account/", refusal), (6, "PUT", "/api/account/avatar/", refusal),
        (6, "DELETE", "/api/account/avatar/", refusal), (6, "POST", "/api/account/email/verification/", refusal),
        (6, "GET", "/api/account/sessions/", refusal), (6, "DELETE", "/api/account/sessions/", refusal),
        (6, "DELETE", "/api/account/sessions/1/", refusal), (6, "GET", "/api/account/people/", refusal),
    ]
    private static let refusal = """
        403 {"type":"about:blank","status":403,"title":"请先修改密码。","code":"password_change_required",\
        "request":"r-1"}
        """

    @Test(arguments: refused) func `nothing else is done with it`(
        contract: Int, method: String, path: String, said: String
    ) throws {
        let before = try client.fixture.sql("SELECT username, email, bio, full_name, avatar FROM accounts")
        let body = JSON.object(["username": "mallory", "bio": "changed", "full_name": "M"])

        let answer = client.ask(method, path, .json(body), bearer: session().access)

        #expect(answer.said == said)
        #expect(try client.fixture.sql("SELECT username, email, bio, full_name, avatar FROM accounts") == before)
    }

    @Test func `every route that needs a session is looked at here`() {
        let serving = [
            "GET /api/v1/profile/", "GET /api/v1/info/", "POST /api/v1/password/change/", "POST /api/v1/auth/logout/",
            "GET /api/protected/", "POST /api/user/change-password/", "GET /api/user/me/", "POST /api/user/logout/",
            "GET /api/users/me", "GET /api/me", "POST /api/users/logout", "POST /api/v1/auth/logout",
            "GET /api/v1/auth/me", "POST /api/v1/auth/change-password", "GET /api/account/",
            "POST /api/account/password/",
        ]

        let routes = Router.documented.flatMap(\.routes).filter { $0.access == .signedIn }
        func names(_ routes: [Route]) -> [String] { routes.map { "\($0.method.rawValue) \($0.path)" }.sorted() }

        #expect(names(routes.filter(\.servesBeforeChange)) == serving.sorted())
        #expect(
            names(routes.filter { !$0.servesBeforeChange })
                == Self.refused.map { "\($0.method) \($0.path.replacing("/1/", with: "/{id}/"))" }.sorted())
    }

    @Test(arguments: [ContractAPI.v1Profile, .emailAuth, .usersToken, .v1Auth])
    func `its session renews itself, and signs out`(_ api: ContractAPI) throws {
        let session = session(of: api)
        let path = try #require(api.renewal)

        let renewed =
            session.refresh.map { client.post(path, ["refresh": .string($0)]) }
            ?? client.post(path, [:], bearer: session.access)
        let access = [renewed.text("access"), renewed.text("access_token")].joined()
        let refresh = session.refresh == nil ? [:] as JSON : ["refresh": .string(renewed.text("refresh"))]
        let out = client.post(api.logout, refresh, bearer: access)

        #expect(renewed.status == 200)
        #expect(client.get(api.me, bearer: access).status == 401)
        #expect(out.status == 200)
    }

    @Test func `the account of contract 6 tells it, and only while it is so`() {
        let access = session().access

        let before = client.get("/api/account/", bearer: access)
        let change = client.post(
            "/api/account/password/", ["current_password": .string(Self.given), "new_password": .string(Self.own)],
            bearer: access)
        let after = client.get("/api/account/", bearer: access)

        #expect(before.body.hasSuffix(#","must_change_password":true}"#))
        #expect(change.status == 204)
        #expect(after.json["must_change_password"] == nil)
    }

    private static let changes: [(path: String, current: String, new: String, again: String?)] = [
        ("/api/v1/password/change/", "old_password", "new_password", "new_password_confirm"),
        ("/api/user/change-password/", "current_password", "new_password", "confirm_password"),
        ("/api/v1/auth/change-password", "old_password", "new_password", nil),
        ("/api/account/password/", "current_password", "new_password", nil),
        ("/api/users/reset_password", "old_password", "new_password", nil),
    ]

    private func change(_ route: (path: String, current: String, new: String, again: String?), to new: String)
        -> (answer: Response, access: String?)
    {
        let access = session().access
        var body: JSON.Object = [
            route.current: .string(Self.given), route.new: .string(new), "email": "alice@school.example",
        ]
        if let again = route.again { body.members.append(.init(name: again, value: .string(new))) }
        return (client.post(route.path, .object(body), bearer: access), access)
    }

    @Test(arguments: changes) func `whichever contract changes it, everything is open again`(
        path: String, current: String, new: String, again: String?
    ) throws {
        let change = change((path, current, new, again), to: Self.own)

        let session = session(of: .v1Profile, Self.own)
        #expect([200, 204].contains(change.answer.status))
        #expect(try !isMarked())
        #expect(client.get("/api/account/sessions/", bearer: session.access).status == 200)
    }

    @Test(arguments: changes) func `it is not changed into itself`(
        path: String, current: String, new: String, again: String?
    ) throws {
        let change = change((path, current, new, again), to: Self.given)

        #expect(change.answer.status == 400)
        #expect(change.answer.body.contains(#/不能与当前密码相同|must differ from the/#))
        #expect(try isMarked())
    }

    @Test func `the link of a mail sets another one, and not the same`() throws {
        let token = JSON.string(try client.mailedToken("alice@school.example"))

        let same = client.post("/api/v1/auth/reset-password", ["token": token, "new_password": .string(Self.given)])
        let isStillMarked = try isMarked()
        let other = client.post("/api/v1/auth/reset-password", ["token": token, "new_password": .string(Self.own)])

        #expect(same.said == #"400 {"detail":"参数验证失败","errors":{"new_password":["新密码不能与当前密码相同"]}}"#)
        #expect(isStillMarked)
        #expect(other.status == 200)
        #expect(try !isMarked())
    }

    @Test func `an operator sets one to be changed, or not`() throws {
        let alice = try #require(try client.accounts.account("alice"))
        let rules = PasswordRules(shortest: 8)

        try client.accounts.setPassword(Self.own, of: alice, rules: rules)
        let isMarkedAfterFirst = try isMarked()
        let open = session(of: .v1Profile, Self.own)
        try client.accounts.setPassword(Self.given, of: alice, mustChange: true, rules: rules)

        #expect(!isMarkedAfterFirst)
        #expect(try isMarked())
        #expect(client.get("/api/v1/info/", bearer: open.access).status == 401)
    }

    @Test func `a login costs no more statements, nor does a read`() throws {
        let access = session().access
        _ = client.accounts.takeUsage()

        _ = client.get("/api/account/sessions/", bearer: access)
        let refused = client.accounts.takeUsage().roundTrips
        _ = client.get("/api/v1/info/", bearer: access)
        let read = client.accounts.takeUsage().roundTrips

        #expect(refused == 1)
        #expect(read == 1)
    }

    @Test func `of two that change it at once one does`() throws {
        let access = session().access
        let body: [JSON] = [Self.own, "blue-heron-47"].map {
            ["current_password": .string(Self.given), "new_password": .string($0)]
        }

        let answers = concurrently(2) { [fixture = client.fixture] _ in
            TestClient(of: fixture)
        } _: { number, client in
            client.post("/api/account/password/", body[number], bearer: access).status
        }

        #expect(answers.sorted() == [204, 400])
        #expect(try !isMarked())
    }
}
