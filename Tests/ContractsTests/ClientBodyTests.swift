import JSON
import TestSupport
import Testing

/// Bodies as real clients send them, taken as the frameworks of the documents take them.
struct ClientBodyTests {
    let client: TestClient

    init() throws {
        client = try TestClient()
    }

    private func signIn(_ api: ContractAPI, _ body: (String) -> Body) -> Response {
        _ = ContractAPI.v1Auth.register("alice", at: client)
        let credentials = api.credentials(api.takesEmailOnly ? "alice@school.example" : "alice")
        return client.ask("POST", api.login, body(String(decoding: credentials.bytes, as: UTF8.self)))
    }

    // MARK: Media types

    @Test(
        arguments: ContractAPI.allCases,
        [
            "application/json; utf-8", "application/json;charset", "application/json;charset=", "application/json;",
            "application/json; charset=\"utf-8", "application/json; =", "application/json ; charset = utf-8",
        ])
    func `a parameter that is none leaves JSON what it is`(_ api: ContractAPI, _ type: String) {
        let answer = signIn(api) { .other(type: type, Array($0.utf8)) }

        #expect(answer.status == 200)
    }

    private static let withForms = [
        ("/api/v1/auth/login/", "username"), ("/api/auth/login/", "email"), ("/api/user/login/", "username"),
        ("/api/v1/auth/login", "username"),
    ]

    @Test(arguments: withForms) func `a parameter that is none leaves a form what it is`(_ path: String, _ name: String)
    {
        _ = ContractAPI.v1Auth.register("alice", at: client)
        let form = "\(name)=alice%40school.example&role=student&password=correct+horse+battery"

        let answers = ["; utf-8", ";charset", ";charset=", ";"].map { parameter in
            client.ask(
                "POST", path, .other(type: "application/x-www-form-urlencoded" + parameter, Array(form.utf8)))
        }

        #expect(answers.map(\.status) == [200, 200, 200, 200])
    }

    private static let boundaries = [
        ("boundary=*****", "*****"), ("boundary=====================", "===================="),
        ("boundary=gL/9oQx", "gL/9oQx"), ("boundary=\"gL/9oQx\"", "gL/9oQx"), ("utf-8; boundary=b", "b"),
        ("boundary=" + String(repeating: "x", count: 80), String(repeating: "x", count: 80)),
        ("boundary=\"" + String(repeating: "x", count: 200) + "\"", String(repeating: "x", count: 200)),
        ("boundary=\"a b;c\"", "a b;c"), ("boundary=a b; charset=utf-8", "a b"),
    ]

    @Test(arguments: withForms, boundaries)
    func `a multipart body may have any boundary`(_ endpoint: (String, String), _ boundary: (String, String)) {
        _ = ContractAPI.v1Auth.register("alice", at: client)
        let form = MultipartForm(
            [.text(endpoint.1, "alice@school.example"), .text("role", "student"), .text("password", goodPassword)],
            boundary: boundary.1)

        let answer = client.ask(
            "POST", endpoint.0, .other(type: "multipart/form-data; \(boundary.0)", form.body))

        #expect(answer.status == 200)
    }

    @Test func `contract 5's form is taken as multipart too, and a file in it is no text`() {
        _ = ContractAPI.v1Auth.register("alice", at: client)

        let answers = [
            MultipartForm.Part.text("password", goodPassword), .file("password", name: "a", Array(goodPassword.utf8)),
        ]
        .map { client.ask("POST", "/api/v1/auth/login", .parts([.text("username", "alice"), $0])) }

        #expect(answers[0].text("token_type") == "bearer")
        #expect(
            answers[1].said == #"400 {"detail":"参数验证失败","errors":{"password":["该字段必须是字符串。"]}}"#)
    }

    // MARK: Byte order marks

    @Test(arguments: [
        (ContractAPI.v1Profile, 400), (.emailAuth, 400), (.roleSession, 400), (.usersToken, 200), (.v1Auth, 200),
    ])
    func `a byte order mark before JSON is skipped where FastAPI would`(_ api: ContractAPI, _ status: Int) {
        let answer = signIn(api) { .json("\u{FEFF}" + $0) }

        #expect(answer.status == status)
    }

    // MARK: Bodies that nobody reads

    private static let without = [
        (ContractAPI.roleSession, "/api/user/logout/"), (.usersToken, "/api/users/logout"),
        (.usersToken, "/api/users/refresh_token"), (.v1Auth, "/api/v1/auth/logout"), (.v1Auth, "/api/v1/auth/refresh"),
    ]
    private static let unread: [Body] = [
        .json("null"), .json(""), .json("[]"), .json("{"), .json("\u{0}"), .form("a=%FF"), .form(""),
        .other(type: "text/plain;charset=UTF-8", Array("bye".utf8)), .other(type: "text/plain", []),
        .other(type: nil, Array("bye".utf8)), .other(type: "nonsense", Array("bye".utf8)),
        .other(type: "multipart/form-data", Array("--".utf8)), .json(String(repeating: "[", count: 100_000)),
    ]

    @Test(arguments: without)
    func `an endpoint that takes no field reads no body`(_ api: ContractAPI, _ path: String) {
        _ = ContractAPI.v1Auth.register("alice", at: client)

        let answers = ClientBodyTests.unread.map { body in
            let held = api.openSession("alice", at: client)
            return client.ask("POST", path, body, bearer: held.access, cookie: held.cookie)
        }

        #expect(answers.map(\.status) == Array(repeating: 200, count: 13))
    }

    @Test(arguments: ContractAPI.bearerEndpoints) func `what comes with a GET is not read`(_ path: String) {
        let access = ContractAPI.v1Profile.register("alice", at: client).text("tokens", "access")

        let answers = ClientBodyTests.unread.map { client.ask("GET", path, $0, bearer: access) }

        #expect(answers.map(\.status) == Array(repeating: 200, count: 13))
    }

    // MARK: White space

    private static let spaces = [" ", "\n", "\r\n", "\t", "\u{A0}", "\u{3000}"]

    @Test(arguments: [ContractAPI.v1Profile, .emailAuth], spaces)
    func `white space around a refresh token is dropped`(_ api: ContractAPI, _ space: String) throws {
        let registered = api.register("alice", at: client)
        let path = try #require(api.renewal)

        let answer = client.post(path, ["refresh": .string(space + registered.text("tokens", "refresh") + space)])

        #expect(answer.status == 200)
    }

    @Test(arguments: spaces) func `white space around a token that ends its session is dropped`(_ space: String) {
        let first = ContractAPI.v1Profile.register("alice", at: client)
        let second = ContractAPI.emailAuth.register("bert", at: client)

        let answers = [
            client.ask(
                "POST", "/api/v1/auth/logout/", .json(["refresh": .string(space + first.refresh + space)] as JSON),
                bearer: first.access),
            client.post("/api/auth/logout/", ["refresh": .string(space + second.refresh + space)]),
        ]

        #expect(answers.map(\.status) == [200, 200])
    }

    @Test func `white space around a mailed token is dropped`() throws {
        _ = ContractAPI.v1Auth.register("alice", at: client)
        let token = try client.mailedToken("alice@school.example")

        let answer = client.post(
            "/api/v1/auth/reset-password", ["token": .string(" \(token)\n"), "new_password": "\(otherPassword)"])

        #expect(answer.status == 200)
    }

    @Test(arguments: [
        (" 你好 \n 世界\t", "你好 \n 世界"), ("\u{3000}a\u{A0}", "a"), (" ", ""), ("a", "a"), ("", ""),
    ]) func `white space around a bio is dropped, inside it stays`(_ bio: String, _ kept: String) {
        let access = client.register().access

        let answers = [Body.json(["bio": .string(bio)] as JSON), .parts([.text("bio", bio)])].map {
            client.ask("PUT", "/api/v1/profile/update/", $0, bearer: access).text("user", "bio")
        }

        #expect(answers == [kept, kept])
    }

    @Test func `the length of a bio is that without white space around it`() {
        let access = client.register().access
        let bio = String(repeating: " ", count: 400) + String(repeating: "简", count: 500) + " "

        let answer = client.ask(
            "PUT", "/api/v1/profile/update/", .json(["bio": .string(bio)] as JSON), bearer: access)

        #expect(answer.text("user", "bio") == String(repeating: "简", count: 500))
    }

    // MARK: Files

    /// What stands behind `form-data; ` in the header of a part with a picture.
    private static let headers: [[UInt8]] =
        [
            #"name="avatar"; filename="me.png""#, #"name="avatar"; filename="a "b" c.png""#,
            #"name="avatar"; filename=my photo.png"#, "name=avatar; filename*=GBK''%CD%B7%CF%F1.png",
            #"name="avatar"; filename="a.png"; filename="b.png""#, #"name="avatar"; filename="""#,
            #"name="avatar"; filename="a.png"; filename*=UTF-8''%FF"#, #"name="avatar""#,
            #"name="avatar"; filename="a.png"#, #"filename="a "b" c.png"; name="avatar""#,
            #"name="avatar"; filename="C:\photos\""#, #"name="avatar"; filename=""; name="bio""#,
            "name=\"avatar\"; filename=\"a\nb\u{0}.png\"", "name=\"avatar\";\r\n filename=\"a.png\"",
            "name=\"avatar\"; filename=\"a.png\"\r\nContent-Transfer-Encoding: base64",
        ].map { Array($0.utf8) } + [
            Array(#"name="avatar"; filename=""#.utf8) + [0xCD, 0xB7, 0xCF, 0xF1] + Array(".png\"".utf8),
            Array(#"filename=""#.utf8) + [0x95, 0x5C] + Array(#""; name="avatar""#.utf8),
        ]

    @Test(arguments: headers) func `no name of a file refuses a picture`(_ header: [UInt8]) {
        let access = client.register().access
        let body =
            Array("--b\r\nContent-Disposition: form-data; ".utf8) + header + Array("\r\n\r\n".utf8) + onePixelPNG
            + Array("\r\n--b--\r\n".utf8)

        let answer = client.ask(
            "PUT", "/api/v1/profile/update/", .other(type: "multipart/form-data; boundary=b", body), bearer: access)

        #expect(answer.status == 200)
        #expect(answer.text("user", "avatar").hasSuffix(".png"))
        #expect(client.fixture.files("avatars").count == 3)
    }
}
