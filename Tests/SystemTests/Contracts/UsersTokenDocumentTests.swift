import DevStack
import JSON
import TestSupport
import Testing

/// Document 4's lists of fields as data, through nginx.
struct UsersTokenDocumentTests {
    private let site: DevStack
    private let document: Document

    init() throws {
        site = try Site.shared()
        document = try Document(named: "4-users-token")
    }

    static let calls = [
        DocumentedCall(
            section: "1.", method: "POST", path: "/api/users/register",
            body: [
                "email": "{new}@example.com", "password": "currentpassword", "first_name": "三", "last_name": "张",
                "phone_number": "13800138000",
            ], status: 200, label: "成功响应体"),
        DocumentedCall(
            section: "2.", method: "POST", path: "/api/users/login",
            body: ["email": "{email}", "password": "{password}"], status: 200, label: "成功响应体"),
        DocumentedCall(
            section: "3.", method: "GET", path: "/api/users/me", identity: .bearer, status: 200, label: "成功响应体"),
        DocumentedCall(
            section: "4.", method: "POST", path: "/api/users/logout", identity: .bearer, status: 200,
            label: "成功响应体"),
        DocumentedCall(
            section: "5.", method: "POST", path: "/api/users/refresh_token", identity: .bearer, status: 200,
            label: "成功响应体"),
    ]
    /// The texts that are always the same.
    private static let comparison = Comparison(
        fixed: ["message", "token_type"], nullable: ["first_name", "last_name", "phone_number"])

    @Test(arguments: calls.filter { $0.body != nil })
    func `a request holds the documented names`(call: DocumentedCall) throws {
        let documented = try document.object(call.section, "请求体")

        #expect(call.body?.names == documented.names)
    }

    @Test(arguments: calls)
    func `an answer has the documented status, names, order, types and texts`(call: DocumentedCall) throws {
        let documented = try document.object(call.section, call.label)

        let answer = try call.run(on: site, through: .usersToken)

        #expect(answer.status == call.status)
        #expect(Self.comparison.differences(answer.json, from: documented) == [])
    }

    @Test(arguments: ["/api/users/reset_password", "/api/users/reset-password"])
    func `resetting the password answers as documented`(path: String) throws {
        let section = path.contains("_") ? "6." : "重置密码"
        let request = try document.example(section, "请求体").json
        let documented = try document.example(section, "成功响应体").json
        let call = DocumentedCall(
            section: section, method: "POST", path: path,
            body: ["email": "{email}", "old_password": "{password}", "new_password": "newpassword123"], status: 200)

        let answer = try call.run(on: site, through: .usersToken)

        #expect(call.body?.names == request.names)
        #expect(answer.status == 200)
        #expect(answer.json == documented)
    }

    @Test(arguments: ["/api/users/me", "/api/me", "/api/me/"])
    func `the person is shown as registered`(path: String) throws {
        let name = Person.newName()
        let email = JSON.string("\(name)@example.com")
        _ = try site.send(
            "POST", "/api/users/register",
            json: [
                "email": email, "password": "currentpassword", "first_name": "三", "last_name": "张",
                "phone_number": "13800138000",
            ])
        let login = try site.send(
            "POST", "/api/users/login", json: ["email": email, "password": "currentpassword"])

        let answer = try site.send(
            "GET", path, headers: [("Authorization", "Bearer \(login.string("access_token") ?? "")")])

        #expect(answer.status == 200)
        #expect(
            answer.json == ["email": email, "first_name": "三", "last_name": "张", "phone_number": "13800138000"])
    }

    @Test func `a token's life is told in minutes, and it lives three hours`() throws {
        let person = try site.newPerson()

        let answer = try site.send(
            "POST", "/api/users/login",
            json: ["email": .string(person.email), "password": .string(person.password)])

        #expect(answer[["expires_in"]] == 180)
        #expect(try lifetime(answer.string("access_token")) == 10_800)
    }

    static let failures: [(DocumentedCall, String)] = [
        (
            DocumentedCall(
                section: "1.", method: "POST", path: "/api/users/register",
                body: [
                    "email": "{other}@example.com", "password": "currentpassword", "first_name": "三", "last_name": "张",
                    "phone_number": "13800138000",
                ], status: 400), "Email already registered"
        ),
        (
            DocumentedCall(
                section: "2.", method: "POST", path: "/api/users/login",
                body: ["email": "{email}", "password": "wrong"], status: 400), "Incorrect email or password"
        ),
        (
            DocumentedCall(
                section: "2.", method: "POST", path: "/api/users/login",
                body: ["email": "{new}@example.com", "password": "{password}"], status: 400),
            "Incorrect email or password"
        ),
        (DocumentedCall(section: "3.", method: "GET", path: "/api/users/me", status: 401), "Not authenticated"),
        (DocumentedCall(section: "3.", method: "GET", path: "/api/me", status: 401), "Not authenticated"),
        (
            DocumentedCall(section: "3.", method: "GET", path: "/api/users/me", identity: .badToken, status: 401),
            "Could not validate credentials"
        ),
        (DocumentedCall(section: "4.", method: "POST", path: "/api/users/logout", status: 401), "Not authenticated"),
        (
            DocumentedCall(section: "5.", method: "POST", path: "/api/users/refresh_token", status: 401),
            "Not authenticated"
        ),
        (
            DocumentedCall(
                section: "5.", method: "POST", path: "/api/users/refresh_token", identity: .badToken, status: 401),
            "Could not validate credentials"
        ),
        (
            DocumentedCall(
                section: "6.", method: "POST", path: "/api/users/reset_password",
                body: ["email": "{new}@example.com", "old_password": "x", "new_password": "newpassword123"],
                status: 404), "User not found"
        ),
        (
            DocumentedCall(
                section: "6.", method: "POST", path: "/api/users/reset-password",
                body: ["email": "{email}", "old_password": "wrong", "new_password": "newpassword123"], status: 400),
            "Incorrect old password"
        ),
        (
            DocumentedCall(
                section: "6.", method: "POST", path: "/api/users/reset_password", body: ["email": "{email}"],
                status: 400), "old_password: Field required; new_password: Field required"
        ),
        (
            DocumentedCall(
                section: "6.", method: "POST", path: "/api/users/reset_password", body: [1, 2], status: 400),
            "Input should be a valid dictionary or object to extract fields from"
        ),
    ]

    @Test(arguments: failures)
    func `a failure has the documented status and one detail`(call: DocumentedCall, detail: String) throws {
        let answer = try call.run(on: site, through: .usersToken)

        #expect(answer.status == call.status)
        #expect(answer.json == ["detail": .string(detail)])
    }

    @Test(arguments: failures.filter { $0.0.status == 401 })
    func `a 401 tells the scheme`(call: DocumentedCall, detail: String) throws {
        let answer = try call.run(on: site, through: .usersToken)

        #expect(answer["WWW-Authenticate"] == "Bearer")
    }

    @Test func `somebody disabled is answered 403`() throws {
        let person = try site.newPerson()
        _ = try site.homeroom("user", "set-status", person.username, "disabled")

        let answer = try site.send(
            "POST", "/api/users/login",
            json: ["email": .string(person.email), "password": .string(person.password)])

        #expect(answer.status == 403)
        #expect(answer.json == ["detail": "User is disabled"])
    }

    @Test func `refreshing with a logged-out token is answered 403`() throws {
        let person = try site.newPerson()
        let bearer = [("Authorization", "Bearer \(try site.session(of: person, through: .usersToken).access ?? "")")]
        _ = try site.send("POST", "/api/users/logout", headers: bearer)

        let answer = try site.send("POST", "/api/users/refresh_token", headers: bearer)

        #expect(answer.status == 403)
        #expect(answer.json == ["detail": "Token has expired or been revoked"])
    }

    @Test func `missing fields are answered 422 as Pydantic words it`() throws {
        let answer = try site.send(
            "POST", "/api/users/register", json: ["email": "new@example.com", "first_name": "三", "last_name": "张"])

        #expect(answer.status == 422)
        #expect(
            answer.json == [
                "detail": [
                    [
                        "type": "missing", "loc": ["body", "password"], "msg": "Field required",
                        "input": ["email": "new@example.com", "first_name": "三", "last_name": "张"],
                    ],
                    [
                        "type": "missing", "loc": ["body", "phone_number"], "msg": "Field required",
                        "input": ["email": "new@example.com", "first_name": "三", "last_name": "张"],
                    ],
                ]
            ])
    }
}
