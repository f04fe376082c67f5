import DevStack
import JSON
import TestSupport
import Testing

/// Document 2's examples as data, through nginx.
struct EmailAuthDocumentTests {
    private let site: DevStack
    private let document: Document

    init() throws {
        site = try Site.shared()
        document = try Document(named: "2-email-auth")
    }

    static let registration = DocumentedCall(
        section: "1.", method: "POST", path: "/api/auth/register/",
        body: [
            "email": "{new}@example.com", "username": "{new}", "password": "password123!", "password2": "password123!",
        ], status: 201, label: "成功响应")
    static let login = DocumentedCall(
        section: "2.", method: "POST", path: "/api/auth/login/", body: ["email": "{email}", "password": "{password}"],
        status: 200, label: "成功响应")
    static let failures = [
        DocumentedCall(
            section: "1.", method: "POST", path: "/api/auth/register/",
            body: ["email": "{other}@example.com", "username": "{new}", "password": "12345", "password2": "123456"],
            status: 400, label: "错误响应"),
        DocumentedCall(
            section: "2.", method: "POST", path: "/api/auth/login/", body: ["email": "{email}", "password": "wrong"],
            status: 401, label: "错误响应"),
        DocumentedCall(
            section: "2.", method: "POST", path: "/api/auth/login/",
            body: ["email": "{new}@example.com", "password": "{password}"], status: 401, label: "错误响应"),
    ]

    @Test(arguments: [registration, login])
    func `a request holds the documented names`(call: DocumentedCall) throws {
        let documented = try document.example(call.section, "请求参数")

        #expect(call.body?.names == documented.json.names)
    }

    @Test(arguments: [registration, login])
    func `an answer has the documented status, names, order, types and texts`(call: DocumentedCall) throws {
        let documented = try document.example(call.section, call.label)

        let answer = try call.run(on: site, through: .emailAuth)

        #expect(documented.status == call.status)
        #expect(answer.status == call.status)
        #expect(Comparison(nullable: []).differences(answer.json, from: documented.json) == [])
    }

    @Test(arguments: failures)
    func `a failure is answered word for word as documented`(call: DocumentedCall) throws {
        let documented = try document.example(call.section, call.label)

        let answer = try call.run(on: site, through: .emailAuth)

        #expect(documented.status == call.status)
        #expect(answer.status == call.status)
        #expect(answer.json == documented.json)
    }

    @Test func `the protected endpoint answers with the person`() throws {
        let person = try site.newPerson()
        let keys = try site.session(of: person, through: .emailAuth)

        let answer = try site.send(
            "GET", "/api/protected/", headers: [("Authorization", "Bearer \(keys.access ?? "")")])

        #expect(answer.status == 200)
        #expect(
            answer.json == [
                "message": "认证成功", "user": ["email": .string(person.email), "username": .string(person.username)],
            ])
    }

    @Test(arguments: [(DocumentedCall.Identity.nobody, "未提供身份认证信息。"), (.badToken, "令牌无效或已过期。")])
    func `the protected endpoint refuses strangers`(identity: DocumentedCall.Identity, text: String) throws {
        let call = DocumentedCall(
            section: "3.", method: "GET", path: "/api/protected/", identity: identity, status: 401)

        let answer = try call.run(on: site, through: .emailAuth)

        #expect(answer.status == 401)
        #expect(answer.json == ["error": .string(text)])
        #expect(answer["WWW-Authenticate"] == "Bearer")
    }

    @Test func `refreshing answers a new pair`() throws {
        let call = DocumentedCall(
            section: "3.", method: "POST", path: "/api/auth/token/refresh/", body: ["refresh": "{refresh}"], status: 200
        )

        let answer = try call.run(on: site, through: .emailAuth)

        #expect(answer.status == 200)
        #expect(answer.json?.names == ["access", "refresh"])
    }

    @Test func `a bad refresh token is refused`() throws {
        let call = DocumentedCall(
            section: "3.", method: "POST", path: "/api/auth/token/refresh/", body: ["refresh": "{access}"], status: 401)

        let answer = try call.run(on: site, through: .emailAuth)

        #expect(answer.status == 401)
        #expect(answer.json == ["error": "Token is invalid or expired"])
    }

    @Test func `the access token lives 60 minutes and the refresh token a day`() throws {
        let keys = try site.session(of: site.newPerson(), through: .emailAuth)

        #expect(try lifetime(keys.access) == 3600)
        #expect(try lifetime(keys.refresh) == 86_400)
    }

    @Test func `logging out ends both tokens`() throws {
        let person = try site.newPerson()
        let keys = try site.session(of: person, through: .emailAuth)

        let logout = try site.send("POST", "/api/auth/logout/", json: ["refresh": .string(keys.refresh ?? "")])
        let refresh = try site.send("POST", "/api/auth/token/refresh/", json: ["refresh": .string(keys.refresh ?? "")])
        let access = try site.send(
            "GET", "/api/protected/", headers: [("Authorization", "Bearer \(keys.access ?? "")")])

        #expect(logout.json == ["message": "登出成功"])
        #expect(refresh.status == 401)
        #expect(access.status == 401)
    }
}
