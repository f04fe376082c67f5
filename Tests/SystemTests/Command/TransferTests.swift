import DevStack
import Foundation
import JSON
import TestSupport
import Testing

/// `homeroom user import` and `user export`.
struct TransferTests {
    private let site: DevStack

    init() throws {
        site = try Site.shared()
    }

    /// What Django stores for `seven-Owls-42`, with few iterations.
    private static let hash = "pbkdf2_sha256$1000$seasalt$SPLOGCeINGzu3ZlEq30axrL0yfGXDzLGFhp2q3/JNtY="

    /// A line with a name of its own, and these members besides or instead.
    private func line(_ others: JSON.Object = .init(), name: String = Person.newName()) -> String {
        var object: JSON.Object = .init([
            .init(name: "username", value: .string(name)),
            .init(name: "email", value: .string("\(name)@example.com")),
            .init(name: "password_hash", value: .string(Self.hash)),
        ])
        object.members.removeAll { member in others.members.contains { $0.name == member.name } }
        object.members += others.members
        return String(decoding: JSON.object(object).bytes, as: UTF8.self)
    }

    @Test func `what one house exports another one imports, and exports again the same`() throws {
        let other = try Site.start()
        defer { Site.discard(other) }
        let source = try Site.start()
        defer { Site.discard(source) }
        let people = try (0..<3).map { _ in try source.newPerson() }
        _ = try source.upload(onePixelPNG, as: people[0])
        _ = try source.send("PATCH", "/api/v1/profile/update/", as: people[1], json: ["bio": "\u{2028}\"猫\"\n"])
        _ = try source.signIn(people[1].username, people[1].password)
        _ = try source.homeroom("user", "set-role", people[2].username, "teacher")
        _ = try source.homeroom("user", "set-status", people[2].username, "disabled")
        let file = source.folder.path + "/people.jsonl"

        let export = try source.homeroom("user", "export", file)
        try FileManager.default.removeItem(atPath: other.folder.media + "/avatars")
        try FileManager.default.copyItem(
            atPath: source.folder.media + "/avatars", toPath: other.folder.media + "/avatars")
        let take = try other.homeroom("user", "import", file)
        let again = try other.homeroom("user", "export")

        #expect(export == Outcome(status: 0, output: ""))
        #expect(take == Outcome(status: 0, output: "took in 3\n"))
        #expect(again.output == (try String(contentsOfFile: file, encoding: .utf8)))
        #expect(try other.signIn(people[0].username, people[0].password).status == 200)
        #expect(try other.signIn(people[2].username, people[2].password).status == 401)
        // The houses have different keys.
        #expect(try other.send("GET", "/api/v1/info/", as: people[0]).status == 401)
    }

    @Test func `an export is its owner's to read, replaces the old one and leaves nothing beside it`() throws {
        let folder = try DevStack.scratch("export")
        defer { try? DevStack.removeScratch(folder) }
        let file = folder + "/people.jsonl"
        try "old".write(toFile: file, atomically: false, encoding: .utf8)
        let person = try site.newPerson()

        let outcome = try site.homeroom("user", "export", file)

        let attributes = try FileManager.default.attributesOfItem(atPath: file)
        #expect(outcome == Outcome(status: 0, output: ""))
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        #expect(try String(contentsOfFile: file, encoding: .utf8).contains("\"username\":\"\(person.username)\""))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["people.jsonl"])
    }

    @Test func `an export that cannot be written is a refusal`() throws {
        _ = try site.newPerson()
        let call = #"exec "$0" user export --config "$1" >/dev/full"#

        let full = try Outcome("sh", ["-c", call, Site.homeroom, site.folder.settings])
        let nowhere = try site.homeroom("user", "export", "/nowhere/people.jsonl")

        #expect(full == Outcome(status: 1, output: "", errors: "homeroom: standard output: No space left on device\n"))
        #expect(
            nowhere
                == Outcome(
                    status: 1, output: "", errors: "homeroom: /nowhere/people.jsonl: No such file or directory\n"))
    }

    @Test func `each refused line is reported, and the others go in`() throws {
        let (first, second) = (Person.newName(), Person.newName())
        let other = line(["email": .string("other-\(first)@example.com")], name: first)
        let lines = [line(name: first), line(name: first), other, "", "{", "[]", line(name: second)]

        let outcome = try site.homeroom("user", "import", "-", input: lines.joined(separator: "\n"))

        let id = try #require(try site.homeroom("user", "show", first).output.firstMatch(of: /"id":(\d+)/)).1
        #expect(
            outcome
                == Outcome(
                    status: 1, output: "took in 2, 1 were in already\n",
                    errors: """
                        homeroom: -:3: username: account \(id) has it, with another email. Take another, or none: \
                        then one is made
                        homeroom: -:5: no JSON: a member's name in double quotes is missing, at byte 1
                        homeroom: -:6: no JSON object
                        homeroom: 3 of 6 records were refused\n
                        """))
        for name in [first, second] { #expect(try site.signIn(name, "seven-Owls-42").status == 200) }
    }

    @Test func `a byte order mark before the first line is skipped`() throws {
        let (first, second) = (Person.newName(), Person.newName())
        let lines = ["\u{FEFF}" + line(name: first), line(name: second)]

        let outcome = try site.homeroom("user", "import", "-", input: lines.joined(separator: "\r\n"))

        #expect(outcome == Outcome(status: 0, output: "took in 2\n"))
    }

    @Test(arguments: [
        // passlib 1.7.4's, of `学生 pass-2024`.
        "$pbkdf2-sha256$29000$rlWKsXaO0dqb815L6V1rLQ$k.vzE3pc5opnWKaJZocRUnWDgOymF9xdS1Mu1aTuVKI",
        "$bcrypt-sha256$v=2,t=2b,r=4$KhKmhKDLCKJoYyhcxjCkFu$oOLI6RTpX9kgK/28iUpZce.nF3rfwtO",
    ])
    func `whoever comes with a hash of passlib signs in`(hash: String) throws {
        let name = Person.newName()

        let outcome = try site.homeroom(
            "user", "import", "-", input: line(["password_hash": .string(hash)], name: name))

        #expect(outcome == Outcome(status: 0, output: "took in 1\n"))
        #expect(try site.signIn(name, "学生 pass-2024").status == 200)
    }

    @Test(
        arguments: [
            (["usrname": "x"], "usrname: no such field"),
            (["a\nb": 1], #"a\nb: no such field"#),
            (["email": nil], "email: is missing. Add it"),
            (["email": 7], "email: is no text. Put it in double quotes"),
            (["username": ""], "username: is empty. Give one"),
            (["password_hash": nil], "password_hash: a text is missing"),
            (["password_hash": "secret"], "password_hash: no form that can be checked."),
            (["password_hash": "pbkdf2_sha256$99999999999$s$AAAA"], "password_hash: no form that can be checked."),
            (["role": "Teacher"], "role: must be one of student, mentor, teacher"),
            (["status": 1], "status: must be one of active, inactive, disabled"),
            (["is_staff": 1], "is_staff: must be true or false"),
            (["id": 0], "id: must be a number from 1 to 1000000000000"),
            (["login_count": -1], "login_count: must be a number from 0 to 4294967295"),
            (["language": "中"], "language: must be 1 to 16 ASCII characters"),
            (["avatar": "avatars/../homeroom.conf"], "avatar: HOMEROOM_MEDIA does not hold it."),
            (["bio": "\0"], "bio: has a NUL character. Remove it"),
            (["full_name": "a\u{9B}b"], "full_name: has a control character. Remove it"),
            (["created_at": "2025-02-31T00:00:00Z"], "created_at: must be a time"),
            (["created_at": "2025-02-01T00:00:00"], "created_at: must be a time"),
            (["last_login_at": "1969-12-31T23:59:59Z"], "last_login_at: must be a time"),
        ] as [(JSON.Object, String)])
    func `a line with something wrong is refused in one line and changes nothing`(
        others: JSON.Object, complaint: String
    ) throws {
        let name = Person.newName()

        let outcome = try site.homeroom("user", "import", "-", input: line(others, name: name))

        #expect(outcome.status == 1)
        #expect(outcome.output == "took in 0\n")
        let lines = outcome.errors.split(separator: "\n")
        #expect(lines.count == 2)
        #expect(lines.first?.hasPrefix("homeroom: -:1: \(complaint)") == true, "\(outcome.errors)")
        #expect(!outcome.errors.contains("secret"))
        #expect(try site.homeroom("user", "show", name).status == 1)
    }

    @Test(arguments: [
        ("2025-07-26T07:42:39.508828Z", "2025-07-26T07:42:39.508828Z"),
        ("2025-07-26 09:42:39.5+02:00", "2025-07-26T07:42:39.500000Z"),
        ("2024-02-29 00:00:00.1234567-0330", "2024-02-29T03:30:00.123456Z"),
        ("1970-01-01t00:00:00z", "1970-01-01T00:00:00.000000Z"),
        ("2025-07-26 07:42:39+00", "2025-07-26T07:42:39.000000Z"),
    ])
    func `times are taken as databases write them`(text: String, time: String) throws {
        let name = Person.newName()
        let times = JSON.Object([.init(name: "created_at", value: .string(text))])

        let outcome = try site.homeroom("user", "import", "-", input: line(times, name: name))

        #expect(outcome == Outcome(status: 0, output: "took in 1\n"))
        #expect(try site.homeroom("user", "show", name).output.contains(#""created_at":"\#(time)""#))
    }

    @Test func `somebody who brings no password signs in with none`() throws {
        let name = Person.newName()
        let none = JSON.Object([.init(name: "password_hash", value: "!k3Tn")])

        let outcome = try site.homeroom("user", "import", "-", input: line(none, name: name))

        #expect(outcome.status == 0)
        for password in ["!k3Tn", "k3Tn", "seven-Owls-42"] { #expect(try site.signIn(name, password).status == 401) }
    }

    @Test func `a file that is not there and a database that is not are refusals`() throws {
        let missing = try site.homeroom("user", "import", "/nowhere/people.jsonl")
        let lost = try site.homeroom(
            "user", "import", "-", environment: ["HOMEROOM_DATABASE_SOCKET": "/nowhere/db.sock"],
            input: line() + "\n" + line())

        #expect(
            missing
                == Outcome(
                    status: 1, output: "", errors: "homeroom: /nowhere/people.jsonl: No such file or directory\n"))
        #expect(lost.status == 1)
        #expect(lost.errors.contains("homeroom: -:1: the database does not answer. Try: homeroom check\n"))
        #expect(
            lost.errors.hasSuffix(
                "homeroom: stopped at -:1; 0 were taken in. Run it again: who is in stays as they are\n"))
    }
}
