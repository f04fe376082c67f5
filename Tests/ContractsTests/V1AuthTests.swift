import JSON
import TestSupport
import Testing

/// Contract 5, against `5-v1-auth.md`: signing up and in, and what is shown. What is wrong with a
/// registration is in `V1AuthFieldTests`, passwords and mailed links in `V1AuthPasswordTests`, renewal in
/// `BearerRenewalTests`.
struct V1AuthTests {
    let client: TestClient

    init() throws {
        client = try TestClient()
    }

    static let registration: JSON = [
        "username": "testuser", "email": "test@example.com", "password": "password123",
        "confirm_password": "password123", "full_name": "测试用户", "phone": "13800138000",
    ]
    private static let login: JSON = ["username": "testuser", "password": "password123"]

    private func register() -> Response {
        client.post("/api/v1/auth/register", V1AuthTests.registration)
    }

    private func token() -> String {
        _ = register()
        return client.post("/api/v1/auth/login/json", V1AuthTests.login).text("access_token")
    }

    // MARK: What it answers

    @Test func `registration answers the account`() {
        let answer = register()

        #expect(
            answer.said == """
                201 {"id":1,"username":"testuser","email":"test@example.com","full_name":"测试用户",\
                "phone":"13800138000","is_superuser":false,"is_staff":false,"status":"active",\
                "created_at":"2025-07-26T07:42:39Z"}
                """)
    }

    @Test(arguments: [JSON?.none, .some(.null)]) func `what a registration leaves out is null`(_ value: JSON?) {
        let answer = client.post(
            "/api/v1/auth/register", V1AuthTests.registration.with("full_name", value).with("phone", value))

        #expect(
            answer.said == """
                201 {"id":1,"username":"testuser","email":"test@example.com","full_name":null,"phone":null,\
                "is_superuser":false,"is_staff":false,"status":"active","created_at":"2025-07-26T07:42:39Z"}
                """)
    }

    private static let session = """
        200 {"access_token":"<token>","token_type":"bearer","expires_in":3600,"user":{"id":1,"username":"testuser",\
        "email":"test@example.com","full_name":"测试用户","avatar_url":null,"is_superuser":false,"is_staff":false,\
        "status":"active","created_at":"2025-07-26T07:42:39Z","last_login_at":"2025-07-26T08:12:39Z"}}
        """

    @Test(arguments: [
        "username=testuser&password=password123", "username=test%40example.com&password=password123",
        "grant_type=password&username=+TESTUSER&password=password123&scope=",
    ]) func `the form login takes username or email and answers token and user`(_ form: String) {
        _ = register()
        client.fixture.clock.move(seconds: 1800)

        let answer = client.ask("POST", "/api/v1/auth/login", .form(form))

        #expect(answer.said == V1AuthTests.session)
    }

    @Test(arguments: ["testuser", "test@example.com", "TestUser", " TEST@example.com\n"])
    func `the JSON login takes username or email and answers token and user`(_ name: String) {
        _ = register()
        client.fixture.clock.move(seconds: 1800)

        let answer = client.post("/api/v1/auth/login/json", V1AuthTests.login.with("username", .string(name)))

        #expect(answer.said == V1AuthTests.session)
    }

    private static let on: [JSON] = [
        true, 1, 1.0, "true", "TRUE", "True", "1", "on", "On", "t", "T", "y", "Y", "yes", "YES",
    ]
    private static let off: [JSON] = [
        false, 0, 0.0, .double(-0.0), "false", "FALSE", "False", "0", "off", "Off", "f", "F", "n", "N", "no", "NO",
    ]
    private static let remembered: [(JSON?, Int64)] =
        [(nil, 3600), (.null, 3600)] + off.map { ($0, 3600) } + on.map { ($0, 2_592_000) }

    @Test(arguments: remembered) func `a remembered login lives for 30 days`(_ flag: JSON?, _ seconds: Int64) {
        _ = register()

        let answer = client.post("/api/v1/auth/login/json", V1AuthTests.login.with("remember_me", flag))

        #expect(answer.json["expires_in"] == .integer(seconds))
    }

    private static let neither: [JSON] = [
        2, -1, 0.5, .integer(.max), .double(1e300), "", " ", "maybe", "truely", " true", "true ", "1.0", "00", "yes!",
        "是",
        "ｔrue", .string(String(repeating: "1", count: 60_000)), [], [:], [true],
    ]

    @Test(arguments: neither) func `remember_me is what Pydantic takes for true or false`(_ flag: JSON) {
        _ = register()

        let answer = client.post("/api/v1/auth/login/json", V1AuthTests.login.with("remember_me", flag))

        #expect(answer.said == #"400 {"detail":"参数验证失败","errors":{"remember_me":["该字段必须是布尔值。"]}}"#)
    }

    @Test func `me answers all nineteen fields`() {
        let token = token()

        let answer = client.get("/api/v1/auth/me", bearer: token)

        #expect(
            answer.said == """
                200 {"id":1,"username":"testuser","email":"test@example.com","full_name":"测试用户","avatar_url":null,\
                "bio":null,"phone":"13800138000","is_email_verified":false,"is_phone_verified":false,\
                "is_superuser":false,"is_staff":false,"status":"active","language":"zh","timezone":"Asia/Shanghai",\
                "theme":"light","created_at":"2025-07-26T07:42:39Z","updated_at":"2025-07-26T07:42:39Z",\
                "last_login_at":"2025-07-26T07:42:39Z","login_count":1}
                """)
    }

    @Test func `me answers what the columns hold`() throws {
        let token = token()
        try client.fixture.sql(
            """
            UPDATE accounts SET avatar = 'avatars/x.png', bio = 'b', is_email_verified = 1, is_phone_verified = 1, \
            is_superuser = 1, is_staff = 1, language = 'en', timezone = 'UTC', theme = 'dark', login_count = 5
            """)

        let answer = client.get("/api/v1/auth/me", bearer: token)

        #expect(
            answer.said == """
                200 {"id":1,"username":"testuser","email":"test@example.com","full_name":"测试用户",\
                "avatar_url":"http://school.example/media/avatars/x.png","bio":"b","phone":"13800138000",\
                "is_email_verified":true,"is_phone_verified":true,"is_superuser":true,"is_staff":true,\
                "status":"active","language":"en","timezone":"UTC","theme":"dark",\
                "created_at":"2025-07-26T07:42:39Z","updated_at":"2025-07-26T07:42:39Z",\
                "last_login_at":"2025-07-26T07:42:39Z","login_count":5}
                """)
    }

    @Test func `registration is no login`() {
        let access = ContractAPI.emailAuth.register("alice", at: client).text("tokens", "access")

        let answer = client.get("/api/v1/auth/me", bearer: access)

        #expect(answer.json["last_login_at"] == .null)
        #expect(answer.json["login_count"] == 0)
    }

    @Test(arguments: ContractAPI.allCases) func `a login through any contract is counted`(_ api: ContractAPI) {
        _ = api.register("alice", at: client)
        for _ in 0..<3 { _ = api.openSession("alice", at: client) }
        _ = api.openSession("alice", "wrong", at: client)

        let answer = client.get("/api/v1/auth/me", bearer: ContractAPI.v1Auth.openSession("alice", at: client).access)

        #expect(answer.json["login_count"] == 4)
    }

    @Test func `renewal answers the token and three fields of the user`() {
        let token = token()

        let answer = client.ask("POST", "/api/v1/auth/refresh", bearer: token)

        #expect(
            answer.said == """
                200 {"access_token":"<token>","token_type":"bearer","expires_in":3600,\
                "user":{"id":1,"username":"testuser","email":"test@example.com"}}
                """)
    }

    @Test func `logout ends the token`() {
        let token = token()

        let answer = client.ask("POST", "/api/v1/auth/logout", bearer: token)

        #expect(answer.said == #"200 {"message":"登出成功"}"#)
        #expect(client.get("/api/v1/auth/me", bearer: token).status == 401)
    }

    // MARK: Refusals

    @Test(arguments: [("testuser", "wrong"), ("nobody", "password123"), ("nobody@example.com", "password123")])
    func `wrong credentials never tell what was wrong`(_ name: String, _ password: String) {
        _ = register()
        let body: JSON = ["username": .string(name), "password": .string(password)]

        let answers = [
            client.post("/api/v1/auth/login/json", body),
            client.ask("POST", "/api/v1/auth/login", .form("username=\(name)&password=\(password)")),
        ]

        #expect(answers.map(\.said) == Array(repeating: #"401 {"detail":"用户名或密码错误"}"#, count: 2))
        #expect(answers.map { $0.header("WWW-Authenticate") } == ["Bearer", "Bearer"])
    }

    @Test(arguments: ["inactive", "disabled"])
    func `an account that is not active is told so, but only with the right password`(_ status: String) throws {
        _ = register()
        try client.fixture.sql("UPDATE accounts SET status = '\(status)'")

        let right = client.post("/api/v1/auth/login/json", V1AuthTests.login)
        let wrong = client.post("/api/v1/auth/login/json", V1AuthTests.login.with("password", "wrong"))

        #expect(right.said == #"403 {"detail":"账户未激活"}"#)
        #expect(wrong.said == #"401 {"detail":"用户名或密码错误"}"#)
    }

    @Test func `too many failures are answered 423 with the time to wait`() {
        _ = register()
        for _ in 0..<10 { _ = ContractAPI.v1Auth.signIn("testuser", "wrong", at: client) }

        let answer = client.post("/api/v1/auth/login/json", V1AuthTests.login)

        #expect(answer.said == #"423 {"detail":"账户已被锁定"}"#)
        #expect(answer.header("Retry-After") == "900")
    }

    private static let signedIn = [
        ("GET", "/api/v1/auth/me"), ("POST", "/api/v1/auth/logout"), ("POST", "/api/v1/auth/refresh"),
        ("POST", "/api/v1/auth/change-password"),
    ]

    @Test(arguments: signedIn) func `without a token everything is refused`(_ method: String, _ path: String) {
        let answer = client.ask(method, path)

        #expect(answer.said == #"401 {"detail":"未提供身份认证信息"}"#)
        #expect(answer.header("WWW-Authenticate") == "Bearer")
    }

    @Test(arguments: signedIn, ["", "x", "a.b.c"])
    func `with a token that is none everything is refused`(_ endpoint: (String, String), _ token: String) {
        let answer = client.ask(endpoint.0, endpoint.1, bearer: token)

        #expect(answer.said == #"401 {"detail":"无效的令牌或令牌已过期"}"#)
        #expect(answer.header("WWW-Authenticate") == "Bearer")
    }
}
