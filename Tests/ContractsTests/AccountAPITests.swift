import Accounts
import HTTP
import JSON
import Mail
import TestSupport
import Testing

/// Contract 6, as far as it is served.
struct AccountAPITests {
    let client: TestClient

    init() throws {
        client = try TestClient()
    }

    private func undo(_ body: Body, headers: [String: String] = [:]) -> Response {
        client.ask("POST", "/api/account/email/undo/", body, headers: headers)
    }

    /// Registers somebody, changes the address and takes the token out of the mail.
    private func mailedToken() throws -> String {
        let registration = client.register()
        let change = client.ask(
            "PUT", "/api/v1/profile/update/", .json(["email": "new@example.com"]), bearer: registration.access)
        #expect(change.status == 200)
        var text = ""
        while try client.accounts.deliverNext(
            publicURL: "https://school.example", send: { message, _ in text = message.text })
        {}
        return try #require(text.firstMatch(of: #/undo-email#token=([\w\-]+)/#).map { String($0.1) })
    }

    @Test(arguments: ["/api/account/email/undo/", "/api/account/email/undo"])
    func `a mailed link gives the address back`(path: String) throws {
        let token = try mailedToken()

        let answer = client.post(path, ["token": .string(token)])

        #expect(answer.said == "204")
        #expect(try client.fixture.sql("SELECT email FROM accounts") == "test@example.com")
    }

    @Test func `a token that is none is a problem in the words of RFC 9457`() throws {
        let answer = undo(.json(["token": "x"]))

        #expect(
            answer.said
                == #"400 {"type":"about:blank","status":400,"title":"Some fields need another look.","code":"invalid","#
                + #""errors":[{"field":"token","code":"unknown","message":"This link was used already, or is incomplete."}],"#
                + #""request":"r-1"}"#)
    }

    @Test func `a link after three days is too old`() throws {
        let token = try mailedToken()
        client.fixture.clock.move(seconds: 3 * 86_400)

        let answer = undo(.json(["token": .string(token)]))

        #expect(answer.body.contains(#""code":"expired","message":"This link is too old. Ask for a new one.""#))
    }

    @Test(arguments: [
        ("zh-CN,zh;q=0.9,en;q=0.8", "部分字段需要修改。"), ("en-GB,zh;q=0.9", "Some fields need another look."),
        ("fr,zh;q=0.1", "部分字段需要修改。"), ("fr", "Some fields need another look."),
        ("en;q=0,zh;q=0.1", "部分字段需要修改。"), ("", "Some fields need another look."),
        ("\u{1},;q=;=", "Some fields need another look."),
    ])
    func `the client's languages choose the words`(header: String, title: String) throws {
        let answer = undo(.json(["token": "x"]), headers: ["accept-language": header])

        #expect(answer.text("title") == title)
    }

    @Test(arguments: [
        (Body.json([:]), 400, "invalid"), (.json(["token": nil]), 400, "invalid"),
        (.json(["token": 7]), 400, "invalid"),
        (.json("[]"), 400, "malformed"), (.json("{"), 400, "malformed"),
        (.form("token=x"), 415, "unsupported_media_type"),
    ])
    func `a bad body is a problem`(body: Body, status: Int, code: String) throws {
        let answer = undo(body)

        #expect(answer.status == status)
        #expect(answer.text("code") == code)
    }

    @Test func `unknown paths and methods are problems`() {
        #expect(client.get("/api/account/nothing").text("code") == "not_found")
        #expect(client.get("/api/account/email/undo/").text("code") == "method_not_allowed")
        #expect(client.get("/api/account/email/undo/").all("Allow") == ["POST, OPTIONS"])
    }
}
