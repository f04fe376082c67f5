import JSON
import TestSupport
import Testing

/// Contract 4, against `4-users-token.md`. Its 422 bodies are in `PydanticErrorTests`, its usernames in
/// `DerivedUsernameTests`, its renewal in `BearerRenewalTests`.
struct UsersTokenTests {
    let client: TestClient

    init() throws {
        client = try TestClient()
    }

    private static let registration: JSON = [
        "email": "user@example.com", "password": "currentpassword", "first_name": "小明", "last_name": "王",
        "phone_number": "13800138000",
    ]
    private static let login: JSON = ["email": "user@example.com", "password": "currentpassword"]

    private func register() -> Response {
        client.post("/api/users/register", UsersTokenTests.registration)
    }

    private func token() -> String {
        _ = register()
        return client.post("/api/users/login", UsersTokenTests.login).text("access_token")
    }

    // MARK: What it answers

    @Test func `registration answers 200 and its message`() {
        let answer = register()

        #expect(answer.said == #"200 {"message":"User registered successfully."}"#)
    }

    @Test func `login answers a token and its life in minutes`() {
        _ = register()

        let answer = client.post("/api/users/login", UsersTokenTests.login)

        #expect(answer.said == #"200 {"access_token":"<token>","token_type":"bearer","expires_in":180}"#)
    }

    @Test(arguments: ["/api/users/me", "/api/users/me/", "/api/me", "/api/me/"]) func `me answers what was registered`(
        _ path: String
    ) {
        let token = token()

        let answer = client.get(path, bearer: token)

        #expect(
            answer.said
                == #"200 {"email":"user@example.com","first_name":"小明","last_name":"王","phone_number":"13800138000"}"#)
    }

    @Test func `me answers null where nothing is known`() {
        let access = ContractAPI.emailAuth.register("alice", at: client).text("tokens", "access")

        let answer = client.get("/api/users/me", bearer: access)

        #expect(
            answer.said
                == #"200 {"email":"alice@school.example","first_name":null,"last_name":null,"phone_number":null}"#)
    }

    @Test func `logout ends the token`() {
        let token = token()

        let answer = client.ask("POST", "/api/users/logout", bearer: token)

        #expect(answer.said == #"200 {"message":"You have been logged out."}"#)
        #expect(client.get("/api/users/me", bearer: token).status == 401)
    }

    @Test func `renewal answers a new token and its life in minutes`() {
        let token = token()

        let answer = client.ask("POST", "/api/users/refresh_token", bearer: token)

        #expect(answer.said == #"200 {"access_token":"<token>","token_type":"bearer","expires_in":180}"#)
        #expect(answer.text("access_token") != token)
    }

    @Test(arguments: ["/api/users/reset_password", "/api/users/reset-password"], [otherPassword, "currentpassword"])
    func `a reset with the old password sets the new one, which may be the same`(_ path: String, _ new: String) {
        let token = token()

        let answer = client.post(
            path, ["email": "USER@example.com", "old_password": "currentpassword", "new_password": .string(new)])

        #expect(answer.said == #"200 {"message":"Password has been reset successfully."}"#)
        #expect(client.post("/api/users/login", UsersTokenTests.login.with("password", .string(new))).status == 200)
        #expect(client.get("/api/users/me", bearer: token).status == 401)
    }

    // MARK: Refusals

    @Test(arguments: ["user@example.com", "USER@EXAMPLE.COM", " user@example.com "])
    func `a taken email is refused as documented`(_ email: String) {
        _ = register()

        let answer = client.post(
            "/api/users/register", UsersTokenTests.registration.with("email", .string(email)))

        #expect(answer.said == #"400 {"detail":"Email already registered"}"#)
    }

    private static let wrongLogins: [(String, String)] = [
        ("user@example.com", "wrong"), ("nobody@example.com", "currentpassword"), ("user", "currentpassword"),
        ("", "currentpassword"), ("user@example.com", ""), ("", ""), (" ", "x"),
    ]

    @Test(arguments: wrongLogins) func `wrong credentials never tell what was wrong`(
        _ email: String, _ password: String
    ) {
        _ = register()

        let answer = client.post("/api/users/login", ["email": .string(email), "password": .string(password)])

        #expect(answer.said == #"400 {"detail":"Incorrect email or password"}"#)
    }

    @Test(arguments: ["inactive", "disabled"])
    func `an account that is not active is told so, but only with the right password`(_ status: String) throws {
        _ = register()
        try client.fixture.sql("UPDATE accounts SET status = '\(status)'")

        let right = client.post("/api/users/login", UsersTokenTests.login)
        let wrong = client.post("/api/users/login", UsersTokenTests.login.with("password", "wrong"))

        #expect(right.said == #"403 {"detail":"User is disabled"}"#)
        #expect(wrong.said == #"400 {"detail":"Incorrect email or password"}"#)
    }

    @Test func `too many failures are answered 429 with the time to wait`() {
        _ = register()
        for _ in 0..<10 { _ = ContractAPI.usersToken.signIn("user@example.com", "wrong", at: client) }

        let answer = client.post("/api/users/login", UsersTokenTests.login)

        #expect(answer.said == #"429 {"detail":"登录失败次数过多，请稍后再试"}"#)
        #expect(answer.header("Retry-After") == "900")
    }

    private static let signedIn = [
        ("GET", "/api/users/me"), ("GET", "/api/me"), ("POST", "/api/users/logout"),
        ("POST", "/api/users/refresh_token"),
    ]

    @Test(arguments: signedIn) func `without a token everything is refused`(_ method: String, _ path: String) {
        let answer = client.ask(method, path)

        #expect(answer.said == #"401 {"detail":"Not authenticated"}"#)
        #expect(answer.header("WWW-Authenticate") == "Bearer")
    }

    @Test(arguments: signedIn, ["", "x", "a.b.c"])
    func `with a token that is none everything is refused`(_ endpoint: (String, String), _ token: String) {
        let answer = client.ask(endpoint.0, endpoint.1, bearer: token)

        #expect(answer.said == #"401 {"detail":"Could not validate credentials"}"#)
        #expect(answer.header("WWW-Authenticate") == "Bearer")
    }

    @Test(arguments: ["Basic dXNlcjpw", "Token x", "Digest", ""])
    func `another scheme is no token`(_ header: String) {
        let answer = client.ask("GET", "/api/users/me", headers: ["authorization": header])

        #expect(answer.said == #"401 {"detail":"Not authenticated"}"#)
    }

    // MARK: Reset

    private static let reset: JSON = [
        "email": "user@example.com", "old_password": "currentpassword", "new_password": "newpassword123",
    ]

    private static let wrongResets: [(String, JSON?, String)] = [
        ("email", "nobody@example.com", #"404 {"detail":"User not found"}"#),
        ("old_password", "wrong", #"400 {"detail":"Incorrect old password"}"#),
        (
            "new_password", "short",
            #"400 {"detail":"new_password: String should have at least 6 characters"}"#
        ),
        ("email", nil, #"400 {"detail":"email: Field required"}"#),
        ("old_password", nil, #"400 {"detail":"old_password: Field required"}"#),
        ("new_password", nil, #"400 {"detail":"new_password: Field required"}"#),
        ("new_password", .null, #"400 {"detail":"new_password: Input should be a valid string"}"#),
        ("old_password", 1, #"400 {"detail":"old_password: Input should be a valid string"}"#),
    ]

    @Test(arguments: wrongResets) func `a reset that cannot be is refused and changes nothing`(
        _ field: String, _ value: JSON?, _ said: String
    ) {
        let token = token()

        let answer = client.post("/api/users/reset_password", UsersTokenTests.reset.with(field, value))

        #expect(answer.said == said)
        #expect(client.get("/api/users/me", bearer: token).status == 200)
        #expect(client.post("/api/users/login", UsersTokenTests.login).status == 200)
    }

    @Test(arguments: ["{", "[]", "", "null"]) func `a malformed body of a reset is 400`(_ text: String) {
        let answer = client.ask("POST", "/api/users/reset-password", .json(text))

        #expect(answer.status == 400)
        #expect(answer.text("detail") != "")
    }

    @Test(arguments: ["inactive", "disabled"])
    func `a reset of an account that is not active is refused`(_ status: String) throws {
        _ = register()
        try client.fixture.sql("UPDATE accounts SET status = '\(status)'")

        let answer = client.post("/api/users/reset_password", UsersTokenTests.reset)

        #expect(answer.said == #"403 {"detail":"User is disabled"}"#)
    }

    @Test func `a reset is locked like a login`() {
        _ = register()
        for _ in 0..<10 {
            _ = client.post("/api/users/reset_password", UsersTokenTests.reset.with("old_password", "wrong"))
        }

        let answer = client.post("/api/users/reset_password", UsersTokenTests.reset)

        #expect(answer.said == #"429 {"detail":"登录失败次数过多，请稍后再试"}"#)
        #expect(client.post("/api/users/login", UsersTokenTests.login).status == 429)
    }
}
