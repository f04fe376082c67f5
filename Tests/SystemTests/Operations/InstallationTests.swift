import DevStack
import Foundation
import Testing

/// `make install`, and what systemd says of the units. The executable is that of the tests.
final class InstallationTests {
    private static let files = [
        "bin/homeroom", "lib/systemd/system/homeroom-backup.service", "lib/systemd/system/homeroom-backup.timer",
        "lib/systemd/system/homeroom.service", "lib/systemd/system/homeroom.socket",
        "lib/sysusers.d/homeroom.conf", "lib/tmpfiles.d/homeroom.conf", "share/bash-completion/completions/homeroom",
        "share/fish/vendor_completions.d/homeroom.fish", "share/homeroom/homeroom.conf",
        "share/homeroom/nginx/cors.conf", "share/homeroom/nginx/error.conf", "share/homeroom/nginx/fastcgi_variables",
        "share/homeroom/nginx/files.conf", "share/homeroom/nginx/headers.conf", "share/homeroom/nginx/homeroom.conf",
        "share/homeroom/nginx/http.conf",
        "share/homeroom/nginx/inside.conf", "share/homeroom/nginx/pages.conf",
        "share/homeroom/nginx/pages/address.js", "share/homeroom/nginx/pages/api.js",
        "share/homeroom/nginx/pages/avatar.html", "share/homeroom/nginx/pages/avatar.js",
        "share/homeroom/nginx/pages/boot.js", "share/homeroom/nginx/pages/crop.js",
        "share/homeroom/nginx/pages/devices.html", "share/homeroom/nginx/pages/devices.js",
        "share/homeroom/nginx/pages/forgot-password.html", "share/homeroom/nginx/pages/forgot.js",
        "share/homeroom/nginx/pages/home.html", "share/homeroom/nginx/pages/home.js",
        "share/homeroom/nginx/pages/icon.svg", "share/homeroom/nginx/pages/link.js",
        "share/homeroom/nginx/pages/page.js", "share/homeroom/nginx/pages/password.html",
        "share/homeroom/nginx/pages/password.js", "share/homeroom/nginx/pages/people.html",
        "share/homeroom/nginx/pages/people.js", "share/homeroom/nginx/pages/profile.html",
        "share/homeroom/nginx/pages/profile.js", "share/homeroom/nginx/pages/register.html",
        "share/homeroom/nginx/pages/register.js", "share/homeroom/nginx/pages/reset-password.html",
        "share/homeroom/nginx/pages/reset.js", "share/homeroom/nginx/pages/strength.js",
        "share/homeroom/nginx/pages/style.css", "share/homeroom/nginx/pages/token.js",
        "share/homeroom/nginx/pages/undo-email.html", "share/homeroom/nginx/pages/verify-email.html",
        "share/homeroom/nginx/pages/words.js", "share/homeroom/nginx/production.conf", "share/homeroom/sql/users.sql",
        "share/man/man1/homeroom.1", "share/man/man5/homeroom.conf.5",
    ]

    private let folder: String

    init() throws { folder = try DevStack.scratch("inst") }

    deinit { try? DevStack.removeScratch(folder) }

    @Test func `all files are installed below DESTDIR, and removed again`() throws {
        try make("install", "DESTDIR=" + folder)
        let installed = try files()
        let unit = try String(
            contentsOfFile: folder + "/usr/local/lib/systemd/system/homeroom.service", encoding: .utf8)
        try make("uninstall", "DESTDIR=" + folder)

        #expect(installed == Self.files.map { "usr/local/" + $0 })
        #expect(unit.contains("\nExecStart=/usr/local/bin/homeroom serve --config /etc/homeroom/homeroom.conf\n"))
        #expect(try files() == [])
    }

    @Test func `systemd accepts the units without a word`() throws {
        try make("install", "PREFIX=" + folder)

        let outcome = try Outcome(
            "systemd-analyze",
            ["verify"]
                + [".service", ".socket", "-backup.service", "-backup.timer"].map {
                    "\(folder)/lib/systemd/system/homeroom\($0)"
                })

        #expect(outcome == Outcome(status: 0, output: ""))
    }

    @Test(arguments: ["homeroom.service", "homeroom-backup.service"])
    func `a service may do little beyond its work`(name: String) throws {
        let outcome = try Outcome(
            "systemd-analyze", ["security", "--offline=true", "\(Site.checkout)/systemd/\(name)"])
        let level = try #require(outcome.output.firstMatch(of: /exposure level for \S+: (\d+\.\d+)/))

        #expect(try #require(Double(level.1)) <= 2)
    }

    @Test func `units, nginx and service mean the same socket and folders`() throws {
        let nginx = try text("nginx/production.conf")

        #expect(try text("systemd/homeroom.socket").contains("\nListenStream=/run/homeroom/homeroom.sock\n"))
        #expect(nginx.contains(" unix:/run/homeroom/homeroom.sock;"))
        #expect(try text("systemd/homeroom.service").contains("\nStateDirectory=homeroom/media\n"))
        #expect(nginx.contains(" /var/lib/homeroom/media;"))
    }

    @Test func `the example and docs/operating.md have all settings`() throws {
        let source = try text("Sources/homeroom/Configuration.swift")
        let settings = Set(source.matches(of: /"(HOMEROOM_[A-Z_]+)"/).map { String($0.1) })

        let example = try text("systemd/homeroom.conf").matches(of: /\n#?(HOMEROOM_[A-Z_]+?)(_FILE)?=/)
        let documented = try text("docs/operating.md").matches(of: /\n\| (`HOMEROOM[^|]+)/)
            .flatMap { $0.1.matches(of: /HOMEROOM_[A-Z_]+/) }

        #expect(settings.count > 30)
        #expect(Set(example.map { String($0.1) }) == settings)
        #expect(Set(documented.map { String($0.0) }) == settings)
    }

    /// Builds nothing.
    private func make(_ words: String...) throws {
        let program = ["-C", Site.checkout, "-o", Site.homeroom, "STATIC=" + Site.homeroom]
        let outcome = try Outcome("make", program + words, environment: ["MAKEFLAGS": "", "MAKELEVEL": ""])
        try #require(outcome.status == 0, "\(outcome.errors)")
    }

    private func files() throws -> [String] {
        let names = try FileManager.default.subpathsOfDirectory(atPath: folder).sorted()
        return names.filter { name in
            var isFolder: ObjCBool = false
            return FileManager.default.fileExists(atPath: "\(folder)/\(name)", isDirectory: &isFolder)
                && !isFolder.boolValue
        }
    }

    private func text(_ name: String) throws -> String {
        try String(contentsOfFile: "\(Site.checkout)/\(name)", encoding: .utf8)
    }
}
