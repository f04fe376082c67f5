import JSON
import TestSupport
import Testing

/// One account, five contracts.
struct CrossContractTests {
    let client: TestClient

    init() throws {
        client = try TestClient()
    }

    // MARK: Signing in

    @Test(arguments: Desk.allCases, Desk.allCases)
    func `who registered through one contract signs in through every other`(_ first: Desk, _ second: Desk) {
        _ = first.register("alice", at: client)

        let answer = second.signIn(second.takesEmailOnly ? "alice@school.example" : "alice", at: client)

        #expect(answer.status == 200)
    }

    @Test(arguments: Desk.allCases, [Desk.v1Profile, .roleSession, .v1Auth])
    func `contracts 1, 3 and 5 take the email for the username`(_ first: Desk, _ second: Desk) {
        _ = first.register("alice", at: client)

        let answer = second.signIn("Alice@School.example", at: client)

        #expect(answer.status == 200)
    }

    @Test(arguments: Desk.allCases, [Desk.emailAuth, .usersToken])
    func `contracts 2 and 4 take no username`(_ first: Desk, _ second: Desk) {
        _ = first.register("alice", at: client)

        let answer = second.signIn("alice", at: client)

        #expect(answer.status == (second == .emailAuth ? 401 : 400))
    }

    @Test(arguments: Desk.allCases, Desk.allCases)
    func `what one contract registered is taken in every other`(_ first: Desk, _ second: Desk) throws {
        _ = first.register("alice", at: client)

        let answer = second.register("ALICE", at: client)

        #expect(answer.status == 400)
        #expect(try client.fixture.sql("SELECT COUNT(*) FROM accounts") == "1")
    }

    // MARK: Tokens

    @Test(arguments: Desk.withTokens, Desk.bearerEndpoints)
    func `an access token of any contract opens the bearer endpoints of all`(_ desk: Desk, _ path: String) {
        _ = desk.register("alice", at: client)
        let access = desk.enter("alice", at: client).access

        let answer = client.get(path, bearer: access)

        #expect(answer.status == 200)
    }

    @Test(arguments: [Desk.v1Profile, .emailAuth], Desk.bearerEndpoints)
    func `the access token of a registration opens the bearer endpoints of all`(_ desk: Desk, _ path: String) {
        let access = desk.register("alice", at: client).text("tokens", "access")

        let answer = client.get(path, bearer: access)

        #expect(answer.status == 200)
    }

    @Test(arguments: Desk.withTokens) func `an access token of any contract changes things in contract 3`(_ desk: Desk)
    {
        _ = desk.register("alice", at: client)
        let access = desk.enter("alice", at: client).access

        let answer = client.ask("PUT", "/api/user/update/", .json(["username": "bob"] as JSON), bearer: access)

        #expect(answer.text("user", "username") == "bob")
        #expect(answer.cookie == nil)
    }

    @Test(arguments: Desk.withTokens, ["/api/user/logout/", "/api/users/logout", "/api/v1/auth/logout"])
    func `a token of any contract logs itself out at any`(_ desk: Desk, _ path: String) {
        _ = desk.register("alice", at: client)
        let access = desk.enter("alice", at: client).access
        let other = desk.enter("alice", at: client).access

        let answer = client.ask("POST", path, bearer: access)

        #expect(answer.status == 200)
        #expect(client.get("/api/users/me", bearer: access).status == 401)
        #expect(client.get("/api/users/me", bearer: other).status == 200)
    }

    /// Presents what renews a contract's session.
    private func renew(_ token: String?, at desk: Desk) -> Response {
        switch desk {
        case .v1Profile, .emailAuth: client.post(desk.renewal ?? "", ["refresh": .string(token ?? "")])
        default: client.ask("POST", desk.renewal ?? "", bearer: token)
        }
    }

    @Test(arguments: Desk.withTokens, Desk.withTokens)
    func `renewal belongs to the contract that issued the token`(_ issuer: Desk, _ renewer: Desk) {
        _ = issuer.register("alice", at: client)
        let held = issuer.enter("alice", at: client)

        let answer = renew(held.refresh ?? held.access, at: renewer)

        #expect(answer.status == (issuer == renewer ? 200 : 401))
        #expect(client.get("/api/users/me", bearer: held.access).status == 200)
    }

    @Test(arguments: [Desk.v1Profile, .emailAuth], Desk.withTokens)
    func `an access token beside a refresh token renews nothing`(_ issuer: Desk, _ renewer: Desk) {
        _ = issuer.register("alice", at: client)

        let answer = renew(issuer.enter("alice", at: client).access, at: renewer)

        #expect(answer.status == 401)
    }

    @Test(arguments: [Desk.v1Profile, .emailAuth], Desk.bearerEndpoints)
    func `a refresh token is never an access token`(_ desk: Desk, _ path: String) {
        _ = desk.register("alice", at: client)
        let refresh = desk.enter("alice", at: client).refresh

        let answer = client.get(path, bearer: refresh)

        #expect(answer.status == 401)
    }

    @Test(arguments: [Desk.v1Profile, .emailAuth, .usersToken, .v1Auth], [Desk.v1Profile, .emailAuth])
    func `logout by a refresh token belongs to the contract that issued it`(_ issuer: Desk, _ other: Desk) {
        _ = issuer.register("alice", at: client)
        let held = issuer.enter("alice", at: client)
        let token = JSON.string(held.refresh ?? held.access ?? "")

        let answer =
            other == .emailAuth
            ? client.post("/api/auth/logout/", ["refresh": token])
            : client.post("/api/v1/auth/logout/", ["refresh": token], bearer: held.access)

        // Contract 1 asks for an access token and a refresh token of one session, whoever issued them.
        let isAccepted = other == .emailAuth ? issuer == .emailAuth : held.refresh != nil
        #expect(answer.status == (isAccepted ? 200 : other == .emailAuth ? 401 : 400))
    }
}
