import Foundation
import TestSupport
import Testing

@testable import Contracts

/// Document 1's examples, member by member.
@Suite struct V1ProfileAnswerTests {
    @Test func `registration answers as documented`() throws {
        let front = try Front()

        let answer = front.register()

        #expect(answer.status == 201)
        #expect(
            answer.body == #"{"message":"注册成功","user":{"id":\#(answer.id),"username":"testuser","#
                + #""email":"test@example.com"},"tokens":{"refresh":"\#(answer.refresh)","access":"\#(answer.access)"}}"#
        )
        #expect(answer.access.hasPrefix("eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9."))
        #expect(answer.refresh.hasPrefix("eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9."))
    }

    @Test func `login answers as documented`() throws {
        let front = try Front()
        front.register()

        let answer = front.send(
            "POST", "/api/v1/auth/login/", .json(#"{"username":"testuser","password":"testpassword123"}"#))

        #expect(answer.status == 200)
        #expect(
            answer.body == #"{"message":"登录成功","user":{"id":\#(answer.id),"username":"testuser","#
                + #""email":"test@example.com"},"tokens":{"refresh":"\#(answer.refresh)","access":"\#(answer.access)"}}"#
        )
    }

    @Test func `an email in the username field signs in too`() throws {
        let front = try Front()
        front.register()

        let answer = front.send(
            "POST", "/api/v1/auth/login/", .json(#"{"username":"Test@Example.com","password":"testpassword123"}"#))

        #expect(answer.status == 200)
        #expect(answer["user", "username"] == "testuser")
    }

    @Test func `refresh answers as documented`() throws {
        let front = try Front()
        let new = front.register()

        let answer = front.send("POST", "/api/v1/auth/token/refresh/", .json(#"{"refresh":"\#(new.refresh)"}"#))

        #expect(answer.status == 200)
        #expect(answer.body == #"{"access":"\#(answer["access"])","refresh":"\#(answer["refresh"])"}"#)
        #expect(!answer["access"].isEmpty && answer["access"] != new.access)
        #expect(!answer["refresh"].isEmpty && answer["refresh"] != new.refresh)
    }

    @Test func `the profile answers as documented, also after registration alone`() throws {
        let front = try Front()
        let new = front.register()

        let answer = front.send("GET", "/api/v1/profile/", token: new.access)

        #expect(answer.status == 200)
        #expect(
            answer.body == #"{"message":"获取用户资料成功","user":{"id":\#(new.id),"username":"testuser","#
                + #""email":"test@example.com","avatar":null,"avatar_url":null,"bio":null,"#
                + #""date_joined":"2025-07-26T07:42:39.508828Z","last_login":null}}"#)
    }

    @Test func `the profile shows the last login`() throws {
        let front = try Front()
        let new = front.register()
        front.school.clock.move(seconds: 60)
        _ = front.send("POST", "/api/v1/auth/login/", .json(#"{"username":"testuser","password":"testpassword123"}"#))

        let answer = front.send("GET", "/api/v1/profile/", token: new.access)

        #expect(answer["user", "last_login"] == "2025-07-26T07:43:39.508828Z")
        #expect(answer["user", "date_joined"] == "2025-07-26T07:42:39.508828Z")
    }

    @Test(arguments: ["PUT", "PATCH"])
    func `an update answers as documented`(method: String) throws {
        let front = try Front()
        let new = front.register()

        let answer = front.send(
            method, "/api/v1/profile/update/", .json(#"{"email":"updated@example.com","bio":"更新后的个人简介"}"#),
            token: new.access)

        #expect(answer.status == 200)
        #expect(
            answer.body == #"{"message":"资料更新成功","user":{"id":\#(new.id),"username":"testuser","#
                + #""email":"updated@example.com","avatar":null,"avatar_url":null,"bio":"更新后的个人简介","#
                + #""date_joined":"2025-07-26T07:42:39.508828Z","last_login":null}}"#)
    }

    @Test func `an update with a picture answers with its path and address`() throws {
        let front = try Front()
        let new = front.register()

        let answer = front.send(
            "PUT", "/api/v1/profile/update/",
            .parts([
                .text("email", "test@example.com"), .text("bio", "新的个人简介"), .file("avatar", "me.png", onePixelPNG),
            ]), token: new.access)

        #expect(answer.status == 200)
        let avatar = answer["user", "avatar"]
        #expect(avatar.contains(try Regex("^avatars/[0-9a-f]{32}\\.png$")))
        #expect(
            answer.body == #"{"message":"资料更新成功","user":{"id":\#(new.id),"username":"testuser","#
                + #""email":"test@example.com","avatar":"\#(avatar)","#
                + #""avatar_url":"http://127.0.0.1:8000/media/\#(avatar)","bio":"新的个人简介","#
                + #""date_joined":"2025-07-26T07:42:39.508828Z","last_login":null}}"#)
        let stem = avatar.dropFirst("avatars/".count).dropLast(".png".count)
        #expect(front.school.files("avatars") == ["\(stem)-256.png", "\(stem)-64.png", "\(stem).png"])
    }

    @Test func `a change of the password answers as documented`() throws {
        let front = try Front()
        let new = front.register()

        let answer = front.send(
            "POST", "/api/v1/password/change/",
            .json(
                #"{"old_password":"testpassword123","new_password":"newpassword456","new_password_confirm":"newpassword456"}"#
            ), token: new.access)

        #expect(answer.status == 200)
        #expect(answer.body == #"{"message":"密码修改成功"}"#)
    }

    @Test func `the info answers as documented`() throws {
        let front = try Front()
        let new = front.register()
        _ = front.send(
            "PUT", "/api/v1/profile/update/",
            .parts([.text("bio", "个人简介"), .file("avatar", "me.gif", onePixelGIF)]), token: new.access)

        let answer = front.send("GET", "/api/v1/info/", token: new.access)

        #expect(answer.status == 200)
        let avatar = try #require(front.school.files("avatars").first { !$0.contains("-") })
        #expect(
            answer.body == #"{"id":\#(new.id),"username":"testuser","email":"test@example.com","#
                + #""avatar":"http://127.0.0.1:8000/media/avatars/\#(avatar)","bio":"个人简介","#
                + #""date_joined":"2025-07-26T07:42:39.508828Z"}"#)
    }

    @Test func `the info without picture and bio says null`() throws {
        let front = try Front()
        let new = front.register()

        let answer = front.send("GET", "/api/v1/info/", token: new.access)

        #expect(answer.names() == ["id", "username", "email", "avatar", "bio", "date_joined"])
        #expect(answer.body.contains(#""avatar":null,"bio":null,"#))
    }

    @Test func `logout answers as documented and ends the session`() throws {
        let front = try Front()
        let new = front.register()

        let answer = front.send(
            "POST", "/api/v1/auth/logout/", .json(#"{"refresh":"\#(new.refresh)"}"#), token: new.access)

        #expect(answer.status == 200)
        #expect(answer.body == #"{"message":"登出成功"}"#)
        #expect(front.send("GET", "/api/v1/info/", token: new.access).status == 401)
    }

    // MARK: Other ways to send

    @Test func `a form is taken like JSON`() throws {
        let front = try Front()

        let answer = front.send(
            "POST", "/api/v1/auth/register/",
            .form(
                "username=%E7%8E%8B&email=test%40example.com&password=a+b%2Bc%26d%3De&password_confirm=a+b%2Bc%26d%3De")
        )

        #expect(answer.status == 201)
        #expect(answer["user", "username"] == "王")
        let login = front.send("POST", "/api/v1/auth/login/", .json(#"{"username":"王","password":"a b+c&d=e"}"#))
        #expect(login.status == 200)
    }

    @Test func `multipart is taken like JSON`() throws {
        let front = try Front()

        let answer = front.send(
            "POST", "/api/v1/auth/register/",
            .parts([
                .text("username", "testuser"), .text("email", "test@example.com"),
                .text("password", "testpassword123"), .text("password_confirm", "testpassword123"),
            ]))

        #expect(answer.status == 201)
    }

    @Test(arguments: ["application/json; charset=utf-8", "Application/JSON", "application/json;charset=\"UTF-8\""])
    func `JSON is taken with any charset parameter`(type: String) throws {
        let front = try Front()
        front.register()

        let answer = front.send(
            "POST", "/api/v1/auth/login/",
            .other(type: type, Array(#"{"username":"testuser","password":"testpassword123"}"#.utf8)))

        #expect(answer.status == 200)
    }

    @Test func `the last of two members of one name counts`() throws {
        let front = try Front()
        front.register()

        let answer = front.send(
            "POST", "/api/v1/auth/login/",
            .json(#"{"password":"wrong","username":"x","username":"testuser","password":"testpassword123"}"#))

        #expect(answer.status == 200)
    }

    @Test func `fields that nobody asked for change nothing`() throws {
        let front = try Front()
        let new = front.send(
            "POST", "/api/v1/auth/register/",
            .json(
                #"{"id":1,"role":"teacher","is_staff":true,"is_superuser":true,"status":"disabled","#
                    + #""login_count":9,"username":"testuser","email":"test@example.com","#
                    + #""password":"testpassword123","password_confirm":"testpassword123","extra":{"a":[1,{}]}}"#))

        let answer = front.send(
            "PUT", "/api/v1/profile/update/",
            .json(
                #"{"id":1,"username":"admin","role":"teacher","is_staff":true,"is_superuser":true,"#
                    + #""password":"x","date_joined":"2000-01-01T00:00:00Z","last_login":"x","avatar_url":"x","bio":"b"}"#
            ), token: new.access)

        #expect(new.status == 201)
        #expect(answer.status == 200)
        #expect(answer.id == new.id)
        #expect(answer["user", "username"] == "testuser")
        #expect(answer["user", "date_joined"] == "2025-07-26T07:42:39.508828Z")
        #expect(
            try front.school.sql(
                "SELECT username, role, status, is_staff, is_superuser, login_count, bio FROM accounts")
                == "testuser\tstudent\tactive\t0\t0\t0\tb")
    }

    // MARK: The avatar field

    @Test(arguments: [
        Body.json(#"{"avatar":null}"#), .json(#"{"avatar":""}"#), .form("avatar="), .parts([.text("avatar", "")]),
    ])
    func `an empty avatar removes the picture`(body: Body) throws {
        let front = try Front()
        let new = front.register()
        _ = front.send(
            "PUT", "/api/v1/profile/update/", .parts([.file("avatar", "a.png", onePixelPNG)]), token: new.access)

        let answer = front.send("PUT", "/api/v1/profile/update/", body, token: new.access)

        #expect(answer.status == 200)
        #expect(answer.body.contains(#""avatar":null,"avatar_url":null"#))
        #expect(front.school.files("avatars") == [])
    }

    @Test(arguments: [
        Body.none, .json("{}"), .json(#"{"bio":"x"}"#), .parts([.file("avatar", "", [])]), .parts([.text("bio", "x")]),
        .parts([.file("picture", "a.png", onePixelPNG)]),
    ])
    func `without a file chosen the picture stays`(body: Body) throws {
        let front = try Front()
        let new = front.register()
        let first = front.send(
            "PUT", "/api/v1/profile/update/", .parts([.file("avatar", "a.png", onePixelPNG)]), token: new.access)

        let answer = front.send("PUT", "/api/v1/profile/update/", body, token: new.access)

        #expect(answer.status == 200)
        #expect(answer["user", "avatar"] == first["user", "avatar"])
        #expect(front.school.files("avatars").count == 3)
        #expect(front.school.files("incoming") == [])
    }

    @Test func `of two files the last counts and the first leaves nothing`() throws {
        let front = try Front()
        let new = front.register()

        let answer = front.send(
            "PUT", "/api/v1/profile/update/",
            .parts([.file("avatar", "a.png", onePixelPNG), .file("avatar", "b.gif", onePixelGIF)]), token: new.access)

        #expect(answer["user", "avatar"].hasSuffix(".gif"))
        #expect(front.school.files("avatars").count == 3)
        #expect(front.school.files("incoming") == [])
    }

    @Test func `a picture is told by its content, not by its name`() throws {
        let front = try Front()
        let new = front.register()

        let answer = front.send(
            "PUT", "/api/v1/profile/update/", .parts([.file("avatar", "../../a.html", onePixelPNG)]), token: new.access)

        #expect(answer["user", "avatar"].hasSuffix(".png"))
    }
}

let onePixelPNG = bytes(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==")
let onePixelGIF = bytes("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")

private func bytes(_ base64: String) -> [UInt8] {
    [UInt8](Data(base64Encoded: base64) ?? Data())
}
