import JSON
import TestSupport
import Testing

/// How long everything lives, by a moved clock.
struct ExpiryTests {
    let client: TestClient

    init() throws {
        client = try TestClient()
        _ = ContractAPI.v1Auth.register("alice", at: client)
    }

    private func wait(_ seconds: Int64) { client.fixture.clock.move(seconds: seconds) }

    @Test(arguments: [(ContractAPI.v1Profile, Int64(3600)), (.emailAuth, 3600), (.usersToken, 10_800), (.v1Auth, 3600)])
    func `an access token lives as long as its contract says`(_ api: ContractAPI, _ life: Int64) {
        let access = api.openSession("alice", at: client).access

        wait(life - 1)
        let before = client.get("/api/protected/", bearer: access)
        wait(1)
        let after = ContractAPI.bearerEndpoints.map { client.get($0, bearer: access).status }

        #expect(before.status == 200)
        #expect(after == Array(repeating: 401, count: 8))
    }

    @Test func `a remembered token lives for 30 days`() {
        let access = client.post(
            "/api/v1/auth/login/json", ContractAPI.v1Auth.credentials("alice").with("remember_me", true)
        ).text("access_token")

        wait(30 * 86_400 - 1)
        let before = client.get("/api/v1/auth/me", bearer: access)
        wait(1)
        let after = client.get("/api/v1/auth/me", bearer: access)

        #expect(before.status == 200)
        #expect(after.status == 401)
    }

    @Test(arguments: [ContractAPI.v1Profile, .emailAuth], [(Int64(86_399), 200), (86_400, 401)])
    func `a refresh token lives for a day`(_ api: ContractAPI, _ moment: (Int64, Int)) throws {
        let refresh = try #require(api.openSession("alice", at: client).refresh)
        wait(moment.0)

        let answer = client.post(try #require(api.renewal), ["refresh": .string(refresh)])

        #expect(answer.status == moment.1)
    }

    @Test(arguments: [ContractAPI.v1Profile, .emailAuth]) func `each renewal is good for another day`(
        _ api: ContractAPI
    ) throws {
        var refresh = try #require(api.openSession("alice", at: client).refresh)
        for _ in 0..<5 {
            wait(80_000)
            let answer = client.post(try #require(api.renewal), ["refresh": .string(refresh)])
            #expect(answer.status == 200)
            refresh = answer.text("refresh")
        }
    }

    @Test(arguments: [ContractAPI.v1Profile, .emailAuth])
    func `an access token from before a renewal stays good until its own end`(_ api: ContractAPI) throws {
        let held = api.openSession("alice", at: client)
        wait(1800)
        _ = client.post(try #require(api.renewal), ["refresh": .string(held.refresh ?? "")])

        wait(1799)
        let before = client.get("/api/protected/", bearer: held.access)
        wait(1)
        let after = client.get("/api/protected/", bearer: held.access)

        #expect(before.status == 200)
        #expect(after.status == 401)
    }

    @Test(arguments: [(Int64(1799), 200), (1800, 400)]) func `a mailed link lives for 30 minutes`(
        _ age: Int64, _ status: Int
    ) throws {
        let link = try client.mailedToken("alice@school.example")
        wait(age)

        let answer = client.post(
            "/api/v1/auth/reset-password", ["token": .string(link), "new_password": "\(otherPassword)"])

        #expect(answer.status == status)
    }

    @Test(arguments: [(Int64(59), 0), (60, 1)])
    func `one mail a minute goes to an address`(_ pause: Int64, _ count: Int) throws {
        _ = try client.mailedToken("alice@school.example")
        wait(pause)

        let links = try client.mailedTokens("alice@school.example")

        #expect(links.count == count)
    }
}
