import DevStack
import Foundation
import TestSupport
import Testing

/// The pages in Debian's Chromium, against the whole running system: the walks are in `Tests/Browser`.
struct BrowserTests {
    @Test func `people do all that the pages are for, in a real browser`() throws {
        let python = TestEnvironment.checkout + "/.build/python/bin/python"
        try #require(FileManager.default.isExecutableFile(atPath: python), "\(python) is missing. Run: make python")
        let site = try Site.start()
        defer { Site.discard(site) }

        let outcome = try Outcome(
            python,
            [
                "-m", "pytest", "-q", "--tb=short", "--color=no", "-p", "no:cacheprovider", "-p", "no:schemathesis",
                TestEnvironment.checkout + "/Tests/Browser",
            ],
            environment: [
                "SITE_URL": "http://127.0.0.1:\(site.nginx.port)", "SITE_COMMAND": Site.homeroom,
                "SITE_SETTINGS": site.folder.settings, "SITE_MAILS": site.folder.mail,
            ], within: 600)

        #expect(outcome.status == 0, "\(outcome.output)\(outcome.errors)")
    }
}
