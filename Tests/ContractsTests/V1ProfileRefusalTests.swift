import TestSupport
import Testing

/// Contract 1, against `1-v1-profile.md`: what it says is wrong with the fields. Tokens are in
/// `V1ProfileTokenTests`, bodies in `V1ProfileBodyTests`.
struct V1ProfileRefusalTests {
    let client: TestClient

    init() throws {
        client = try TestClient()
    }

    private static let login = #"{"username":"testuser","password":"testpassword123"}"#
    private static let wrongCredentials = #"401 {"message":"用户名或密码错误"}"#

    private func register(_ body: Body) -> Response { client.ask("POST", "/api/v1/auth/register/", body) }

    private func logIn(_ body: Body) -> Response { client.ask("POST", "/api/v1/auth/login/", body) }

    private func update(_ body: Body, bearer: String?) -> Response {
        client.ask("PUT", "/api/v1/profile/update/", body, bearer: bearer)
    }

    private func changePassword(_ json: String) -> Response {
        client.ask("POST", "/api/v1/password/change/", .json(json), bearer: client.register().access)
    }

    // MARK: Registration

    @Test func `missing fields are required, each of them`() {
        #expect(
            register(.json("{}")).said == """
                400 {"message":"注册失败","errors":{"username":["This field is required."],\
                "email":["This field is required."],"password":["This field is required."],\
                "password_confirm":["This field is required."]}}
                """)
    }

    @Test func `an empty body is a body without fields`() {
        let answer = register(.other(type: "application/json", []))

        #expect(answer.status == 400)
        #expect(answer.names("errors") == ["username", "email", "password", "password_confirm"])
    }

    @Test(arguments: [
        ("null", "This field may not be null."), (#""""#, "This field may not be blank."), ("1", "Not a valid string."),
        ("1.5", "Not a valid string."), ("true", "Not a valid string."), (#"["a"]"#, "Not a valid string."),
        (#"{"a":"b"}"#, "Not a valid string."),
    ]) func `a field of another kind is that field's error`(_ value: String, _ text: String) {
        let answer = register(
            .json(#"{"username":\#(value),"email":\#(value),"password":\#(value),"password_confirm":\#(value)}"#))

        #expect(
            answer.said == """
                400 {"message":"注册失败","errors":{"username":["\(text)"],"email":["\(text)"],\
                "password":["\(text)"],"password_confirm":["\(text)"]}}
                """)
    }

    @Test func `the documented refusal of a registration is answered in its words`() {
        client.register()

        let answer = register(
            .json(
                """
                {"username":"TestUser","email":"TEST@example.com","password":"password","password_confirm":"password"}
                """))

        #expect(
            answer.said == """
                400 {"message":"注册失败","errors":{"username":["A user with that username already exists."],\
                "email":["This field must be unique."],"password":["This password is too common."]}}
                """)
    }

    private static let wrongFields: [(String, String)] = [
        (
            #""username":"a b""#,
            #"""
            "username":["Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters."]
            """#
        ),
        (#""username":"other@b.org""#, #""username":["A username with @ must be the account's own email address."]"#),
        (#""username":"a\u0000b""#, #""username":["Null characters are not allowed."]"#),
        (#""email":"nonsense""#, #""email":["Enter a valid email address."]"#),
        (#""email":"a\u0000@b.org""#, #""email":["Null characters are not allowed."]"#),
        (#""password_confirm":"other""#, #""password_confirm":["两次输入的密码不一致"]"#),
        (passwords("83649201"), #""password":["This password is entirely numeric."]"#),
        (passwords("testuser1"), #""password":["The password is too similar to the username."]"#),
        (passwords("example.com"), #""password":["The password is too similar to the email address."]"#),
        // All errors of a field stand together.
        (
            passwords("1234567"),
            """
            "password":["This password is too short. It must contain at least 8 characters.",\
            "This password is too common.","This password is entirely numeric."]
            """
        ),
        (
            #""username":"\#(String(repeating: "x", count: 151))",\#(passwords(String(repeating: "q", count: 1025)))"#,
            """
            "username":["Ensure this field has no more than 150 characters."],\
            "password":["Ensure this field has no more than 1024 bytes."]
            """
        ),
    ]

    private static func passwords(_ password: String) -> String {
        #""password":"\#(password)","password_confirm":"\#(password)""#
    }

    @Test(arguments: wrongFields)
    func `a wrong field of a registration is named with its texts`(_ fields: String, _ errors: String) {
        let answer = register(
            .json(
                """
                {"username":"testuser","email":"test@example.com","password":"testpassword123",\
                "password_confirm":"testpassword123",\(fields)}
                """))

        #expect(answer.said == #"400 {"message":"注册失败","errors":{\#(errors)}}"#)
    }

    // MARK: Login

    @Test(arguments: [
        ("testuser", "wrong"), ("nobody", "testpassword123"), ("test@example.org", "testpassword123"),
    ]) func `a wrong name or password has one answer`(_ name: String, _ password: String) {
        client.register()

        let answer = logIn(.json(#"{"username":"\#(name)","password":"\#(password)"}"#))

        #expect(answer.said == V1ProfileRefusalTests.wrongCredentials)
        #expect(answer.all("WWW-Authenticate") == [])
    }

    @Test(arguments: ["inactive", "disabled"])
    func `an account that is not active has the same answer`(_ status: String) throws {
        client.register()
        try client.fixture.sql("UPDATE accounts SET status = '\(status)'")

        #expect(logIn(.json(V1ProfileRefusalTests.login)).said == V1ProfileRefusalTests.wrongCredentials)
    }

    @Test func `a login without its fields is refused with its head`() {
        #expect(
            logIn(.json(#"{"username":""}"#)).said == """
                400 {"message":"登录失败","errors":{"username":["This field may not be blank."],\
                "password":["This field is required."]}}
                """)
    }

    @Test(arguments: ["testuser", "nobody"])
    func `a locked name is answered 429 with the seconds left`(_ name: String) {
        client.register()
        let login = Body.json(#"{"username":"\#(name)","password":"wrong"}"#)
        for _ in 1...10 { _ = logIn(login) }
        client.fixture.clock.move(seconds: 30)

        let answer = logIn(login)

        #expect(answer.said == #"429 {"message":"登录失败次数过多，请稍后再试"}"#)
        #expect(answer.all("Retry-After") == ["870"])
    }

    // MARK: Profile

    private static let noFile = "The submitted data was not a file. Check the encoding type on the form."

    private static let wrongUpdates: [(String, String, String)] = [
        (#"{"email":"other@example.com"}"#, "email", "This field must be unique."),
        (#"{"email":""}"#, "email", "This field may not be blank."),
        (#"{"email":null}"#, "email", "This field may not be null."),
        (#"{"email":7}"#, "email", "Not a valid string."),
        (#"{"email":"x"}"#, "email", "Enter a valid email address."),
        (#"{"bio":7}"#, "bio", "Not a valid string."),
        (#"{"bio":"a\u0000b"}"#, "bio", "Null characters are not allowed."),
        (
            #"{"bio":"\#(String(repeating: "简", count: 501))"}"#, "bio",
            "Ensure this field has no more than 500 characters."
        ),
        (#"{"avatar":"a.png"}"#, "avatar", noFile),
        (#"{"avatar":[]}"#, "avatar", noFile),
    ]

    @Test(arguments: wrongUpdates) func `an update is refused in Django's words`(
        _ body: String, _ name: String, _ text: String
    ) {
        let access = client.register().access
        client.register("other", email: "other@example.com")

        let answer = update(.json(body), bearer: access)

        #expect(answer.said == #"400 {"message":"资料更新失败","errors":{"\#(name)":["\#(text)"]}}"#)
    }

    @Test func `a bio may have 500 characters`() {
        let answer = update(
            .json(#"{"bio":"\#(String(repeating: "简", count: 500))"}"#), bearer: client.register().access)

        #expect(answer.status == 200)
    }

    @Test(
        arguments: [
            ([], "The submitted file is empty."),
            (
                Array("<svg/>".utf8),
                "Upload a valid image. The file you uploaded was either not an image or a corrupted image."
            ),
            (onePixelPNG + [UInt8](repeating: 0, count: 5 << 20), "The file is larger than 5 MiB."),
        ] as [([UInt8], String)])
    func `a file that is no avatar is refused and leaves nothing`(_ content: [UInt8], _ text: String) {
        let access = client.register().access

        let answer = update(
            .parts([.text("bio", "x"), .file("avatar", name: "a.png", content)]), bearer: access)

        #expect(answer.said == #"400 {"message":"资料更新失败","errors":{"avatar":["\#(text)"]}}"#)
        #expect(client.fixture.files("avatars") == [])
        #expect(client.fixture.files("incoming") == [])
        #expect(client.get("/api/v1/profile/", bearer: access).text("user", "bio") == "")
    }

    @Test func `a stranger's file is not even read`() {
        let answer = update(.parts([.file("avatar", name: "a.png", onePixelPNG)]), bearer: nil)

        #expect(answer.status == 401)
        #expect(client.fixture.files("incoming") == [])
    }

    // MARK: Password

    private static let wrongPasswords: [(String, String)] = [
        // As documented.
        (
            #"{"old_password":"wrong","new_password":"newpassword456","new_password_confirm":"newpassword45"}"#,
            #""old_password":["当前密码不正确"],"new_password":["两次输入的新密码不一致"]"#
        ),
        // What is wrong with it and that it is not repeated stand under one name.
        (
            #"{"old_password":"testpassword123","new_password":"short-1","new_password_confirm":"x"}"#,
            """
            "new_password":["This password is too short. It must contain at least 8 characters.","两次输入的新密码不一致"]
            """
        ),
        (
            "{}",
            """
            "old_password":["This field is required."],"new_password":["This field is required."],\
            "new_password_confirm":["This field is required."]
            """
        ),
    ]

    @Test(arguments: wrongPasswords)
    func `a new password is refused with the texts of each field`(_ body: String, _ errors: String) {
        #expect(changePassword(body).said == #"400 {"message":"密码修改失败","errors":{\#(errors)}}"#)
    }

    // MARK: Our own trouble

    @Test func `where rows make no sense it says nothing but the request's id`() throws {
        let access = client.register().access
        try client.fixture.sql("SET sql_mode = ''; UPDATE accounts SET role = ''")

        let answer = client.get("/api/v1/info/", bearer: access)

        #expect(answer.said == #"500 {"detail":"Internal server error. Request r-1."}"#)
    }

    @Test func `where a table is missing, as in an older schema, it is not there now`() throws {
        let access = client.register().access
        try client.fixture.sql("RENAME TABLE sessions TO sessions_away")

        let answer = client.get("/api/v1/info/", bearer: access)
        try client.fixture.sql("RENAME TABLE sessions_away TO sessions")

        #expect(answer.said == #"503 {"detail":"Service temporarily unavailable, try again later."}"#)
    }
}
