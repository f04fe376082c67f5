import DevStack
import JSON
import TestSupport
import Testing

/// What a link or a client puts into a request never becomes a header line of the answer.
struct HeaderInjectionTests {
    private let site: DevStack

    init() throws {
        site = try Site.shared()
    }

    private static let queries = [
        "limit=1%0d%0aSet-Cookie:%20sessionid=evil&limit=1",
        "role=%0d%0aContent-Type:%20text/html%0d%0a%0d%0a%3Cscript%3Ealert(1)%3C/script%3E&role=student&limit=1",
        "limit=1&role=student%0aX-Accel-Redirect:%20/media/&role=student", "limit=1&%0d%0aX:%20y=z",
        "limit=1%00&limit=1", "limit=1&after=0%0d%0aX:%20y&after=0",
    ]

    @Test(arguments: queries) func `nothing of a query begins a line of the answer's head`(_ query: String) throws {
        _ = try site.newPerson()
        let person = try site.newPerson()
        let cookie = try site.session(of: person, through: .roleSession).cookie ?? ""

        let answer = try site.send("GET", "/api/user/list/?\(query)", headers: [("Cookie", "sessionid=\(cookie)")])

        #expect(answer.status == 200)
        #expect(
            answer.headers.map(\.name).sorted() == [
                "Cache-Control", "Connection", "Content-Type", "Date", "Link", "Server", "Transfer-Encoding", "Vary",
                "X-Content-Type-Options", "X-Request-Id",
            ])
        #expect(answer["Content-Type"] == "application/json")
        #expect(
            answer["Link"]?.contains(#/^<http:\/\/localhost\/api\/user\/list\/\?(role=student&)?limit=1&after=\d+>/#)
                == true)
        guard case .array(let users)? = answer.json else {
            Issue.record("no list: \(answer.text)")
            return
        }
        #expect(users.count == 1)
    }

    private static let refusals = [
        ("/api/v1/info/", #"{"detail":"Invalid Host header."}"#), ("/api/protected/", #"{"error":"无效的 Host 请求头。"}"#),
        ("/api/user/me/", #"{"message":"无效的 Host 请求头。"}"#), ("/api/v1/auth/me", #"{"detail":"无效的 Host 请求头。"}"#),
        ("/nothing", #"{"detail":"Invalid Host header."}"#),
    ]

    @Test(
        arguments: refusals, ["evil.example\"", "<script>", "a,b", "user@evil.example", "evil.example:x", "a%0d%0ab"])
    func `a Host that is none is refused, and stands nowhere in the answer`(
        _ refusal: (String, String), _ host: String
    ) throws {
        let person = try site.newPerson()

        let answer = try site.send("GET", refusal.0, as: person, headers: [("Host", host)])

        #expect(answer.status == 400)
        #expect(answer.text == refusal.1)
        #expect(!answer.headers.contains { $0.value.contains(host) })
    }
}
