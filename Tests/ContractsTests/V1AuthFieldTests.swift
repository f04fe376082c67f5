import JSON
import TestSupport
import Testing

/// What contract 5 finds wrong with the fields of a registration or login.
struct V1AuthFieldTests {
    let client: TestClient

    init() throws {
        client = try TestClient()
    }

    private func register() -> Response {
        client.post("/api/v1/auth/register", V1AuthTests.registration)
    }

    private static let wrongFields: [(String, JSON?, String)] = [
        ("username", nil, #""参数验证失败","errors":{"username":["该字段是必填项。"]}"#),
        ("email", nil, #""参数验证失败","errors":{"email":["该字段是必填项。"]}"#),
        ("password", nil, #""参数验证失败","errors":{"password":["该字段是必填项。"]}"#),
        ("confirm_password", nil, #""参数验证失败","errors":{"confirm_password":["该字段是必填项。"]}"#),
        ("username", .null, #""参数验证失败","errors":{"username":["该字段不能为空。"]}"#),
        ("email", " ", #""参数验证失败","errors":{"email":["该字段不能为空。"]}"#),
        ("confirm_password", "", #""参数验证失败","errors":{"confirm_password":["该字段不能为空。"]}"#),
        ("username", 5, #""参数验证失败","errors":{"username":["该字段必须是字符串。"]}"#),
        ("full_name", 5, #""参数验证失败","errors":{"full_name":["该字段必须是字符串。"]}"#),
        ("phone", ["1"], #""参数验证失败","errors":{"phone":["该字段必须是字符串。"]}"#),
        ("username", "ab", #""参数验证失败","errors":{"username":["用户名长度必须为3-50个字符"]}"#),
        (
            "username", .string(String(repeating: "a", count: 51)),
            #""参数验证失败","errors":{"username":["用户名长度必须为3-50个字符"]}"#
        ),
        ("username", "a b c", #""参数验证失败","errors":{"username":["用户名只能包含字母、数字和 @/./+/-/_ 字符。"]}"#),
        ("email", "test", #""参数验证失败","errors":{"email":["请输入有效的邮箱地址。"]}"#),
        ("confirm_password", "password124", #""参数验证失败","errors":{"confirm_password":["两次输入的密码不一致"]}"#),
        (
            "full_name", .string(String(repeating: "名", count: 101)),
            #""参数验证失败","errors":{"full_name":["该字段不能超过100个字符。"]}"#
        ),
        (
            "phone", .string(String(repeating: "1", count: 33)),
            #""参数验证失败","errors":{"phone":["该字段不能超过32个字符。"]}"#
        ),
    ]

    @Test(arguments: wrongFields)
    func `a wrong field is named with its text`(_ field: String, _ value: JSON?, _ rest: String) {
        let answer = client.post("/api/v1/auth/register", V1AuthTests.registration.with(field, value))

        #expect(answer.said == #"400 {"detail":"# + rest + "}")
    }

    @Test(arguments: ["abc", String(repeating: "名", count: 50)])
    func `a username of 3 and of 50 characters is good`(_ name: String) {
        let answer = client.post(
            "/api/v1/auth/register", V1AuthTests.registration.with("username", .string(name)))

        #expect(answer.status == 201)
    }

    @Test(arguments: [(7, 400), (8, 201), (128, 201), (129, 400)])
    func `a password has 8 to 128 characters, whatever they are`(_ length: Int, _ status: Int) {
        let password = JSON.string(String(repeating: "密", count: length))

        let answer = client.post(
            "/api/v1/auth/register",
            V1AuthTests.registration.with("password", password).with("confirm_password", password))

        #expect(answer.status == status)
        #expect(status == 201 || answer.json["errors"] == ["password": ["密码长度必须为8-128个字符"]])
    }

    @Test(arguments: [
        ("testuser", "new@example.com", #""用户名已存在","errors":{"username":["用户名已存在"]}"#),
        ("newuser", "TEST@example.com", #""邮箱已存在","errors":{"email":["邮箱已存在"]}"#),
        ("TestUser", "test@example.com", #""用户名已存在","errors":{"username":["用户名已存在"],"email":["邮箱已存在"]}"#),
    ]) func `what is taken is told in detail`(_ name: String, _ email: String, _ rest: String) {
        _ = register()

        let answer = client.post(
            "/api/v1/auth/register",
            V1AuthTests.registration.with("username", .string(name)).with("email", .string(email)))

        #expect(answer.said == #"400 {"detail":"# + rest + "}")
    }

    @Test(arguments: [("/api/v1/auth/login/json", Body.json("{}")), ("/api/v1/auth/login", .none)])
    func `login needs both fields`(_ path: String, _ body: Body) {
        let answer = client.ask("POST", path, body)

        #expect(
            answer.said == #"400 {"detail":"参数验证失败","errors":{"username":["该字段是必填项。"],"password":["该字段是必填项。"]}}"#)
    }
}
