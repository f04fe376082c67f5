import JSON
import TestSupport
import Testing

/// The usernames of those who register through contract 4, which asks for none.
struct DerivedUsernameTests {
    let client: TestClient

    init() throws {
        client = try TestClient()
    }

    private static func register(_ email: String, at client: TestClient) -> Response {
        client.post(
            "/api/users/register", ContractAPI.usersToken.registration(of: "x").with("email", .string(email)))
    }

    private func username(_ email: String) throws -> String {
        try client.fixture.sql("SELECT username FROM accounts WHERE email = '\(email)'")
    }

    @Test(arguments: [
        ("alice@b.example", "alice"), ("Alice.B+c_d-e@b.example", "Alice.B+c_d-e"), ("小明@b.example", "小明"),
        ("o'brien@b.example", "obrien"), ("a!#$%&*/=?^`{|}~b@b.example", "ab"), ("!#$@b.example", "user"),
        ("a.b@b.example", "a.b"), ("ａ１@b.example", "ａ１"),
    ]) func `the username is the local part, made valid`(_ email: String, _ expected: String) throws {
        let answer = DerivedUsernameTests.register(email, at: client)

        #expect(answer.status == 200)
        #expect(try client.fixture.sql("SELECT username FROM accounts") == expected)
    }

    @Test func `each gets the first that is free`() throws {
        let domains = ["a.example", "b.example", "c.example", "d.example"]

        for domain in domains { _ = DerivedUsernameTests.register("alice@\(domain)", at: client) }

        #expect(try domains.map { try username("alice@\($0)") } == ["alice", "alice2", "alice3", "alice4"])
    }

    @Test func `a name in use by somebody else is passed over`() throws {
        for name in ["ALICE", "alice3", "alice22"] { _ = ContractAPI.v1Auth.register(name, at: client) }

        for domain in ["a.example", "b.example"] { _ = DerivedUsernameTests.register("alice@\(domain)", at: client) }

        #expect(try username("alice@a.example") == "alice2")
        #expect(try username("alice@b.example") == "alice4")
    }

    @Test func `names that only begin alike are no hindrance`() throws {
        for name in ["alice.b", "alice-2", "alice2b", "alicex"] { _ = ContractAPI.v1Auth.register(name, at: client) }

        _ = DerivedUsernameTests.register("alice@a.example", at: client)

        #expect(try username("alice@a.example") == "alice")
    }

    @Test func `names that differ only in width are one`() throws {
        _ = ContractAPI.v1Auth.register("alice", at: client)

        _ = DerivedUsernameTests.register("ＡＬＩＣＥ@a.example", at: client)

        #expect(try username("ＡＬＩＣＥ@a.example") == "ＡＬＩＣＥ2")
    }

    @Test func `a longest local part still gets a number`() throws {
        let local = String(repeating: "a", count: 64)

        for domain in ["a.example", "b.example"] {
            _ = DerivedUsernameTests.register("\(local)@\(domain)", at: client)
        }

        #expect(try username("\(local)@b.example") == local + "2")
    }

    @Test func `of 20 at once everybody gets a name`() throws {
        let fixture = client.fixture

        let answers = concurrently(20, prepare: { _ in TestClient(of: fixture) }) { number, own in
            DerivedUsernameTests.register("alice@d\(number).example", at: own).status
        }

        let names = try fixture.sql("SELECT username FROM accounts").split(separator: "\n").sorted()
        #expect(answers == Array(repeating: 200, count: 20))
        #expect(names == (["alice"] + (2...20).map { "alice\($0)" }).sorted().map { Substring($0) })
    }

    @Test func `of 20 with one email at once one gets the account`() throws {
        let fixture = client.fixture

        let answers = concurrently(20, prepare: { _ in TestClient(of: fixture) }) { _, own in
            DerivedUsernameTests.register("alice@a.example", at: own).said
        }

        let taken = #"400 {"detail":"Email already registered"}"#
        #expect(
            answers.sorted()
                == [#"200 {"message":"User registered successfully."}"#] + Array(repeating: taken, count: 19))
        #expect(try fixture.sql("SELECT COUNT(*) FROM accounts") == "1")
    }
}
