import TestSupport
import Testing

@testable import Contracts

/// The law's answers to what cannot be done in contract 1, status and body.
@Suite struct V1ProfileRefusalTests {
    // MARK: Registration

    @Test func `missing fields are required, each of them`() throws {
        let client = try TestClient()

        let answer = client.ask("POST", "/api/v1/auth/register/", .json("{}"))

        #expect(answer.status == 400)
        #expect(
            answer.body == #"{"message":"注册失败","errors":{"username":["This field is required."],"#
                + #""email":["This field is required."],"password":["This field is required."],"#
                + #""password_confirm":["This field is required."]}}"#)
    }

    @Test func `an empty body is a body without fields`() throws {
        let client = try TestClient()

        let answer = client.ask("POST", "/api/v1/auth/register/", .other(type: "application/json", []))

        #expect(answer.status == 400)
        #expect(answer.names("errors") == ["username", "email", "password", "password_confirm"])
    }

    @Test(arguments: [
        ("null", "This field may not be null."), (#""""#, "This field may not be blank."), ("1", "Not a valid string."),
        ("1.5", "Not a valid string."), ("true", "Not a valid string."), (#"["a"]"#, "Not a valid string."),
        (#"{"a":"b"}"#, "Not a valid string."),
    ])
    func `a field of another kind is that field's error`(value: String, text: String) throws {
        let client = try TestClient()

        let answer = client.ask(
            "POST", "/api/v1/auth/register/",
            .json(
                #"{"username":\#(value),"email":\#(value),"password":\#(value),"password_confirm":\#(value)}"#))

        #expect(answer.status == 400)
        #expect(
            answer.body == #"{"message":"注册失败","errors":{"username":["\#(text)"],"email":["\#(text)"],"#
                + #""password":["\#(text)"],"password_confirm":["\#(text)"]}}"#)
    }

    @Test func `the documented refusal of a registration is answered in its words`() throws {
        let client = try TestClient()
        client.register()

        let answer = client.ask(
            "POST", "/api/v1/auth/register/",
            .json(
                #"{"username":"TestUser","email":"TEST@example.com","password":"password","password_confirm":"password"}"#
            ))

        #expect(answer.status == 400)
        #expect(
            answer.body == #"{"message":"注册失败","errors":{"#
                + #""username":["A user with that username already exists."],"email":["This field must be unique."],"#
                + #""password":["This password is too common."]}}"#)
    }

    @Test(arguments: [
        (
            #""username":"a b""#, "username",
            "Enter a valid username. This value may contain only letters, numbers, and @/./+/-/_ characters."
        ),
        (#""username":"other@b.org""#, "username", "A username with @ must be the account's own email address."),
        (#""username":"a\u0000b""#, "username", "Null characters are not allowed."),
        (#""email":"nonsense""#, "email", "Enter a valid email address."),
        (#""email":"a\u0000@b.org""#, "email", "Null characters are not allowed."),
        (#""password_confirm":"other""#, "password_confirm", "两次输入的密码不一致"),
        (#""password":"83649201","password_confirm":"83649201""#, "password", "This password is entirely numeric."),
        (
            #""password":"testuser1","password_confirm":"testuser1""#, "password",
            "The password is too similar to the username."
        ),
        (
            #""password":"example.com","password_confirm":"example.com""#, "password",
            "The password is too similar to the email address."
        ),
    ])
    func `a registration is refused in the law's words`(fields: String, name: String, text: String) throws {
        let client = try TestClient()

        let answer = client.ask(
            "POST", "/api/v1/auth/register/",
            .json(
                #"{"username":"testuser","email":"test@example.com","password":"testpassword123","#
                    + #""password_confirm":"testpassword123",\#(fields)}"#))

        #expect(answer.status == 400)
        #expect(answer.body == #"{"message":"注册失败","errors":{"\#(name)":["\#(text)"]}}"#)
    }

    @Test func `all errors of one field stand together`() throws {
        let client = try TestClient()

        let answer = client.ask(
            "POST", "/api/v1/auth/register/",
            .json(#"{"username":"x","email":"a@b.org","password":"1234567","password_confirm":"1234567"}"#))

        #expect(
            answer.body == #"{"message":"注册失败","errors":{"password":["#
                + #""This password is too short. It must contain at least 8 characters.","#
                + #""This password is too common.","This password is entirely numeric."]}}"#)
    }

    @Test func `a name and a password that are too long are the fields' errors`() throws {
        let client = try TestClient()
        let name = String(repeating: "x", count: 151)
        let password = String(repeating: "q", count: 1025)

        let answer = client.ask(
            "POST", "/api/v1/auth/register/",
            .json(
                #"{"username":"\#(name)","email":"a@b.org","password":"\#(password)","password_confirm":"\#(password)"}"#
            ))

        #expect(answer.status == 400)
        #expect(
            answer.body == #"{"message":"注册失败","errors":{"#
                + #""username":["Ensure this field has no more than 150 characters."],"#
                + #""password":["Ensure this field has no more than 1024 bytes."]}}"#)
    }

    // MARK: Login

    @Test(arguments: [
        (#""testuser""#, #""wrong""#), (#""nobody""#, #""testpassword123""#),
        (#""test@example.org""#, #""testpassword123""#),
    ])
    func `a wrong name or password has one answer`(name: String, password: String) throws {
        let client = try TestClient()
        client.register()

        let answer = client.ask(
            "POST", "/api/v1/auth/login/", .json(#"{"username":\#(name),"password":\#(password)}"#))

        #expect(answer.status == 401)
        #expect(answer.body == #"{"message":"用户名或密码错误"}"#)
        #expect(answer.all("WWW-Authenticate") == [])
    }

    @Test(arguments: ["inactive", "disabled"])
    func `an account that is not active has the same answer`(status: String) throws {
        let client = try TestClient()
        client.register()
        try client.fixture.sql("UPDATE accounts SET status = '\(status)'")

        let answer = client.ask(
            "POST", "/api/v1/auth/login/", .json(#"{"username":"testuser","password":"testpassword123"}"#))

        #expect(answer.status == 401)
        #expect(answer.body == #"{"message":"用户名或密码错误"}"#)
    }

    @Test func `a login without its fields is refused with its head`() throws {
        let client = try TestClient()

        let answer = client.ask("POST", "/api/v1/auth/login/", .json(#"{"username":""}"#))

        #expect(answer.status == 400)
        #expect(
            answer.body == #"{"message":"登录失败","errors":{"username":["This field may not be blank."],"#
                + #""password":["This field is required."]}}"#)
    }

    @Test(arguments: ["testuser", "nobody"])
    func `a locked name is answered 429 with the seconds left`(name: String) throws {
        let client = try TestClient()
        client.register()
        let login = Body.json(#"{"username":"\#(name)","password":"wrong"}"#)
        for _ in 1...10 { _ = client.ask("POST", "/api/v1/auth/login/", login) }
        client.fixture.clock.move(seconds: 30)

        let answer = client.ask("POST", "/api/v1/auth/login/", login)

        #expect(answer.status == 429)
        #expect(answer.body == #"{"message":"登录失败次数过多，请稍后再试"}"#)
        #expect(answer.all("Retry-After") == ["870"])
    }

    // MARK: Tokens

    @Test(arguments: ["x", "a.b.c", "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.e30.x"])
    func `a bad refresh token is answered as documented`(token: String) throws {
        let client = try TestClient()

        let answer = client.ask("POST", "/api/v1/auth/token/refresh/", .json(#"{"refresh":"\#(token)"}"#))

        #expect(answer.status == 401)
        #expect(answer.body == #"{"detail":"Token is invalid or expired","code":"token_not_valid"}"#)
    }

    @Test func `an access token is no refresh token`() throws {
        let client = try TestClient()
        let new = client.register()

        let answer = client.ask("POST", "/api/v1/auth/token/refresh/", .json(#"{"refresh":"\#(new.access)"}"#))

        #expect(answer.status == 401)
        #expect(answer.body == #"{"detail":"Token is invalid or expired","code":"token_not_valid"}"#)
    }

    @Test func `a refresh without a token is a field error`() throws {
        let client = try TestClient()

        let answer = client.ask("POST", "/api/v1/auth/token/refresh/", .json("{}"))

        #expect(answer.status == 400)
        #expect(answer.body.hasSuffix(#""errors":{"refresh":["This field is required."]}}"#))
    }

    @Test(arguments: [
        #"{"refresh":"x"}"#, "{}", #"{"refresh":null}"#, #"{"refresh":""}"#, #"{"refresh":1}"#,
    ])
    func `a logout without the session's refresh token is answered as documented`(body: String) throws {
        let client = try TestClient()
        let new = client.register()

        let answer = client.ask("POST", "/api/v1/auth/logout/", .json(body), bearer: new.access)

        #expect(answer.status == 400)
        #expect(answer.body == #"{"message":"登出失败: Token is invalid or expired"}"#)
        #expect(client.ask("GET", "/api/v1/info/", bearer: new.access).status == 200)
    }

    @Test(arguments: [
        ("GET", "/api/v1/profile/"), ("PUT", "/api/v1/profile/update/"), ("PATCH", "/api/v1/profile/update/"),
        ("POST", "/api/v1/password/change/"), ("GET", "/api/v1/info/"), ("POST", "/api/v1/auth/logout/"),
        ("HEAD", "/api/v1/info/"),
    ])
    func `without a token one is not authenticated`(method: String, path: String) throws {
        let client = try TestClient()

        let answer = client.ask(method, path)

        #expect(answer.status == 401)
        #expect(answer.body == #"{"detail":"Authentication credentials were not provided."}"#)
        #expect(answer.all("WWW-Authenticate") == ["Bearer"])
    }

    @Test(arguments: [
        ("GET", "/api/v1/profile/"), ("PUT", "/api/v1/profile/update/"), ("PATCH", "/api/v1/profile/update/"),
        ("POST", "/api/v1/password/change/"), ("GET", "/api/v1/info/"), ("POST", "/api/v1/auth/logout/"),
    ])
    func `with a bad token one is told so`(method: String, path: String) throws {
        let client = try TestClient()
        let new = client.register()

        for token in ["x", new.refresh, String(new.access.dropLast()), "a b"] {
            let answer = client.ask(method, path, .json("not even JSON"), bearer: token)

            #expect(answer.status == 401)
            #expect(
                answer.body == #"{"detail":"Given token not valid for any token type","code":"token_not_valid"}"#)
            #expect(answer.all("WWW-Authenticate") == ["Bearer"])
        }
    }

    @Test(arguments: ["Basic dGVzdDp0ZXN0", "Token abc", "bearerx abc", ""])
    func `another scheme is no token`(header: String) throws {
        let client = try TestClient()

        let answer = client.ask("GET", "/api/v1/info/", headers: ["authorization": header])

        #expect(answer.status == 401)
        #expect(answer.body == #"{"detail":"Authentication credentials were not provided."}"#)
    }

    @Test(arguments: ["Bearer", "bearer ", "BEARER   "])
    func `a scheme without a token is a bad token`(header: String) throws {
        let client = try TestClient()

        let answer = client.ask("GET", "/api/v1/info/", headers: ["authorization": header])

        #expect(answer.status == 401)
        #expect(answer.body == #"{"detail":"Given token not valid for any token type","code":"token_not_valid"}"#)
    }

    @Test(arguments: ["bearer", "BEARER", "Bearer  "])
    func `the scheme may be written in any case`(scheme: String) throws {
        let client = try TestClient()
        let new = client.register()

        let answer = client.ask("GET", "/api/v1/info/", headers: ["authorization": "\(scheme) \(new.access)"])

        #expect(answer.status == 200)
    }

    // MARK: Profile

    @Test func `a taken email is answered as documented`() throws {
        let client = try TestClient()
        let new = client.register()
        client.register("other", email: "other@example.com")

        let answer = client.ask(
            "PUT", "/api/v1/profile/update/", .json(#"{"email":"other@example.com"}"#), bearer: new.access)

        #expect(answer.status == 400)
        #expect(answer.body == #"{"message":"资料更新失败","errors":{"email":["This field must be unique."]}}"#)
    }

    @Test(arguments: [
        (#"{"email":""}"#, "email", "This field may not be blank."),
        (#"{"email":null}"#, "email", "This field may not be null."),
        (#"{"email":7}"#, "email", "Not a valid string."),
        (#"{"email":"x"}"#, "email", "Enter a valid email address."),
        (#"{"bio":7}"#, "bio", "Not a valid string."),
        (#"{"bio":"a\u0000b"}"#, "bio", "Null characters are not allowed."),
        (#"{"avatar":"a.png"}"#, "avatar", "The submitted data was not a file. Check the encoding type on the form."),
        (#"{"avatar":[]}"#, "avatar", "The submitted data was not a file. Check the encoding type on the form."),
    ])
    func `an update is refused in Django's words`(body: String, name: String, text: String) throws {
        let client = try TestClient()
        let new = client.register()

        let answer = client.ask("PUT", "/api/v1/profile/update/", .json(body), bearer: new.access)

        #expect(answer.status == 400)
        #expect(answer.body == #"{"message":"资料更新失败","errors":{"\#(name)":["\#(text)"]}}"#)
    }

    @Test func `a bio has 500 characters at most`() throws {
        let client = try TestClient()
        let new = client.register()
        let good = #"{"bio":"\#(String(repeating: "简", count: 500))"}"#
        let bad = #"{"bio":"\#(String(repeating: "简", count: 501))"}"#

        #expect(client.ask("PUT", "/api/v1/profile/update/", .json(good), bearer: new.access).status == 200)
        let answer = client.ask("PUT", "/api/v1/profile/update/", .json(bad), bearer: new.access)

        #expect(answer.status == 400)
        #expect(
            answer.body
                == #"{"message":"资料更新失败","errors":{"bio":["Ensure this field has no more than 500 characters."]}}"#)
    }

    @Test(
        arguments: [
            ([], "The submitted file is empty."),
            (
                Array("<svg/>".utf8),
                "Upload a valid image. The file you uploaded was either not an image or a corrupted image."
            ),
            (onePixelPNG + [UInt8](repeating: 0, count: 5 << 20), "The file is larger than 5 MiB."),
        ] as [([UInt8], String)])
    func `a file that is no avatar is refused and leaves nothing`(content: [UInt8], text: String) throws {
        let client = try TestClient()
        let new = client.register()

        let answer = client.ask(
            "PUT", "/api/v1/profile/update/", .parts([.text("bio", "x"), .file("avatar", name: "a.png", content)]),
            bearer: new.access)

        #expect(answer.status == 400)
        #expect(answer.body == #"{"message":"资料更新失败","errors":{"avatar":["\#(text)"]}}"#)
        #expect(client.fixture.files("avatars") == [])
        #expect(client.fixture.files("incoming") == [])
        #expect(client.ask("GET", "/api/v1/profile/", bearer: new.access).text("user", "bio") == "")
    }

    @Test func `a stranger's file is not even read`() throws {
        let client = try TestClient()

        let answer = client.ask("PUT", "/api/v1/profile/update/", .parts([.file("avatar", name: "a.png", onePixelPNG)]))

        #expect(answer.status == 401)
        #expect(client.fixture.files("incoming") == [])
    }

    // MARK: Password

    @Test func `the documented refusal of a new password is answered in its words`() throws {
        let client = try TestClient()
        let new = client.register()

        let answer = client.ask(
            "POST", "/api/v1/password/change/",
            .json(
                #"{"old_password":"wrong","new_password":"newpassword456","new_password_confirm":"newpassword45"}"#),
            bearer: new.access)

        #expect(answer.status == 400)
        #expect(
            answer.body == #"{"message":"密码修改失败","errors":{"old_password":["当前密码不正确"],"#
                + #""new_password":["两次输入的新密码不一致"]}}"#)
    }

    @Test func `a bad new password and its mismatch stand under one name`() throws {
        let client = try TestClient()
        let new = client.register()

        let answer = client.ask(
            "POST", "/api/v1/password/change/",
            .json(#"{"old_password":"testpassword123","new_password":"short-1","new_password_confirm":"x"}"#),
            bearer: new.access)

        #expect(
            answer.body == #"{"message":"密码修改失败","errors":{"new_password":["#
                + #""This password is too short. It must contain at least 8 characters.","两次输入的新密码不一致"]}}"#)
    }

    @Test func `a change without its fields names each`() throws {
        let client = try TestClient()
        let new = client.register()

        let answer = client.ask("POST", "/api/v1/password/change/", .json("{}"), bearer: new.access)

        #expect(answer.status == 400)
        #expect(
            answer.body == #"{"message":"密码修改失败","errors":{"old_password":["This field is required."],"#
                + #""new_password":["This field is required."],"new_password_confirm":["This field is required."]}}"#)
    }

    // MARK: Bodies

    @Test(arguments: ["{", "nonsense", #"{"a":1}x"#, "{'a':1}", #"{"a":01}"#, "\u{FEFF}{}", #"{"a":"\ud800"}"#])
    func `a body that is not JSON is refused in the contract's shape`(body: String) throws {
        let client = try TestClient()

        let answer = client.ask("POST", "/api/v1/auth/register/", .json(body))

        #expect(answer.status == 400)
        #expect(answer.names() == ["message", "errors"])
        #expect(answer.text("message") == "注册失败")
        #expect(answer.body.contains("JSON parse error - "))
    }

    @Test(arguments: ["[]", "1", "null", #""text""#, "true", #"[{"username":"a"}]"#])
    func `a body that is no object is refused in the contract's shape`(body: String) throws {
        let client = try TestClient()

        let answer = client.ask("POST", "/api/v1/auth/login/", .json(body))

        #expect(answer.status == 400)
        #expect(
            answer.body
                == #"{"message":"登录失败","errors":{"non_field_errors":["Invalid data. Expected a dictionary."]}}"#)
    }

    @Test func `a body may be 32 levels deep and no deeper`() throws {
        let client = try TestClient()
        client.register()
        let open = String(repeating: "[", count: 31)
        let close = String(repeating: "]", count: 31)
        let fields = #""username":"testuser","password":"testpassword123""#

        let good = client.ask("POST", "/api/v1/auth/login/", .json(#"{\#(fields),"x":\#(open)\#(close)}"#))
        let bad = client.ask("POST", "/api/v1/auth/login/", .json(#"{\#(fields),"x":[\#(open)\#(close)]}"#))

        #expect(good.status == 200)
        #expect(bad.status == 400)
        #expect(bad.text("message") == "登录失败")
    }

    @Test func `bytes that are not UTF-8 are refused`() throws {
        let client = try TestClient()
        let body = Array(#"{"username":""#.utf8) + [0xFF, 0xFE] + Array(#"","password":"x"}"#.utf8)

        let answer = client.ask("POST", "/api/v1/auth/login/", .other(type: "application/json", body))

        #expect(answer.status == 400)
    }

    @Test(arguments: ["text/plain", "application/xml", "image/png", "application/jsonx", nil])
    func `another type of body is answered 415`(type: String?) throws {
        let client = try TestClient()

        let answer = client.ask("POST", "/api/v1/auth/login/", .other(type: type, Array("{}".utf8)))

        #expect(answer.status == 415)
        #expect(answer.body == #"{"detail":"Unsupported media type \"\#(type ?? "")\" in request."}"#)
    }

    @Test func `a body has 64 KiB at most`() throws {
        let client = try TestClient()
        client.register()
        let start = #"{"username":"testuser","password":"testpassword123","x":""#
        let good = start + String(repeating: "x", count: 65_536 - start.utf8.count - 2) + #""}"#
        let bad = start + String(repeating: "x", count: 65_537 - start.utf8.count - 2) + #""}"#

        #expect(client.ask("POST", "/api/v1/auth/login/", .json(good)).status == 200)
        let answer = client.ask("POST", "/api/v1/auth/login/", .json(bad))

        #expect(answer.status == 413)
        #expect(answer.names() == ["detail"])
    }

    @Test func `a form over its limits is refused`() throws {
        let client = try TestClient()
        let many = (0..<65).map { "f\($0)=x" }.joined(separator: "&")
        let long = "username=" + String(repeating: "x", count: 65_536)

        #expect(client.ask("POST", "/api/v1/auth/login/", .form(many)).status == 400)
        #expect(client.ask("POST", "/api/v1/auth/login/", .form(long)).status == 413)
    }

    @Test func `text in multipart over its limit is answered 413`() throws {
        let client = try TestClient()
        let new = client.register()
        let bio = MultipartForm.Part.text("bio", String(repeating: "x", count: 65_537))

        let answer = client.ask("PUT", "/api/v1/profile/update/", .parts([bio]), bearer: new.access)

        #expect(answer.status == 413)
    }

    @Test func `multipart that breaks off is refused and leaves no file`() throws {
        let client = try TestClient()
        let new = client.register()
        let whole = Body.parts([.file("avatar", name: "a.png", onePixelPNG)])
        let half = Body.other(type: whole.type, Array(whole.bytes.dropLast(20)))

        let answer = client.ask("PUT", "/api/v1/profile/update/", half, bearer: new.access)

        #expect(answer.status == 400)
        #expect(answer.text("message") == "资料更新失败")
        #expect(client.fixture.files("avatars") == [])
        #expect(client.fixture.files("incoming") == [])
    }

    // MARK: Our own trouble

    @Test func `without its tables it says nothing but the request's id`() throws {
        let client = try TestClient()
        let new = client.register()
        try client.fixture.sql("RENAME TABLE sessions TO sessions_away")

        let answer = client.ask("GET", "/api/v1/info/", bearer: new.access)
        try client.fixture.sql("RENAME TABLE sessions_away TO sessions")

        #expect(answer.status == 500)
        #expect(answer.body == #"{"detail":"Internal server error. Request r-1."}"#)
    }
}
