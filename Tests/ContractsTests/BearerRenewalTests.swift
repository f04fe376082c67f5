import JSON
import TestSupport
import Testing

/// Contracts 4 and 5: one bearer token that renews itself.
struct BearerRenewalTests {
    let client: TestClient

    init() throws {
        client = try TestClient()
        _ = ContractAPI.v1Auth.register("alice", at: client)
    }

    private static let apis = [ContractAPI.usersToken, .v1Auth]
    private static let stale: [(ContractAPI, String)] = [
        (.usersToken, #"403 {"detail":"Token has expired or been revoked"}"#),
        (.v1Auth, #"401 {"detail":"无效的令牌或令牌已过期"}"#),
    ]
    private static let invalid: [(ContractAPI, String)] = [
        (.usersToken, #"401 {"detail":"Could not validate credentials"}"#), (.v1Auth, #"401 {"detail":"无效的令牌或令牌已过期"}"#),
    ]

    private func wait(_ seconds: Int64) { client.fixture.clock.move(seconds: seconds) }

    private func renew(_ token: String?, at api: ContractAPI) -> Response {
        client.ask("POST", api.renewal ?? "", bearer: token)
    }

    private func me(_ token: String?) -> Int { client.get("/api/me", bearer: token).status }

    @Test(arguments: apis) func `the new token is good at once`(_ api: ContractAPI) {
        let old = api.openSession("alice", at: client).access
        wait(60)

        let new = renew(old, at: api).text("access_token")

        #expect(new != old)
        #expect(me(new) == 200)
    }

    @Test(arguments: apis) func `the old token dies ten seconds after its renewal`(_ api: ContractAPI) {
        let old = api.openSession("alice", at: client).access
        _ = renew(old, at: api)

        wait(9)
        let before = me(old)
        wait(1)
        let after = me(old)

        #expect(before == 200)
        #expect(after == 401)
    }

    @Test(arguments: apis) func `renewing the old token again within ten seconds gives the same new one`(
        _ api: ContractAPI
    ) {
        let old = api.openSession("alice", at: client).access
        let first = renew(old, at: api)
        wait(9)

        let second = renew(old, at: api)

        #expect(second.status == 200)
        #expect(second.text("access_token") == first.text("access_token"))
    }

    @Test(arguments: apis) func `a chain of renewals within ten seconds ends at the current token`(_ api: ContractAPI) {
        let first = api.openSession("alice", at: client).access
        let second = renew(first, at: api).text("access_token")
        wait(5)
        let third = renew(second, at: api).text("access_token")

        let answer = renew(first, at: api)

        #expect(answer.text("access_token") == third)
    }

    @Test(arguments: stale) func `renewing the old token after ten seconds is refused`(
        _ api: ContractAPI, _ said: String
    ) {
        let old = api.openSession("alice", at: client).access
        let new = renew(old, at: api).text("access_token")
        wait(10)

        let answer = renew(old, at: api)

        #expect(answer.said == said)
        #expect(me(new) == 200)
    }

    @Test(arguments: stale) func `renewing an expired token is refused`(_ api: ContractAPI, _ said: String) {
        let token = api.openSession("alice", at: client).access
        wait(api == .usersToken ? 10_800 : 3600)

        let answer = renew(token, at: api)

        #expect(answer.said == said)
    }

    @Test(arguments: stale) func `renewing a logged-out token is refused`(_ api: ContractAPI, _ said: String) {
        let token = api.openSession("alice", at: client).access
        _ = client.ask("POST", "/api/users/logout", bearer: token)

        let answer = renew(token, at: api)

        #expect(answer.said == said)
    }

    @Test(arguments: stale) func `renewing the token of a disabled account is refused`(
        _ api: ContractAPI, _ said: String
    )
        throws
    {
        let token = api.openSession("alice", at: client).access
        try client.fixture.sql("UPDATE accounts SET status = 'disabled'")

        let answer = renew(token, at: api)

        #expect(answer.said == said)
    }

    @Test(arguments: invalid) func `renewing what is no token is refused`(_ api: ContractAPI, _ said: String) throws {
        let token = try #require(api.openSession("alice", at: client).access)
        let refresh = ContractAPI.v1Profile.openSession("alice", at: client).refresh
        let parts = token.split(separator: ".")

        let answers = [
            "", "x", "a.b.c", String(token.dropLast(2)), "\(parts[0]).\(parts[1]).", refresh,
        ].map { renew($0, at: api) }

        #expect(answers.map(\.said) == Array(repeating: said, count: 6))
        #expect(answers.map { $0.header("WWW-Authenticate") } == Array(repeating: "Bearer", count: 6))
    }

    @Test(arguments: [(ContractAPI.usersToken, Int64(10_800)), (.v1Auth, 3600)])
    func `a renewed token lives its whole life from its renewal`(_ api: ContractAPI, _ life: Int64) {
        let old = api.openSession("alice", at: client).access
        wait(life - 1)
        let new = renew(old, at: api).text("access_token")

        wait(life - 1)
        let before = me(new)
        wait(1)
        let after = me(new)

        #expect(before == 200)
        #expect(after == 401)
    }

    @Test func `a remembered session renews for 30 days again`() {
        let old = client.post(
            "/api/v1/auth/login/json", ContractAPI.v1Auth.credentials("alice").with("remember_me", true)
        ).text("access_token")
        wait(29 * 86_400)

        let answer = renew(old, at: .v1Auth)
        wait(29 * 86_400)

        #expect(answer.json["expires_in"] == 2_592_000)
        #expect(me(answer.text("access_token")) == 200)
    }

    @Test(arguments: apis) func `of 20 renewals at once all get the same token`(_ api: ContractAPI) {
        let fixture = client.fixture
        let old = api.openSession("alice", at: client).access

        let answers = concurrently(20, prepare: { _ in TestClient(of: fixture) }) { _, own in
            own.ask("POST", api.renewal ?? "", bearer: old).text("access_token")
        }

        #expect(Set(answers).count == 1)
        #expect(me(answers[0]) == 200)
    }
}
