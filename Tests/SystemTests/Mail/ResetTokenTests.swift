import DevStack
import Foundation
import JSON
import TestSupport
import Testing

/// The token of a mailed link.
struct ResetTokenTests {
    private let mailing: MailingSite
    private let site: DevStack

    init() throws {
        mailing = try MailingSite.shared.get()
        site = mailing.site
    }

    @Test func `the token sets a new password, answered as documented`() throws {
        let documented = try Document(named: "5-v1-auth").example("9.", "响应参数")
        let (person, token) = try forgetful()

        let answer = try mailing.reset(token, "newpassword123")
        let new = try site.signIn(person.username, "newpassword123")
        let old = try site.signIn(person.username, person.password)

        #expect(answer.status == 200)
        #expect(answer.json == documented.json)
        #expect(new.status == 200)
        #expect(old.status == 401)
    }

    @Test func `the documented request holds these names`() throws {
        let documented = try Document(named: "5-v1-auth").example("9.", "请求参数")

        #expect(documented.json.names == ["token", "new_password"])
    }

    @Test func `the token works once`() throws {
        let (person, token) = try forgetful()

        let first = try mailing.reset(token)
        let second = try mailing.reset(token, "other-Larks-18")

        #expect(first.status == 200)
        #expect(second.status == 400)
        #expect(second.json == ["detail": "重置令牌无效或已过期"])
        #expect(try site.signIn(person.username, "nine-Larks-17").status == 200)
    }

    @Test func `of two who use the token at once one succeeds`() throws {
        let (_, token) = try forgetful()
        let mailing = mailing

        let statuses = try concurrently(2) { try mailing.reset(token, "nine-Larks-1\($0)").status }

        #expect(statuses.sorted() == [200, 400])
    }

    @Test func `of twenty who use the token at once one succeeds`() throws {
        let (_, token) = try forgetful()
        let mailing = mailing

        let statuses = try concurrently(20) { try mailing.reset(token, "nine-Larks-\($0)").status }

        #expect(statuses.sorted() == [200] + Array(repeating: 400, count: 19))
    }

    @Test func `a refused new password spends nothing`() throws {
        let (_, token) = try forgetful()

        let refused = try mailing.reset(token, "short")
        let answer = try mailing.reset(token)

        #expect(refused.status == 400)
        #expect(refused[["errors"]] == ["new_password": ["密码长度必须为8-128个字符"]])
        #expect(answer.status == 200)
    }

    @Test(arguments: [-30, 0])
    func `after 30 minutes the token is dead`(minutes: Int) throws {
        let (person, token) = try forgetful()
        _ = try site.rows(
            """
            UPDATE password_resets SET expires_at = expires_at + INTERVAL \(minutes) MINUTE
            WHERE account_id = \(person.id)
            """)

        let answer = try mailing.reset(token)

        #expect(answer.status == (minutes == 0 ? 200 : 400))
    }

    @Test func `the token's row ends 30 minutes after it was made`() throws {
        let (person, _) = try forgetful()

        let life = try site.rows(
            """
            SELECT TIMESTAMPDIFF(SECOND, sent_at, expires_at) BETWEEN 1740 AND 1800
            FROM password_resets JOIN outbox USING (account_id) WHERE account_id = \(person.id)
            """)

        #expect(life == ["1"])
    }

    // MARK: What kills it

    @Test func `a change of the password kills the token`() throws {
        let (person, token) = try forgetful()
        let change = try site.send(
            "POST", "/api/v1/password/change/", as: person,
            json: [
                "old_password": .string(person.password), "new_password": "other-Larks-18",
                "new_password_confirm": "other-Larks-18",
            ])

        let answer = try mailing.reset(token)

        #expect(change.status == 200)
        #expect(answer.status == 400)
    }

    @Test func `a password set by the operator kills the token`() throws {
        let (person, token) = try forgetful()
        let change = try site.homeroom("user", "set-password", person.username, input: "other-Larks-18\n")

        let answer = try mailing.reset(token)

        #expect(change.status == 0)
        #expect(answer.status == 400)
    }

    @Test func `contract 4's reset kills the token`() throws {
        let (person, token) = try forgetful()
        let change = try site.send(
            "POST", "/api/users/reset-password",
            json: [
                "email": .string(person.email), "old_password": .string(person.password),
                "new_password": .string(person.password),
            ])

        let answer = try mailing.reset(token)

        #expect(change.status == 200)
        #expect(answer.status == 400)
    }

    @Test(arguments: [("PUT", "/api/v1/profile/update/"), ("PUT", "/api/user/update/")])
    func `a change of the email kills the token`(method: String, path: String) throws {
        let (person, token) = try forgetful()
        let change = try site.send(method, path, as: person, json: ["email": .string("new-\(person.email)")])

        let answer = try mailing.reset(token)

        #expect(change.status == 200)
        #expect(answer.status == 400)
    }

    @Test func `a second mail's token kills the first one's when it is used`() throws {
        let (person, first) = try forgetful()
        _ = try eventually { try isSent(person) }
        try mailing.passAMinute(for: person)
        try mailing.forget(person.email)
        _ = try eventually { try mailing.mailServer.mails(to: person.email).count == 2 }
        let second = try #require(try mailing.mailServer.mails(to: person.email).last).token

        let answer = try mailing.reset(second)
        let late = try mailing.reset(first, "other-Larks-18")

        #expect(answer.status == 200)
        #expect(late.status == 400)
    }

    @Test func `disabling kills the token`() throws {
        let (person, token) = try forgetful()
        _ = try site.homeroom("user", "set-status", person.username, "disabled")

        let answer = try mailing.reset(token)

        #expect(answer.status == 400)
    }

    @Test(arguments: ["", "x", "' OR 1=1 -- ", String(repeating: "a", count: 1000)])
    func `anything else is no token`(token: String) throws {
        let answer = try mailing.reset(token)

        #expect(answer.status == 400)
    }

    // MARK: What it does

    @Test func `a reset ends all sessions of all contracts`() throws {
        let (person, token) = try forgetful()
        let keys = try ContractAPI.allCases.map { try site.session(of: person, through: $0) }

        _ = try mailing.reset(token)
        let statuses = try keys.map { keys in
            try site.send("GET", "/api/user/me/", headers: [keys.header]).status
        }

        #expect(statuses == [401, 401, 401, 401, 401])
        #expect(try site.rows("SELECT COUNT(*) FROM sessions WHERE account_id = \(person.id)") == ["0"])
    }

    @Test func `a reset unlocks`() throws {
        let (person, token) = try forgetful()
        for _ in 1...10 { _ = try site.signIn(person.username, "wrong") }
        let locked = try site.signIn(person.username, person.password)

        _ = try mailing.reset(token)
        let answer = try site.signIn(person.username, "nine-Larks-17")

        #expect(locked.status == 429)
        #expect(answer.status == 200)
    }

    @Test func `a reset signs nobody in`() throws {
        let (person, token) = try forgetful()

        let answer = try mailing.reset(token)

        #expect(answer["Set-Cookie"] == nil)
        #expect(try site.rows("SELECT COUNT(*) FROM sessions WHERE account_id = \(person.id)") == ["0"])
    }

    // MARK: Where it stands

    @Test func `the token stands nowhere in clear`() throws {
        let (_, token) = try forgetful()
        _ = try site.send("GET", "/reset-password")
        _ = try mailing.reset(token, "short")
        _ = try mailing.reset(token)

        #expect(token.count == 43)
        #expect(try !dump().contains(token))
        for file in try FileManager.default.contentsOfDirectory(atPath: site.folder.log) {
            let text = try Data(contentsOf: URL(filePath: site.folder.log + "/" + file))
            #expect(text.firstRange(of: Data(token.utf8)) == nil, "\(file)")
        }
    }

    @Test func `before it is used the table holds its SHA-256 alone`() throws {
        let (person, token) = try forgetful()

        let rows = try site.rows(
            "SELECT token_hash = UNHEX(SHA2('\(token)', 256)) FROM password_resets WHERE account_id = \(person.id)")

        #expect(rows == ["1"])
        #expect(try !dump().contains(token))
    }

    @Test func `an address stands in no log`() throws {
        let (person, token) = try forgetful()
        _ = try mailing.reset(token)

        #expect(try !mailing.log().contains(person.email))
        #expect(try !String(contentsOfFile: site.folder.log + "/access.log", encoding: .utf8).contains(person.email))
    }

    /// All rows of all tables.
    private func dump() throws -> String {
        try ["accounts", "sessions", "login_failures", "password_resets", "outbox"]
            .flatMap { try site.rows("SELECT * FROM \($0)") }.joined(separator: "\n")
    }

    /// Somebody, and the token they were mailed.
    private func forgetful() throws -> (Person, String) {
        let somebody = try Forgetful.next()
        return (somebody.person, somebody.token)
    }

    private func isSent(_ person: Person) throws -> Bool {
        try site.rows("SELECT due_at FROM outbox WHERE account_id = \(person.id)") == ["NULL"]
    }
}
