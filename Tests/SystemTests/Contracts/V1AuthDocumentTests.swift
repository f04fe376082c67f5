import DevStack
import JSON
import TestSupport
import Testing

/// Document 5's examples as data, through nginx.
struct V1AuthDocumentTests {
    private let site: DevStack
    private let document: Document

    init() throws {
        site = try Site.shared()
        document = try Document(named: "5-v1-auth")
    }

    static let calls = [
        DocumentedCall(
            section: "1.", method: "POST", path: "/api/v1/auth/register",
            body: [
                "username": "{new}", "email": "{new}@example.com", "password": "password123",
                "confirm_password": "password123", "full_name": "测试用户", "phone": "13800138000",
            ], status: 201),
        DocumentedCall(
            section: "3.", method: "POST", path: "/api/v1/auth/login/json",
            body: ["username": "{username}", "password": "{password}", "remember_me": false], status: 200),
        DocumentedCall(section: "4.", method: "POST", path: "/api/v1/auth/logout", identity: .bearer, status: 200),
        DocumentedCall(section: "5.", method: "GET", path: "/api/v1/auth/me", identity: .bearer, status: 200),
        DocumentedCall(section: "6.", method: "POST", path: "/api/v1/auth/refresh", identity: .bearer, status: 200),
        DocumentedCall(
            section: "7.", method: "POST", path: "/api/v1/auth/change-password", identity: .bearer,
            body: ["old_password": "{password}", "new_password": "newpassword123"], status: 200),
        DocumentedCall(
            section: "8.", method: "POST", path: "/api/v1/auth/forgot-password", body: ["email": "{email}"],
            status: 200),
        DocumentedCall(
            section: "2.", method: "POST", path: "/api/v1/auth/login", form: "username={username}&password={password}",
            status: 200),
        DocumentedCall(
            section: "2.", method: "POST", path: "/api/v1/auth/login", form: "username={email}&password={password}",
            status: 200),
    ]
    private static let comparison = Comparison(
        fixed: ["message", "token_type", "expires_in", "status", "language", "timezone", "theme"],
        nullable: ["full_name", "avatar_url", "bio", "phone", "last_login_at"])

    @Test(arguments: calls.filter { $0.body != nil })
    func `a request holds the documented names`(call: DocumentedCall) throws {
        let documented = try document.example(call.section, "请求参数")

        #expect(call.body?.names == documented.json.names)
    }

    @Test(arguments: calls)
    func `an answer has the documented status, names, order, types and texts`(call: DocumentedCall) throws {
        // "The same as by form."
        let section = call.section == "3." ? "2." : call.section
        let documented = try document.example(section, "响应参数")

        let answer = try call.run(on: site, through: .v1Auth)

        #expect(answer.status == call.status)
        #expect(Self.comparison.differences(answer.json, from: documented.json) == [])
    }

    @Test func `the person's details have all nineteen fields`() throws {
        let answer = try Self.calls[3].run(on: site, through: .v1Auth)

        #expect(answer.json?.names.count == 19)
    }

    @Test func `times have no fraction`() throws {
        let answer = try Self.calls[3].run(on: site, through: .v1Auth)

        for name in ["created_at", "updated_at", "last_login_at"] {
            let time = try #require(answer.string(name))
            #expect(time.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/) != nil)
        }
    }

    @Test func `a remembered token lives 30 days`() throws {
        let person = try site.newPerson()

        let answer = try site.send(
            "POST", "/api/v1/auth/login/json",
            json: ["username": .string(person.username), "password": .string(person.password), "remember_me": true])

        #expect(answer[["expires_in"]] == 2_592_000)
        #expect(try lifetime(answer.string("access_token")) == 2_592_000)
    }

    static let failures: [(DocumentedCall, JSON)] = [
        (
            DocumentedCall(
                section: "1.", method: "POST", path: "/api/v1/auth/register",
                body: [
                    "username": "{other}", "email": "{new}@example.com", "password": "password123",
                    "confirm_password": "password123",
                ], status: 400), ["detail": "用户名已存在", "errors": ["username": ["用户名已存在"]]]
        ),
        (
            DocumentedCall(
                section: "1.", method: "POST", path: "/api/v1/auth/register",
                body: [
                    "username": "{new}", "email": "{other}@example.com", "password": "password123",
                    "confirm_password": "password123",
                ], status: 400), ["detail": "邮箱已存在", "errors": ["email": ["邮箱已存在"]]]
        ),
        (
            DocumentedCall(
                section: "1.", method: "POST", path: "/api/v1/auth/register",
                body: ["username": "ab", "email": "nowhere", "password": "short", "confirm_password": "shorter"],
                status: 400),
            [
                "detail": "参数验证失败",
                "errors": [
                    "username": ["用户名长度必须为3-50个字符"], "email": ["请输入有效的邮箱地址。"],
                    "password": ["密码长度必须为8-128个字符"], "confirm_password": ["两次输入的密码不一致"],
                ],
            ]
        ),
        (
            DocumentedCall(
                section: "2.", method: "POST", path: "/api/v1/auth/login", form: "username={username}&password=wrong",
                status: 401), ["detail": "用户名或密码错误"]
        ),
        (
            DocumentedCall(
                section: "3.", method: "POST", path: "/api/v1/auth/login/json",
                body: ["username": "{new}", "password": "{password}"], status: 401), ["detail": "用户名或密码错误"]
        ),
        (
            DocumentedCall(section: "5.", method: "GET", path: "/api/v1/auth/me", status: 401),
            ["detail": "未提供身份认证信息"]
        ),
        (
            DocumentedCall(
                section: "6.", method: "POST", path: "/api/v1/auth/refresh", identity: .badToken, status: 401),
            ["detail": "无效的令牌或令牌已过期"]
        ),
        (
            DocumentedCall(
                section: "7.", method: "POST", path: "/api/v1/auth/change-password", identity: .bearer,
                body: ["old_password": "wrong", "new_password": "newpassword123"], status: 400),
            ["detail": "原密码错误", "errors": ["old_password": ["原密码错误"]]]
        ),
        (
            DocumentedCall(
                section: "9.", method: "POST", path: "/api/v1/auth/reset-password",
                body: ["token": "reset_token_here", "new_password": "newpassword123"], status: 400),
            ["detail": "重置令牌无效或已过期"]
        ),
        (
            DocumentedCall(
                section: "2.", method: "POST", path: "/api/v1/auth/login",
                body: ["username": "{username}", "password": "{password}"], status: 415), ["detail": "不支持的媒体类型。"]
        ),
        (
            DocumentedCall(
                section: "3.", method: "POST", path: "/api/v1/auth/login/json",
                form: "username={username}&password={password}", status: 415), ["detail": "不支持的媒体类型。"]
        ),
    ]

    @Test(arguments: failures)
    func `a failure has the documented status and text`(call: DocumentedCall, body: JSON) throws {
        let answer = try call.run(on: site, through: .v1Auth)

        #expect(answer.status == call.status)
        #expect(answer.json == body)
    }

    @Test(arguments: failures.filter { $0.0.status == 401 })
    func `a 401 tells the scheme`(call: DocumentedCall, body: JSON) throws {
        let answer = try call.run(on: site, through: .v1Auth)

        #expect(answer["WWW-Authenticate"] == "Bearer")
    }

    @Test(arguments: ["inactive", "disabled"])
    func `somebody who is not active is answered 403`(status: String) throws {
        let person = try site.newPerson()
        _ = try site.homeroom("user", "set-status", person.username, status)

        let answer = try site.send(
            "POST", "/api/v1/auth/login/json",
            json: ["username": .string(person.username), "password": .string(person.password)])

        #expect(answer.status == 403)
        #expect(answer.json == ["detail": "账户未激活"])
    }

    @Test func `after ten failures the right password is answered 423`() throws {
        let person = try site.newPerson()
        for _ in 1...10 { _ = try signIn(person, "wrong") }

        let answer = try signIn(person, person.password)

        #expect(answer.status == 423)
        #expect(answer.json == ["detail": "账户已被锁定"])
    }

    private func signIn(_ person: Person, _ password: String) throws -> Answer {
        try site.send(
            "POST", "/api/v1/auth/login/json",
            json: ["username": .string(person.username), "password": .string(password)])
    }
}
