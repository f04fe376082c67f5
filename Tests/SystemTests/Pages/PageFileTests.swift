import DevStack
import Foundation
import JSON
import Testing

/// The pages for people and their files, as nginx serves them. What they do is shown by `BrowserTests`.
struct PageFileTests {
    private let site: DevStack

    init() throws {
        site = try Site.shared()
    }

    /// Paths, and the files in `nginx/pages` behind them.
    static let pages = [
        ("/", "home"), ("/register", "register"), ("/forgot-password", "forgot-password"),
        ("/reset-password", "reset-password"), ("/verify-email", "verify-email"), ("/undo-email", "undo-email"),
        ("/profile", "profile"), ("/avatar", "avatar"), ("/password", "password"), ("/devices", "devices"),
        ("/people", "people"),
    ]
    static let files: [String] = {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: Site.checkout + "/nginx/pages")) ?? []
        return names.filter { !$0.hasSuffix(".html") }.sorted()
    }()
    static let paths = pages.map(\.0) + files.map { "/pages/" + $0 }

    @Test(arguments: pages) func `a page is the checkout's`(path: String, name: String) throws {
        let answer = try site.send("GET", path)

        #expect(answer.status == 200)
        #expect(answer["Content-Type"] == "text/html; charset=utf-8")
        #expect(answer.text == (try text(name + ".html")))
    }

    @Test(arguments: files) func `what pages are made of is the checkout's, with its type`(name: String) throws {
        let types = ["css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"]

        let answer = try site.send("GET", "/pages/" + name)

        #expect(answer.status == 200)
        #expect(answer["Content-Type"] == types[String(name.split(separator: ".")[1])])
        #expect(answer.text == (try text(name)))
    }

    @Test func `every page has its path, and all their files are served`() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: Site.checkout + "/nginx/pages")

        #expect(Set(names) == Set(Self.pages.map { $0.1 + ".html" } + Self.files))
        #expect(Self.files.count > 10)
    }

    @Test(arguments: paths)
    func `a file is never taken for another type, framed, embedded or kept unasked`(path: String) throws {
        let answer = try site.send("GET", path)

        #expect(answer["X-Content-Type-Options"] == "nosniff")
        #expect(answer["Cache-Control"] == "no-cache")
        #expect(answer["Referrer-Policy"] == "no-referrer")
        #expect(answer["Cross-Origin-Opener-Policy"] == "same-origin")
        #expect(answer["Cross-Origin-Resource-Policy"] == "same-origin")
        #expect(
            answer["Permissions-Policy"]
                == "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()")
        #expect(
            answer["Content-Security-Policy"]
                == "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
                + "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
                + "require-trusted-types-for 'script'; trusted-types 'none'")
    }

    @Test(arguments: ["/", "/profile", "/pages/page.js"]) func `HEAD answers without a body`(path: String) throws {
        let answer = try site.send("HEAD", path)

        #expect(answer.status == 200)
        #expect(answer.body == [])
    }

    @Test func `files come packed to who asks for it, and not at all to who has them`() throws {
        let packed = try site.send("GET", "/pages/page.js", headers: [("Accept-Encoding", "gzip")])
        let whole = try site.send("GET", "/pages/page.js")
        let again = try site.send("GET", "/pages/page.js", headers: [("If-None-Match", whole["ETag"] ?? "")])

        #expect(packed["Content-Encoding"] == "gzip")
        #expect(Set(packed.headers.filter { $0.name == "Vary" }.map(\.value)) == ["Accept-Encoding", "Origin"])
        #expect(packed.body.count < whole.body.count / 2)
        #expect(again.status == 304)
    }

    @Test(arguments: ["/", "/reset-password", "/pages/api.js"], ["POST", "PUT", "DELETE"])
    func `a page takes nothing`(path: String, method: String) throws {
        let answer = try site.send(method, path, body: Array("token=x".utf8))

        #expect(answer.status == 405)
        #expect(answer["Allow"] == "GET, HEAD, OPTIONS")
    }

    @Test(arguments: [
        "/reset-password/", "/reset-password.html", "/reset-password.js", "/home", "/home.html", "/.home",
        "/index.html", "/favicon.ico", "/pages", "/pages/", "/pages/reset-password.html", "/pages/nothing.js",
        "/pages/../http.conf", "/pages/api.js/", "/pages/sub/api.js", "/pages/%2e%2e/http.conf",
    ])
    func `there is nothing else`(path: String) throws {
        let answer = try site.send("GET", path)

        #expect(answer.status == 404)
        #expect(answer.json == ["detail": "Not found."])
    }

    /// The policy forbids what stands in the page itself, so nothing may.
    @Test(arguments: pages) func `a page holds no script or style of its own`(path: String, name: String) throws {
        let page = try site.send("GET", path).text

        #expect(page.matches(of: /<script[^>]*>(?!<\/script>)/).isEmpty)
        #expect(!page.contains("<style"))
        #expect(page.firstMatch(of: /\son\w+=|\sstyle=/) == nil)
    }

    @Test(arguments: paths) func `nothing is loaded from elsewhere`(path: String) throws {
        let text = try site.send("GET", path).text
            .replacing("xmlns=\"http://www.w3.org/2000/svg\"", with: "")
            .replacing("https://school.example", with: "")

        #expect(text.firstMatch(of: /(src|href)="(?!\/|#)/) == nil)
        #expect(text.firstMatch(of: /https?:\/\//) == nil)
    }

    @Test func `opening the link spends nothing`() throws {
        let mailing = try MailingSite.shared.get()
        let somebody = try Forgetful.next()

        for (path, _) in Self.pages { _ = try mailing.site.send("GET", "\(path)?token=\(somebody.token)") }
        _ = try mailing.site.send("GET", "/api/v1/auth/reset-password?token=\(somebody.token)")
        _ = try mailing.site.send("HEAD", "/api/v1/auth/reset-password?token=\(somebody.token)")
        let answer = try mailing.reset(somebody.token)

        #expect(answer.status == 200)
    }

    @Test func `a token sent in the query stands in no access log`() throws {
        _ = try site.send("GET", "/reset-password?token=tellTaleToken")

        let log = try String(contentsOfFile: site.folder.log + "/access.log", encoding: .utf8)

        #expect(log.contains("GET /reset-password 200"))
        #expect(!log.contains("tellTaleToken"))
    }

    private func text(_ name: String) throws -> String {
        try String(contentsOfFile: Site.checkout + "/nginx/pages/" + name, encoding: .utf8)
    }
}
