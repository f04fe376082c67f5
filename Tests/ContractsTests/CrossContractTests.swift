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

    @Test(arguments: ContractAPI.allCases, ContractAPI.allCases)
    func `who registered through one contract signs in through every other`(_ first: ContractAPI, _ second: ContractAPI)
    {
        _ = first.register("alice", at: client)

        let answer = second.signIn(second.takesEmailOnly ? "alice@school.example" : "alice", at: client)

        #expect(answer.status == 200)
    }

    @Test(arguments: ContractAPI.allCases, [ContractAPI.v1Profile, .roleSession, .v1Auth])
    func `contracts 1, 3 and 5 take the email for the username`(_ first: ContractAPI, _ second: ContractAPI) {
        _ = first.register("alice", at: client)

        let answer = second.signIn("Alice@School.example", at: client)

        #expect(answer.status == 200)
    }

    @Test(arguments: ContractAPI.allCases, [ContractAPI.emailAuth, .usersToken])
    func `contracts 2 and 4 take no username`(_ first: ContractAPI, _ second: ContractAPI) {
        _ = first.register("alice", at: client)

        let answer = second.signIn("alice", at: client)

        #expect(answer.status == (second == .emailAuth ? 401 : 400))
    }

    @Test(arguments: ContractAPI.allCases, ContractAPI.allCases)
    func `what one contract registered is taken in every other`(_ first: ContractAPI, _ second: ContractAPI) throws {
        _ = first.register("alice", at: client)

        let answer = second.register("ALICE", at: client)

        #expect(answer.status == 400)
        #expect(try client.fixture.sql("SELECT COUNT(*) FROM accounts") == "1")
    }

    // MARK: Tokens

    @Test(arguments: ContractAPI.withTokens, ContractAPI.bearerEndpoints)
    func `an access token of any contract opens the bearer endpoints of all`(_ api: ContractAPI, _ path: String) {
        _ = api.register("alice", at: client)
        let access = api.openSession("alice", at: client).access

        let answer = client.get(path, bearer: access)

        #expect(answer.status == 200)
    }

    @Test(arguments: [ContractAPI.v1Profile, .emailAuth], ContractAPI.bearerEndpoints)
    func `the access token of a registration opens the bearer endpoints of all`(_ api: ContractAPI, _ path: String) {
        let access = api.register("alice", at: client).text("tokens", "access")

        let answer = client.get(path, bearer: access)

        #expect(answer.status == 200)
    }

    @Test(arguments: ContractAPI.withTokens) func `an access token of any contract changes things in contract 3`(
        _ api: ContractAPI
    ) {
        _ = api.register("alice", at: client)
        let access = api.openSession("alice", at: client).access

        let answer = client.ask("PUT", "/api/user/update/", .json(["username": "bob"] as JSON), bearer: access)

        #expect(answer.text("user", "username") == "bob")
        #expect(answer.cookie == nil)
    }

    @Test(arguments: ContractAPI.withTokens, ["/api/user/logout/", "/api/users/logout", "/api/v1/auth/logout"])
    func `a token of any contract logs itself out at any`(_ api: ContractAPI, _ path: String) {
        _ = api.register("alice", at: client)
        let access = api.openSession("alice", at: client).access
        let other = api.openSession("alice", at: client).access

        let answer = client.ask("POST", path, bearer: access)

        #expect(answer.status == 200)
        #expect(client.get("/api/users/me", bearer: access).status == 401)
        #expect(client.get("/api/users/me", bearer: other).status == 200)
    }

    /// Presents what renews a contract's session.
    private func renew(_ token: String?, at api: ContractAPI) -> Response {
        switch api {
        case .v1Profile, .emailAuth: client.post(api.renewal ?? "", ["refresh": .string(token ?? "")])
        case .roleSession, .usersToken, .v1Auth: client.ask("POST", api.renewal ?? "", bearer: token)
        }
    }

    @Test(arguments: ContractAPI.withTokens, ContractAPI.withTokens)
    func `renewal belongs to the contract that issued the token`(_ issuer: ContractAPI, _ renewer: ContractAPI) {
        _ = issuer.register("alice", at: client)
        let held = issuer.openSession("alice", at: client)

        let answer = renew(held.refresh ?? held.access, at: renewer)

        #expect(answer.status == (issuer == renewer ? 200 : 401))
        #expect(client.get("/api/users/me", bearer: held.access).status == 200)
    }

    @Test(arguments: [ContractAPI.v1Profile, .emailAuth], ContractAPI.withTokens)
    func `an access token beside a refresh token renews nothing`(_ issuer: ContractAPI, _ renewer: ContractAPI) {
        _ = issuer.register("alice", at: client)

        let answer = renew(issuer.openSession("alice", at: client).access, at: renewer)

        #expect(answer.status == 401)
    }

    @Test(arguments: [ContractAPI.v1Profile, .emailAuth], ContractAPI.bearerEndpoints)
    func `a refresh token is never an access token`(_ api: ContractAPI, _ path: String) {
        _ = api.register("alice", at: client)
        let refresh = api.openSession("alice", at: client).refresh

        let answer = client.get(path, bearer: refresh)

        #expect(answer.status == 401)
    }

    @Test(arguments: [ContractAPI.v1Profile, .emailAuth, .usersToken, .v1Auth], [ContractAPI.v1Profile, .emailAuth])
    func `logout by a refresh token belongs to the contract that issued it`(_ issuer: ContractAPI, _ other: ContractAPI)
    {
        _ = issuer.register("alice", at: client)
        let held = issuer.openSession("alice", at: client)
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
