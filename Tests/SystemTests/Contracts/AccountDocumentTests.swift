import DevStack
import JSON
import TestSupport
import Testing

/// Document 6's examples as data, through nginx.
struct AccountDocumentTests {
    private let site: DevStack
    private let document: Document

    init() throws {
        site = try Site.shared()
        document = try Document(named: "6-account")
    }

    private static let comparison = Comparison(
        fixed: ["type", "status", "title", "code", "field"],
        nullable: [
            "pending_email_undo_until", "full_name", "first_name", "last_name", "phone", "bio", "avatar", "avatar_64",
            "client", "last_login_at",
        ])

    private func differences(_ answer: Answer, from label: String) throws -> [String] {
        let documented = try document.example("Account API", label).json
        return Self.comparison.differences(answer.json, from: documented)
    }

    /// Somebody who has what the document's account has.
    private func alice() throws -> Person {
        let person = try site.newPerson()
        let form = MultipartForm([.file("avatar", name: "me.png", onePixelPNG)])
        let picture = try site.send(
            "PUT", "/api/account/avatar/", as: person, headers: [("Content-Type", form.type)], body: form.body)
        let login = try site.signIn(person.username, person.password)
        guard picture.status == 200, login.status == 200 else { throw Unexpected(picture) }
        return person
    }

    static let answeredWithTheAccount: [(String, String, JSON?)] = [
        ("GET", "/api/account/", nil), ("GET", "/api/account", nil),
        ("PATCH", "/api/account/", ["full_name": "Alice Liddell", "bio": "Grade 7"]),
        ("DELETE", "/api/account/avatar/", nil),
    ]

    @Test(arguments: answeredWithTheAccount)
    func `whatever answers with the account has the documented members in their order`(
        method: String, path: String, body: JSON?
    ) throws {
        let answer = try site.send(method, path, as: alice(), json: body)

        #expect(answer.status == 200)
        #expect(try differences(answer, from: "`GET /api/account/`") == [])
    }

    @Test func `an account with all that the document shows has null where the document has`() throws {
        let documented = try document.example("Account API", "`GET /api/account/`").json
        let comparison = Comparison(fixed: ["role", "full_name", "bio", "language", "timezone", "theme"], nullable: [])
        let person = try alice()
        _ = try site.send("PATCH", "/api/account/", as: person, json: ["full_name": "Alice Liddell", "bio": "Grade 7"])

        let answer = try site.send("GET", "/api/account/", as: person)

        // The address of this person is not proven.
        #expect(comparison.differences(answer.json, from: documented) == [])
    }

    @Test func `devices have the documented members in their order`() throws {
        let person = try site.newPerson()
        _ = try site.send(
            "POST", "/api/user/login/",
            json: ["username": .string(person.username), "password": .string(person.password), "role": "student"],
            headers: [("User-Agent", "Mozilla/5.0 (Windows NT 10.0; rv:128.0) Gecko/20100101 Firefox/128.0")])

        let answer = try site.send("GET", "/api/account/sessions/", as: person)

        #expect(answer.status == 200)
        #expect(try differences(answer, from: "Newest first") == [])
        #expect(answer.text.contains(#""contract":"role-session","address":"127.0.0.1","client":"Firefox on Windows""#))
    }

    @Test func `people have the documented members in their order`() throws {
        let teacher = try site.newPerson()
        _ = try site.homeroom("user", "set-role", teacher.username, "teacher")
        let access = try #require(site.signIn(teacher.username, teacher.password).string("tokens", "access"))
        let person = try alice()

        let answer = try site.send(
            "GET", "/api/account/people/?q=\(person.username)", headers: [("Authorization", "Bearer \(access)")])

        #expect(answer.status == 200)
        #expect(answer.text.hasPrefix(#"[{"id":\#(person.id),"#))
        #expect(try differences(answer, from: "For teachers and mentors") == [])
    }

    @Test func `a taken address is the documented problem`() throws {
        let (person, other) = (try site.newPerson(), try site.newPerson())

        let answer = try site.send(
            "PATCH", "/api/account/", as: person,
            json: ["email": .string(other.email.uppercased()), "current_password": .string(person.password)],
            headers: [("Accept-Language", "en")])

        #expect(answer.status == 400)
        #expect(answer["Content-Type"]?.hasPrefix("application/problem+json") == true)
        #expect(try differences(answer, from: "Errors:") == [])
        #expect(
            answer[["errors"]] == [
                ["field": "email", "code": "taken", "message": "This address belongs to another account."]
            ])
        #expect(answer.string("request") == answer["X-Request-Id"])
    }

    static let problems: [(DocumentedCall, String)] = [
        (
            DocumentedCall(
                section: "", method: "PATCH", path: "/api/account/", identity: .bearer, body: ["theme": "pink"],
                status: 400), "invalid"
        ),
        (
            DocumentedCall(
                section: "", method: "PATCH", path: "/api/account/", identity: .bearer, body: ["pink"], status: 400),
            "malformed"
        ),
        (DocumentedCall(section: "", method: "GET", path: "/api/account/", status: 401), "not_authenticated"),
        (
            DocumentedCall(section: "", method: "GET", path: "/api/account/", identity: .badToken, status: 401),
            "not_authenticated"
        ),
        (
            DocumentedCall(section: "", method: "GET", path: "/api/account/people/", identity: .bearer, status: 403),
            "forbidden"
        ),
        (DocumentedCall(section: "", method: "GET", path: "/api/account/nothing/", status: 404), "not_found"),
        (
            DocumentedCall(
                section: "", method: "DELETE", path: "/api/account/sessions/0123456789abcdef/", identity: .bearer,
                status: 404), "not_found"
        ),
        (
            DocumentedCall(section: "", method: "DELETE", path: "/api/account/", identity: .bearer, status: 405),
            "method_not_allowed"
        ),
        (
            DocumentedCall(
                section: "", method: "PATCH", path: "/api/account/", identity: .bearer, form: "theme=dark", status: 415),
            "unsupported_media_type"
        ),
    ]

    @Test(arguments: problems)
    func `a problem has the documented members, status and code`(call: DocumentedCall, code: String) throws {
        let answer = try call.run(on: site, through: .v1Profile)

        #expect(answer.status == call.status)
        #expect(answer["Content-Type"] == "application/problem+json")
        #expect(answer.string("code") == code)
        #expect(answer[["status"]] == .integer(Int64(call.status)))
        let names = answer.json?.names.filter { $0 != "errors" }
        #expect(names == ["type", "status", "title", "code", "request"])
    }

    @Test(arguments: [
        ("PATCH", "/api/account/"), ("DELETE", "/api/account/sessions/"), ("DELETE", "/api/account/avatar/"),
    ])
    func `the cookie changes nothing for a page of another origin`(method: String, path: String) throws {
        let person = try site.newPerson()
        let session = try site.session(of: person, through: .roleSession)

        let answer = try site.send(
            method, path, json: method == "PATCH" ? ["bio": "x"] : nil,
            headers: [session.header, ("Origin", "https://evil.example")])

        #expect(answer.status == 403)
        #expect(answer.string("code") == "cross_origin")
    }
}
