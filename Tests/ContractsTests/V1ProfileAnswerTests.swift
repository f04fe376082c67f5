import TestSupport
import Testing

@testable import Contracts

/// Document 1's examples, member by member.
@Suite struct V1ProfileAnswerTests {
    @Test func `registration answers as documented`() throws {
        let client = try TestClient()

        let answer = client.register()

        #expect(answer.status == 201)
        #expect(
            answer.body == #"{"message":"注册成功","user":{"id":\#(answer.id),"username":"testuser","#
                + #""email":"test@example.com"},"tokens":{"refresh":"\#(answer.refresh)","access":"\#(answer.access)"}}"#
        )
        #expect(answer.access.hasPrefix("eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9."))
        #expect(answer.refresh.hasPrefix("eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9."))
    }

    @Test func `login answers as documented`() throws {
        let client = try TestClient()
        client.register()

        let answer = client.ask(
            "POST", "/api/v1/auth/login/", .json(#"{"username":"testuser","password":"testpassword123"}"#))

        #expect(answer.status == 200)
        #expect(
            answer.body == #"{"message":"登录成功","user":{"id":\#(answer.id),"username":"testuser","#
                + #""email":"test@example.com"},"tokens":{"refresh":"\#(answer.refresh)","access":"\#(answer.access)"}}"#
        )
    }

    @Test func `an email in the username field signs in too`() throws {
        let client = try TestClient()
        client.register()

        let answer = client.ask(
            "POST", "/api/v1/auth/login/", .json(#"{"username":"Test@Example.com","password":"testpassword123"}"#))

        #expect(answer.status == 200)
        #expect(answer.text("user", "username") == "testuser")
    }

    @Test func `refresh answers as documented`() throws {
        let client = try TestClient()
        let new = client.register()

        let answer = client.ask("POST", "/api/v1/auth/token/refresh/", .json(#"{"refresh":"\#(new.refresh)"}"#))

        #expect(answer.status == 200)
        #expect(answer.body == #"{"access":"\#(answer.text("access"))","refresh":"\#(answer.text("refresh"))"}"#)
        #expect(!answer.text("access").isEmpty && answer.text("access") != new.access)
        #expect(!answer.text("refresh").isEmpty && answer.text("refresh") != new.refresh)
    }

    @Test func `the profile answers as documented, also after registration alone`() throws {
        let client = try TestClient()
        let new = client.register()

        let answer = client.ask("GET", "/api/v1/profile/", bearer: new.access)

        #expect(answer.status == 200)
        #expect(
            answer.body == #"{"message":"获取用户资料成功","user":{"id":\#(new.id),"username":"testuser","#
                + #""email":"test@example.com","avatar":null,"avatar_url":null,"bio":null,"#
                + #""date_joined":"2025-07-26T07:42:39.508828Z","last_login":null}}"#)
    }

    @Test func `the profile shows the last login`() throws {
        let client = try TestClient()
        let new = client.register()
        client.fixture.clock.move(seconds: 60)
        _ = client.ask(
            "POST", "/api/v1/auth/login/", .json(#"{"username":"testuser","password":"testpassword123"}"#))

        let answer = client.ask("GET", "/api/v1/profile/", bearer: new.access)

        #expect(answer.text("user", "last_login") == "2025-07-26T07:43:39.508828Z")
        #expect(answer.text("user", "date_joined") == "2025-07-26T07:42:39.508828Z")
    }

    @Test(arguments: ["PUT", "PATCH"])
    func `an update answers as documented`(method: String) throws {
        let client = try TestClient()
        let new = client.register()

        let answer = client.ask(
            method, "/api/v1/profile/update/", .json(#"{"email":"updated@example.com","bio":"更新后的个人简介"}"#),
            bearer: new.access)

        #expect(answer.status == 200)
        #expect(
            answer.body == #"{"message":"资料更新成功","user":{"id":\#(new.id),"username":"testuser","#
                + #""email":"updated@example.com","avatar":null,"avatar_url":null,"bio":"更新后的个人简介","#
                + #""date_joined":"2025-07-26T07:42:39.508828Z","last_login":null}}"#)
    }

    @Test func `an update with a picture answers with its path and address`() throws {
        let client = try TestClient()
        let new = client.register()

        let answer = client.ask(
            "PUT", "/api/v1/profile/update/",
            .parts([
                .text("email", "test@example.com"), .text("bio", "新的个人简介"),
                .file("avatar", name: "me.png", onePixelPNG),
            ]), bearer: new.access)

        #expect(answer.status == 200)
        let avatar = answer.text("user", "avatar")
        #expect(avatar.contains(try Regex("^avatars/[0-9a-f]{32}\\.png$")))
        #expect(
            answer.body == #"{"message":"资料更新成功","user":{"id":\#(new.id),"username":"testuser","#
                + #""email":"test@example.com","avatar":"\#(avatar)","#
                + #""avatar_url":"http://school.example/media/\#(avatar)","bio":"新的个人简介","#
                + #""date_joined":"2025-07-26T07:42:39.508828Z","last_login":null}}"#)
        let stem = avatar.dropFirst("avatars/".count).dropLast(".png".count)
        #expect(client.fixture.files("avatars") == ["\(stem)-256.png", "\(stem)-64.png", "\(stem).png"])
    }

    @Test func `a change of the password answers as documented`() throws {
        let client = try TestClient()
        let new = client.register()

        let answer = client.ask(
            "POST", "/api/v1/password/change/",
            .json(
                #"{"old_password":"testpassword123","new_password":"newpassword456","new_password_confirm":"newpassword456"}"#
            ), bearer: new.access)

        #expect(answer.status == 200)
        #expect(answer.body == #"{"message":"密码修改成功"}"#)
    }

    @Test func `the info answers as documented`() throws {
        let client = try TestClient()
        let new = client.register()
        _ = client.ask(
            "PUT", "/api/v1/profile/update/",
            .parts([.text("bio", "个人简介"), .file("avatar", name: "me.gif", onePixelGIF)]), bearer: new.access)

        let answer = client.ask("GET", "/api/v1/info/", bearer: new.access)

        #expect(answer.status == 200)
        let avatar = try #require(client.fixture.files("avatars").first { !$0.contains("-") })
        #expect(
            answer.body == #"{"id":\#(new.id),"username":"testuser","email":"test@example.com","#
                + #""avatar":"http://school.example/media/avatars/\#(avatar)","bio":"个人简介","#
                + #""date_joined":"2025-07-26T07:42:39.508828Z"}"#)
    }

    @Test func `the info without picture and bio says null`() throws {
        let client = try TestClient()
        let new = client.register()

        let answer = client.ask("GET", "/api/v1/info/", bearer: new.access)

        #expect(answer.names() == ["id", "username", "email", "avatar", "bio", "date_joined"])
        #expect(answer.body.contains(#""avatar":null,"bio":null,"#))
    }

    @Test func `logout answers as documented and ends the session`() throws {
        let client = try TestClient()
        let new = client.register()

        let answer = client.ask(
            "POST", "/api/v1/auth/logout/", .json(#"{"refresh":"\#(new.refresh)"}"#), bearer: new.access)

        #expect(answer.status == 200)
        #expect(answer.body == #"{"message":"登出成功"}"#)
        #expect(client.ask("GET", "/api/v1/info/", bearer: new.access).status == 401)
    }

    // MARK: Other ways to send

    @Test func `a form is taken like JSON`() throws {
        let client = try TestClient()

        let answer = client.ask(
            "POST", "/api/v1/auth/register/",
            .form(
                "username=%E7%8E%8B&email=test%40example.com&password=a+b%2Bc%26d%3De&password_confirm=a+b%2Bc%26d%3De")
        )

        #expect(answer.status == 201)
        #expect(answer.text("user", "username") == "王")
        let login = client.ask("POST", "/api/v1/auth/login/", .json(#"{"username":"王","password":"a b+c&d=e"}"#))
        #expect(login.status == 200)
    }

    @Test func `multipart is taken like JSON`() throws {
        let client = try TestClient()

        let answer = client.ask(
            "POST", "/api/v1/auth/register/",
            .parts([
                .text("username", "testuser"), .text("email", "test@example.com"),
                .text("password", "testpassword123"), .text("password_confirm", "testpassword123"),
            ]))

        #expect(answer.status == 201)
    }

    @Test(arguments: ["application/json; charset=utf-8", "Application/JSON", "application/json;charset=\"UTF-8\""])
    func `JSON is taken with any charset parameter`(type: String) throws {
        let client = try TestClient()
        client.register()

        let answer = client.ask(
            "POST", "/api/v1/auth/login/",
            .other(type: type, Array(#"{"username":"testuser","password":"testpassword123"}"#.utf8)))

        #expect(answer.status == 200)
    }

    @Test func `the last of two members of one name counts`() throws {
        let client = try TestClient()
        client.register()

        let answer = client.ask(
            "POST", "/api/v1/auth/login/",
            .json(#"{"password":"wrong","username":"x","username":"testuser","password":"testpassword123"}"#))

        #expect(answer.status == 200)
    }

    @Test func `fields that nobody asked for change nothing`() throws {
        let client = try TestClient()
        let new = client.ask(
            "POST", "/api/v1/auth/register/",
            .json(
                #"{"id":1,"role":"teacher","is_staff":true,"is_superuser":true,"status":"disabled","#
                    + #""login_count":9,"username":"testuser","email":"test@example.com","#
                    + #""password":"testpassword123","password_confirm":"testpassword123","extra":{"a":[1,{}]}}"#))

        let answer = client.ask(
            "PUT", "/api/v1/profile/update/",
            .json(
                #"{"id":1,"username":"admin","role":"teacher","is_staff":true,"is_superuser":true,"#
                    + #""password":"x","date_joined":"2000-01-01T00:00:00Z","last_login":"x","avatar_url":"x","bio":"b"}"#
            ), bearer: new.access)

        #expect(new.status == 201)
        #expect(answer.status == 200)
        #expect(answer.id == new.id)
        #expect(answer.text("user", "username") == "testuser")
        #expect(answer.text("user", "date_joined") == "2025-07-26T07:42:39.508828Z")
        #expect(
            try client.fixture.sql(
                "SELECT username, role, status, is_staff, is_superuser, login_count, bio FROM accounts")
                == "testuser\tstudent\tactive\t0\t0\t0\tb")
    }

    // MARK: The avatar field

    @Test(arguments: [
        Body.json(#"{"avatar":null}"#), .json(#"{"avatar":""}"#), .form("avatar="), .parts([.text("avatar", "")]),
    ])
    func `an empty avatar removes the picture`(body: Body) throws {
        let client = try TestClient()
        let new = client.register()
        _ = client.ask(
            "PUT", "/api/v1/profile/update/", .parts([.file("avatar", name: "a.png", onePixelPNG)]), bearer: new.access)

        let answer = client.ask("PUT", "/api/v1/profile/update/", body, bearer: new.access)

        #expect(answer.status == 200)
        #expect(answer.body.contains(#""avatar":null,"avatar_url":null"#))
        #expect(client.fixture.files("avatars") == [])
    }

    @Test(arguments: [
        Body.none, .json("{}"), .json(#"{"bio":"x"}"#), .parts([.file("avatar", name: "", [])]),
        .parts([.text("bio", "x")]),
        .parts([.file("picture", name: "a.png", onePixelPNG)]),
    ])
    func `without a file chosen the picture stays`(body: Body) throws {
        let client = try TestClient()
        let new = client.register()
        let first = client.ask(
            "PUT", "/api/v1/profile/update/", .parts([.file("avatar", name: "a.png", onePixelPNG)]), bearer: new.access)

        let answer = client.ask("PUT", "/api/v1/profile/update/", body, bearer: new.access)

        #expect(answer.status == 200)
        #expect(answer.text("user", "avatar") == first.text("user", "avatar"))
        #expect(client.fixture.files("avatars").count == 3)
        #expect(client.fixture.files("incoming") == [])
    }

    @Test func `of two files the last counts and the first leaves nothing`() throws {
        let client = try TestClient()
        let new = client.register()

        let answer = client.ask(
            "PUT", "/api/v1/profile/update/",
            .parts([.file("avatar", name: "a.png", onePixelPNG), .file("avatar", name: "b.gif", onePixelGIF)]),
            bearer: new.access)

        #expect(answer.text("user", "avatar").hasSuffix(".gif"))
        #expect(client.fixture.files("avatars").count == 3)
        #expect(client.fixture.files("incoming") == [])
    }

    @Test func `a picture is told by its content, not by its name`() throws {
        let client = try TestClient()
        let new = client.register()

        let answer = client.ask(
            "PUT", "/api/v1/profile/update/", .parts([.file("avatar", name: "../../a.html", onePixelPNG)]),
            bearer: new.access
        )

        #expect(answer.text("user", "avatar").hasSuffix(".png"))
    }
}
