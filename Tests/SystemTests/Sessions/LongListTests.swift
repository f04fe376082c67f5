import DevStack
import Foundation
import JSON
import TestSupport
import Testing

/// Contract 3's list of users, also where a whole city is in it.
struct LongListTests {
    private let city: City

    init() throws {
        city = try City.shared.get()
    }

    @Test func `200,000 people come as one JSON array`() {
        #expect(city.large.people == 200_000)
    }

    @Test func `they come in the order of their ids, each once`() {
        #expect(city.large.isAscending)
    }

    @Test func `each has the documented names`() {
        #expect(city.large.names == ["id,username,email,role"])
    }

    /// 200,000 people are 18 MB of JSON.
    @Test func `the worker's memory does not grow with the list`() {
        #expect(city.small.people == 1000)
        #expect(city.large.bytes > 15_000_000)
        #expect(city.large.peak - city.small.peak < 3_000_000)
    }

    @Test func `a role narrows the list`() throws {
        let answer = try city.get("?role=teacher")

        #expect(answer.json == [["id": 2, "username": "u2", "email": "u2@example.com", "role": "teacher"]])
    }

    @Test func `a limit cuts the list and leads on`() throws {
        let answer = try city.get("?role=student&limit=2")

        #expect(ids(answer) == [1, 3])
        #expect(
            answer["Link"] == "<http://localhost/api/user/list/?role=student&limit=2&after=3>; rel=\"next\"")
    }

    @Test func `the link leads to what comes next`() throws {
        let link = try #require(try city.get("?limit=1000")["Link"]?.firstMatch(of: /list\/(\?[^>]+)>/)).1

        let answer = try city.get(String(link))

        #expect(ids(answer).first == 1001)
        #expect(ids(answer).count == 1000)
    }

    @Test func `behind the last there is no link`() throws {
        let answer = try city.get("?limit=1000&after=199500")

        #expect(ids(answer).count == 500)
        #expect(answer["Link"] == nil)
    }

    @Test func `a limit that is just met leads nowhere`() throws {
        let answer = try city.get("?limit=500&after=199500")

        #expect(ids(answer).count == 500)
        #expect(answer["Link"] == nil)
    }

    @Test func `behind everybody the list is empty`() throws {
        let answer = try city.get("?after=200000")

        #expect(answer.text == "[]")
    }

    @Test(arguments: [
        ("?limit=0", "limit", "请输入1到1000之间的整数。"), ("?limit=1001", "limit", "请输入1到1000之间的整数。"),
        ("?limit=all", "limit", "请输入1到1000之间的整数。"), ("?limit=-5", "limit", "请输入1到1000之间的整数。"),
        ("?limit=5;DROP", "limit", "请输入1到1000之间的整数。"), ("?role=admin", "role", "无效的用户角色。"),
    ])
    func `a parameter that makes no sense is refused`(query: String, field: String, text: String) throws {
        let answer = try city.get(query)

        #expect(answer.status == 400)
        #expect(answer[["errors", field]] == [.string(text)])
        #expect(answer[[field]] == [.string(text)])
    }

    @Test func `a client that goes away leaves the worker well`() throws {
        let client = try Client(city.site.address)
        try client.write("GET", "/api/user/list/", headers: [("Cookie", city.cookie)])
        _ = try client.stream.read(1000)
        client.stream.close()

        let answer = try city.get("?limit=1")

        #expect(answer.status == 200)
    }

    private func ids(_ answer: Answer) -> [Int64] {
        guard case .array(let people)? = answer.json else { return [] }
        return people.compactMap { person in
            guard case .object(let person) = person, case .integer(let id)? = person["id"] else { return nil }
            return id
        }
    }
}

/// A system with 200,000 accounts, and what its list cost when there were 1,000.
private struct City: Sendable {
    /// A list as it came, and the worker's highest memory until then.
    struct Listing: Sendable {
        var bytes = 0
        var people = 0
        var isAscending = false
        /// The different sequences of names.
        var names: [String] = []
        /// Bytes.
        var peak = 0
    }

    static let shared = Result { try City() }

    let site: DevStack
    let cookie: String
    private(set) var small = Listing()
    private(set) var large = Listing()

    private init() throws {
        site = try Site.start(environment: Site.fastHashing.merging(["HOMEROOM_WORKERS": "1"]) { $1 })
        let person = try site.newPerson("u1")
        cookie = "sessionid=\(try site.session(of: person, through: .roleSession).cookie ?? "")"
        try site.grow(from: 2, to: 1000)
        _ = try site.rows("UPDATE accounts SET role = 'teacher' WHERE id = 2")
        // Twice: what is only made once is no growth.
        _ = try list()
        small = try list()
        try site.grow(from: 1001, to: 200_000)
        large = try list()
    }

    func get(_ query: String) throws -> Answer {
        try site.send("GET", "/api/user/list/\(query)", headers: [("Cookie", cookie)])
    }

    private func list() throws -> Listing {
        let folder = try DevStack.scratch("list")
        defer { try? DevStack.removeScratch(folder) }
        let curl = ["-sf", "-H", "Cookie: \(cookie)", "-o", folder + "/list", "\(site.url)/api/user/list/"]
        guard try Outcome("curl", curl).status == 0 else { throw Document.Missing(section: "list", label: "200") }
        let python = """
            import json, sys
            text = open(sys.argv[1], "rb").read()
            people = json.loads(text)
            ids = [person["id"] for person in people]
            print(len(text), len(people), ids == sorted(set(ids)), *{",".join(person) for person in people})
            """
        let words = try Outcome("/usr/bin/python3", ["-c", python, folder + "/list"]).output.split { $0.isWhitespace }
        return Listing(
            bytes: Int(words[0]) ?? 0, people: Int(words[1]) ?? 0, isAscending: words[2] == "True",
            names: words.dropFirst(3).map(String.init), peak: try peak())
    }

    /// VmHWM of the worker.
    private func peak() throws -> Int {
        var highest = 0
        for pid in site.workers() {
            let status = try String(contentsOfFile: "/proc/\(pid)/status", encoding: .utf8)
            let kibibytes = status.firstMatch(of: /VmHWM:\s+(\d+) kB/).flatMap { Int($0.1) } ?? 0
            highest = max(highest, kibibytes * 1024)
        }
        return highest
    }
}

extension DevStack {
    /// Adds accounts named after their ids.
    func grow(from first: Int, to last: Int) throws {
        _ = try rows(
            """
            INSERT INTO accounts
                (id, username, username_key, email, email_key, password_hash, created_at, updated_at)
            SELECT
                seq, CONCAT('u', seq), CONCAT('u', seq), CONCAT('u', seq, '@example.com'),
                CONCAT('u', seq, '@example.com'), '!', UTC_TIMESTAMP(6), UTC_TIMESTAMP(6)
            FROM seq_\(first)_to_\(last)
            """)
    }
}
