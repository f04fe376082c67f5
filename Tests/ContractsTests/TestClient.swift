import Accounts
import Contracts
import HTTP
import JSON
import Mail
import TestSupport
import Testing

/// Sends requests to the five contracts in memory, over one fixture.
///
/// Each thread has its own, for it owns a database connection.
struct TestClient {
    let fixture: AccountsFixture
    let accounts: Accounts
    private let router: Router

    init(of fixture: AccountsFixture, trustedOrigins: Set<Origin> = [], cookieSameSite: Cookie.SameSite = .lax) {
        self.fixture = fixture
        accounts = fixture.accounts()
        router = Router(trustedOrigins: trustedOrigins, cookieSameSite: cookieSameSite)
    }

    /// Over a fixture of its own.
    init(trustedOrigins: Set<Origin> = [], cookieSameSite: Cookie.SameSite = .lax) throws {
        self.init(of: try AccountsFixture(), trustedOrigins: trustedOrigins, cookieSameSite: cookieSameSite)
    }

    /// Header names in lower case; one that is given wins over those that come of themselves.
    func ask(
        _ method: String, _ target: String, _ body: Body = .none, bearer: String? = nil, cookie: String? = nil,
        headers: [String: String] = [:], isSecure: Bool = false
    ) -> Response {
        var sent = ["host": "school.example"]
        if let type = body.type { sent["content-type"] = type }
        if let bearer { sent["authorization"] = "Bearer \(bearer)" }
        if let cookie { sent["cookie"] = "sessionid=\(cookie)" }
        let all = sent.merging(headers) { $1 }
        var rest = body.bytes[...]
        let request = Request(
            id: "r-1", method: method, target: target, origin: "\(isSecure ? "https" : "http")://school.example",
            isSecure: isSecure, contentLength: body.bytes.count, header: { all[$0] },
            read: { buffer in
                let count = min(buffer.count, rest.count)
                buffer.copyBytes(from: rest.prefix(count))
                rest = rest.dropFirst(count)
                return count
            })
        let reply = router.answer(RequestContext(request, router: router), accounts)
        let response = Response(reply)
        let mismatches = DescribedAnswers.mismatches(
            method, target, status: reply.status, type: reply.mediaType, body: Array(response.body.utf8))
        if !mismatches.isEmpty { Issue.record("\(mismatches)") }
        return response
    }

    /// The name of the endpoint that a request goes to: `v1-profile /api/v1/info/`.
    func destination(_ method: String, _ path: String) -> String {
        let request = Request(
            id: "r-1", method: method, target: path, origin: "", contentLength: 0, header: { _ in nil },
            read: { _ in 0 })
        let destination = RequestContext(request, router: router).destination
        return "\(destination.contractName) \(destination.path)"
    }

    /// Registers `testuser`, as document 1 does.
    @discardableResult
    func register(_ username: String = "testuser", email: String = "test@example.com") -> Response {
        post(
            "/api/v1/auth/register/",
            [
                "username": .string(username), "email": .string(email), "password": "testpassword123",
                "password_confirm": "testpassword123",
            ])
    }

    func post(_ target: String, _ body: JSON, bearer: String? = nil, cookie: String? = nil) -> Response {
        ask("POST", target, .json(body), bearer: bearer, cookie: cookie)
    }

    func get(_ target: String, bearer: String? = nil, cookie: String? = nil) -> Response {
        ask("GET", target, bearer: bearer, cookie: cookie)
    }
}

/// What came back, with a streamed body read to its end.
struct Response {
    let status: Int
    let json: JSON
    let body: String
    private let reply: Reply
    private let headers: [(name: String, value: String)]

    init(_ reply: Reply) {
        var body = reply.body
        if let stream = reply.stream {
            let isWhole = stream { piece in
                body += piece
                return true
            }
            if !isWhole { body += Array("… cut short".utf8) }
        }
        status = reply.status
        headers = reply.headers
        self.reply = reply
        self.body = String(decoding: body, as: UTF8.self)
        json = (try? JSON.parse(body)) ?? .null
    }

    /// Status and body: `401 {"error":"邮箱或密码错误"}`. JWTs, which nobody can write out, are `<token>`.
    var said: String {
        let masked = body.replacing(#/eyJ[\w\-.]+/#, with: "<token>")
        return masked.isEmpty ? "\(status)" : "\(status) \(masked)"
    }

    /// The header lines as nginx gets them.
    var head: [String] {
        String(decoding: reply.message, as: UTF8.self)
            .split(separator: "\r\n", omittingEmptySubsequences: false).prefix { !$0.isEmpty }.map(String.init)
    }

    /// All values of a header, in their order.
    func all(_ name: String) -> [String] {
        headers.filter { $0.name == name }.map(\.value)
    }

    func header(_ name: String) -> String? { all(name).first }

    /// The text below these names; empty when there is none.
    func text(_ path: String...) -> String {
        guard case .string(let text) = path.reduce(json, { $0[$1] ?? .null }) else { return "" }
        return text
    }

    /// The names of the members of the object below these names, in order.
    func names(_ path: String...) -> [String] {
        guard case .object(let object) = path.reduce(json, { $0[$1] ?? .null }) else { return [] }
        return object.members.map(\.name)
    }

    var access: String { text("tokens", "access") }
    var refresh: String { text("tokens", "refresh") }
    /// The number of whom it is about; empty when there is none.
    var id: String {
        guard case .integer(let number)? = json["user"]?["id"] else { return "" }
        return String(number)
    }

    /// The session cookie that was set; nil when none was.
    var cookie: String? {
        header("Set-Cookie").map { String($0.dropFirst("sessionid=".count).prefix { $0 != ";" }) }
    }
}

extension JSON {
    /// The object with a member changed or, with nil, left out.
    func with(_ name: String, _ value: JSON?) -> JSON {
        guard case .object(let object) = self else { return self }
        let others = object.members.filter { $0.name != name }
        return .object(Object(others + (value.map { [Member(name: name, value: $0)] } ?? [])))
    }
}

extension TestClient {
    /// Asks for a link and takes the token out of the mail.
    func mailedToken(_ email: String) throws -> String {
        try #require(mailedTokens(email).first)
    }

    /// Asks for a link and takes the tokens out of the mails that are sent.
    func mailedTokens(_ email: String) throws -> [String] {
        _ = post("/api/v1/auth/forgot-password", ["email": .string(email)])
        var texts: [String] = []
        while try accounts.deliverNext(
            publicURL: "https://school.example", send: { message, _ in texts.append(message.text) })
        {}
        return texts.compactMap { $0.firstMatch(of: #/#token=([\w\-]+)/#).map { String($0.1) } }
    }
}
