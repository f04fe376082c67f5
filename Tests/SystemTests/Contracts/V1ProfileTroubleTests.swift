import DevStack
import JSON
import TestSupport
import Testing

/// The troubles that document 1 lists at its head are gone.
struct V1ProfileTroubleTests {
    private let site: DevStack

    init() throws {
        site = try Site.shared()
    }

    // 没有测试登出之后的token是否可用

    @Test func `the access token is refused at once after logout`() throws {
        let person = try site.newPerson()
        let before = try site.send("GET", "/api/v1/info/", as: person)

        let logout = try site.send(
            "POST", "/api/v1/auth/logout/", as: person, json: ["refresh": .string(person.refresh)])
        let after = try site.send("GET", "/api/v1/info/", as: person)

        #expect(before.status == 200)
        #expect(logout.status == 200)
        #expect(after.status == 401)
        #expect(after.text == #"{"detail":"Given token not valid for any token type","code":"token_not_valid"}"#)
    }

    @Test func `the refresh token is refused at once after logout`() throws {
        let person = try site.newPerson()

        _ = try site.send("POST", "/api/v1/auth/logout/", as: person, json: ["refresh": .string(person.refresh)])
        let answer = try site.send("POST", "/api/v1/auth/token/refresh/", json: ["refresh": .string(person.refresh)])

        #expect(answer.status == 401)
        #expect(answer.text == #"{"detail":"Token is invalid or expired","code":"token_not_valid"}"#)
    }

    @Test func `another session of the person lives on after logout`() throws {
        let person = try site.newPerson()
        let login = try site.signIn(person.username, person.password)
        var elsewhere = person
        elsewhere.access = try #require(login.string("tokens", "access"))

        _ = try site.send("POST", "/api/v1/auth/logout/", as: person, json: ["refresh": .string(person.refresh)])
        let answer = try site.send("GET", "/api/v1/info/", as: elsewhere)

        #expect(answer.status == 200)
    }

    // 注册和登录接口返回的两个token不一致，不知道正不正常

    @Test func `registration and login each begin a session of their own, and both are good`() throws {
        let person = try site.newPerson()
        var later = person

        later.access = try #require(site.signIn(person.username, person.password).string("tokens", "access"))

        #expect(later.access != person.access)
        #expect(try site.send("GET", "/api/v1/info/", as: person).status == 200)
        #expect(try site.send("GET", "/api/v1/info/", as: later).status == 200)
    }

    // 用户登录之后，数据库表的最后登录字段没有更新

    @Test func `registration is no login`() throws {
        let person = try site.newPerson()

        let answer = try site.send("GET", "/api/v1/profile/", as: person)

        #expect(answer[["user", "last_login"]] == .null)
        #expect(try login(of: person) == "NULL\t0")
    }

    @Test func `every login moves the last login in the table and in the profile`() throws {
        let person = try site.newPerson()

        _ = try site.signIn(person.username, person.password)
        let first = try #require(site.send("GET", "/api/v1/profile/", as: person).string("user", "last_login"))
        _ = try site.signIn(person.username, person.password)
        let second = try #require(site.send("GET", "/api/v1/profile/", as: person).string("user", "last_login"))

        #expect(first < second)
        #expect(try login(of: person) == second.replacing("T", with: " ").replacing("Z", with: "") + "\t2")
    }

    @Test func `a failed login leaves the last login as it is`() throws {
        let person = try site.newPerson()

        let answer = try site.signIn(person.username, "wrong-Password-1")

        #expect(answer.status == 401)
        #expect(try login(of: person) == "NULL\t0")
    }

    // 头像上传之后数据库的字段没有更新

    @Test func `an upload changes the column, and nginx serves what it names`() throws {
        let person = try site.newPerson()

        let answer = try site.upload(onePixelPNG, as: person)
        let path = try #require(answer.string("user", "avatar"))
        let file = try site.send("GET", "/media/\(path)")

        #expect(try site.rows("SELECT avatar FROM accounts WHERE id = \(person.id)") == [path])
        #expect(file.status == 200)
        #expect(file["Content-Type"] == "image/png")
    }

    // 还有就是返回格式不一致问题

    @Test(arguments: [
        ("/api/v1/auth/register/", "注册失败", "username"), ("/api/v1/auth/login/", "登录失败", "username"),
        ("/api/v1/auth/token/refresh/", "刷新失败", "refresh"), ("/api/v1/password/change/", "密码修改失败", "old_password"),
    ])
    func `what is wrong with fields always has one shape`(path: String, message: String, field: String) throws {
        let person = try site.newPerson()

        let answer = try site.send("POST", path, as: person, json: [:])

        #expect(answer.status == 400)
        #expect(answer[["message"]] == .string(message))
        #expect(answer[["errors", field]] == ["This field is required."])
    }

    @Test func `what is wrong with the profile's fields has the same shape`() throws {
        let person = try site.newPerson()

        let answer = try site.send("PUT", "/api/v1/profile/update/", as: person, json: ["email": "nowhere", "bio": 7])

        #expect(answer.status == 400)
        #expect(
            answer.json == [
                "message": "资料更新失败",
                "errors": ["email": ["Enter a valid email address."], "bio": ["Not a valid string."]],
            ])
    }

    // 更新资料接口仅仅测试邮箱和简介字段，不知道修改邮箱合不合理

    @Test func `after a change of the email the new one signs in and the old one does not`() throws {
        let person = try site.newPerson()
        let address = "new-\(person.email)"

        let update = try site.send("PUT", "/api/v1/profile/update/", as: person, json: ["email": .string(address)])
        let new = try site.signIn(address, person.password)
        let old = try site.signIn(person.email, person.password)

        #expect(update.status == 200)
        #expect(new.status == 200)
        #expect(old.status == 401)
    }

    @Test func `a change of the email keeps the username`() throws {
        let person = try site.newPerson()

        let update = try site.send("PUT", "/api/v1/profile/update/", as: person, json: ["email": "kept@example.com"])
        let login = try site.signIn(person.username, person.password)

        #expect(update[["user", "username"]] == .string(person.username))
        #expect(login.status == 200)
    }

    @Test func `a username that was the email follows it`() throws {
        let address = "follows@example.com"
        let registration = try site.send(
            "POST", "/api/v1/auth/register/",
            json: [
                "username": .string(address), "email": .string(address), "password": "seven-Owls-42",
                "password_confirm": "seven-Owls-42",
            ])
        let access = try #require(registration.string("tokens", "access"))

        let update = try site.send(
            "PUT", "/api/v1/profile/update/", json: ["email": "followed@example.com"],
            headers: [("Authorization", "Bearer \(access)")])

        #expect(update.string("user", "username") == "followed@example.com")
    }

    @Test func `an address that became free three days ago can be registered by somebody else`() throws {
        let person = try site.newPerson("leaver")
        let update = try site.send("PUT", "/api/v1/profile/update/", as: person, json: ["email": "left@example.com"])
        _ = try site.rows("UPDATE email_changes SET undo_until = UTC_TIMESTAMP() WHERE account_id = \(person.id)")

        let registration = try site.send(
            "POST", "/api/v1/auth/register/",
            json: [
                "username": "successor", "email": .string(person.email), "password": "seven-Owls-42",
                "password_confirm": "seven-Owls-42",
            ])

        #expect(update.status == 200)
        #expect(registration.status == 201)
    }

    /// Last login and number of logins, as the table has them.
    private func login(of person: Person) throws -> String {
        try site.rows("SELECT last_login_at, login_count FROM accounts WHERE id = \(person.id)").joined()
    }
}
