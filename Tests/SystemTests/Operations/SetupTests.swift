import Foundation
import Glibc
import TestSupport
import Testing

/// `homeroom setup` on a machine of its own, made of namespaces: the facts are in `Tests/Package`.
struct SetupTests {
    @Test(.enabled(if: geteuid() == 0, "only root sets a machine up"))
    func `setup makes what the service needs, and leaves alone what is there`() throws {
        let outcome = try Outcome(TestEnvironment.checkout + "/Tests/Package/setup", [Site.homeroom], within: 120)

        #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
    }

    @Test func `the version is that of the package`() throws {
        let changes = try String(contentsOfFile: TestEnvironment.checkout + "/debian/changelog", encoding: .utf8)
        let version = try #require(changes.firstMatch(of: /\Ahomeroom \((.*?)\)/)).output.1

        #expect(try Outcome(Site.homeroom, ["--version"]) == Outcome(status: 0, output: "homeroom \(version)\n"))
    }
}
