import DevStack
import Foundation
import Glibc
import JSON
import TestSupport
import Testing

/// `homeroom key`: the key that signs tokens, and its change.
final class KeyTests {
    private static let key = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    private let site: DevStack
    private let folder: String
    private var file: String { folder + "/token-key" }
    private var settings: String { folder + "/homeroom.conf" }

    /// The shared site's settings with the key in a file of its own.
    init() throws {
        site = try Site.shared()
        folder = try DevStack.scratch("key")
        try "\(Self.key)\n".write(toFile: file, atomically: true, encoding: .utf8)
        chmod(file, 0o640)
        try Self.move(key: file, of: site, to: settings)
    }

    deinit { try? DevStack.removeScratch(folder) }

    @Test func `nobody is signed out by a new key, whether or not it signs already`() throws {
        let site = try Site.start()
        defer { Site.discard(site) }
        try (site.settings["HOMEROOM_TOKEN_KEY"] ?? "").write(toFile: file, atomically: true, encoding: .utf8)
        chmod(file, 0o644)
        chmod(folder, 0o755)
        try Self.move(key: file, of: site, to: site.folder.settings)
        let before = try site.newPerson()

        let first = try site.homeroom("key", "rotate", "--in", "0")
        try reload(site)
        let after = try site.newPerson()
        let refreshed = try refresh(before, at: site)
        let second = try site.homeroom("key", "rotate", "--in", "0")
        try reload(site)
        let latest = try site.newPerson()
        let inside: [Int] = try [before, after, latest].map { try site.send("GET", "/api/v1/info/", as: $0).status }
        let refreshedAfter = try refresh(before, at: site)
        let emergency = try site.homeroom("key", "rotate", "--now")
        try reload(site)
        let outside: [Int] = try [before, after, latest].map { try site.send("GET", "/api/v1/info/", as: $0).status }

        #expect(first.status + second.status + emergency.status == 0)
        #expect(inside == [200, 200, 200])
        #expect(refreshed == 200)
        #expect(refreshedAfter == 200)
        #expect(outside == [401, 401, 401])
        #expect(try site.signIn(before.username, before.password).status == 200)
        #expect(states(second) == ["signs", "accepted", "accepted"])
        #expect(states(emergency) == ["signs"])
    }

    @Test func `a rotation keeps the file's rights, shows no key and leaves a trail`() throws {
        let outcome = try rotate()

        let attributes = try FileManager.default.attributesOfItem(atPath: file)
        let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
        let shown = try Outcome.homeroom(["key", "--config", settings])
        #expect(outcome.status == 0)
        #expect(attributes[.posixPermissions] as? Int == 0o640)
        #expect(lines.count == 2)
        #expect(lines[0].wholeMatch(of: /[0-9a-f]{64} from \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/) != nil)
        #expect(lines[1].hasPrefix("\(Self.key) until 20"))
        #expect(outcome.trail.count == 1)
        #expect(outcome.trail.first?.contains(#""event":"token key rotated""#) == true)
        #expect(states(shown) == ["waits", "signs"])
        for secret in lines.map({ String($0.prefix(64)) }) {
            #expect(!"\(outcome.output)\(outcome.errors)\(outcome.trail)\(shown.output)".contains(secret))
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == ["homeroom.conf", "token-key"])
    }

    @Test func `while a new key waits for its time there is no newer one`() throws {
        _ = try rotate()
        let before = try String(contentsOfFile: file, encoding: .utf8)

        let outcome = try rotate()

        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("its newest key signs from "))
        #expect(try String(contentsOfFile: file, encoding: .utf8) == before)
    }

    @Test func `keys whose time is over go, and more than eight are refused`() throws {
        let over = "\(Self.key) until 2020-01-01T00:00:00Z\n"
        try "\(String(Self.key.reversed())) from 2020-01-01T00:00:00Z\n\(over)"
            .write(toFile: file, atomically: true, encoding: .utf8)

        let outcomes = try (0..<8).map { _ in try rotate("--in", "0") }

        #expect(outcomes.map(\.status) == [0, 0, 0, 0, 0, 0, 0, 1])
        #expect(!(try String(contentsOfFile: file, encoding: .utf8).contains(over)))
        #expect(outcomes.last?.errors.contains("8 keys are still needed") == true)
    }

    @Test func `of many rotations at once the file loses no key`() throws {
        let settings = settings

        let outcomes = try concurrently(6) { _ in
            try Outcome.homeroom(["key", "rotate", "--in", "0", "--config", settings])
        }

        let done = outcomes.filter { $0.status == 0 }.count
        #expect(done > 0)
        #expect(try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").count == done + 1)
        #expect(outcomes.allSatisfy { $0.status == 0 || $0.errors.contains("another call changes it") })
    }

    @Test(arguments: [
        ("\(key)\n\(key) until 2030-01-01T00:00:00Z\n", "line 1 has no time as the others do"),
        ("\(key) from 2020-01-01T00:00:00Z\n\(key) until 2030-13-01T00:00:00Z\n", "line 2 has no time"),
        ("\(key) until 2030-01-01T00:00:00Z\n", "no line has `from`, so no key signs."),
        ("short from 2020-01-01T00:00:00Z\n", "5 bytes, needs 32 random ones or more"),
        ("", "0 bytes, needs 32 random ones or more"),
    ])
    func `a file that is damaged is refused and stays as it is`(text: String, complaint: String) throws {
        try text.write(toFile: file, atomically: true, encoding: .utf8)

        let outcome = try rotate()

        #expect(outcome.status == 1)
        #expect(outcome.errors.contains(complaint), "\(outcome.errors)")
        #expect(try String(contentsOfFile: file, encoding: .utf8) == text)
    }

    @Test func `a key of two lines from before is still one key`() throws {
        let long = "\(Self.key)\n\(Self.key.prefix(20))"
        try long.write(toFile: file, atomically: true, encoding: .utf8)

        let shown = try Outcome.homeroom(["key", "--config", settings])

        #expect(states(shown) == ["signs"])
    }

    @Test func `a key in the settings themselves is not rotated, and a full disk changes nothing`() throws {
        let inline = try site.homeroom("key", "rotate")
        let before = try String(contentsOfFile: file, encoding: .utf8)
        // Standard error is a file here, which then takes nothing either.
        let limited = #"(ulimit -f 0; trap '' XFSZ; exec "$0" key rotate --config "$1" 2>&1) | cat"#
        let full = try Outcome("sh", ["-c", limited, Site.homeroom, settings])

        #expect(inline.status == 1)
        #expect(inline.errors.contains("HOMEROOM_TOKEN_KEY: stands in the settings themselves."))
        #expect(full.output.hasSuffix("token-key.new: File too large. Nothing was changed\n"), "\(full.output)")
        #expect(try String(contentsOfFile: file, encoding: .utf8) == before)
    }

    private func rotate(_ words: String...) throws -> Outcome {
        try Outcome.homeroom(["key", "rotate", "--config", settings] + words)
    }

    private func states(_ outcome: Outcome) -> [String] {
        outcome.output.matches(of: /"state":"([a-z]+)"/).map { String($0.1) }
    }

    private func refresh(_ person: Person, at site: DevStack) throws -> Int {
        try site.send("POST", "/api/v1/auth/token/refresh/", json: ["refresh": .string(person.refresh)]).status
    }

    private func reload(_ site: DevStack) throws {
        let old = site.workers()
        site.service.process?.signal(SIGHUP)
        try #require(eventually { !site.workers().isEmpty && site.workers().isDisjoint(with: old) })
    }

    private static func move(key file: String, of site: DevStack, to settings: String) throws {
        let lines = try String(contentsOfFile: site.folder.settings, encoding: .utf8).split(separator: "\n")
        let others = lines.filter { !$0.hasPrefix("HOMEROOM_TOKEN_KEY") } + ["HOMEROOM_TOKEN_KEY_FILE=\(file)\n"]
        try others.joined(separator: "\n").write(toFile: settings, atomically: true, encoding: .utf8)
    }
}
