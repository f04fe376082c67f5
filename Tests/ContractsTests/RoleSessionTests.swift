import JSON
import TestSupport
import Testing

/// Contract 3, against `3-role-session.md`: accounts and their fields. The cookie is in `RoleSessionCookieTests`, the
/// list in `RoleSessionListTests`.
struct RoleSessionTests {
    let client: TestClient

    init() throws {
        client = try TestClient()
    }

    private static let registration: JSON = [
        "username": "example", "password": "\(goodPassword)", "password2": "\(goodPassword)",
        "email": "example@example.com",
    ]
    private static let login: JSON = ["username": "example", "password": "\(goodPassword)", "role": "student"]

    private func register() -> Response {
        client.post("/api/user/register/", RoleSessionTests.registration)
    }

    private func cookie() throws -> String {
        _ = register()
        return try #require(client.post("/api/user/login/", RoleSessionTests.login).cookie)
    }

    // MARK: What it answers

    @Test func `registration answers the user and hands out no cookie`() {
        let answer = register()

        #expect(
            answer.said == """
                201 {"message":"用户注册成功","user":{"id":1,"username":"example","email":"example@example.com",\
                "role":"student"}}
                """)
        #expect(answer.cookie == nil)
    }

    @Test(arguments: ["example", "example@example.com", " EXAMPLE "])
    func `login answers the user`(_ name: String) {
        _ = register()

        let answer = client.post("/api/user/login/", RoleSessionTests.login.with("username", .string(name)))

        #expect(
            answer.said == """
                200 {"message":"登录成功","user":{"id":1,"username":"example","email":"example@example.com",\
                "role":"student"}}
                """)
    }

    @Test func `me answers the user alone`() throws {
        let cookie = try cookie()

        let answer = client.get("/api/user/me/", cookie: cookie)

        #expect(answer.said == #"200 {"id":1,"username":"example","email":"example@example.com","role":"student"}"#)
    }

    @Test(arguments: ["PUT", "PATCH"]) func `an update answers the user as it is then`(_ method: String) throws {
        let cookie = try cookie()

        let answer = client.ask(
            method, "/api/user/update/", .json(["username": "new_username", "email": "new_email@example.com"]),
            cookie: cookie)

        #expect(
            answer.said == """
                200 {"message":"个人信息更新成功","user":{"id":1,"username":"new_username",\
                "email":"new_email@example.com","role":"student"}}
                """)
    }

    @Test func `an update without fields changes nothing`() throws {
        let cookie = try cookie()

        let answer = client.ask("PUT", "/api/user/update/", cookie: cookie)

        #expect(answer.status == 200)
        #expect(answer.text("user", "username") == "example")
    }

    @Test func `a username that is the email follows it`() throws {
        let cookie = try cookie()
        _ = client.ask("PUT", "/api/user/update/", .json(["username": "example@example.com"]), cookie: cookie)

        let answer = client.ask("PUT", "/api/user/update/", .json(["email": "new@example.com"]), cookie: cookie)

        #expect(answer.text("user", "username") == "new@example.com")
    }

    @Test func `a changed password signs in`() throws {
        let cookie = try cookie()

        let answer = client.post(
            "/api/user/change-password/",
            [
                "current_password": .string(goodPassword), "new_password": .string(otherPassword),
                "confirm_password": .string(otherPassword),
            ], cookie: cookie)

        #expect(answer.said == #"200 {"message":"密码修改成功"}"#)
        #expect(ContractAPI.roleSession.signIn("example", otherPassword, at: client).status == 200)
    }

    @Test func `logout answers its message`() throws {
        let cookie = try cookie()

        let answer = client.ask("POST", "/api/user/logout/", cookie: cookie)

        #expect(answer.said == #"200 {"message":"登出成功"}"#)
        #expect(client.get("/api/user/me/", cookie: cookie).status == 401)
    }

    // MARK: Field errors, in both documented shapes at once

    private static let wrongFields: [(String, JSON?, String)] = [
        ("username", nil, "该字段是必填项。"), ("password", nil, "该字段是必填项。"),
        ("password2", nil, "该字段是必填项。"), ("email", nil, "该字段是必填项。"),
        ("username", .null, "该字段不能为空。"), ("email", .null, "该字段不能为空。"),
        ("password", "", "该字段不能为空。"), ("username", "  ", "该字段不能为空。"),
        ("username", 1.5, "该字段必须是字符串。"), ("password", [:], "该字段必须是字符串。"),
        ("password2", false, "该字段必须是字符串。"), ("email", [], "该字段必须是字符串。"),
        ("email", "a@b", "请输入有效的邮箱地址。"), ("username", "a/b", "用户名只能包含字母、数字和 @/./+/-/_ 字符。"),
        ("password2", "x", "两次输入的密码不一致"),
    ]

    @Test(arguments: wrongFields)
    func `a wrong field of a registration is named with its text`(_ field: String, _ value: JSON?, _ text: String) {
        let answer = client.post("/api/user/register/", RoleSessionTests.registration.with(field, value))

        let errors = "\"\(field)\":[\"\(text)\"]"
        #expect(answer.said == "400 {\"message\":\"注册失败\",\"errors\":{\(errors)},\(errors)}")
    }

    @Test(arguments: [
        ("x7Qz!", ["密码太短。密码长度必须至少为8个字符。"]), ("password1", ["密码太常见。"]), ("739104826173", ["密码不能全为数字。"]),
        ("1234567", ["密码太短。密码长度必须至少为8个字符。", "密码太常见。", "密码不能全为数字。"]),
    ]) func `a password that breaks the document's rules is refused in its words`(_ password: String, _ texts: [String])
    {
        let body = RoleSessionTests.registration
            .with("password", .string(password)).with("password2", .string(password))

        let answer = client.post("/api/user/register/", body)

        #expect(answer.status == 400)
        #expect(answer.json["errors"] == ["password": .array(texts.map(JSON.string))])
        #expect(answer.json["password"] == .array(texts.map(JSON.string)))
    }

    @Test func `a password like the username is no concern of this contract`() {
        let body = RoleSessionTests.registration.with("password", "example12").with("password2", "example12")

        let answer = client.post("/api/user/register/", body)

        #expect(answer.status == 201)
    }

    @Test func `taken names are refused in the document's words`() {
        _ = register()

        let answer = register()

        #expect(
            answer.said == """
                400 {"message":"注册失败","errors":{"username":["该用户名已被使用"],"email":["该邮箱已被使用"]},\
                "username":["该用户名已被使用"],"email":["该邮箱已被使用"]}
                """)
    }

    @Test func `an update to taken names is refused`() throws {
        let cookie = try cookie()
        _ = ContractAPI.roleSession.register("bob", at: client)

        let answer = client.ask(
            "PUT", "/api/user/update/", .json(["username": "BOB", "email": "Bob@School.example"]), cookie: cookie)

        #expect(
            answer.said == """
                400 {"message":"更新失败","errors":{"username":["该用户名已被使用"],"email":["该邮箱已被使用"]},\
                "username":["该用户名已被使用"],"email":["该邮箱已被使用"]}
                """)
    }

    @Test func `one's own names in other letters are not taken`() throws {
        let cookie = try cookie()

        let answer = client.ask(
            "PUT", "/api/user/update/", .json(["username": "Example", "email": "EXAMPLE@example.com"]), cookie: cookie)

        #expect(answer.status == 200)
        #expect(answer.text("user", "username") == "Example")
    }

    @Test func `everything wrong with a password change is said at once`() throws {
        let cookie = try cookie()

        let answer = client.post(
            "/api/user/change-password/",
            ["current_password": "wrong", "new_password": "1234567", "confirm_password": "x"], cookie: cookie)

        let errors = """
            "current_password":["当前密码不正确"],\
            "new_password":["密码太短。密码长度必须至少为8个字符。","密码太常见。","密码不能全为数字。"],\
            "confirm_password":["两次输入的新密码不一致"]
            """
        #expect(answer.said == "400 {\"message\":\"密码修改失败\",\"errors\":{\(errors)},\(errors)}")
    }

    // MARK: Roles

    @Test(arguments: ["mentor", "teacher"])
    func `another role with the right password is told`(_ role: String) {
        _ = register()

        let answer = client.post("/api/user/login/", RoleSessionTests.login.with("role", .string(role)))

        let errors = #""role":["所选角色与用户角色不匹配"]"#
        #expect(answer.said == "400 {\"message\":\"登录失败\",\"errors\":{\(errors)},\(errors)}")
        #expect(answer.cookie == nil)
    }

    @Test(arguments: ["student", "mentor", "teacher"], ["example", "nobody"])
    func `with a wrong password the answer never depends on the role`(_ role: String, _ name: String) {
        _ = register()

        let answer = client.post(
            "/api/user/login/", ["username": .string(name), "password": "wrong", "role": .string(role)])

        #expect(answer.said == #"401 {"message":"用户名或密码错误"}"#)
        #expect(answer.header("WWW-Authenticate") == nil)
    }

    private static let wrongRoles: [(JSON?, String)] = [
        (nil, "该字段是必填项。"), (.null, "该字段不能为空。"), ("", "该字段不能为空。"), (1, "该字段必须是字符串。"),
        ("admin", "无效的用户角色。"), ("Student", "无效的用户角色。"), ("student ", "无效的用户角色。"),
    ]

    @Test(arguments: wrongRoles)
    func `a role that is none is refused whatever the password`(_ role: JSON?, _ text: String) {
        _ = register()

        let answers = [goodPassword, "wrong"].map { password in
            client.post(
                "/api/user/login/",
                RoleSessionTests.login.with("role", role).with("password", .string(password))
            ).said
        }

        let errors = "\"role\":[\"\(text)\"]"
        #expect(
            answers
                == Array(repeating: "400 {\"message\":\"登录失败\",\"errors\":{\(errors)},\(errors)}", count: 2))
    }

    @Test(arguments: ["mentor", "teacher"]) func `a given role signs in`(_ role: String) throws {
        _ = register()
        try client.fixture.sql("UPDATE accounts SET role = '\(role)'")

        let answer = client.post("/api/user/login/", RoleSessionTests.login.with("role", .string(role)))

        #expect(answer.status == 200)
        #expect(answer.text("user", "role") == role)
    }

    // MARK: Refusals

    @Test(arguments: ["inactive", "disabled"])
    func `an account that is not active signs in like a wrong password`(_ status: String) throws {
        _ = register()
        try client.fixture.sql("UPDATE accounts SET status = '\(status)'")

        let answer = client.post("/api/user/login/", RoleSessionTests.login)

        #expect(answer.said == #"401 {"message":"用户名或密码错误"}"#)
    }

    @Test func `too many failures are answered 429 with the time to wait`() {
        _ = register()
        for _ in 0..<10 { _ = ContractAPI.roleSession.signIn("example", "wrong", at: client) }

        let answer = client.post("/api/user/login/", RoleSessionTests.login)

        #expect(answer.said == #"429 {"message":"登录失败次数过多，请稍后再试"}"#)
        #expect(answer.header("Retry-After") == "900")
    }

    @Test(
        arguments: [
            ("GET", "/api/user/list/"), ("GET", "/api/user/me/"), ("PUT", "/api/user/update/"),
            ("POST", "/api/user/change-password/"), ("POST", "/api/user/logout/"),
        ], [String?.none, "", "unknown"])
    func `without a living session everything is refused`(_ endpoint: (String, String), _ cookie: String?) {
        let answer = client.ask(endpoint.0, endpoint.1, cookie: cookie)

        #expect(answer.said == #"401 {"message":"用户未登录或认证失败"}"#)
        #expect(answer.header("WWW-Authenticate") == "Bearer")
    }
}
