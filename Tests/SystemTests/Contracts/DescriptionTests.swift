import Contracts
import DevStack
import Foundation
import TestSupport
import Testing

/// The descriptions of the contracts against the whole running system, with other people's tools.
@Suite(.serialized) struct DescriptionTests {
    private let site: DevStack

    /// Its own: a stranger's registrations take names.
    private static let started = Result { try Site.start() }

    init() throws {
        site = try Self.started.get()
    }

    /// A program of the virtual environment that `make test` makes.
    private func program(_ name: String) throws -> String {
        let path = TestEnvironment.checkout + "/.build/python/bin/" + name
        try #require(FileManager.default.isExecutableFile(atPath: path), "\(path) is missing. Run: make python")
        return path
    }

    private static let contracts = Router.documented.map(\.name)
    private static let paths = ["/api/openapi.json"] + contracts.map { "/api/openapi/\($0).json" }

    @Test(arguments: paths) func `what is served is valid OpenAPI, and what the command prints`(path: String) throws {
        let folder = try TestEnvironment.scratch("openapi")
        let file = folder + "/description.json"
        let answer = try site.send("GET", path)
        try Data(answer.body).write(to: URL(filePath: file))
        let name = path.contains("openapi/") ? [String(path.dropFirst("/api/openapi/".count).dropLast(5))] : []

        let outcome = try Outcome(program("openapi-spec-validator"), [file])
        let printed = try Outcome.homeroom(["openapi"] + name)

        #expect(outcome == Outcome(status: 0, output: "\(file): OK\n"), "\(outcome)")
        #expect(printed.output == answer.text + "\n")
    }

    /// With all checks of schemathesis but one: whether valid data is accepted depends on accounts, which no schema tells
    /// of. A name can be taken, a password wrong or too much like the name. The stateful phase is left out: it follows links
    /// between operations, of which there are none.
    private func schemathesis(_ contract: String, token: String? = nil, _ options: [String] = []) throws -> Outcome {
        let folder = try TestEnvironment.scratch("schemathesis")
        let settings = folder + "/schemathesis.toml"
        // A locked name answers so before anything else is said of the fields.
        let toml = """
            [checks.negative_data_rejection]
            expected-statuses = ["400", "401", "403", "404", "405", "408", "413", "414", "415", "422", "423", "429", "431"]

            """ + (token.map { "[auth.openapi.bearer]\nbearer = \"\($0)\"\n" } ?? "")
        try Data(toml.utf8).write(to: URL(filePath: settings))
        return try Outcome(
            program("schemathesis"),
            [
                "--config-file", settings, "run", "http://127.0.0.1:\(site.nginx.port)/api/openapi/\(contract).json",
                "--checks", "all", "--exclude-checks", "positive_data_acceptance",
                "--phases", "examples,coverage,fuzzing", "--max-examples", "10", "--seed", "1", "--continue-on-failure",
                "--no-color", "--generation-database", "none",
            ] + options)
    }

    @Test(arguments: contracts) func `strangers get what is described`(contract: String) throws {
        let outcome = try schemathesis(contract)

        #expect(outcome.status == 0, "\(outcome.output)")
    }

    /// Without what ends the session: everything after it would be refused.
    @Test(arguments: contracts) func `who is signed in gets what is described`(contract: String) throws {
        let person = try site.newPerson()

        let outcome = try schemathesis(
            contract, token: person.access, ["--exclude-path-regex", "logout"])

        #expect(outcome.status == 0, "\(outcome.output)")
    }

    @Test func `descriptions come packed to who asks for it`() throws {
        let headers = [("Accept-Encoding", "gzip")]

        let answer = try site.send("GET", "/api/openapi.json", headers: headers)
        let tag = try #require(answer["ETag"])
        let known = try site.send("GET", "/api/openapi.json", headers: headers + [("If-None-Match", tag)])

        #expect(answer["Content-Encoding"] == "gzip")
        #expect(answer.headers.filter { $0.name == "Vary" }.map(\.value).sorted() == ["Accept-Encoding", "Origin"])
        #expect(answer.body.count < 50_000)
        #expect(known.status == 304)
    }

    @Test(arguments: ["/docs", "/docs/"]) func `the page for people loads nothing from elsewhere`(path: String) throws {
        let page = try site.send("GET", path)
        let style = try site.send("GET", "/docs/style.css")

        let sources = page.text.matches(of: #/(?:src|href)="(?<url>[^"]*)"/#).map { String($0.output.url) }
        #expect(page.status == 200)
        #expect(page["Content-Type"] == "text/html; charset=utf-8")
        #expect(page["Content-Security-Policy"]?.hasPrefix("default-src 'none'; style-src 'self';") == true)
        #expect(sources.allSatisfy { $0.hasPrefix("#") || $0.hasPrefix("/docs/") || $0.hasPrefix("/api/openapi") })
        #expect(!page.text.contains("<script"))
        #expect(Self.contracts.allSatisfy { page.text.contains("id=\"\($0)\"") })
        #expect(style["Content-Type"] == "text/css; charset=utf-8")
    }
}
