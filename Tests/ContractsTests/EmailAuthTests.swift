import JSON
import TestSupport
import Testing

/// Contract 2, against `2-email-auth.md`.
struct EmailAuthTests {
    let client: TestClient

    init() throws {
        client = try TestClient()
    }

    private static let registration: JSON = [
        "email": "user@example.com", "username": "username", "password": "password123!", "password2": "password123!",
    ]

    private func register() -> Response {
        client.post("/api/auth/register/", EmailAuthTests.registration)
    }

    // MARK: What it answers

    @Test func `registration answers the user and both tokens`() {
        let answer = register()

        #expect(
            answer.said == """
                201 {"message":"注册成功","user":{"email":"user@example.com","username":"username"},\
                "tokens":{"refresh":"<token>","access":"<token>"}}
                """)
    }

    @Test func `login answers the user and both tokens`() {
        _ = register()

        let answer = client.post(
            "/api/auth/login/", ["email": "user@example.com", "password": "password123!"])

        #expect(
            answer.said == """
                200 {"message":"登录成功","user":{"email":"user@example.com","username":"username"},\
                "tokens":{"refresh":"<token>","access":"<token>"}}
                """)
    }

    @Test func `the protected endpoint answers the signed-in user`() {
        let access = register().text("tokens", "access")

        let answer = client.get("/api/protected/", bearer: access)

        #expect(answer.said == #"200 {"message":"认证成功","user":{"email":"user@example.com","username":"username"}}"#)
    }

    @Test func `renewal answers access before refresh`() {
        let refresh = register().text("tokens", "refresh")

        let answer = client.post("/api/auth/token/refresh/", ["refresh": .string(refresh)])

        #expect(answer.said == #"200 {"access":"<token>","refresh":"<token>"}"#)
    }

    @Test func `logout ends the session of the refresh token`() {
        let tokens = register()

        let answer = client.post("/api/auth/logout/", ["refresh": .string(tokens.text("tokens", "refresh"))])

        #expect(answer.said == #"200 {"message":"登出成功"}"#)
        #expect(client.get("/api/protected/", bearer: tokens.text("tokens", "access")).status == 401)
    }

    @Test func `a superseded refresh token still logs out`() {
        let old = register().text("tokens", "refresh")
        let new = client.post("/api/auth/token/refresh/", ["refresh": .string(old)])

        let answer = client.post("/api/auth/logout/", ["refresh": .string(old)])

        #expect(answer.status == 200)
        #expect(client.get("/api/protected/", bearer: new.text("access")).status == 401)
    }

    @Test(arguments: [
        Body.form("email=a%40b.example&username=anna&password=secret+1&password2=secret+1"),
        .parts([
            .text("email", "a@b.example"), .text("username", "anna"), .text("password", "secret 1"),
            .text("password2", "secret 1"),
        ]),
    ]) func `forms are taken like JSON`(_ body: Body) {
        let answer = client.ask("POST", "/api/auth/register/", body)

        #expect(answer.status == 201)
        #expect(answer.text("user", "username") == "anna")
    }

    // MARK: Field errors

    private static let wrongFields: [(String, JSON?, String)] = [
        ("email", nil, #"{"email":["该字段是必填项。"]}"#),
        ("username", nil, #"{"username":["该字段是必填项。"]}"#),
        ("password", nil, #"{"password":["该字段是必填项。"]}"#),
        ("password2", nil, #"{"password2":["该字段是必填项。"]}"#),
        ("email", .null, #"{"email":["该字段不能为空。"]}"#),
        ("username", .null, #"{"username":["该字段不能为空。"]}"#),
        ("password", .null, #"{"password":["该字段不能为空。"]}"#),
        ("email", "", #"{"email":["该字段不能为空。"]}"#),
        ("username", " \t ", #"{"username":["该字段不能为空。"]}"#),
        ("password2", "", #"{"password2":["该字段不能为空。"]}"#),
        ("email", 1, #"{"email":["该字段必须是字符串。"]}"#),
        ("username", true, #"{"username":["该字段必须是字符串。"]}"#),
        ("password", ["x"], #"{"password":["该字段必须是字符串。"]}"#),
        ("email", "user.example.com", #"{"email":["请输入有效的邮箱地址。"]}"#),
        ("username", "user name", #"{"username":["用户名只能包含字母、数字和 @/./+/-/_ 字符。"]}"#),
        ("username", "someone@else.example", #"{"username":["包含 @ 的用户名必须是该账户自己的邮箱。"]}"#),
        ("password2", "password124!", #"{"password2":["两次输入的密码不一致"]}"#),
    ]

    @Test(arguments: wrongFields)
    func `a wrong field is named with its text`(_ field: String, _ value: JSON?, _ errors: String) {
        let answer = client.post("/api/auth/register/", EmailAuthTests.registration.with(field, value))

        #expect(answer.said == "400 " + errors)
    }

    @Test(arguments: [
        ("abc12", #"["密码太短"]"#),
        ("839201", #"["密码不能全是数字"]"#),
        ("12345", #"["密码太短","密码不能全是数字"]"#),
        ("username1", #"["密码与用户名太相似"]"#),
        ("USERNAME", #"["密码与用户名太相似"]"#),
    ]) func `a password that breaks the document's rules is refused in its words`(_ password: String, _ texts: String) {
        let body = EmailAuthTests.registration
            .with("password", .string(password)).with("password2", .string(password))

        let answer = client.post("/api/auth/register/", body)

        #expect(answer.said == #"400 {"password":"# + texts + "}")
    }

    @Test(arguments: ["abc123", "qwerty", "user@example.com"])
    func `short, common and address-like passwords are no concern of this contract`(_ password: String) {
        let body = EmailAuthTests.registration
            .with("password", .string(password)).with("password2", .string(password))

        let answer = client.post("/api/auth/register/", body)

        #expect(answer.status == 201)
    }

    @Test func `taken names are refused in the document's words`() {
        _ = register()

        let answer = register()

        #expect(answer.said == #"400 {"username":["该用户名已被注册"],"email":["该邮箱已被注册"]}"#)
    }

    @Test func `everything wrong with a registration is said at once`() {
        _ = register()

        let answer = client.post(
            "/api/auth/register/",
            ["email": "USER@example.com", "username": 7, "password": "123", "password2": "1234"])

        #expect(
            answer.said == """
                400 {"username":["该字段必须是字符串。"],"email":["该邮箱已被注册"],\
                "password":["密码太短","密码不能全是数字"],"password2":["两次输入的密码不一致"]}
                """)
    }

    @Test(arguments: [("/api/auth/token/refresh/"), ("/api/auth/logout/")])
    func `renewal and logout need the refresh token`(_ path: String) {
        let answer = client.post(path, [:])

        #expect(answer.said == #"400 {"refresh":["该字段是必填项。"]}"#)
    }

    @Test func `login needs both fields`() {
        let answer = client.post("/api/auth/login/", [:])

        #expect(answer.said == #"400 {"email":["该字段是必填项。"],"password":["该字段是必填项。"]}"#)
    }

    // MARK: Refusals

    @Test(arguments: [
        ("user@example.com", "wrong"), ("nobody@example.com", "password123!"), ("username", "password123!"),
    ])
    func `wrong credentials never tell what was wrong`(_ email: String, _ password: String) {
        _ = register()

        let answer = client.post("/api/auth/login/", ["email": .string(email), "password": .string(password)])

        #expect(answer.said == #"401 {"error":"邮箱或密码错误"}"#)
        #expect(answer.header("WWW-Authenticate") == nil)
    }

    @Test(arguments: ["inactive", "disabled"])
    func `an account that is not active signs in like a wrong password`(_ status: String) throws {
        _ = register()
        try client.fixture.sql("UPDATE accounts SET status = '\(status)'")

        let answer = client.post("/api/auth/login/", ["email": "user@example.com", "password": "password123!"])

        #expect(answer.said == #"401 {"error":"邮箱或密码错误"}"#)
    }

    @Test func `too many failures are answered 429 with the time to wait`() {
        _ = register()
        for _ in 0..<10 {
            _ = client.post("/api/auth/login/", ["email": "user@example.com", "password": "wrong"])
        }

        let answer = client.post("/api/auth/login/", ["email": "user@example.com", "password": "password123!"])

        #expect(answer.said == #"429 {"error":"登录失败次数过多，请稍后再试"}"#)
        #expect(answer.header("Retry-After") == "900")
    }

    @Test func `the protected endpoint without a token is refused`() {
        let answer = client.get("/api/protected/")

        #expect(answer.said == #"401 {"error":"未提供身份认证信息。"}"#)
        #expect(answer.header("WWW-Authenticate") == "Bearer")
    }

    @Test(arguments: ["", "x", "a.b.c", "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0."])
    func `the protected endpoint with a token that is none is refused`(_ token: String) {
        let answer = client.get("/api/protected/", bearer: token)

        #expect(answer.said == #"401 {"error":"令牌无效或已过期。"}"#)
        #expect(answer.header("WWW-Authenticate") == "Bearer")
    }

    @Test(arguments: ["/api/auth/token/refresh/", "/api/auth/logout/"])
    func `a refresh token that is none is refused`(_ path: String) {
        let access = register().text("tokens", "access")

        let answers = ["x", access].map { client.post(path, ["refresh": .string($0)]).said }

        #expect(answers == Array(repeating: #"401 {"error":"Token is invalid or expired"}"#, count: 2))
    }
}
