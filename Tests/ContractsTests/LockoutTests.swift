import JSON
import TestSupport
import Testing

/// Failures are counted per account, in all contracts together.
struct LockoutTests {
    let client: TestClient

    init() throws {
        client = try TestClient()
        _ = ContractAPI.v1Auth.register("alice", at: client)
    }

    private static let locked = [
        #"429 {"message":"登录失败次数过多，请稍后再试"}"#, #"429 {"error":"登录失败次数过多，请稍后再试"}"#,
        #"429 {"message":"登录失败次数过多，请稍后再试"}"#, #"429 {"detail":"登录失败次数过多，请稍后再试"}"#, #"423 {"detail":"账户已被锁定"}"#,
    ]

    /// Tries `alice` or `alice@school.example`, whichever the contract takes, through all five.
    private func tryAll(_ name: String = "alice", _ password: String) -> [Response] {
        ContractAPI.allCases.map { api in
            api.signIn(api.takesEmailOnly ? "\(name)@school.example" : name, password, at: client)
        }
    }

    @Test func `failures through all five contracts count together and lock all five`() {
        for _ in 0..<2 { _ = tryAll("alice", "wrong") }

        let answers = tryAll("alice", goodPassword)

        #expect(answers.map(\.said) == LockoutTests.locked)
        #expect(answers.map { $0.header("Retry-After") } == Array(repeating: "900", count: 5))
    }

    @Test func `nine failures do not lock`() {
        for _ in 0..<9 { _ = ContractAPI.v1Profile.signIn("alice", "wrong", at: client) }

        let answers = tryAll("alice", goodPassword)

        #expect(answers.map(\.status) == [200, 200, 200, 200, 200])
    }

    @Test(arguments: ContractAPI.allCases) func `ten failures through one contract lock all five`(_ api: ContractAPI) {
        for _ in 0..<10 { _ = api.openSession("alice", "wrong", at: client) }

        let answers = tryAll("alice", goodPassword)

        #expect(answers.map(\.said) == LockoutTests.locked)
    }

    @Test func `failures under the email and the username count together`() {
        for _ in 0..<5 {
            _ = ContractAPI.v1Auth.signIn("Alice", "wrong", at: client)
            _ = ContractAPI.v1Auth.signIn("ALICE@school.example", "wrong", at: client)
        }

        #expect(ContractAPI.v1Auth.signIn("alice", at: client).status == 423)
    }

    @Test func `contract 4's reset counts like a login`() {
        for _ in 0..<10 {
            _ = client.post(
                "/api/users/reset_password",
                ["email": "alice@school.example", "old_password": "wrong", "new_password": "\(otherPassword)"])
        }

        #expect(tryAll("alice", goodPassword).map(\.said) == LockoutTests.locked)
    }

    @Test(arguments: ContractAPI.allCases) func `a successful login through any contract clears the count`(
        _ api: ContractAPI
    ) {
        for _ in 0..<3 {
            for _ in 0..<9 { _ = ContractAPI.v1Auth.signIn("alice", "wrong", at: client) }
            _ = api.openSession("alice", at: client)
        }

        #expect(ContractAPI.v1Auth.signIn("alice", at: client).status == 200)
    }

    @Test(arguments: ContractAPI.allCases) func `a name that nobody has is locked like one that somebody has`(
        _ api: ContractAPI
    ) {
        let name = api.takesEmailOnly ? "nobody@school.example" : "nobody"
        let known = api.takesEmailOnly ? "alice@school.example" : "alice"

        let unknown = (0..<12).map { _ in api.signIn(name, "wrong", at: client) }
        let answers = (0..<12).map { _ in api.signIn(known, "wrong", at: client) }

        #expect(unknown.map(\.said) == answers.map(\.said))
        #expect(unknown.map { $0.header("Retry-After") } == answers.map { $0.header("Retry-After") })
        #expect(unknown.last?.said == LockoutTests.locked[api.rawValue - 1])
    }

    @Test func `spellings of a name that nobody has count together`() {
        for _ in 0..<5 {
            _ = ContractAPI.v1Auth.signIn("Nobody", "wrong", at: client)
            _ = ContractAPI.v1Auth.signIn("ＮＯＢＯＤＹ", "wrong", at: client)
        }

        #expect(ContractAPI.v1Auth.signIn("nobody", "wrong", at: client).status == 423)
    }

    @Test(arguments: [(Int64(899), 423, "1"), (900, 200, nil as String?)])
    func `a lock ends after 15 minutes`(_ wait: Int64, _ status: Int, _ retryAfter: String?) {
        for _ in 0..<10 { _ = ContractAPI.v1Auth.signIn("alice", "wrong", at: client) }
        client.fixture.clock.move(seconds: wait)

        let answer = ContractAPI.v1Auth.signIn("alice", at: client)

        #expect(answer.status == status)
        #expect(answer.header("Retry-After") == retryAfter)
    }

    @Test func `failures of more than 15 minutes ago do not count`() {
        for _ in 0..<9 { _ = ContractAPI.v1Auth.signIn("alice", "wrong", at: client) }
        client.fixture.clock.move(seconds: 900)
        for _ in 0..<9 { _ = ContractAPI.v1Auth.signIn("alice", "wrong", at: client) }

        #expect(ContractAPI.v1Auth.signIn("alice", at: client).status == 200)
    }

    @Test func `a lock ends no session`() {
        let access = ContractAPI.v1Auth.openSession("alice", at: client).access
        for _ in 0..<10 { _ = ContractAPI.v1Auth.signIn("alice", "wrong", at: client) }

        #expect(client.get("/api/v1/auth/me", bearer: access).status == 200)
    }

    @Test func `a reset by mail unlocks`() throws {
        for _ in 0..<10 { _ = ContractAPI.v1Auth.signIn("alice", "wrong", at: client) }
        let link = try client.mailedToken("alice@school.example")

        _ = client.post(
            "/api/v1/auth/reset-password", ["token": .string(link), "new_password": "\(otherPassword)"])

        #expect(tryAll("alice", otherPassword).map(\.status) == [200, 200, 200, 200, 200])
    }

    @Test func `of 30 wrong passwords at once ten are tried`() {
        let fixture = client.fixture

        let answers = concurrently(30, prepare: { _ in TestClient(of: fixture) }) { _, own in
            ContractAPI.v1Auth.signIn("alice", "wrong", at: own).status
        }

        #expect(Set(answers).isSubset(of: [401, 423]))
        #expect(ContractAPI.v1Auth.signIn("alice", at: client).status == 423)
    }
}
