import Accounts
import Foundation
import HTTP
import JSON
import TestSupport
import Testing

@testable import Contracts

/// What the contracts say of themselves.
struct OpenAPITests {
    private static let document = OpenAPI.document(of: Router.documented)

    /// Those that are described: contract and path.
    private static let routes = Router.documented.flatMap { contract in contract.routes.map { (contract, $0) } }

    private func operation(_ route: Route) throws -> JSON {
        try #require(Self.document["paths"]?[route.path]?[route.method.rawValue.lowercased()])
    }

    @Test func `every route is described, and nothing else`() throws {
        guard case .object(let paths)? = Self.document["paths"] else { return #expect(Bool(false)) }
        let described = paths.members.flatMap { path -> [String] in
            guard case .object(let methods) = path.value else { return [] }
            return methods.members.map { "\($0.name.uppercased()) \(path.name)" }
        }

        #expect(Set(described) == Set(Self.routes.map { "\($0.1.method.rawValue) \($0.1.path)" }))
        #expect(described.count == Self.routes.count)
    }

    @Test func `every good answer fits its own schema`() {
        for (_, route) in Self.routes {
            guard let body = route.success.body else { continue }
            #expect(JSONSchema.mismatches(of: body.example, with: body.schema) == [], "\(route.path)")
        }
    }

    @Test func `what is written is what is described`() throws {
        let client = try TestClient()
        _ = ContractAPI.v1Profile.register("alice", at: client)
        let account = try #require(try client.accounts.account("alice"))
        let request = Request(
            id: "r-1", method: "GET", target: "/", origin: "http://h", contentLength: 0, header: { _ in nil },
            read: { _ in 0 })
        let shape: Shape<Account> = ["a\"": "b\\", "c": .username("x"), "d": ["e": .bio(nil)]]
        var bytes: [UInt8] = []

        shape.write(account, request, &bytes)

        #expect(String(decoding: bytes, as: UTF8.self) == #"{"a\"":"b\\","c":"alice","d":{"e":null}}"#)
        #expect(JSONSchema.mismatches(of: try JSON.parse(bytes), with: shape.schema) == [])
    }

    @Test func `every request has an example with its required fields`() throws {
        for (_, route) in Self.routes where route.takesFields {
            guard case .object(let content)? = try operation(route)["requestBody"]?["content"] else {
                Issue.record("\(route.path) has no body")
                continue
            }
            for encoding in content.members {
                // There the whole body is a picture.
                guard encoding.name != "image/*" else { continue }
                let example = try #require(encoding.value["example"])
                for input in route.inputs where input.isRequired && input.field != .avatar {
                    #expect(example[input.name] != nil)
                }
            }
        }
    }

    private static let undescribed = [
        (200, #"{"id":1,"username":"a","email":"a@b","avatar":null,"bio":null}"#),
        (200, #"{"id":"1","username":"a","email":"a@b","avatar":null,"bio":null,"date_joined":"x"}"#),
        (200, #"{"id":1,"username":null,"email":"a@b","avatar":null,"bio":null,"date_joined":"x"}"#),
        (200, #"{"id":1,"username":"a","email":"a@b","avatar":null,"bio":null,"date_joined":"x","more":1}"#),
        (401, #"{"message":"x"}"#), (418, #"{"detail":"x"}"#), (400, #"["x"]"#), (200, ""),
    ]

    @Test(arguments: undescribed) func `an answer that is not as it is described is found`(status: Int, body: String) {
        let mismatches = DescribedAnswers.mismatches(
            "GET", "/api/v1/info", status: status, type: "application/json", body: Array(body.utf8))

        #expect(!mismatches.isEmpty)
    }

    @Test(arguments: [
        ("/api/v1/auth/login/", ["200", "400", "401", "408", "413", "414", "415", "429", "431", "500", "502", "503"]),
        ("/api/users/reset_password", ["200", "400", "403", "404", "413", "415", "429", "500", "503"]),
        ("/api/users/login", ["200", "400", "403", "422", "429"]),
        ("/api/v1/auth/login", ["200", "401", "403", "423"]),
        ("/api/user/logout/", ["200", "401", "403"]), ("/api/account/email/undo/", ["204", "400"]),
    ])
    func `each status is spelled out`(path: String, statuses: [String]) throws {
        let responses = try #require(Self.document["paths"]?[path]?["post"]?["responses"])

        #expect(statuses.filter { responses[$0] == nil } == [])
    }

    @Test func `the lengths that are described are those that are checked`() throws {
        let fields = try #require(
            Self.document["paths"]?["/api/v1/auth/register"]?["post"]?["requestBody"]?["content"]?["application/json"]?[
                "schema"]?["properties"])

        func rules(_ name: String) -> [String] {
            guard case .object(let schema)? = fields[name] else { return [] }
            return schema.members.filter { $0.name != "description" }.map {
                "\($0.name) \(String(decoding: $0.value.bytes, as: UTF8.self))"
            }
        }
        #expect(rules("username") == [#"type "string""#, "minLength 3", "maxLength 50"])
        #expect(rules("password") == [#"type "string""#, #"format "password""#, "minLength 8", "maxLength 128"])
        #expect(rules("full_name") == [#"type ["string","null"]"#, "maxLength 100"])
    }

    @Test(arguments: [
        "required", "null", "blank", "too_long", "too_short", "malformed", "taken", "common", "numeric", "similar",
        "incorrect", "not_text", "not_a_choice", "out_of_range", "not_a_picture", "file_too_large", "too_many_pixels",
        "expired", "unknown", "invalid", "not_authenticated", "forbidden", "cross_origin", "not_found",
        "method_not_allowed", "too_large", "unsupported_media_type", "locked", "too_many_requests", "busy",
        "unavailable", "internal",
    ])
    func `contract 6 lists every code of its document`(code: String) {
        #expect(accountAPI.notes.contains("`\(code)`"))
    }

    @Test func `every field is described in words`() {
        for (contract, route) in Self.routes {
            for input in route.inputs + route.query { #expect(input.text(by: contract.policy) != "", "\(route.path)") }
        }
    }

    @Test func `two routes with one method and path stop the start`() async {
        await #expect(processExitsWith: .failure) {
            _ = Router([v1Profile, v1Profile], trustedOrigins: [])
        }
    }

    @Test func `who knows the description already gets none`() throws {
        let client = try TestClient()
        let first = client.get("/api/openapi.json")
        let tag = try #require(first.header("ETag"))

        let known = [tag, "W/\(tag)", "\"x\", W/\(tag)", "*"].map {
            client.ask("GET", "/api/openapi.json", headers: ["if-none-match": $0])
        }
        let unknown = client.ask("GET", "/api/openapi.json", headers: ["if-none-match": "\"x\""])

        #expect(first.status == 200)
        #expect(first.json == Self.document)
        #expect(known.allSatisfy { $0.status == 304 && $0.body.isEmpty && $0.header("ETag") == tag })
        #expect(unknown.body == first.body)
    }

    @Test(arguments: Router.documented.map(\.name)) func `each contract has its own description`(name: String) throws {
        let answer = try TestClient().get("/api/openapi/\(name).json")

        #expect(answer.status == 200)
        #expect(answer.text("info", "title") == "Homeroom: \(name)")
    }

    // MARK: nginx

    /// What a `map` in nginx/http.conf gives for a path: regular expressions in their order, else the default.
    private func map(_ name: String, of path: String) throws -> String {
        let text = try String(contentsOfFile: TestEnvironment.checkout + "/nginx/http.conf", encoding: .utf8)
        let head = try #require(text.range(of: " \(name) {"))
        let body = text[head.upperBound...].prefix { $0 != "}" }
        let lines = body.split(separator: "\n").map { $0.split(separator: " ", omittingEmptySubsequences: true) }
        for line in lines where line.count == 2 && line[0].hasPrefix("~") {
            let pattern = try Regex(String(line[0].dropFirst()))
            if path.contains(pattern) { return String(line[1].dropLast()) }
        }
        return try String(#require(lines.first { $0.first == "default" })[1].dropLast())
    }

    @Test func `nginx's own errors have the form of the contract whose path it is`() throws {
        for (contract, route) in Self.routes {
            for path in contract.spellings(of: route.path) {
                let (key, page) = (
                    try map("$homeroom_error_key", of: path), try map("$homeroom_error_page", of: path)
                )
                switch contract.nginxError {
                case .text(let expected): #expect((key, page) == (expected, "/.error"), "\(path)")
                case .problem: #expect(page == "/.problem", "\(path)")
                }
            }
        }
    }

    @Test func `nginx limits every route that hashes passwords`() throws {
        for (contract, route) in Self.routes {
            for path in contract.spellings(of: route.path) where route.executor == .passwords {
                let request = "\(route.method.rawValue) \(path)"
                #expect(try map("$homeroom_password_address", of: request) == "$homeroom_address", "\(request)")
            }
        }
    }

    @Test func `nginx lets long bodies in where a picture may come, and nowhere else`() throws {
        let text = try String(contentsOfFile: TestEnvironment.checkout + "/nginx/homeroom.conf", encoding: .utf8)
        let locations = text.matches(of: #/location ~ (?<path>\S+) \{\s+client_max_body_size 6m;/#)
        let pattern = try Regex(String(#require(locations.first).output.path))

        #expect(locations.count == 1)
        let takingFiles = Set(Self.routes.filter { $0.1.file != nil }.map(\.1.path))
        for (contract, route) in Self.routes {
            for path in contract.spellings(of: route.path) {
                #expect(path.contains(pattern) == takingFiles.contains(route.path), "\(path)")
            }
        }
    }

    @Test func `the errors of nginx that are described are those that it answers`() throws {
        let text = try String(contentsOfFile: TestEnvironment.checkout + "/nginx/http.conf", encoding: .utf8)
        let head = try #require(text.range(of: "$homeroom_error_text {"))
        let body = text[head.upperBound...].prefix { $0 != "}" }

        for error in FailureSamples.nginxErrors where error.status != 400 {
            #expect(body.contains("    \(error.status)     \"\(error.text)\";"), "\(error.status)")
        }
        #expect(body.contains("default \"Bad request.\";"))
        // Each in Chinese as well: by its status, or with others of its kind.
        let chinese = try #require(text.range(of: "$homeroom_problem_title {"))
        let titles = text[chinese.upperBound...].prefix { $0 != "}" }
        for error in FailureSamples.nginxErrors where error.status != 400 {
            let isNamed = titles.contains("\"zh \(error.status)\"")
            #expect(isNamed || [502, 503].contains(error.status), "\(error.status)")
        }
    }
}
