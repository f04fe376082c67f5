import DevStack
import JSON
import TestSupport
import Testing

/// Many at once who want the same.
struct RaceTests {
    private let site: DevStack

    init() throws {
        site = try Site.shared()
    }

    @Test func `of 50 registrations of one name and email at once one is made`() throws {
        let site = site

        let answers = try concurrently(50) { _ in try Self.register("crowded", "crowded@example.com", at: site) }
        let refused = answers.filter { $0.status == 400 }

        #expect(answers.filter { $0.status == 201 }.count == 1)
        #expect(refused.count == 49)
        #expect(refused.allSatisfy { $0.string("message") == "注册失败" })
        #expect(refused.allSatisfy { Self.isTaken($0, ["username", "email"]) })
        #expect(try site.rows("SELECT COUNT(*) FROM accounts WHERE username_key = 'crowded'") == ["1"])
    }

    @Test func `of 50 registrations of one name with different emails at once one is made`() throws {
        let site = site

        let answers = try concurrently(50) { try Self.register("Popular", "popular\($0)@example.com", at: site) }

        #expect(answers.filter { $0.status == 201 }.count == 1)
        #expect(answers.filter { Self.isTaken($0, ["username"]) }.count == 49)
    }

    @Test func `of 20 registrations of one email under different names at once one is made`() throws {
        let site = site

        let answers = try concurrently(20) { try Self.register("shared\($0)", "Shared@example.com", at: site) }

        #expect(answers.filter { $0.status == 201 }.count == 1)
        #expect(answers.filter { Self.isTaken($0, ["email"]) }.count == 19)
    }

    @Test func `of 10 people who take one email at once one gets it`() throws {
        let site = site
        let people = try (0..<10).map { _ in try site.newPerson() }

        let answers = try concurrently(10) {
            try site.send("PUT", "/api/v1/profile/update/", as: people[$0], json: ["email": "wanted@example.com"])
        }

        #expect(answers.filter { $0.status == 200 }.count == 1)
        #expect(answers.filter { Self.isTaken($0, ["email"]) }.count == 9)
    }

    @Test func `of changes by many at once each is kept, in its own account and beside that account's others`() throws {
        let site = site
        let people = try (0..<12).map { _ in try site.newPerson() }

        // Two for each: one who writes texts in contract 1, one who does in contract 6.
        let shown = try concurrently(24) { number in
            let person = people[number / 2]
            return try (0..<10).map { round in
                let text = "\(person.username), \(round)"
                if number % 2 == 0 {
                    let answer = try site.send(
                        "PATCH", "/api/v1/profile/update/", as: person, json: ["bio": .string(text)])
                    return answer.status == 200 && answer.string("user", "bio") == text
                }
                let answer = try site.send(
                    "PATCH", "/api/account/", as: person, json: ["full_name": .string(text), "theme": "dark"])
                return answer.status == 200 && answer.string("full_name") == text
            }
        }

        #expect(shown == Array(repeating: Array(repeating: true, count: 10), count: 24))
        let names = people.map { "'\($0.username)'" }.joined(separator: ", ")
        let rows = try site.rows(
            "SELECT username, bio, full_name, theme FROM accounts WHERE username IN (\(names)) ORDER BY id")
        #expect(rows == people.map { "\($0.username)\t\($0.username), 9\t\($0.username), 9\tdark" })
    }

    @Test func `of 20 refreshes of one token at once none fails, and all give the one current token`() throws {
        let site = site
        let person = try site.newPerson()

        let answers = try concurrently(20) { _ in
            try site.send("POST", "/api/v1/auth/token/refresh/", json: ["refresh": .string(person.refresh)])
        }
        let tokens = Set(answers.compactMap { $0.string("refresh") })
        let current = try #require(tokens.first)
        let next = try site.send("POST", "/api/v1/auth/token/refresh/", json: ["refresh": .string(current)])

        #expect(answers.map(\.status) == Array(repeating: 200, count: 20))
        #expect(tokens.count == 1)
        #expect(current != person.refresh)
        #expect(next.status == 200)
    }

    @Test func `of 10 uploads by one person at once one avatar is left, the one that the row names`() throws {
        let site = try Site.start()
        defer { Site.discard(site) }
        let person = try site.newPerson()

        let statuses = try concurrently(10) { try site.upload(onePixelGIF + [UInt8($0)], as: person).status }
        let named = try site.rows("SELECT avatar FROM accounts")

        // More than two at a time are refused.
        #expect(statuses.count { $0 == 200 } >= 2)
        #expect(Set(statuses).isSubset(of: [200, 503]))
        let stem = try #require(named.first).dropLast(".gif".count)
        #expect(named.count == 1)
        #expect(
            try site.mediaFiles() == ["avatars", "\(stem)-256.gif", "\(stem)-64.gif", "\(stem).gif", "incoming"])
    }

    @Test func `of 8 changes of one password at once one is made`() throws {
        let site = site
        let person = try site.newPerson()

        let answers = try concurrently(8) { index in
            let new = JSON.string("eight-Bats-\(index)7")
            return try site.send(
                "POST", "/api/v1/password/change/", as: person,
                json: ["old_password": .string(person.password), "new_password": new, "new_password_confirm": new])
        }
        let winner = try #require(answers.firstIndex { $0.status == 200 })
        let login = try site.signIn(person.username, "eight-Bats-\(winner)7")

        #expect(answers.filter { $0.status == 200 }.count == 1)
        #expect(answers.filter { $0[["errors"]] == ["old_password": ["当前密码不正确"]] }.count == 7)
        #expect(login.status == 200)
    }

    @Test func `30 wrong passwords at once lock the account`() throws {
        let site = site
        let person = try site.newPerson()

        let answers = try concurrently(30) { try site.signIn(person.username, "wrong-Owls-\($0)") }
        let right = try site.signIn(person.username, person.password)

        #expect(answers.filter { $0.status == 401 }.count >= 10)
        #expect(answers.allSatisfy { [401, 429].contains($0.status) })
        #expect(right.status == 429)
        #expect(right.text == #"{"message":"登录失败次数过多，请稍后再试"}"#)
        #expect(right["Retry-After"] != nil)
    }

    private static func register(_ username: String, _ email: String, at site: DevStack) throws -> Answer {
        try site.send(
            "POST", "/api/v1/auth/register/",
            json: [
                "username": .string(username), "email": .string(email), "password": "seven-Owls-42",
                "password_confirm": "seven-Owls-42",
            ])
    }

    /// Whether an answer says of some of these fields, and of no other, that they are taken.
    private static func isTaken(_ answer: Answer, _ fields: Set<String>) -> Bool {
        let texts: [String: JSON] = [
            "username": ["A user with that username already exists."], "email": ["This field must be unique."],
        ]
        guard answer.status == 400, case .object(let errors)? = answer[["errors"]] else { return false }
        return !errors.members.isEmpty
            && errors.members.allSatisfy { fields.contains($0.name) && texts[$0.name] == $0.value }
    }
}
