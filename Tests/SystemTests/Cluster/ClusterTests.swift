import DevStack
import Foundation
import TestSupport
import Testing

/// Three machines over one Galera cluster, in namespaces of their own: the short form of `make test-cluster`.
struct ClusterTests {
    private let folder = TestEnvironment.checkout + "/Tests/Cluster"

    @Test func `the checker finds each breach of each rule in histories that were made up`() throws {
        let outcome = try Outcome("python3", ["-B", "-m", "unittest", "discover", "-q", folder], within: 60)

        #expect(outcome.status == 0, "\(outcome.errors)")
    }

    @Test func `while machines fail one at a time nothing acknowledged is lost, doubled or read too late`() throws {
        let outcome = try Outcome("python3", ["-B", folder + "/cluster", Site.homeroom, "--short"], within: 600)

        #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
    }
}
