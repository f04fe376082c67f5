import JSON
import TestSupport
import Testing

/// A Host stands in links, so one that is none is refused before anything else is looked at.
struct HostTests {
    let client: TestClient

    init() throws {
        client = try TestClient()
    }

    private static let refusals = [
        ("POST", "/api/v1/auth/login/", #"400 {"detail":"Invalid Host header."}"#),
        ("GET", "/api/v1/profile/", #"400 {"detail":"Invalid Host header."}"#),
        ("POST", "/api/auth/login/", #"400 {"error":"无效的 Host 请求头。"}"#),
        ("GET", "/api/user/list/", #"400 {"message":"无效的 Host 请求头。"}"#),
        ("GET", "/api/user/nothing", #"400 {"message":"无效的 Host 请求头。"}"#),
        ("DELETE", "/api/users/me", #"400 {"detail":"Invalid Host header."}"#),
        ("OPTIONS", "/api/users/me", #"400 {"detail":"Invalid Host header."}"#),
        ("POST", "/api/v1/auth/login", #"400 {"detail":"无效的 Host 请求头。"}"#),
        ("GET", "/nothing", #"400 {"detail":"Invalid Host header."}"#),
    ]

    @Test(arguments: refusals)
    func `a Host that is none is refused in the contract's shape`(_ method: String, _ path: String, _ said: String) {
        let hosts = [
            "", "a b", "evil.example\"", "a@b", "a,b", "school.example:x", "[::1", "a\r\nX: y", "école.example",
        ]

        let answers = hosts.map { client.ask(method, path, headers: ["host": $0]) }

        #expect(answers.map(\.said) == Array(repeating: said, count: 9))
        #expect(answers.allSatisfy { $0.header("Allow") == nil })
    }

    @Test(arguments: [
        "school.example", "SCHOOL.example:8000", "127.0.0.1:8000", "[::1]:8000", "app_1", "school.example.",
    ])
    func `any other Host is served`(_ host: String) {
        _ = ContractAPI.v1Auth.register("alice", at: client)

        let answer = client.ask(
            "POST", "/api/v1/auth/login/json", .json(ContractAPI.v1Auth.credentials("alice")), headers: ["host": host])

        #expect(answer.status == 200)
    }
}
