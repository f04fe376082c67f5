import Accounts
import JSON
import TestSupport
import Testing

/// Contract 3's list of users.
struct RoleSessionListTests {
    let client: TestClient
    let cookie: String

    init() throws {
        client = try TestClient()
        for name in ["user1", "user2", "user3", "user4", "user5"] {
            _ = ContractAPI.roleSession.register(name, at: client)
        }
        cookie = try #require(ContractAPI.roleSession.openSession("user1", at: client).cookie)
        try client.fixture.sql("UPDATE accounts SET role = 'teacher' WHERE id IN (2, 4)")
    }

    private func ids(_ query: String) -> [Int64] {
        guard case .array(let users) = client.get("/api/user/list/" + query, cookie: cookie).json else { return [] }
        return users.compactMap { user in
            if case .integer(let id)? = user["id"] { id } else { nil }
        }
    }

    @Test(arguments: [("student", false, 403), ("mentor", false, 200), ("teacher", false, 200), ("student", true, 200)])
    func `the operator can keep the list to teachers, mentors and staff`(
        role: String, isStaff: Bool, status: Int
    ) throws {
        let client = TestClient(of: try AccountsFixture { $0.listReaders = .staff })
        _ = ContractAPI.roleSession.register("reader", at: client)
        let cookie = try #require(ContractAPI.roleSession.openSession("reader", at: client).cookie)
        try client.fixture.sql("UPDATE accounts SET role = '\(role)', is_staff = \(isStaff)")

        let answer = client.get("/api/user/list/", cookie: cookie)

        #expect(answer.status == status)
        if status == 403 { #expect(answer.said == #"403 {"message":"没有权限执行此操作。"}"#) }
    }

    @Test func `the list shows what the document shows`() {
        let answer = client.get("/api/user/list/?limit=2", cookie: cookie)

        #expect(
            answer.said == """
                200 [{"id":1,"username":"user1","email":"user1@school.example","role":"student"},\
                {"id":2,"username":"user2","email":"user2@school.example","role":"teacher"}]
                """)
    }

    @Test(arguments: [
        ("", [Int64](1...5)), ("?role=teacher", [2, 4]), ("?role=student", [1, 3, 5]), ("?role=mentor", []),
        ("?limit=1", [1]), ("?limit=5", [1, 2, 3, 4, 5]), ("?limit=1000", [1, 2, 3, 4, 5]),
        ("?after=0", [1, 2, 3, 4, 5]),
        ("?after=3", [4, 5]), ("?after=5", []), ("?after=9223372036854775807", []),
        ("?role=student&limit=1&after=1", [3]), ("?limit=2&limit=1", [1]), ("?unknown=1", [1, 2, 3, 4, 5]),
    ]) func `role, limit and after narrow the list`(_ query: String, _ expected: [Int64]) {
        #expect(ids(query) == expected)
    }

    @Test(arguments: [
        ("?limit=2", "limit=2&after=2"), ("?limit=2&after=2", "limit=2&after=4"),
        ("?role=student&limit=2", "role=student&limit=2&after=3"),
        ("?after=1&limit=1&role=teacher", "role=teacher&limit=1&after=2"),
    ]) func `a list that the limit cut leads on`(_ query: String, _ next: String) {
        let answer = client.get("/api/user/list/" + query, cookie: cookie)

        #expect(answer.header("Link") == "<http://school.example/api/user/list/?\(next)>; rel=\"next\"")
    }

    @Test(arguments: [
        ("?limit=1%0d%0aSet-Cookie:%20sessionid=evil&limit=1", "limit=1&after=1"),
        (
            "?role=%0d%0aContent-Type:%20text/html%0d%0a%0d%0a%3Cscript%3E&role=student&limit=1",
            "role=student&limit=1&after=1"
        ),
        ("?limit=1&%0d%0aX:%20y=1", "limit=1&after=1"), ("?limit=1&x=%0d%0aX:%20y", "limit=1&after=1"),
        ("?limit=2&limit=1", "limit=1&after=1"), ("?limit=01", "limit=1&after=1"), ("?lim%69t=1", "limit=1&after=1"),
        ("?limit=1&role=mentor%22%3E&role=teacher", "role=teacher&limit=1&after=2"),
    ]) func `what leads on is what was checked of the query, not what was sent`(_ query: String, _ next: String) {
        for path in ["/api/user/list/", "/api/user/list"] {
            let answer = client.get(path + query, cookie: cookie)

            #expect(answer.all("Link") == ["<http://school.example/api/user/list/?\(next)>; rel=\"next\""])
            #expect(answer.all("Set-Cookie") == [])
        }
    }

    @Test(arguments: ["", "?limit=5", "?limit=6", "?after=2", "?role=teacher&limit=2", "?limit=3&after=2"])
    func `a whole list leads nowhere`(_ query: String) {
        let answer = client.get("/api/user/list/" + query, cookie: cookie)

        #expect(answer.header("Link") == nil)
    }

    @Test(arguments: [
        ("?role=admin", "role", "无效的用户角色。"), ("?role=", "role", "该字段不能为空。"), ("?role=Teacher", "role", "无效的用户角色。"),
        ("?limit=0", "limit", "请输入1到1000之间的整数。"), ("?limit=1001", "limit", "请输入1到1000之间的整数。"),
        ("?limit=-1", "limit", "请输入1到1000之间的整数。"), ("?limit=%2B5", "limit", "请输入1到1000之间的整数。"),
        ("?limit=1.5", "limit", "请输入1到1000之间的整数。"), ("?limit=ten", "limit", "请输入1到1000之间的整数。"),
        ("?limit=%D9%A1", "limit", "请输入1到1000之间的整数。"), ("?limit=", "limit", "该字段不能为空。"),
        ("?after=-1", "after", "请输入0到9223372036854775807之间的整数。"),
        ("?after=9223372036854775808", "after", "请输入0到9223372036854775807之间的整数。"),
        ("?after=x", "after", "请输入0到9223372036854775807之间的整数。"),
    ]) func `a wrong parameter is named with its text`(_ query: String, _ field: String, _ text: String) {
        let answer = client.get("/api/user/list/" + query, cookie: cookie)

        let errors = "\"\(field)\":[\"\(text)\"]"
        #expect(answer.said == "400 {\"message\":\"查询失败\",\"errors\":{\(errors)},\(errors)}")
    }

    @Test(arguments: ["?limit=%FF", "?role=%C3", "?role=student&role=%80"])
    func `a parameter that cannot be read is refused, not ignored`(_ query: String) {
        let answer = client.get("/api/user/list/" + query, cookie: cookie)

        #expect(answer.status == 400)
    }

    @Test func `a list longer than a page is whole and in order`() throws {
        try client.fixture.sql(
            """
            INSERT INTO accounts (username, username_key, email, email_key, password_hash, created_at, updated_at) \
            SELECT CONCAT('n', seq), CONCAT('n', seq), CONCAT('n', seq, '@b.example'), CONCAT('n', seq, '@b.example'), \
            '', '2025-01-01', '2025-01-01' FROM seq_1_to_2500
            """)

        let all = ids("")

        #expect(all.count == 2505)
        #expect(all == all.sorted())
    }

    @Test func `following the links reads the whole list`() throws {
        var seen: [Int64] = []
        var query: String? = "?limit=2"
        while let current = query {
            seen += ids(current)
            let link = client.get("/api/user/list/" + current, cookie: cookie).header("Link")
            query = link?.firstMatch(of: #/<http://school\.example/api/user/list/(\?[^>]*)>/#).map { String($0.1) }
        }

        #expect(seen == [1, 2, 3, 4, 5])
    }

    @Test func `HEAD answers like GET`() {
        let answer = client.ask("HEAD", "/api/user/list/?limit=1", cookie: cookie)

        #expect(answer.status == 200)
        #expect(answer.header("Link") != nil)
    }
}
