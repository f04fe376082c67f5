import DevStack
import Foundation
import JSON
import Testing

/// The pages behind mailed links, as nginx serves them.
struct ResetPageTests {
    private let site: DevStack

    init() throws {
        site = try Site.shared()
    }

    static let files = [
        "/reset-password", "/reset-password.css", "/reset-password.js", "/undo-email", "/undo-email.js",
    ]

    @Test(
        arguments: zip(
            files,
            [
                "text/html; charset=utf-8", "text/css; charset=utf-8", "text/javascript; charset=utf-8",
                "text/html; charset=utf-8", "text/javascript; charset=utf-8",
            ]))
    func `a file has its type`(path: String, type: String) throws {
        let answer = try site.send("GET", path)

        #expect(answer.status == 200)
        #expect(answer["Content-Type"] == type)
    }

    @Test(arguments: files)
    func `a file is never taken for another type, framed, or kept`(path: String) throws {
        let answer = try site.send("GET", path)

        #expect(answer["X-Content-Type-Options"] == "nosniff")
        #expect(answer["Cache-Control"] == "no-cache")
        #expect(answer["Referrer-Policy"] == "no-referrer")
        #expect(
            answer["Content-Security-Policy"]
                == "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'self'; "
                + "base-uri 'none'; frame-ancestors 'none'")
    }

    @Test(arguments: files)
    func `a file is the checkout's`(path: String) throws {
        let name = path.contains(".") ? path : path + ".html"
        let file = try String(contentsOfFile: Site.checkout + "/nginx/pages" + name, encoding: .utf8)

        #expect(try site.send("GET", path).text == file)
    }

    @Test(arguments: files)
    func `HEAD answers without a body`(path: String) throws {
        let answer = try site.send("HEAD", path)

        #expect(answer.status == 200)
        #expect(answer.body == [])
    }

    @Test(arguments: ["POST", "PUT", "DELETE"])
    func `the page takes nothing`(method: String) throws {
        let answer = try site.send(method, "/reset-password", body: Array("token=x".utf8))

        #expect(answer.status == 405)
    }

    @Test(arguments: ["/reset-password/", "/reset-password.html", "/reset-password.map", "/pages/reset-password.html"])
    func `there is nothing else`(path: String) throws {
        #expect(try site.send("GET", path).status == 404)
    }

    /// The policy forbids what stands in the page itself, so nothing may.
    @Test func `the page holds no script or style of its own`() throws {
        let page = try site.send("GET", "/reset-password").text

        #expect(page.matches(of: /<script[^>]*>(?!<\/script>)/).isEmpty)
        #expect(!page.contains("<style"))
        #expect(page.firstMatch(of: /\son\w+=|\sstyle=/) == nil)
    }

    @Test func `the page loads nothing from elsewhere`() throws {
        let text = try Self.files.map { try site.send("GET", $0).text }.joined()

        #expect(!text.contains("//cdn"))
        #expect(text.firstMatch(of: /(src|href)="(?!\/(reset-password|undo-email)\.)/) == nil)
        #expect(text.firstMatch(of: /https?:\/\//) == nil)
    }

    @Test func `the script posts where contract 5 takes it`() throws {
        let script = try site.send("GET", "/reset-password.js").text

        #expect(script.contains(#"fetch("/api/v1/auth/reset-password""#))
        #expect(script.contains("new_password: password"))
    }

    @Test(arguments: [
        "This link was used already or is too old. Ask for a new one.", "A password has 8 to 128 characters.",
    ])
    func `the script says in English what the API says in Chinese`(text: String) throws {
        #expect(try site.send("GET", "/reset-password.js").text.contains(text))
    }

    @Test func `opening the link spends nothing`() throws {
        let mailing = try MailingSite.shared.get()
        let somebody = try Forgetful.next()

        for path in Self.files { _ = try mailing.site.send("GET", "\(path)?token=\(somebody.token)") }
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
}
