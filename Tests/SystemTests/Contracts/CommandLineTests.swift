import DevStack
import JSON
import Testing

/// The commands of documents 2 and 5 as they stand, in their order, against a system with nothing changed from its
/// defaults. Documents 3 and 4 have none.
struct CommandLineTests {
    @Test(arguments: [("2-email-auth", 3), ("3-role-session", 0), ("4-users-token", 0), ("5-v1-auth", 5)])
    func `a document has so many commands`(name: String, count: Int) throws {
        #expect(try Document(named: name).commands.count == count)
    }

    @Test(arguments: [(0, 201), (1, 200), (2, 200)])
    func `a command of document 2 succeeds`(number: Int, status: Int) throws {
        let answers = try Typed.shared.get().emailAuth

        #expect(answers[number].status == status)
    }

    @Test(arguments: [(0, 201), (1, 200), (2, 200), (3, 200), (4, 200)])
    func `a command of document 5 succeeds`(number: Int, status: Int) throws {
        let answers = try Typed.shared.get().v1Auth

        #expect(answers[number].status == status)
    }

    @Test func `document 2's person signs in as registered`() throws {
        let answers = try Typed.shared.get().emailAuth
        let person: JSON = ["email": "test@example.com", "username": "testuser"]

        #expect(answers.map { $0[["user"]] } == [person, person, person])
    }

    @Test func `document 5's person signs in as registered`() throws {
        let answers = try Typed.shared.get().v1Auth

        #expect(answers[1].string("user", "full_name") == "测试用户")
        #expect(answers[2].string("username") == "testuser")
        #expect(answers[2][["login_count"]] == 1)
        #expect(answers[4].json == ["message": "登出成功"])
    }
}

/// Both documents typed into one terminal, one after the other: they register the same person.
private struct Typed: Sendable {
    static let shared = Result { try Typed() }

    private(set) var emailAuth: [Answer] = []
    private(set) var v1Auth: [Answer] = []

    private init() throws {
        let site = try Site.start(environment: [:], limits: true)
        defer { Site.discard(site) }
        var token = ""
        for command in try Document(named: "2-email-auth").commands {
            let answer = try command.filled(["http://your-domain": site.url, "<access_token>": token]).run()
            token = answer.string("tokens", "access") ?? token
            emailAuth.append(answer)
        }
        _ = try site.homeroom("user", "delete", "testuser")
        token = ""
        for command in try Document(named: "5-v1-auth").commands {
            let port = "http://localhost:\(site.nginx.port)"
            let answer = try command.filled(["http://localhost:8000": port, "YOUR_ACCESS_TOKEN": token]).run()
            token = answer.string("access_token") ?? token
            v1Auth.append(answer)
        }
    }
}
