import DevStack
import Foundation
import Glibc
import JSON
import TestSupport
import Testing

/// Schools that Django, passlib, argon2-cffi and bcrypt themselves have made, moved over: the short form of `make test-moving`.
struct MovingTests {
    private let site: DevStack
    private let folder: String
    private let python = TestEnvironment.checkout + "/.build/python/bin/python"

    init() throws {
        site = try Site.start(environment: Site.fastHashing)
        folder = try DevStack.scratch("moving")
        try #require(FileManager.default.isExecutableFile(atPath: python), "\(python) is missing. Run: make python")
    }

    private func end() {
        try? DevStack.removeScratch(folder)
        Site.discard(site)
    }

    /// The members of `people.json`.
    private func people(_ script: String, _ words: String...) throws -> [JSON.Object] {
        let outcome = try Outcome(
            python, ["-W", "ignore", "\(TestEnvironment.checkout)/Tests/Moving/\(script)", folder, "10"] + words)
        try #require(outcome.status == 0, "\(outcome.errors)")
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder + "/people.json")))
        guard case .array(let values) = try JSON.parse(bytes) else { return [] }
        return values.compactMap { value in if case .object(let object) = value { object } else { nil } }
    }

    private func expectSignIn(_ people: [JSON.Object]) throws {
        #expect(people.count == 10)
        for person in people {
            guard case .string(let name)? = person["username"] ?? person["email"],
                case .string(let password)? = person["password"]
            else { throw CocoaError(.coderReadCorrupt) }
            #expect(try site.signIn(name, password).status == 200, "\(name)")
        }
    }

    @Test func `a Django project moves by its dump, with profiles and pictures, once`() throws {
        defer { end() }
        let people = try people("django_school.py")
        let words = [
            "user", "import", folder + "/dump.json", "--media", folder + "/media", "--config", site.folder.settings,
        ]

        let first = try Outcome.homeroom(words)
        let second = try Outcome.homeroom(words)
        let file = try Outcome.homeroom(words.map { $0.replacing("dump.json", with: "db.sqlite3") })

        let shown = try site.homeroom("user", "show", "pupil0").output
        #expect(first.output == "took in 10\n", "\(first)")
        #expect(
            first.errors.contains(
                "dump.json: Django's dumpdata: 10 of auth.user with core.profile; left out: auth.group (1), auth.permission"
            ))
        #expect(second.output == "took in 0, 10 were in already\n")
        #expect(file.output == "took in 0, 10 were in already\n", "\(file)")
        #expect(shown.contains(#""role":"teacher""#) && shown.contains(#""phone":"13800000000""#))
        #expect(shown.contains(#""bio":"一行\n二行""#) && shown.contains(#""is_staff":true"#))
        #expect(shown.contains(#""avatar":"avatars/"#))
        #expect(try FileManager.default.contentsOfDirectory(atPath: site.folder.media + "/avatars").count == 3)
        try expectSignIn(people)
    }

    @Test func `a Django project moves straight out of its database`() throws {
        defer { end() }
        let me = String(cString: try #require(getpwuid(geteuid())).pointee.pw_name)
        let socket = site.folder.databaseSocket
        let made = try Outcome(
            "mariadb", ["--no-defaults", "--socket=" + socket, "--user=" + me, "-e", "CREATE DATABASE school"])
        try #require(made.status == 0, "\(made.errors)")
        let people = try people("django_school.py", socket, "school", me)

        let outcome = try Outcome.homeroom(
            [
                "user", "import", "--from", "mysql://\(me)@localhost/school?socket=\(socket)", "--refused",
                folder + "/refused", "--media", folder + "/media", "--config", site.folder.settings,
            ], input: "\n")

        #expect(outcome.output == "took in 10\n", "\(outcome)")
        #expect(outcome.errors.contains("mysql: auth_user with core_profile, 10 rows"))
        try expectSignIn(people)
    }

    @Test func `the SQLite file of contract 4 moves, with usernames made of emails`() throws {
        defer { end() }
        let people = try people("fastapi_school.py")

        let outcome = try site.homeroom("user", "import", folder + "/users.db")

        let shown = try site.homeroom("user", "show", "person1@school.example").output
        #expect(outcome.output == "took in 10\n", "\(outcome)")
        #expect(outcome.errors.contains("users.db: sqlite: users with user_info, 10 rows"))
        #expect(shown.contains(#""username":"person1""#) && shown.contains(#""phone":"13800000001""#))
        try expectSignIn(people)
    }
}
