import DevStack
import Foundation
import Synchronization
import Testing

/// A script of `Tests/Clients`, which states facts in a client's own language and says of each whether it is so.
struct ClientScript: Hashable, Sendable, CustomTestStringConvertible {
    /// One sentence of a script.
    struct Fact: Sendable, CustomTestStringConvertible {
        let script: ClientScript
        let sentence: String

        var testDescription: String { "\(script.testDescription): \(sentence)" }
    }

    /// What a script wrote: TAP, a line `ok 1 - …` or `not ok 1 - …` for each fact, and indented lines that say why.
    struct Report: Sendable {
        let outcome: Outcome

        /// What the script says where a fact is not so, and all that it said where it says nothing of it; nil: it is so.
        func reason(against fact: Fact) -> String? {
            let lines = outcome.output.split(separator: "\n")
            let line = lines.firstIndex {
                $0.wholeMatch(of: #/(not )?ok \d+ - (?<sentence>.*)/#)?.sentence == fact.sentence[...]
            }
            guard let line else { return "\(outcome)" }
            if lines[line].hasPrefix("ok") { return nil }
            return lines[line...].prefix { $0 == lines[line] || $0.hasPrefix(" ") }.joined(separator: "\n")
        }
    }

    let name: String
    /// What it is about, below the checkout; nil: nothing but itself.
    var document: String?

    static let all = [
        ClientScript(name: "with_axios.mjs"), ClientScript(name: "with_requests.py"),
        ClientScript(name: "with_httpx.py"), ClientScript(name: "with_pyjwt.py"),
        ClientScript(name: "with_simplejwt.py"),
        ClientScript(name: "documented.mjs", document: "docs/frontends.md"),
        ClientScript(name: "documented.mjs", document: "docs/frontends.zh.md"),
    ]

    /// Where documents have their frontends.
    static let otherOrigin = "https://app.school.example"

    var testDescription: String { document.map { "\(name) \($0)" } ?? name }

    /// In the order of the script: `test("…"` for node, `@fact("…")` for Python.
    func facts() throws -> [Fact] {
        let text = try String(contentsOfFile: "\(Site.checkout)/Tests/Clients/\(name)", encoding: .utf8)
        return text.matches(of: #/(?m)^(?:test|@fact)\("([^"]+)"/#).map {
            Fact(script: self, sentence: String($0.output.1))
        }
    }

    /// Runs it once for all of its facts.
    func report() throws -> Report {
        try ClientScript.reports.withLock { reports in
            let report = reports[self] ?? Result { try run() }
            reports[self] = report
            return try report.get()
        }
    }

    private static let reports = Mutex<[ClientScript: Result<Report, any Error>]>([:])

    private static let site = Result {
        try Site.start(environment: Site.fastHashing.merging(["HOMEROOM_TRUSTED_ORIGINS": otherOrigin]) { $1 })
    }

    private func run() throws -> Report {
        let site = try ClientScript.site.get()
        let arguments = [name, site.url, site.folder.settings] + (document.map { [Site.checkout + "/" + $0] } ?? [])
        return Report(outcome: try Outcome(Site.checkout + "/Tests/Clients/run", arguments))
    }
}
