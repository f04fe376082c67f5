import Accounts
import JSON
import TestSupport
import Testing

/// Contract 5's three ways to a new password.
struct V1AuthPasswordTests {
    let client: TestClient

    init() throws {
        client = try TestClient()
        _ = ContractAPI.v1Auth.register("alice", at: client)
    }

    private func token() -> String? { ContractAPI.v1Auth.openSession("alice", at: client).access }

    // MARK: Change

    @Test func `a changed password signs in, and the token that changed it stays`() {
        let token = token()

        let answer = client.post(
            "/api/v1/auth/change-password",
            ["old_password": "\(goodPassword)", "new_password": "\(otherPassword)"], bearer: token)

        #expect(answer.said == #"200 {"message":"密码修改成功"}"#)
        #expect(client.get("/api/v1/auth/me", bearer: token).status == 200)
        #expect(ContractAPI.v1Auth.signIn("alice", otherPassword, at: client).status == 200)
        #expect(ContractAPI.v1Auth.signIn("alice", at: client).status == 401)
    }

    private static let wrongChanges: [(JSON, String)] = [
        (
            ["old_password": "wrong", "new_password": "newpassword123"],
            #""原密码错误","errors":{"old_password":["原密码错误"]}"#
        ),
        (
            ["old_password": "wrong", "new_password": "short"],
            #""原密码错误","errors":{"old_password":["原密码错误"],"new_password":["密码长度必须为8-128个字符"]}"#
        ),
        (
            ["old_password": "\(goodPassword)", "new_password": "short"],
            #""参数验证失败","errors":{"new_password":["密码长度必须为8-128个字符"]}"#
        ),
        ([:], #""参数验证失败","errors":{"old_password":["该字段是必填项。"],"new_password":["该字段是必填项。"]}"#),
        (
            ["old_password": nil, "new_password": ""],
            #""参数验证失败","errors":{"old_password":["该字段不能为空。"],"new_password":["该字段不能为空。"]}"#
        ),
        (
            ["old_password": 1, "new_password": []],
            #""参数验证失败","errors":{"old_password":["该字段必须是字符串。"],"new_password":["该字段必须是字符串。"]}"#
        ),
    ]

    @Test(arguments: wrongChanges) func `a change that cannot be is refused and changes nothing`(
        _ body: JSON, _ rest: String
    ) {
        let answer = client.post("/api/v1/auth/change-password", body, bearer: token())

        #expect(answer.said == #"400 {"detail":"# + rest + "}")
        #expect(ContractAPI.v1Auth.signIn("alice", at: client).status == 200)
    }

    @Test func `guessing the old password locks like logins`() {
        let token = token()
        for _ in 0..<10 {
            _ = client.post(
                "/api/v1/auth/change-password", ["old_password": "wrong", "new_password": "newpassword123"],
                bearer: token)
        }

        let answer = client.post(
            "/api/v1/auth/change-password",
            ["old_password": "\(goodPassword)", "new_password": "newpassword123"], bearer: token)

        #expect(answer.said == #"423 {"detail":"账户已被锁定"}"#)
    }

    // MARK: A mailed link

    @Test(arguments: ["alice@school.example", "ALICE@school.example ", "nobody@school.example"])
    func `asking for a link is answered alike for known and unknown addresses`(_ email: String) {
        let answer = client.post("/api/v1/auth/forgot-password", ["email": .string(email)])

        #expect(answer.said == #"200 {"message":"如果邮箱存在，重置链接已发送"}"#)
    }

    @Test(arguments: [
        "alice", "a@b", "alice@school.example, bob@school.example", "alice@school.example\r\nBcc: x@y.example",
    ])
    func `a link goes to one valid address`(_ email: String) throws {
        let answer = client.post("/api/v1/auth/forgot-password", ["email": .string(email)])

        #expect(answer.said == #"400 {"detail":"参数验证失败","errors":{"email":["请输入有效的邮箱地址。"]}}"#)
        #expect(try client.fixture.sql("SELECT COUNT(*) FROM outbox") == "0")
    }

    @Test func `a link sets a new password`() throws {
        let link = try client.mailedToken("alice@school.example")

        let answer = client.post(
            "/api/v1/auth/reset-password", ["token": .string(link), "new_password": "\(otherPassword)"])

        #expect(answer.said == #"200 {"message":"密码重置成功"}"#)
        #expect(ContractAPI.v1Auth.signIn("alice", otherPassword, at: client).status == 200)
    }

    @Test func `a link works once`() throws {
        let link = try client.mailedToken("alice@school.example")
        let body: JSON = ["token": .string(link), "new_password": "\(otherPassword)"]
        _ = client.post("/api/v1/auth/reset-password", body)

        let answer = client.post("/api/v1/auth/reset-password", body)

        #expect(answer.said == #"400 {"detail":"重置令牌无效或已过期"}"#)
    }

    @Test func `a link that a bad password came with still works`() throws {
        let link = try client.mailedToken("alice@school.example")

        let refused = client.post("/api/v1/auth/reset-password", ["token": .string(link), "new_password": "short"])
        let accepted = client.post(
            "/api/v1/auth/reset-password", ["token": .string(link), "new_password": "\(otherPassword)"])

        #expect(refused.said == #"400 {"detail":"参数验证失败","errors":{"new_password":["密码长度必须为8-128个字符"]}}"#)
        #expect(accepted.status == 200)
    }

    @Test func `a link dies with any change of the password`() throws {
        let link = try client.mailedToken("alice@school.example")
        _ = client.post(
            "/api/v1/auth/change-password",
            ["old_password": "\(goodPassword)", "new_password": "\(otherPassword)"], bearer: token())

        let answer = client.post(
            "/api/v1/auth/reset-password", ["token": .string(link), "new_password": "third password"])

        #expect(answer.said == #"400 {"detail":"重置令牌无效或已过期"}"#)
    }

    @Test(arguments: ["x", "' OR 1=1 --", "", " "]) func `a token that is none is refused`(_ token: String) {
        let answer = client.post(
            "/api/v1/auth/reset-password", ["token": .string(token), "new_password": "\(otherPassword)"])

        #expect(answer.status == 400)
        #expect(ContractAPI.v1Auth.signIn("alice", at: client).status == 200)
    }

    @Test func `an account that is not active gets no link`() throws {
        try client.fixture.sql("UPDATE accounts SET status = 'disabled'")

        let links = try client.mailedTokens("alice@school.example")

        #expect(links == [])
    }

    @Test func `a link to an account disabled meanwhile is dead`() throws {
        let link = try client.mailedToken("alice@school.example")
        try client.fixture.sql("UPDATE accounts SET status = 'disabled'")

        let answer = client.post(
            "/api/v1/auth/reset-password", ["token": .string(link), "new_password": "\(otherPassword)"])

        #expect(answer.said == #"400 {"detail":"重置令牌无效或已过期"}"#)
    }
}
