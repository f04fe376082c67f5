import Accounts
import JSON
import TestSupport
import Testing

/// Contract 6: people, for teachers and mentors.
struct PeopleTests {
    let client: TestClient
    let teacher: String

    init() throws {
        client = try TestClient()
        for (name, email) in [
            ("teacher", "teacher@school.example"), ("alice", "alice@school.example"), ("albert", "b@münchen.example"),
            ("李雷", "lilei@school.example"), ("al_ice", "under@school.example"),
        ] {
            _ = client.register(name, email: email)
        }
        try client.fixture.sql(
            """
            UPDATE accounts SET role = 'teacher' WHERE id = 1; UPDATE accounts SET role = 'mentor' WHERE id = 3;
            UPDATE accounts SET full_name = 'Ａnna Größe' WHERE id = 4; UPDATE accounts SET full_name = 'Bo Zé' WHERE id = 2
            """)
        teacher = ContractAPI.v1Profile.signIn("teacher", "testpassword123", at: client).access
    }

    private func ids(_ query: String) -> [Int64] {
        guard case .array(let people) = client.get("/api/account/people/" + query, bearer: teacher).json else {
            return []
        }
        return people.compactMap { if case .integer(let id)? = $0["id"] { id } else { nil } }
    }

    @Test func `a person is shown`() {
        #expect(
            client.get("/api/account/people/?q=alice", bearer: teacher).said == """
                200 [{"id":2,"username":"alice","full_name":"Bo Zé","email":"alice@school.example","role":"student",\
                "avatar_64":null,"last_login_at":null}]
                """)
    }

    @Test(arguments: [
        ("student", false, 403), ("student", true, 403), ("mentor", false, 200), ("teacher", false, 200),
    ])
    func `only teachers and mentors see people`(role: String, isStaff: Bool, status: Int) throws {
        let token = ContractAPI.v1Profile.signIn("alice", "testpassword123", at: client).access
        try client.fixture.sql("UPDATE accounts SET role = '\(role)', is_staff = \(isStaff) WHERE id = 2")

        #expect(client.get("/api/account/people/", bearer: token).status == status)
    }

    @Test(arguments: [
        ("", [Int64](1...5)), ("?q=", [1, 2, 3, 4, 5]), ("?q=+", [1, 2, 3, 4, 5]), ("?q=AL", [2, 3, 5]),
        ("?q=%EF%BC%A1%EF%BD%8C", [2, 3, 5]), ("?q=al_", [5]), ("?q=%25%25", []), ("?q=%5C%5C", []), ("?q=__", []),
        ("?q=al%25", []), ("?q=lice", []), ("?q=anna", [4]), ("?q=anna+gr%C3%B6", [4]), ("?q=anna+gro%CC%88", [4]),
        ("?q=anna+gro", [4]),
        ("?q=bo+ze%CC%82", [2]), ("?q=%C2%AD%C2%AD", []), ("?q=%C2%ADanna", [4]), ("?q=%CC%81anna", [4]),
        ("?q=%F4%8F%BF%BF%F4%8F%BF%BF", []),
        ("?q=bo+z", [2]), ("?q=%E6%9D%8E%E9%9B%B7", [4]), ("?q=b%40m%C3%BC", [3]), ("?q=b%40xn--m", []),
        ("?q=alice%40school", [2]), ("?q=alice%40evil", []), ("?role=mentor", [3]), ("?role=", [1, 2, 3, 4, 5]),
        ("?q=al&role=student", [2, 5]), ("?after=3", [4, 5]), ("?q=al&after=2", [3, 5]), ("?limit=2", [1, 2]),
        ("?role=student&limit=1&after=2", [4]), ("?q=%CC%81%CC%81", []),
        ("?q=al&%FF=1&x=%FF", [2, 3, 5]),
    ])
    func `search, role, limit and after narrow the list`(query: String, expected: [Int64]) {
        #expect(ids(query) == expected)
    }

    @Test func `accounts that are not active are left out`() throws {
        try client.fixture.sql("UPDATE accounts SET status = 'disabled' WHERE id = 2")

        #expect(ids("") == [1, 3, 4, 5])
        #expect(ids("?q=al") == [3, 5])
        #expect(ids("?role=student") == [4, 5])
    }

    @Test(arguments: [
        ("?q=a", "q too_short"), ("?q=%00a", "q malformed"), ("?q=a%0Ab", "q malformed"),
        ("?q=" + String(repeating: "a", count: 255), "q too_long"), ("?limit=0", "limit out_of_range"),
        ("?limit=201", "limit out_of_range"), ("?limit=x", "limit out_of_range"), ("?after=-1", "after out_of_range"),
        ("?role=admin", "role not_a_choice"), ("?q=%FF%FE", "q not_text"),
    ])
    func `a wrong parameter is named`(query: String, expected: String) throws {
        let answer = client.get("/api/account/people/" + query, bearer: teacher)

        guard case .array(let errors)? = answer.json["errors"], let first = errors.first else {
            Issue.record("\(answer.said)")
            return
        }
        #expect(answer.status == 400)
        #expect([first["field"], first["code"]] == expected.split(separator: " ").map { .string(String($0)) })
    }

    @Test func `Link leads through all pages`() throws {
        var target = "/api/account/people/?q=al&limit=1"
        var seen: [String] = []
        while true {
            let answer = client.get(target, bearer: teacher)
            if case .array(let people) = answer.json, case .string(let name)? = people.first?["username"] {
                seen.append(name)
            }
            guard let link = answer.header("Link") else { break }
            let next = try #require(link.wholeMatch(of: #/<https?://school\.example(/[^>]*)>; rel="next"/#))
            target = String(next.1)
            try #require(seen.count < 9)
        }

        #expect(seen == ["alice", "albert", "al_ice"])
    }

    @Test func `what was searched for stands in Link encoded`() {
        let answer = client.get("/api/account/people/?q=%20al%20&limit=1&role=student", bearer: teacher)

        #expect(
            answer.header("Link")
                == #"<http://school.example/api/account/people/?q=al&role=student&limit=1&after=2>; rel="next""#)
    }
}
