import Database
import DevStack
import Foundation
import JSON
import TestSupport
import Testing

/// `homeroom migrate`, `check` and `user …`, as an operator calls them.
struct CommandTests {
    private let site: DevStack

    init() throws {
        site = try Site.shared()
    }

    // MARK: migrate

    @Test func `the first migration makes the tables, the second has nothing to do`() throws {
        let environment = try Self.emptyDatabase()

        let first = try site.homeroom("migrate", environment: environment)
        let second = try site.homeroom("migrate", environment: environment)

        #expect(first.status == 0)
        #expect(first.output.hasPrefix("applied accounts\napplied sessions\napplied login-failures\n"))
        #expect(second.status == 0)
        #expect(second.output.wholeMatch(of: /schema \d+: up to date\n/) != nil)
    }

    @Test func `a migration tells of two accounts that have one address now, and ends well`() throws {
        let environment = try Self.emptyDatabase()
        _ = try site.homeroom("migrate", environment: environment)
        let database = environment["HOMEROOM_DATABASE_NAME"] ?? ""
        try TestEnvironment.server().execute(
            """
            USE \(database); DELETE FROM migrations WHERE name = 'address-keys';
            INSERT INTO accounts (username, username_key, email, email_key, password_hash, created_at, updated_at) VALUES
            ('a', 'a', 'x@münchen.de', 'x@münchen.de', '!', NOW(), NOW()),
            ('b', 'b', 'x@xn--mnchen-3ya.de', 'x@xn--mnchen-3ya.de', '!', NOW(), NOW())
            """)

        let outcome = try site.homeroom("migrate", environment: environment)

        #expect(outcome.status == 0)
        #expect(
            outcome.output.hasPrefix(
                "accounts 2 and 1 have one address, x@xn--mnchen-3ya.de. It signs in 2; 1 keeps the form x@münchen.de, "
            ))
        #expect(outcome.output.contains("\napplied address-keys\n"))
    }

    @Test func `a further migration puts accounts of programs from before where searches find them`() throws {
        let environment = try Self.emptyDatabase()
        _ = try site.homeroom("migrate", environment: environment)
        let database = environment["HOMEROOM_DATABASE_NAME"] ?? ""
        try TestEnvironment.server().execute(
            """
            USE \(database);
            INSERT INTO accounts (id, username, username_key, email, email_key, password_hash, created_at, updated_at) VALUES
            (4095, 'a', 'a', 'a@b.org', 'a@b.org', '!', NOW(), NOW()), (9000, 'b', 'b', 'b@b.org', 'b@b.org', '!', NOW(), NOW())
            """)

        let outcome = try site.homeroom("migrate", environment: environment)

        #expect(outcome.status == 0)
        let blocks = try TestEnvironment.server().execute("SELECT id, id_block FROM \(database).accounts ORDER BY id")
        #expect(blocks == "4095\t0\n9000\t2\n")
    }

    @Test func `of two migrations at once each part is applied once`() throws {
        let site = site
        let environment = try Self.emptyDatabase()

        let outcomes = try concurrently(2) { _ in try site.homeroom("migrate", environment: environment) }
        let lines = outcomes.flatMap { $0.output.split(separator: "\n") }.filter { $0.hasPrefix("applied") }

        #expect(outcomes.map(\.status) == [0, 0])
        #expect(outcomes.map(\.errors) == ["", ""])
        #expect(lines.filter { $0 == "applied accounts" }.count == 1)
        #expect(Set(lines).count == lines.count)
    }

    @Test func `a migration without a database ends with one clear line`() throws {
        let outcome = try site.homeroom("migrate", environment: ["HOMEROOM_DATABASE_SOCKET": "/nowhere.sock"])

        #expect(outcome.status == 1)
        #expect(outcome.errors.hasPrefix("homeroom: "))
        #expect(outcome.errors.hasSuffix("(`homeroom` at /nowhere.sock as homeroom_owner)\n"))
        #expect(outcome.errors.split(separator: "\n").count == 1)
    }

    // MARK: check

    @Test func `a check of a system that is well says so of each part`() throws {
        let outcome = try site.homeroom("check", environment: ["HOMEROOM_WORKERS": "2"])

        #expect(outcome.status == 0)
        #expect(outcome.errors == "")
        for line in [
            "configuration: ok, 2 workers on \(site.folder.socket)", "media: ok, \(site.folder.media)",
            "database: ok, `homeroom` at \(site.folder.databaseSocket) as homeroom",
        ] {
            #expect(outcome.output.contains(line + "\n"))
        }
        #expect(outcome.output.contains(/schema: ok, version \d+\n/))
    }

    @Test(arguments: [
        ("", "lax", "none but its own"),
        (
            "https://b.school.example , http://localhost:3000,", "lax",
            "http://localhost:3000, https://b.school.example; the cookie comes with pages of its own site"
        ),
        (
            "https://b.school.example", "none",
            "https://b.school.example; the cookie comes with pages of any site"
        ),
    ])
    func `a check names the trusted origins`(origins: String, sameSite: String, said: String) throws {
        let outcome = try site.homeroom(
            "check", environment: ["HOMEROOM_TRUSTED_ORIGINS": origins, "HOMEROOM_COOKIE_SAMESITE": sameSite])

        #expect(outcome.status == 0)
        #expect(outcome.output.contains("\norigins: ok, \(said)\n"))
    }

    @Test(arguments: ["*", "null", "https://app.school.example/", "app.school.example"])
    func `a check and nginx-origins refuse what is no origin`(origin: String) throws {
        for call in ["check", "nginx-origins"] {
            let outcome = try site.homeroom(call, environment: ["HOMEROOM_TRUSTED_ORIGINS": origin])

            #expect(outcome.status == 1)
            #expect(outcome.output == "")
            #expect(outcome.errors.hasPrefix("homeroom: HOMEROOM_TRUSTED_ORIGINS: `\(origin)` "))
        }
    }

    @Test func `nginx-origins prints a map's lines, which are compared byte for byte`() throws {
        let outcome = try site.homeroom(
            "nginx-origins",
            environment: ["HOMEROOM_TRUSTED_ORIGINS": "https://app.school.example,http://[::1]:3000"])

        #expect(
            outcome
                == Outcome(
                    status: 0,
                    output: #"""
                        # Made of HOMEROOM_TRUSTED_ORIGINS by `homeroom nginx-origins`.
                        "~^http://\[::1\]:3000\z" "http://[::1]:3000";
                        "~^https://app\.school\.example\z" "https://app.school.example";

                        """#))
    }

    @Test func `a check says whether a connection over TCP is encrypted`() throws {
        let network = try NetworkDatabase.shared.get()
        let settings = { (address: DatabaseAddress, tls: String) -> [String: String] in
            guard case .network(let host, let port, _) = address.transports[0] else { return [:] }
            return [
                "HOMEROOM_DATABASE_HOST": host, "HOMEROOM_DATABASE_PORT": "\(port)", "HOMEROOM_DATABASE_TLS": tls,
                "HOMEROOM_DATABASE_USER": address.user, "HOMEROOM_DATABASE_PASSWORD": address.password,
                "HOMEROOM_DATABASE_CA": network.authority,
            ]
        }

        let outputs = try [
            settings(network.address(.off), "required"), settings(network.address(.off), "off"),
            settings(network.address(offersTLS: false, .off), "required"),
        ].map { try site.homeroom("check", environment: $0).output }

        #expect(outputs[0].contains(/database: ok, `homeroom` at 127\.0\.0\.1:\d+ as far, encrypted, TLS_\w+\n/))
        #expect(outputs[1].contains(" as far, NOT encrypted, HOMEROOM_DATABASE_TLS=off\n"))
        #expect(
            outputs[2].contains(
                "a server with TLS and a certificate for `127.0.0.1` from \(network.authority) (`homeroom`"))
    }

    @Test func `a check has a line for each host, and names two that are two databases`() throws {
        let network = try NetworkDatabase.shared.get()
        let (first, second) = (network.address(.off), network.address(offersTLS: false, .off))
        let names = [first, second].map { $0.transports[0].description }

        let outcome = try site.homeroom(
            "check",
            environment: [
                "HOMEROOM_DATABASE_HOST": "127.0.0.1:1, " + names.joined(separator: ", "),
                "HOMEROOM_DATABASE_TLS": "off", "HOMEROOM_DATABASE_USER": first.user,
                "HOMEROOM_DATABASE_PASSWORD": first.password,
            ])

        #expect(outcome.status == 1)
        #expect(outcome.output.contains("database 127.0.0.1:1: FAILED, "))
        #expect(outcome.output.contains("database \(names[0]): ok, `homeroom` at \(names[0]) as far, NOT encrypted"))
        #expect(outcome.output.contains("database \(names[1]): FAILED, another database than \(names[0]): "))
    }

    @Test func `a host that is not there is passed over`() throws {
        let outcome = try site.homeroom(
            "user", "list",
            environment: ["HOMEROOM_DATABASE_HOST": "/nowhere.sock,127.0.0.1:1,\(site.folder.databaseSocket)"])

        #expect(outcome.status == 0)
    }

    @Test func `a command ends well while other servers are still asked how they are`() throws {
        let network = try NetworkDatabase.shared.get()
        guard case .network(_, let port, _) = network.address(.off).transports[0] else { return }
        // Another server under several names: while the first one answers, TLS begins with the others.
        let settings = [
            "HOMEROOM_DATABASE_HOST": "\(site.folder.databaseSocket),127.0.0.1,localhost,127.1,127.0.1",
            "HOMEROOM_DATABASE_PORT": "\(port)", "HOMEROOM_DATABASE_CA": network.authority,
        ]

        let outcomes = try (0..<30).map { _ in try site.homeroom("user", "show", "nobody", environment: settings) }

        #expect(Set(outcomes.map(\.status)) == [1])
        #expect(outcomes.allSatisfy { $0.errors.contains("nobody has the username or email `nobody`\n") })
    }

    @Test(arguments: [
        (
            "HOMEROOM_TOKEN_KEY", "short",
            "configuration: FAILED, HOMEROOM_TOKEN_KEY: 5 bytes, needs 32 random ones or more."
        ),
        ("HOMEROOM_DATABASE_SOCKET", "/nowhere.sock", "database: FAILED, "),
        ("HOMEROOM_DATABASE_PASSWORD", "wrong", "database: FAILED, "),
        ("HOMEROOM_MEDIA", "/nowhere", "media: FAILED, /nowhere: No such file or directory"),
    ])
    func `a check names what is not well`(key: String, value: String, line: String) throws {
        let outcome = try site.homeroom("check", environment: [key: value])

        #expect(outcome.status == 1)
        #expect(outcome.output.contains(line))
    }

    @Test func `a check looks into the media folder too`() throws {
        let folder = try DevStack.scratch("check")
        defer { try? DevStack.removeScratch(folder) }
        try Data().write(to: URL(filePath: folder + "/incoming"))

        let outcome = try site.homeroom("check", environment: ["HOMEROOM_MEDIA": folder])

        #expect(outcome.status == 1)
        #expect(outcome.output.contains("media: FAILED, \(folder)/incoming: Permission denied\n"))
    }

    @Test func `a check of an empty database says how to fill it`() throws {
        let outcome = try site.homeroom("check", environment: try Self.emptyDatabase())

        #expect(outcome.status == 1)
        #expect(outcome.output.contains(/schema: FAILED, version 0, needs \d+. Run: homeroom migrate\n/))
    }

    // MARK: user

    @Test func `a created user is shown and can sign in`() throws {
        let outcome = try site.homeroom(
            "user", "create", "teacher1", "--email", "Teacher1@example.com", "--role", "teacher", "--staff",
            input: "seven-Owls-42\n")
        let made = try #require(Answer(status: 0, headers: [], body: Array(outcome.output.utf8)).json)
        let shown = try site.homeroom("user", "show", "TEACHER1@EXAMPLE.COM")

        #expect(outcome.status == 0)
        #expect(Self.member("role", of: made) == "teacher")
        #expect(Self.member("is_staff", of: made) == true)
        #expect(Self.member("is_superuser", of: made) == false)
        #expect(Self.member("email", of: made) == "Teacher1@example.com")
        #expect(Self.member("last_login_at", of: made) == .null)
        #expect(shown == outcome)
        #expect(try site.signIn("teacher1", "seven-Owls-42").status == 200)
    }

    @Test(arguments: [
        (
            "teacher2", "twice@example.com", "12345678",
            "password: is among the passwords that are guessed first. Take another one; "
                + "password: has nothing but digits. Add letters"
        ),
        ("teacher2", "twice@example.com", "", "password: is empty. Give one"),
        (
            "two words", "twice@example.com", "seven-Owls-42",
            "username: has characters that no username has. Take letters, digits and @ . + - _"
        ),
        ("teacher2", "nowhere", "seven-Owls-42", "email: is no email address. Take one like name@school.example"),
        ("taken", "twice@example.com", "seven-Owls-42", "username: belongs to another account. Take another one"),
    ])
    func `a user that cannot be is refused with one line`(
        name: String, email: String, password: String, line: String
    ) throws {
        _ = try? site.newPerson("taken")

        let outcome = try site.homeroom("user", "create", name, "--email", email, input: password + "\n")

        #expect(outcome == Outcome(status: 1, output: "", errors: "homeroom: \(line)\n"))
    }

    @Test(arguments: [
        ["show", "nobody"], ["set-role", "nobody", "mentor"], ["set-status", "nobody", "disabled"],
    ])
    func `a name that nobody has is refused with one line`(words: [String]) throws {
        let outcome = try Outcome.homeroom(["user"] + words + ["--config", site.folder.settings])

        #expect(
            outcome == Outcome(status: 1, output: "", errors: "homeroom: nobody has the username or email `nobody`\n"))
    }

    @Test func `a role that is set shows and ends the sessions`() throws {
        let person = try site.newPerson()

        let outcome = try site.homeroom("user", "set-role", person.username, "mentor")
        let shown = try site.homeroom("user", "show", person.username)

        #expect(outcome == Outcome(status: 0, output: "", errors: ""))
        #expect(shown.output.contains(#""role":"mentor""#))
        #expect(try site.send("GET", "/api/v1/info/", as: person).status == 401)
    }

    @Test(arguments: ["inactive", "disabled"])
    func `a status other than active ends the sessions and shuts out`(status: String) throws {
        let person = try site.newPerson()

        let outcome = try site.homeroom("user", "set-status", person.email, status)
        let session = try site.send("GET", "/api/v1/info/", as: person)
        let renewal = try site.send("POST", "/api/v1/auth/token/refresh/", json: ["refresh": .string(person.refresh)])
        let login = try site.signIn(person.username, person.password)

        #expect(outcome == Outcome(status: 0, output: "", errors: ""))
        #expect(session.status == 401)
        #expect(renewal.status == 401)
        #expect(login.status == 401)
        #expect(login.text == #"{"message":"用户名或密码错误"}"#)
    }

    @Test func `a user set active again can sign in`() throws {
        let person = try site.newPerson()
        _ = try site.homeroom("user", "set-status", person.username, "disabled")

        let outcome = try site.homeroom("user", "set-status", person.username, "active")

        #expect(outcome.status == 0)
        #expect(try site.signIn(person.username, person.password).status == 200)
    }

    @Test func `an unlocked user can sign in at once`() throws {
        let person = try site.newPerson()
        for _ in 0..<10 { _ = try site.signIn(person.username, "wrong-Owls-1") }
        let locked = try site.signIn(person.username, person.password)

        let outcome = try site.homeroom("user", "unlock", person.email)
        let login = try site.signIn(person.username, person.password)

        #expect(locked.status == 429)
        #expect(outcome == Outcome(status: 0, output: "", errors: ""))
        #expect(login.status == 200)
    }

    @Test func `without a database a user call ends with one line and the way out`() throws {
        let outcome = try site.homeroom(
            "user", "show", "nobody", environment: ["HOMEROOM_DATABASE_SOCKET": "/nowhere.sock"])

        #expect(outcome.status == 1)
        #expect(outcome.errors.hasSuffix("homeroom: the database does not answer. Try: homeroom check\n"))
    }

    private static func member(_ name: String, of json: JSON) -> JSON? {
        guard case .object(let object) = json else { return nil }
        return object[name]
    }

    /// Settings that lead to a database without any table.
    private static func emptyDatabase() throws -> [String: String] {
        let address = try TestEnvironment.emptyDatabase()
        guard case .socket(let path) = address.transports[0] else { return [:] }
        return [
            "HOMEROOM_DATABASE_SOCKET": path, "HOMEROOM_DATABASE_NAME": address.database,
            "HOMEROOM_DATABASE_USER": address.user, "HOMEROOM_DATABASE_PASSWORD": address.password,
            "HOMEROOM_DATABASE_OWNER": address.user, "HOMEROOM_DATABASE_OWNER_PASSWORD": address.password,
        ]
    }
}
