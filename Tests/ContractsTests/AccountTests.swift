import Accounts
import JSON
import TestSupport
import Testing

/// Contract 6: the own account.
struct AccountTests {
    let client: TestClient
    let token: String

    init() throws {
        client = try TestClient()
        token = client.register().access
    }

    private func change(_ body: JSON, bearer: String? = nil) -> Response {
        client.ask("PATCH", "/api/account/", .json(body), bearer: bearer ?? token)
    }

    /// `email taken, current_password required`
    private func errors(_ answer: Response) -> String {
        guard answer.status == 400, case .array(let errors)? = answer.json["errors"] else { return answer.said }
        return errors.map { error in
            guard case .string(let field)? = error["field"], case .string(let code)? = error["code"] else { return "?" }
            return "\(field) \(code)"
        }.joined(separator: ", ")
    }

    @Test(arguments: ["/api/account/", "/api/account"])
    func `the account is shown whole`(path: String) {
        #expect(
            client.get(path, bearer: token).said == """
                200 {"id":1,"username":"testuser","email":"test@example.com","is_email_verified":false,\
                "pending_email_undo_until":null,"role":"student","full_name":null,"first_name":null,"last_name":null,\
                "phone":null,"bio":null,"avatar":null,"language":"zh","timezone":"Asia/Shanghai","theme":"light",\
                "login_count":0,"created_at":"2025-07-26T07:42:39.508828Z","last_login_at":null}
                """)
    }

    @Test func `the tokens of all contracts and the cookie open it`() {
        for contract in ContractAPI.allCases {
            _ = contract.register("anna\(contract.rawValue)", at: client)
            let session = contract.openSession("anna\(contract.rawValue)", at: client)

            let answer = client.get("/api/account/", bearer: session.access, cookie: session.cookie)

            #expect(answer.status == 200, "\(contract)")
        }
        #expect(client.get("/api/account/").text("code") == "not_authenticated")
        #expect(client.get("/api/account/").header("WWW-Authenticate") == "Bearer")
    }

    @Test func `what is sent is changed, and nothing else`() throws {
        let all: JSON = [
            "full_name": " Alice Liddell ", "first_name": "Alice", "last_name": "Liddell",
            "phone": "+44 20\u{200B}7946",
            "bio": " Grade 7\n", "language": "en", "timezone": "Europe/Berlin", "theme": "system",
        ]

        let first = change(all)
        let second = change(["theme": "dark"])

        #expect(
            first.status == 200
                && first.body == client.get("/api/account/", bearer: token).body.replacing("dark", with: "system"))
        #expect(
            second.body.contains(
                #""full_name":"Alice Liddell","first_name":"Alice","last_name":"Liddell","phone":"+44 207946","bio":"Grade 7""#
            ))
        #expect(second.body.contains(#""language":"en","timezone":"Europe/Berlin","theme":"dark""#))
    }

    @Test(arguments: [JSON.null, "", "  "])
    func `null and an empty text clear a text`(nothing: JSON) {
        let names = ["full_name", "first_name", "last_name", "phone", "bio"]
        _ = change(.object(JSON.Object(names.map { .init(name: $0, value: "x") })))

        let answer = change(.object(JSON.Object(names.map { .init(name: $0, value: nothing) })))

        #expect(answer.status == 200)
        #expect(names.allSatisfy { answer.json[$0] == .null })
    }

    private static let wrong: [(body: JSON, errors: String)] = [
        (["language": "fr"], "language not_a_choice"),
        (["language": nil], "language null"),
        (["theme": "LIGHT"], "theme not_a_choice"),
        (["theme": ""], "theme blank"),
        (["theme": 1], "theme not_text"),
        (["timezone": "Mars/Olympus"], "timezone not_a_choice"),
        (["timezone": "../../etc/passwd"], "timezone not_a_choice"),
        (["full_name": 1, "phone": [:]], "full_name not_text, phone not_text"),
        (["bio": true], "bio not_text"),
        (["full_name": "a\u{7}"], "full_name malformed"),
        (["email": nil], "email null"),
        (["username": ""], "username blank"),
        (["phone": .string(String(repeating: "1", count: 33))], "phone too_long"),
    ]

    @Test(arguments: wrong)
    func `a wrong value is refused, and changes nothing`(body: JSON, expected: String) {
        let before = client.get("/api/account/", bearer: token).body

        #expect(errors(change(body)) == expected)
        #expect(client.get("/api/account/", bearer: token).body == before)
    }

    // MARK: Names

    @Test func `a new address or name needs the password`() {
        _ = client.register("bob", email: "bob@example.com")
        for body: JSON in [["email": "new@example.com"], ["username": "new"]] {
            #expect(errors(change(body)) == "current_password required")
            #expect(errors(change(body.with("current_password", "wrong"))) == "current_password incorrect")
            #expect(change(body.with("current_password", "testpassword123")).status == 200)
        }
        #expect(client.get("/api/account/", bearer: token).text("email") == "new@example.com")
    }

    @Test(
        arguments: [["email": "bob@example.com"], ["username": "bob"], ["email": "no address"], ["username": "a b"]]
            as [JSON])
    func `without the right password nothing is said of the name`(body: JSON) {
        _ = client.register("bob", email: "bob@example.com")

        #expect(errors(change(body)) == "current_password required")
        #expect(errors(change(body.with("current_password", "wrong"))) == "current_password incorrect")
        #expect(errors(change(body.with("current_password", "testpassword123"))) != "current_password incorrect")
        #expect(change(body.with("current_password", "testpassword123")).status == 400)
    }

    @Test func `the same name and address in another case or width need no password`() {
        let answer = change(["username": "TestUser", "email": "ＴＥＳＴ@example.com"])

        #expect(answer.status == 200)
        #expect(answer.text("username") == "TestUser")
    }

    @Test func `ten wrong passwords lock these endpoints for the session, and no other`() {
        let other = ContractAPI.v1Profile.signIn("testuser", "testpassword123", at: client).access
        for _ in 0..<10 { _ = change(["email": "new@example.com", "current_password": "wrong"]) }

        let locked = change(["email": "new@example.com", "current_password": "testpassword123"])
        let password = client.post(
            "/api/account/password/", ["current_password": "testpassword123", "new_password": "another-owl-42"],
            bearer: token)

        #expect(locked.status == 429 && locked.text("code") == "locked")
        #expect(locked.header("Retry-After") == "900")
        #expect(password.text("code") == "locked")
        #expect(change(["bio": "still mine"]).status == 200)
        #expect(
            change(["email": "new@example.com", "current_password": "testpassword123"], bearer: other).status == 200)
    }

    @Test func `a changed address can be had back until it is shown no more`() throws {
        _ = change(["email": "new@example.com", "current_password": "testpassword123"])
        let shown = client.get("/api/account/", bearer: token).text("pending_email_undo_until")
        client.fixture.clock.move(seconds: 3 * 86_400)
        let later = ContractAPI.v1Profile.signIn("testuser", "testpassword123", at: client).access

        #expect(shown == "2025-07-29T07:42:39.508828Z")
        #expect(client.get("/api/account/", bearer: later).json["pending_email_undo_until"] == .null)
    }

    // MARK: Password

    @Test func `a new password ends all other sessions`() {
        let other = ContractAPI.v1Profile.signIn("testuser", "testpassword123", at: client).access

        let answer = client.post(
            "/api/account/password/", ["current_password": "testpassword123", "new_password": "another-owl-42"],
            bearer: token)

        #expect(answer.said == "204")
        #expect(client.get("/api/account/", bearer: token).status == 200)
        #expect(client.get("/api/account/", bearer: other).status == 401)
    }

    @Test func `all that is wrong with a password is said at once`() {
        let answer = client.post(
            "/api/account/password/", ["current_password": "wrong", "new_password": "1234567"], bearer: token)

        #expect(
            errors(answer)
                == "current_password incorrect, new_password too_short, new_password common, new_password numeric")
    }

    // MARK: Words

    @Test func `the account's language chooses the words where the client names none`() {
        _ = change(["language": "zh"])
        #expect(change(["theme": "x"]).text("title") == "部分字段需要修改。")
        _ = change(["language": "en"])
        #expect(change(["theme": "x"]).text("title") == "Some fields need another look.")
    }

    @Test func `a page of another origin changes nothing with the cookie`() {
        _ = ContractAPI.roleSession.register("carol", at: client)
        let cookie = ContractAPI.roleSession.openSession("carol", at: client).cookie
        for (method, path) in [
            ("PATCH", "/api/account/"), ("PUT", "/api/account/avatar/"), ("DELETE", "/api/account/avatar/"),
            ("POST", "/api/account/password/"), ("DELETE", "/api/account/sessions/"),
            ("DELETE", "/api/account/sessions/0123456789abcdef/"), ("POST", "/api/account/email/verification/"),
        ] {
            let answer = client.ask(
                method, path, .none, cookie: cookie, headers: ["origin": "https://evil.example"])

            #expect(answer.status == 403 && answer.text("code") == "cross_origin", "\(method) \(path)")
        }
    }
}
