import DevStack
import JSON
import TestSupport
import Testing

/// Contract 6 over nginx and several workers: what one of them did, each of them knows with the next request.
struct AccountTests {
    private let site: DevStack

    init() throws {
        site = try Site.shared()
    }

    /// The different answers of eight requests at once, which the workers share among them.
    private func everywhere(_ path: String, as person: Person) throws -> Set<String> {
        let site = site
        let answers = try concurrently(8) { _ in try site.send("GET", path, as: person) }
        return Set(answers.map { "\($0.status) \($0.string("code") ?? $0.text)" })
    }

    /// Somebody's own account with the tokens of another login.
    private func signedInAgain(_ person: Person) throws -> Person {
        let answer = try site.signIn(person.username, person.password)
        guard let access = answer.string("tokens", "access") else { throw Unexpected(answer) }
        var other = person
        other.access = access
        return other
    }

    @Test func `a change is what every worker shows`() throws {
        let person = try site.newPerson()

        for round in 0..<5 {
            let change = try site.send(
                "PATCH", "/api/account/", as: person,
                json: ["full_name": .string("爱丽丝 \(round)"), "bio": "", "language": "en", "theme": "dark"])

            #expect(change.status == 200)
            #expect(change.string("full_name") == "爱丽丝 \(round)")
            #expect(try everywhere("/api/account/", as: person) == ["200 \(change.text)"])
        }
    }

    @Test func `a new password ends the other sessions in every worker`() throws {
        let person = try site.newPerson()
        let other = try signedInAgain(person)

        let change = try site.send(
            "POST", "/api/account/password/", as: person,
            json: ["current_password": .string(person.password), "new_password": "eight-Bats-17"])

        #expect(change.status == 204)
        #expect(try everywhere("/api/account/", as: other) == ["401 not_authenticated"])
        #expect(try everywhere("/api/account/sessions/", as: person).count == 1)
        #expect(try site.signIn(person.username, person.password).status == 401)
        #expect(try site.signIn(person.username, "eight-Bats-17").status == 200)
    }

    @Test func `a session is listed for every contract and ended in every worker`() throws {
        let person = try site.newPerson()
        let sessions = try ContractAPI.allCases.map { try site.session(of: person, through: $0) }

        let list = try site.send("GET", "/api/account/sessions/", as: person)
        guard case .array(let devices)? = list.json else { throw Unexpected(list) }
        let names = devices.map { $0["contract"] }
        #expect(names == ["v1-auth", "users-token", "role-session", "email-auth", "v1-profile", "v1-profile"])
        #expect(devices.map { $0["is_current"] } == [false, false, false, false, false, true])

        // That of contract 5, then all but that of the registration.
        guard case .string(let id)? = devices[0]["id"] else { throw Unexpected(list) }
        let ended = try site.send("DELETE", "/api/account/sessions/\(id)/", as: person)
        let states = try sessions.map { try site.send("GET", "/api/account/", headers: [$0.header]).status }
        let again = try site.send("DELETE", "/api/account/sessions/\(id)", as: person)
        let others = try site.send("DELETE", "/api/account/sessions/", as: person)

        #expect(ended.status == 204)
        #expect(states == [200, 200, 200, 200, 401])
        #expect(again.status == 404)
        #expect(others.status == 204)
        for session in sessions {
            let site = site
            let statuses = try concurrently(8) { _ in
                try site.send("GET", "/api/account/", headers: [session.header]).status
            }
            #expect(Set(statuses) == [401])
        }
        #expect(try site.send("GET", "/api/account/sessions/", as: person).text.contains(#""is_current":true"#))
    }

    @Test(arguments: ["form", "image/png"])
    func `nginx serves the three files of a picture until it is taken away`(type: String) throws {
        let person = try site.newPerson()
        let form = MultipartForm([.file("avatar", name: "me.png", TestPicture.png(300, 200, [200, 30, 30]))])
        let (sent, body) =
            type == "form" ? (form.type, form.body) : (type, TestPicture.png(300, 200, [200, 30, 30]))

        let upload = try site.send(
            "PUT", "/api/account/avatar/", as: person, headers: [("Content-Type", sent)], body: body)
        let paths = try ["url", "url_256", "url_64"].map { name in
            let url = try #require(upload.string("avatar", name))
            #expect(url.hasPrefix("http://localhost/media/avatars/"))
            return String(url.dropFirst("http://localhost".count))
        }
        let pictures = try paths.map { try site.send("GET", $0) }
        let shown = try everywhere("/api/account/", as: person)
        let removal = try site.send("DELETE", "/api/account/avatar/", as: person)
        let gone = try paths.map { try site.send("GET", $0).status }

        #expect(upload.status == 200)
        #expect(pictures.map(\.status) == [200, 200, 200])
        // Width and height stand in the first chunk of a PNG.
        #expect(
            pictures.map { Array($0.body[16..<24]) } == [
                [0, 0, 1, 44, 0, 0, 0, 200], [0, 0, 1, 0, 0, 0, 1, 0], [0, 0, 0, 64, 0, 0, 0, 64],
            ])
        #expect(shown == ["200 \(upload.text)"])
        #expect(removal.status == 200)
        #expect(removal[["avatar"]] == .null)
        #expect(gone == [404, 404, 404])
        #expect(try everywhere("/api/account/", as: person) == ["200 \(removal.text)"])
    }

    @Test func `a new picture takes the place of the old one, a refused one does not`() throws {
        let person = try site.newPerson()
        func put(_ body: [UInt8]) throws -> Answer {
            try site.send(
                "PUT", "/api/account/avatar/", as: person, headers: [("Content-Type", "image/png")], body: body)
        }
        let first = try #require(put(onePixelPNG).string("avatar", "url"))

        let second = try #require(put(onePixelGIF).string("avatar", "url"))
        let refused = try put(Array("no picture".utf8))

        #expect(second.hasSuffix(".gif"))
        #expect(refused.status == 400)
        #expect(refused.text.contains(#""field":"avatar","code":"not_a_picture""#))
        #expect(try site.send("GET", String(first.dropFirst("http://localhost".count))).status == 404)
        #expect(try site.send("GET", String(second.dropFirst("http://localhost".count))).status == 200)
    }

    @Test func `Link leads through all people, one after the other`() throws {
        let stem = "linked\(Person.newName())"
        let people = try (0..<7).map { try site.newPerson("\(stem)x\($0)") }
        _ = try site.homeroom("user", "set-role", people[0].username, "mentor")
        let mentor = try signedInAgain(people[0])
        var path = "/api/account/people/?q=\(stem.uppercased())&role=student&limit=2"
        var seen: [JSON?] = []
        var links = 0

        while true {
            let answer = try site.send("GET", path, as: mentor)
            guard case .array(let page)? = answer.json else { throw Unexpected(answer) }
            seen += page.map { $0["id"] }
            guard let link = answer["Link"]?.wholeMatch(of: #/<http://localhost(/[^>]+)>; rel="next"/#) else { break }
            path = String(link.1)
            links += 1
            try #require(links < 5)
        }

        #expect(seen == people.dropFirst().map { .integer($0.id) })
        #expect(links == 2)
    }

    @Test func `ten wrong passwords lock the session in every worker, and no other session`() throws {
        let person = try site.newPerson()
        let other = try signedInAgain(person)
        func change(_ password: String, as person: Person) throws -> Answer {
            try site.send(
                "PATCH", "/api/account/", as: person,
                json: ["email": .string("moved-\(person.email)"), "current_password": .string(password)])
        }

        let guesses = try (1...10).map { try change("wrong-Owls-\($0)", as: person) }
        let locked = try (0..<8).map { _ in try change(person.password, as: person) }
        let password = try site.send(
            "POST", "/api/account/password/", as: person,
            json: ["current_password": .string(person.password), "new_password": "eight-Bats-17"])

        #expect(Set(guesses.map(\.status)) == [400])
        #expect(guesses.allSatisfy { $0.text.contains(#""field":"current_password","code":"incorrect""#) })
        #expect(Set(locked.map { "\($0.status) \($0.string("code") ?? "")" }) == ["429 locked"])
        #expect(locked.allSatisfy { $0["Retry-After"].flatMap { Int($0) }.map { (1...900).contains($0) } == true })
        #expect(password.status == 429)
        #expect(try site.send("PATCH", "/api/account/", as: person, json: ["bio": "still here"]).status == 200)
        #expect(try change(person.password, as: other).status == 200)
    }

    @Test func `of two who take one address at once exactly one gets it`() throws {
        let site = site

        for round in 0..<10 {
            let people = [try site.newPerson(), try site.newPerson()]
            let wanted = "both\(round)-\(people[0].email)"
            let answers = try concurrently(2) { number in
                try site.send(
                    "PATCH", "/api/account/", as: people[number],
                    json: ["email": .string(wanted), "current_password": .string(people[number].password)])
            }

            #expect(answers.map(\.status).sorted() == [200, 400])
            let loser = try #require(answers.first { $0.status == 400 })
            #expect(loser.text.contains(#""errors":[{"field":"email","code":"taken","#))
            let held = try site.rows("SELECT COUNT(*) FROM accounts WHERE email_key = '\(wanted)'")
            #expect(held == ["1"])
        }
    }

    @Test func `two devices that change one account at once leave what one of them set`() throws {
        let site = site
        let person = try site.newPerson()
        let devices = [person, try signedInAgain(person)]

        let answers = try concurrently(2) { number in
            try site.send(
                "PATCH", "/api/account/", as: devices[number],
                json: [
                    "email": .string("device\(number)-\(person.email)"), "full_name": .string("Device \(number)"),
                    "current_password": .string(person.password),
                ])
        }
        let account = try site.send("GET", "/api/account/", as: person)

        #expect(answers.map(\.status) == [200, 200])
        let names = [account.string("email"), account.string("full_name")]
        #expect(names == ["device0-\(person.email)", "Device 0"] || names == ["device1-\(person.email)", "Device 1"])
    }
}
