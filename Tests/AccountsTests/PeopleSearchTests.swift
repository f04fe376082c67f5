import TestSupport
import Testing

@testable import Accounts
@testable import Database

/// Searches among 36,000 accounts: for names that many have, that few have, and that stand together at the end.
struct PeopleSearchTests {
    struct Search: CustomTestStringConvertible, Sendable {
        var text = ""
        var role = ""
        var after: UInt64 = 0
        var limit = 50
        /// More rows than that it may not read.
        var most: Int64 = 15_000
        var testDescription: String { "q=\(text) role=\(role) after=\(after) limit=\(limit)" }
    }

    static let searches = [
        Search(most: 600), Search(limit: 200, most: 2_000), Search(after: 11_000, most: 600),
        Search(role: "student", most: 600), Search(role: "teacher", most: 600),
        Search(role: "mentor", after: 20_000, most: 600), Search(text: "student"), Search(text: "student", limit: 200),
        Search(text: "STUDENT0", after: 7_000), Search(text: "student", after: 11_000),
        Search(text: "student", role: "mentor"), Search(text: "student", role: "teacher", after: 5_000),
        Search(text: "last"), Search(text: "last", role: "teacher", limit: 10), Search(text: "ａnna"),
        Search(text: "anna 1", role: "student", after: 8_000), Search(text: "王伟"), Search(text: "gone"),
        Search(text: "p1", limit: 10), Search(text: "p3", role: "mentor"), Search(text: "p120@school", most: 60),
        Search(text: "student09999", most: 60), Search(text: "student099", role: "teacher", most: 1_000),
        Search(text: "nobody", most: 60), Search(text: "\u{AD}\u{AD}", most: 60),
        Search(text: "\u{301}\u{302}", most: 60),
        Search(text: "ánnă"), Search(text: "student\u{AD}"), Search(text: "王\u{FE0F}"),
    ]

    @Test(arguments: searches)
    func `a page is what a plain look at every account gives`(search: Search) throws {
        let people = try Self.people.get()

        let page = try people.page(search)

        let expected = try people.plainly(search)
        #expect(page.accounts.map(\.id) == Array(expected.prefix(search.limit)))
        #expect((page.next != nil) == (expected.count > search.limit))
    }

    @Test func `all pages of a name that many have are all who have it, once and in order`() throws {
        let people = try Self.people.get()
        var search = Search(text: "an", limit: 200)
        var seen: [UInt64] = []

        repeat {
            let page = try people.page(search)
            seen += page.accounts.map(\.id)
            search.after = page.next ?? 0
        } while search.after > 0

        #expect(seen == (try people.plainly(Search(text: "an", limit: 100_000))))
        #expect(seen.count > 2_000)
    }

    @Test func `who has registered is found among many of the name at once`() throws {
        let people = try People(2_500)
        let new = try people.fixture.accounts().register("gone-and-back")
        let id = try people.fixture.accounts().caller(new).account.id

        let page = try people.page(Search(text: "gone"))

        #expect(page.accounts.map(\.id) == [id])
    }

    // Of a block of 4096 ids each name is read once, and twice from the server's own tables where many have it.
    @Test(arguments: searches)
    func `what a page reads is bounded, however many have the name`(search: Search) throws {
        let read = try Self.people.get().rowsRead(search)

        #expect(read < search.most)
    }

    private static let people = Result { try People(36_000) }
}

/// A table of people, and a teacher who reads it.
private struct People: Sendable {
    let fixture: AccountsFixture
    let teacher: Account

    init(_ count: Int) throws {
        fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let reader = try accounts.register("reader")
        try fixture.sql("UPDATE accounts SET role = 'teacher'")
        teacher = try accounts.caller(reader).account
        try add(count)
    }

    /// 2,000 who are gone, 8,500 students and a rest with one name; mentors and teachers here and there.
    func add(_ count: Int) throws {
        try fixture.sql(
            """
            SET @first = (SELECT MAX(id) FROM accounts);
            INSERT INTO accounts
                (id, username, username_key, email, email_key, password_hash, role, status, full_name, created_at,
                 updated_at, id_block)
            SELECT id, CONCAT(name, LPAD(id, 5, '0')), CONCAT(name, LPAD(id, 5, '0')), CONCAT('p', id, '@School.example'),
                CONCAT('p', id, '@school.example'), '!', role, IF(name = 'gone', 'disabled', 'active'), full_name,
                NOW(6), NOW(6), id DIV 4096
            FROM (
                SELECT seq + @first AS id, CASE WHEN seq <= 2000 THEN 'gone' WHEN seq <= 10500 THEN 'student' ELSE 'last' END
                    AS name, IF(seq % 1500 = 7, 'mentor', IF(seq % 40 = 3, 'teacher', 'student')) AS role,
                    CASE seq % 4 WHEN 0 THEN CONCAT('Anna ', seq) WHEN 1 THEN '王伟' END AS full_name
                FROM seq_1_to_\(count)
            ) made; ANALYZE TABLE accounts
            """)
    }

    func page(_ search: PeopleSearchTests.Search, on connection: Connection? = nil) throws -> PeoplePage {
        let query = PeopleQuery(
            search: .text(search.text), role: .text(search.role), limit: .text("\(search.limit)"),
            after: .text("\(search.after)"))
        let accounts = connection.map { fixture.accounts(on: $0) } ?? fixture.accounts()
        return try accounts.people(query, for: teacher)
    }

    /// One more than the limit at most.
    func plainly(_ search: PeopleSearchTests.Search) throws -> [UInt64] {
        let others = ["ａnna": "anna", "ánnă": "anna", "王\u{FE0F}": "王"]
        let text = others[search.text] ?? search.text.lowercased()
        let names = ["username", "full_name", "email"].map { "LOWER(\($0)) LIKE '\(text)%'" }.joined(separator: " OR ")
        let rows = try fixture.sql(
            """
            SELECT id FROM accounts IGNORE INDEX (active_role) WHERE status = 'active' AND id > \(search.after)
                AND ('\(search.role)' = '' OR role = '\(search.role)') AND (\(names)) ORDER BY id LIMIT \(search.limit + 1)
            """)
        return rows.split(separator: "\n").compactMap { UInt64($0) }
    }

    /// Of tables and indexes, those that the server makes for itself included.
    func rowsRead(_ search: PeopleSearchTests.Search) throws -> Int64 {
        let connection = Connection(fixture.address)
        let counts = try (0..<3).map { round in
            if round == 2 { _ = try page(search, on: connection) }
            return try connection.first(RowsRead()) ?? 0
        }
        // Asking reads rows too.
        return counts[2] - counts[1] - (counts[1] - counts[0])
    }
}

private struct RowsRead: Query {
    static let sql: SQL = """
        SELECT CAST(SUM(variable_value) AS SIGNED) FROM information_schema.session_status \
        WHERE variable_name LIKE 'Handler_read%'
        """
    var parameters: [SQLValue] { [] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> Int64 { try columns.integer() }
}
