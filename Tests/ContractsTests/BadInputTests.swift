import Accounts
import JSON
import TestSupport
import Testing

/// What clients should not send: in the contract's own shape, nothing changed, never a 500.
struct BadInputTests {
    let client: TestClient

    init() throws {
        client = try TestClient()
    }

    private func rows() throws -> String {
        try client.fixture.sql("SELECT * FROM accounts; SELECT * FROM sessions; SELECT * FROM outbox")
    }

    // MARK: Fields that are not the client's to set

    private static let wishes: JSON.Object = [
        "id": 999, "role": "teacher", "is_staff": true, "is_superuser": true, "status": "disabled",
        "is_email_verified": true, "login_count": 7, "password_hash": "x", "created_at": "2000-01-01T00:00:00Z",
    ]

    private static func wishing(_ body: JSON) -> JSON {
        guard case .object(let object) = body else { return body }
        return .object(JSON.Object(object.members + wishes.members))
    }

    private func granted() throws -> String {
        try client.fixture.sql(
            "SELECT id, role, is_staff, is_superuser, status, is_email_verified, YEAR(created_at) FROM accounts")
    }

    @Test(arguments: ContractAPI.allCases) func `a registration takes no rights from the body`(_ api: ContractAPI)
        throws
    {
        let answer = client.post(api.registration.path, BadInputTests.wishing(api.registration(of: "alice")))

        #expect(answer.status < 300)
        #expect(try granted() == "1\tstudent\t0\t0\tactive\t0\t2025")
    }

    private static let changes: [(String, String, JSON)] = [
        ("PUT", "/api/user/update/", ["username": "alice"]), ("PATCH", "/api/user/update/", [:]),
        ("PUT", "/api/v1/profile/update/", ["bio": "b"]),
        (
            "POST", "/api/user/change-password/",
            [
                "current_password": "\(goodPassword)", "new_password": "\(otherPassword)",
                "confirm_password": "\(otherPassword)",
            ]
        ),
        (
            "POST", "/api/v1/auth/change-password",
            ["old_password": "\(goodPassword)", "new_password": "\(otherPassword)"]
        ),
        ("POST", "/api/v1/auth/login/json", ["username": "alice", "password": "\(goodPassword)"]),
        ("POST", "/api/users/refresh_token", [:]), ("POST", "/api/v1/auth/refresh", [:]),
        ("POST", "/api/v1/auth/forgot-password", ["email": "alice@school.example"]),
    ]

    @Test(arguments: changes)
    func `no other request takes rights from the body`(_ method: String, _ path: String, _ body: JSON) throws {
        _ = ContractAPI.v1Auth.register("alice", at: client)
        let api = path.hasPrefix("/api/users/") ? ContractAPI.usersToken : .v1Auth
        let access = api.openSession("alice", at: client).access

        let answer = client.ask(method, path, .json(BadInputTests.wishing(body)), bearer: access)

        #expect(answer.status == 200)
        #expect(try granted() == "1\tstudent\t0\t0\tactive\t0\t2025")
    }

    @Test func `an update of one's own cannot name another's account`() throws {
        for name in ["alice", "bob"] { _ = ContractAPI.v1Auth.register(name, at: client) }
        let cookie = ContractAPI.roleSession.openSession("alice", at: client).cookie

        _ = client.ask(
            "PUT", "/api/user/update/?id=2", .json(["id": 2, "user_id": 2, "username": "carol"] as JSON), cookie: cookie
        )

        #expect(try client.fixture.sql("SELECT username FROM accounts ORDER BY id") == "carol\nbob")
    }

    // MARK: Names that look like somebody else's

    private static let withUsernames = [ContractAPI.v1Profile, .emailAuth, .roleSession, .v1Auth]

    @Test(arguments: withUsernames, ["bob@school.example", "BOB@school.example", "nobody@school.example", "a@b"])
    func `a username is never another's email`(_ api: ContractAPI, _ name: String) throws {
        _ = ContractAPI.v1Auth.register("bob", at: client)
        let before = try rows()

        let answer = client.post(
            api.registration.path, api.registration(of: "eve").with("username", .string(name)))

        #expect(answer.status == 400)
        #expect((answer.json["errors"] ?? answer.json)["username"] != nil)
        #expect(try rows() == before)
    }

    @Test(arguments: ["bob@school.example", "nobody@school.example"])
    func `an update makes no username of another's email`(_ name: String) throws {
        for name in ["alice", "bob"] { _ = ContractAPI.v1Auth.register(name, at: client) }
        let cookie = ContractAPI.roleSession.openSession("alice", at: client).cookie
        let before = try rows()

        let answer = client.ask(
            "PUT", "/api/user/update/", .json(["username": .string(name)] as JSON), cookie: cookie)

        #expect(answer.json["errors"]?["username"] == ["包含 @ 的用户名必须是该账户自己的邮箱。"])
        #expect(try rows() == before)
    }

    @Test(arguments: withUsernames) func `a username may be the account's own email`(_ api: ContractAPI) {
        let answer = client.post(
            api.registration.path, api.registration(of: "eve").with("username", "Eve@School.example"))

        #expect(answer.status == 201)
    }

    @Test(
        arguments: withUsernames,
        [
            "ALICE", "ａｌｉｃｅ", "Ａlice", " alice ", "al\u{200B}ice", "alice\u{00AD}", "\u{202E}alice", "alice\u{FE0F}",
            "\u{2066}alice\u{2069}", "ali\u{2060}ce", "alice\u{3164}", "alice\u{E0061}", "al ice", "alice\u{0}",
            "alice\n.", "①",
        ])
    func `a name that looks like another's is not to be had`(_ api: ContractAPI, _ name: String) throws {
        _ = ContractAPI.v1Auth.register("alice", at: client)
        let before = try rows()

        let answer = client.post(
            api.registration.path, api.registration(of: "eve").with("username", .string(name)))

        #expect(answer.status == 400)
        #expect((answer.json["errors"] ?? answer.json)["username"] != nil)
        #expect(try rows() == before)
    }

    @Test(
        arguments: ContractAPI.allCases,
        [
            "ALICE@school.example", "alice@SCHOOL.EXAMPLE", "ａlice@school.example", "alice@ｓchool.example",
            "al\u{200B}ice@school.example", "alice\u{00AD}@school.example", "\u{202E}alice@school.example",
            "alice@school\u{200D}.example", "alice@school.example\u{0}", " alice@school.example ",
        ])
    func `an email that looks like another's is not to be had`(_ api: ContractAPI, _ email: String) throws {
        _ = ContractAPI.v1Auth.register("alice", at: client)
        let before = try rows()

        let answer = client.post(api.registration.path, api.registration(of: "eve").with("email", .string(email)))

        #expect([400, 422].contains(answer.status))
        #expect(try rows() == before)
    }

    // MARK: Wrong types

    /// Every field that is a text, by endpoint; what is sent beside it is right.
    private static let bodies: [(method: String, path: String, body: JSON)] = [
        ("POST", "/api/auth/register/", ContractAPI.emailAuth.registration(of: "eve")),
        ("POST", "/api/auth/login/", ContractAPI.emailAuth.credentials("alice@school.example")),
        ("POST", "/api/auth/token/refresh/", ["refresh": "x"]), ("POST", "/api/auth/logout/", ["refresh": "x"]),
        ("POST", "/api/user/register/", ContractAPI.roleSession.registration(of: "eve")),
        ("POST", "/api/user/login/", ContractAPI.roleSession.credentials("alice")),
        ("PUT", "/api/user/update/", ["username": "carol", "email": "carol@school.example"]),
        (
            "POST", "/api/user/change-password/",
            [
                "current_password": "\(goodPassword)", "new_password": "\(otherPassword)",
                "confirm_password": "\(otherPassword)",
            ]
        ),
        ("POST", "/api/users/register", ContractAPI.usersToken.registration(of: "eve")),
        ("POST", "/api/users/login", ContractAPI.usersToken.credentials("alice@school.example")),
        (
            "POST", "/api/users/reset_password",
            ["email": "alice@school.example", "old_password": "\(goodPassword)", "new_password": "\(otherPassword)"]
        ),
        ("POST", "/api/v1/auth/register", ContractAPI.v1Auth.registration(of: "eve")),
        ("POST", "/api/v1/auth/login/json", ContractAPI.v1Auth.credentials("alice")),
        (
            "POST", "/api/v1/auth/change-password",
            ["old_password": "\(goodPassword)", "new_password": "\(otherPassword)"]
        ),
        ("POST", "/api/v1/auth/forgot-password", ["email": "alice@school.example"]),
        ("POST", "/api/v1/auth/reset-password", ["token": "x", "new_password": "\(otherPassword)"]),
    ]

    private static let noTexts: [JSON] = [
        nil, true, 0, -1, 1.5, .double(1e300), .integer(.max), [], ["alice"], [:], ["$ne": ""], ["a": ["b": ["c"]]],
    ]

    /// Whether a refusal looks as the contract's do.
    private static func hasShape(_ answer: Response, _ path: String) -> Bool {
        guard case .object(let object) = answer.json else { return false }
        func isList(_ value: JSON?) -> Bool { if case .array? = value { true } else { false } }
        func isText(_ value: JSON?) -> Bool { if case .string? = value { true } else { false } }
        if path.hasPrefix("/api/auth/") { return object.members.allSatisfy { isList($0.value) } }
        if path.hasPrefix("/api/user/") { return isText(object["message"]) && object["errors"] != nil }
        if path.hasPrefix("/api/users/") {
            return answer.status == 422 ? isList(object["detail"]) : isText(object["detail"])
        }
        return isText(object["detail"]) && object["errors"] != nil
    }

    @Test(arguments: bodies.indices) func `a value that is no text is a field error and changes nothing`(_ index: Int)
        throws
    {
        let (method, path, body) = BadInputTests.bodies[index]
        guard case .object(let fields) = body else { return }
        _ = ContractAPI.v1Auth.register("alice", at: client)
        let access = ContractAPI.v1Auth.openSession("alice", at: client).access
        let before = try rows()

        for field in fields.members.map(\.name) {
            for value in BadInputTests.noTexts {
                let answer = client.ask(method, path, .json(body.with(field, value)), bearer: access)
                let expected = path == "/api/users/register" || path == "/api/users/login" ? 422 : 400
                #expect(answer.status == expected, "\(field): \(value)")
                #expect(BadInputTests.hasShape(answer, path), "\(field): \(answer.said)")
            }
        }

        #expect(try rows() == before)
    }

    private static let strangeTexts = [
        "\0", "a\0b", "\u{FFFF}", "\u{10FFFF}", "\u{202E}", "' OR '1'='1", "%00", "../../etc/passwd",
        "\r\nSet-Cookie: a=b",
        "<script>", "${jndi:x}", String(repeating: "😀", count: 5000), String(repeating: "a\u{301}", count: 5000),
    ]

    @Test(arguments: bodies.indices) func `no text, however strange, is a fault of ours`(_ index: Int) throws {
        let (method, path, body) = BadInputTests.bodies[index]
        guard case .object(let fields) = body else { return }
        _ = ContractAPI.v1Auth.register("alice", at: client)
        for field in fields.members.map(\.name) {
            for text in BadInputTests.strangeTexts {
                let access = ContractAPI.v1Auth.openSession("alice", at: client).access
                let answer = client.ask(method, path, .json(body.with(field, .string(text))), bearer: access)
                #expect(answer.status < 500, "\(field): \(text.prefix(20)): \(answer.said)")
                try client.accounts.unlock("alice")
                if let eve = try client.accounts.account("eve") { try client.accounts.delete(eve) }
            }
        }
    }

    @Test(arguments: bodies.indices) func `half of a surrogate pair is no text`(_ index: Int) throws {
        let (method, path, body) = BadInputTests.bodies[index]
        guard case .object(let fields) = body else { return }
        _ = ContractAPI.v1Auth.register("alice", at: client)
        let access = ContractAPI.v1Auth.openSession("alice", at: client).access
        let before = try rows()

        for field in fields.members.map(\.name) {
            for half in [#"\ud800"#, #"a\udfffb"#, #"\udc00\ud800"#] {
                let text = String(decoding: body.with(field, "HALF").bytes, as: UTF8.self)
                let answer = client.ask(method, path, .json(text.replacing("HALF", with: half)), bearer: access)
                #expect(answer.status == (path == "/api/users/register" || path == "/api/users/login" ? 422 : 400))
            }
        }

        #expect(try rows() == before)
    }

    @Test(arguments: [
        "a\0b c d e", "\u{1}\u{2}\u{3}\u{4}\u{5}\u{6}\u{7}\u{8}", " leading and trailing ", "密码密码密码密码", "ﬁﬁﬁﬁﬁﬁﬁﬁ",
    ])
    func `a password may hold anything, and nothing of it is changed`(_ password: String) {
        let registered = ContractAPI.v1Auth.register("alice", password, at: client)

        let same = ContractAPI.v1Auth.signIn("alice", password, at: client)
        let trimmed = ContractAPI.v1Auth.signIn("alice", password.replacing(" ", with: ""), at: client)
        let cut = ContractAPI.v1Auth.signIn("alice", String(password.prefix { $0 != "\0" }), at: client)
        let folded = ContractAPI.v1Auth.signIn("alice", password.replacing("ﬁ", with: "fi"), at: client)

        #expect(registered.status == 201)
        #expect(same.status == 200)
        #expect((trimmed.status == 200) == !password.contains(" "))
        #expect((cut.status == 200) == !password.contains("\0"))
        #expect((folded.status == 200) == !password.contains("ﬁ"))
    }
}
