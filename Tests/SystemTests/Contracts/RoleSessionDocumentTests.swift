import DevStack
import JSON
import TestSupport
import Testing

/// Document 3's examples and tables as data, through nginx.
struct RoleSessionDocumentTests {
    private let site: DevStack
    private let document: Document

    init() throws {
        site = try Site.shared()
        document = try Document(named: "3-role-session")
    }

    static let calls = [
        DocumentedCall(
            section: "1.", method: "POST", path: "/api/user/register/",
            body: [
                "username": "{new}", "password": "seven-Owls-42", "password2": "seven-Owls-42",
                "email": "{new}@example.com",
            ], status: 201, label: "响应示例"),
        DocumentedCall(
            section: "2.", method: "POST", path: "/api/user/login/",
            body: ["username": "{username}", "password": "{password}", "role": "student"], status: 200,
            label: "成功响应"),
        DocumentedCall(
            section: "4.", method: "PUT", path: "/api/user/update/", identity: .cookie,
            body: ["username": "{new}", "email": "{new}@example.com"], status: 200, label: "响应示例"),
        DocumentedCall(
            section: "5.", method: "POST", path: "/api/user/change-password/", identity: .cookie,
            body: [
                "current_password": "{password}", "new_password": "nine-Larks-17", "confirm_password": "nine-Larks-17",
            ], status: 200, label: "响应示例"),
    ]

    @Test(arguments: calls)
    func `a request holds the documented names`(call: DocumentedCall) throws {
        let documented = try document.object(call.section, "请求参数")

        #expect(call.body?.names == documented.names)
    }

    @Test(arguments: calls)
    func `an answer has the documented status, names, order, types and texts`(call: DocumentedCall) throws {
        let documented = try document.example(call.section, call.label)

        let answer = try call.run(on: site, through: .roleSession)

        #expect(answer.status == call.status)
        #expect(Comparison(nullable: []).differences(answer.json, from: documented.json) == [])
    }

    @Test func `the list has the documented names, order and types`() throws {
        let call = DocumentedCall(
            section: "3.", method: "GET", path: "/api/user/list/?limit=2", identity: .cookie, status: 200)
        let documented = try document.example("3.", "响应示例")

        let answer = try call.run(on: site, through: .roleSession)

        #expect(answer.status == 200)
        #expect(Comparison(nullable: []).differences(answer.json, from: documented.json) == [])
    }

    @Test func `a wrong password is answered word for word as documented`() throws {
        let call = DocumentedCall(
            section: "2.", method: "POST", path: "/api/user/login/",
            body: ["username": "{username}", "password": "wrong", "role": "teacher"], status: 401)
        let documented = document.examples("2.", "错误响应")

        let answer = try call.run(on: site, through: .roleSession)

        #expect(answer.status == 401)
        #expect(answer.json == documented.first?.json)
    }

    static let failures = [
        DocumentedCall(
            section: "2.", method: "POST", path: "/api/user/login/",
            body: ["username": "{username}", "password": "{password}", "role": "teacher"], status: 400,
            label: "错误响应"),
        DocumentedCall(
            section: "4.", method: "PUT", path: "/api/user/update/", identity: .cookie,
            body: ["username": "{other}", "email": "{other}@example.com"], status: 400, label: "错误响应"),
        DocumentedCall(
            section: "5.", method: "POST", path: "/api/user/change-password/", identity: .cookie,
            body: ["current_password": "wrong", "new_password": "123456", "confirm_password": "1234567"], status: 400,
            label: "错误响应"),
    ]
    static let heads = ["2.": "登录失败", "4.": "更新失败", "5.": "密码修改失败"]

    @Test(arguments: failures)
    func `what is wrong with fields stands in both documented shapes`(call: DocumentedCall) throws {
        let documented = try #require(document.examples(call.section, call.label).last).json
        guard case .object(let fields) = documented else { throw Document.Missing(section: call.section, label: "") }
        let head = JSON.Object([
            .init(name: "message", value: .string(Self.heads[call.section] ?? "")),
            .init(name: "errors", value: documented),
        ])

        let answer = try call.run(on: site, through: .roleSession)

        #expect(answer.status == 400)
        #expect(answer.json == .object(JSON.Object(head.members + fields.members)))
    }

    @Test(arguments: [
        ("GET", "/api/user/list/"), ("PUT", "/api/user/update/"), ("POST", "/api/user/change-password/"),
        ("GET", "/api/user/me/"), ("POST", "/api/user/logout/"),
    ])
    func `strangers are answered 401`(method: String, path: String) throws {
        let answer = try site.send(method, path)

        #expect(answer.status == 401)
        #expect(answer.json == ["message": "用户未登录或认证失败"])
    }

    @Test func `an unknown path is answered 404 in its shape`() throws {
        let answer = try site.send("GET", "/api/user/nothing/")

        #expect(answer.status == 404)
        #expect(answer.json == ["message": "资源不存在。"])
    }

    @Test func `a role outside the three is refused`() throws {
        let call = DocumentedCall(
            section: "2.", method: "POST", path: "/api/user/login/",
            body: ["username": "{username}", "password": "{password}", "role": "admin"], status: 400)

        let answer = try call.run(on: site, through: .roleSession)

        #expect(answer.status == 400)
        #expect(answer[["role"]] == ["无效的用户角色。"])
    }

    @Test func `somebody made a teacher signs in as a teacher`() throws {
        let person = try site.newPerson()
        _ = try site.homeroom("user", "set-role", person.username, "teacher")

        let answer = try site.send(
            "POST", "/api/user/login/",
            json: ["username": .string(person.username), "password": .string(person.password), "role": "teacher"])

        #expect(answer.status == 200)
        #expect(answer.string("user", "role") == "teacher")
    }
}
