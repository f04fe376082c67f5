import DevStack
import Foundation
import JSON
import TestSupport
import Testing

/// Pages of other origins in a real browser: `Tests/Browser/cors.py`.
struct OtherOriginPageTests {
    @Test func `a page of a trusted origin can do all, one of another nothing`() throws {
        let python = TestEnvironment.checkout + "/.build/python/bin/python"
        try #require(FileManager.default.isExecutableFile(atPath: python), "\(python) is missing. Run: make python")
        let (trusted, untrusted) = (try Site.freePort(), try Site.freePort())
        let trusting = Site.fastHashing.merging(["HOMEROOM_TRUSTED_ORIGINS": "http://localhost:\(trusted)"]) { $1 }
        let site = try Site.start(
            environment: trusting.merging(["HOMEROOM_COOKIE_SAMESITE": "none"]) { $1 }, limits: true)
        defer { Site.discard(site) }
        let lax = try Site.start(environment: trusting)
        defer { Site.discard(lax) }
        let picture = try #require(site.upload(onePixelPNG, as: site.newPerson()).string("user", "avatar"))

        let outcome = try Outcome(
            python,
            [
                TestEnvironment.checkout + "/Tests/Browser/cors.py", "\(site.nginx.port)", "\(lax.nginx.port)",
                "\(trusted)", "\(untrusted)", "/media/\(picture)",
            ])

        #expect(
            outcome
                == Outcome(
                    status: 0,
                    output: """
                        ok: contract 1 with a token
                        ok: every contract
                        ok: uploads
                        ok: pictures
                        ok: contract 3 with the cookie, on another site
                        ok: contract 6 with the cookie
                        ok: a page of an untrusted origin reads nothing
                        ok: and changes nothing
                        ok: too many requests
                        ok: contract 3 with the cookie, on the same site
                        ok: lax keeps the cookie from other sites

                        """))
    }
}
