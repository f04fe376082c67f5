import TestSupport
import Testing

/// Contract 1: bodies that are broken, of another type or too large.
struct V1ProfileBodyTests {
    let client: TestClient

    init() throws {
        client = try TestClient()
    }

    private static let login = #"{"username":"testuser","password":"testpassword123"}"#

    private func register(_ body: Body) -> Response { client.ask("POST", "/api/v1/auth/register/", body) }

    private func logIn(_ body: Body) -> Response { client.ask("POST", "/api/v1/auth/login/", body) }

    private func update(_ body: Body, bearer: String?) -> Response {
        client.ask("PUT", "/api/v1/profile/update/", body, bearer: bearer)
    }

    @Test(arguments: ["{", "nonsense", #"{"a":1}x"#, "{'a':1}", #"{"a":01}"#, "\u{FEFF}{}", #"{"a":"\ud800"}"#])
    func `a body that is not JSON is refused in the contract's shape`(_ body: String) {
        let answer = register(.json(body))

        #expect(answer.status == 400)
        #expect(answer.names() == ["message", "errors"])
        #expect(answer.text("message") == "注册失败")
        #expect(answer.body.contains("JSON parse error - "))
    }

    @Test(arguments: ["[]", "1", "null", #""text""#, "true", #"[{"username":"a"}]"#])
    func `a body that is no object is refused in the contract's shape`(_ body: String) {
        #expect(
            logIn(.json(body)).said == """
                400 {"message":"登录失败","errors":{"non_field_errors":["Invalid data. Expected a dictionary."]}}
                """)
    }

    @Test func `a body may be 32 levels deep and no deeper`() {
        client.register()
        let open = String(repeating: "[", count: 31)
        let close = String(repeating: "]", count: 31)
        let start = V1ProfileBodyTests.login.dropLast() + #","x":"#

        let good = logIn(.json("\(start)\(open)\(close)}"))
        let bad = logIn(.json("\(start)[\(open)\(close)]}"))

        #expect(good.status == 200)
        #expect(bad.status == 400)
        #expect(bad.text("message") == "登录失败")
    }

    @Test func `bytes that are not UTF-8 are refused`() {
        let body = Array(#"{"username":""#.utf8) + [0xFF, 0xFE] + Array(#"","password":"x"}"#.utf8)

        #expect(logIn(.other(type: "application/json", body)).status == 400)
    }

    @Test(arguments: ["text/plain", "application/xml", "image/png", "application/jsonx", nil])
    func `another type of body is answered 415`(_ type: String?) {
        let answer = logIn(.other(type: type, Array("{}".utf8)))

        #expect(answer.said == #"415 {"detail":"Unsupported media type \"\#(type ?? "")\" in request."}"#)
    }

    @Test func `a body has 64 KiB at most`() {
        client.register()
        let start = V1ProfileBodyTests.login.dropLast() + #","x":""#
        let good = start + String(repeating: "x", count: 65_536 - start.utf8.count - 2) + #""}"#
        let bad = start + String(repeating: "x", count: 65_537 - start.utf8.count - 2) + #""}"#

        let answers = [good, bad].map { logIn(.json(String($0))) }

        #expect(answers.map(\.status) == [200, 413])
        #expect(answers[1].names() == ["detail"])
    }

    @Test(arguments: [
        ((0..<65).map { "f\($0)=x" }.joined(separator: "&"), 400),
        ("username=" + String(repeating: "x", count: 65_536), 413),
    ]) func `a form over its limits is refused`(_ form: String, _ status: Int) {
        #expect(logIn(.form(form)).status == status)
    }

    @Test func `text in multipart over its limit is answered 413`() {
        let bio = MultipartForm.Part.text("bio", String(repeating: "x", count: 65_537))

        #expect(update(.parts([bio]), bearer: client.register().access).status == 413)
    }

    @Test func `multipart that breaks off is refused and leaves no file`() {
        let access = client.register().access
        let whole = Body.parts([.file("avatar", name: "a.png", onePixelPNG)])
        let half = Body.other(type: whole.type, Array(whole.bytes.dropLast(20)))

        let answer = update(half, bearer: access)

        #expect(answer.status == 400)
        #expect(answer.text("message") == "资料更新失败")
        #expect(client.fixture.files("avatars") == [])
        #expect(client.fixture.files("incoming") == [])
    }
}
