import DevStack
import Foundation
import JSON
import TestSupport
import Testing

/// `homeroom user …`: lists, sets passwords, shows and ends sessions, deletes.
struct OperatorTests {
    private let site: DevStack

    init() throws {
        site = try Site.shared()
    }

    @Test func `what an operator does stands in the machine's log`() throws {
        let folder = try DevStack.scratch("log")
        defer { try? DevStack.removeScratch(folder) }
        let socket = DatagramSocket(folder + "/log")
        // A /dev of its own, in which `log` is ours.
        let apart = """
            mkdir "$0/dev" && mount --rbind /dev "$0/dev" && mount -t tmpfs none /dev && ln -s "$0/log" /dev/log
            for device in null random urandom zero; do touch /dev/$device; mount --bind "$0/dev/$device" /dev/$device; done
            exec "$@"
            """
        let call = [Site.homeroom, "user", "create", Person.newName(), "--config", site.folder.settings]
        let name = call[3]
        let asRoot = geteuid() == 0 ? [] : ["--map-root-user"]

        let outcome = try Outcome(
            "unshare",
            asRoot + ["--mount", "sh", "-c", apart, folder] + call
                + ["--email", "\(name)@example.org"], input: "a-good-password-1\n")

        try #require(outcome.status == 0, "\(outcome.errors)")
        let line = socket.next().joined()
        #expect(line.hasPrefix("<85>"))
        #expect(line.contains(#": {"event":"account created""#))
        #expect(line.hasSuffix("}"))
    }

    // MARK: list

    @Test func `list shows everybody, one object a line, in the order of their ids`() throws {
        let first = try site.newPerson()
        let second = try site.newPerson()

        let outcome = try site.homeroom("user", "list")
        let people = lines(outcome)

        let ids = people.compactMap { integer($0["id"]) }
        #expect(outcome.status == 0)
        #expect(outcome.errors == "")
        #expect(ids == ids.sorted())
        #expect(ids.contains(first.id))
        #expect(ids.contains(second.id))
    }

    @Test func `a line of the list has these names`() throws {
        let person = try site.newPerson()

        let outcome = try site.homeroom("user", "list")

        let line = try #require(lines(outcome).first { $0["id"] == .integer(person.id) })
        #expect(
            line.members.map(\.name) == [
                "id", "username", "email", "role", "status", "is_staff", "is_superuser", "must_change_password",
                "full_name",
                "first_name", "last_name", "phone", "bio", "avatar", "login_count", "created_at", "updated_at",
                "last_login_at",
            ])
    }

    @Test(arguments: ["mentor", "teacher"])
    func `list --role shows those of the role alone`(role: String) throws {
        let person = try site.newPerson()
        let other = try site.newPerson()
        _ = try site.homeroom("user", "set-role", person.username, role)

        let people = lines(try site.homeroom("user", "list", "--role", role))

        #expect(people.contains { $0["id"] == .integer(person.id) })
        #expect(!people.contains { $0["id"] == .integer(other.id) })
        #expect(people.allSatisfy { $0["role"] == .string(role) })
    }

    @Test func `list shows no hash`() throws {
        _ = try site.newPerson()

        let outcome = try site.homeroom("user", "list")

        #expect(!outcome.output.contains("argon2"))
        #expect(!outcome.output.contains("password_hash"))
    }

    // MARK: set-password

    @Test func `set-password takes the password from standard input`() throws {
        let person = try site.newPerson()

        let outcome = try site.homeroom("user", "set-password", person.username, input: "nine-Larks-17\n")

        #expect(outcome == Outcome(status: 0))
        #expect(try site.signIn(person.username, "nine-Larks-17").status == 200)
        #expect(try site.signIn(person.username, person.password).status == 401)
    }

    @Test func `set-password ends the sessions`() throws {
        let person = try site.newPerson()
        let keys = try site.session(of: person, through: .roleSession)

        _ = try site.homeroom("user", "set-password", person.username, input: "nine-Larks-17\n")

        #expect(try site.send("GET", "/api/v1/info/", as: person).status == 401)
        #expect(
            try site.send("GET", "/api/user/me/", headers: [("Cookie", "sessionid=\(keys.cookie ?? "")")]).status == 401
        )
    }

    @Test(arguments: [
        ("", "homeroom: password: is empty. Give one\n"),
        ("short\n", "homeroom: password: is too short. Take 8 characters or more\n"),
        ("password\n", "homeroom: password: is among the passwords that are guessed first. Take another one\n"),
        (
            "1234567\n",
            "homeroom: password: is too short. Take 8 characters or more; "
                + "password: is among the passwords that are guessed first. Take another one; "
                + "password: has nothing but digits. Add letters\n"
        ),
    ])
    func `a password against the rules is refused in one line and changes nothing`(input: String, line: String) throws {
        let person = try site.newPerson()

        let outcome = try site.homeroom("user", "set-password", person.username, input: input)

        #expect(outcome == Outcome(status: 1, errors: line))
        #expect(try site.send("GET", "/api/v1/info/", as: person).status == 200)
        #expect(try site.signIn(person.username, person.password).status == 200)
    }

    // MARK: sessions, logout

    @Test func `sessions shows each living session in one line`() throws {
        let person = try site.newPerson()
        for api in ContractAPI.allCases where api != .v1Profile { _ = try site.session(of: person, through: api) }

        let outcome = try site.homeroom("user", "sessions", person.email)
        let sessions = lines(outcome)

        #expect(outcome.status == 0)
        #expect(sessions.compactMap { integer($0["contract"]) }.sorted() == [1, 2, 3, 4, 5])
        let names = ["id", "contract", "created_at", "expires_at", "used_at", "address", "client"]
        #expect(sessions.allSatisfy { $0.members.map(\.name) == names })
    }

    @Test func `sessions shows none that is over`() throws {
        let person = try site.newPerson()
        _ = try site.rows(
            "UPDATE sessions SET expires_at = UTC_TIMESTAMP() - INTERVAL 1 SECOND WHERE account_id = \(person.id)")

        #expect(try site.homeroom("user", "sessions", person.username) == Outcome(status: 0))
    }

    @Test func `sessions shows nothing that signs in`() throws {
        let person = try site.newPerson()
        let keys = try site.session(of: person, through: .roleSession)

        let outcome = try site.homeroom("user", "sessions", person.username)

        #expect(!outcome.output.contains(keys.cookie ?? "sessionid"))
        #expect(!outcome.output.contains("eyJ"))
    }

    @Test func `logout ends all sessions of all contracts`() throws {
        let person = try site.newPerson()
        let keys = try ContractAPI.allCases.map { try site.session(of: person, through: $0) }

        let outcome = try site.homeroom("user", "logout", person.username)
        let statuses = try keys.map { keys in
            try site.send("GET", "/api/user/me/", headers: [keys.header]).status
        }

        #expect(outcome == Outcome(status: 0))
        #expect(statuses == [401, 401, 401, 401, 401])
        #expect(try site.homeroom("user", "sessions", person.username) == Outcome(status: 0))
    }

    @Test func `logout leaves the password and others as they are`() throws {
        let person = try site.newPerson()
        let other = try site.newPerson()

        _ = try site.homeroom("user", "logout", person.username)

        #expect(try site.signIn(person.username, person.password).status == 200)
        #expect(try site.send("GET", "/api/v1/info/", as: other).status == 200)
    }

    // MARK: delete

    @Test func `delete takes the account with its sessions, tokens, mails and counts of failures`() throws {
        let mailing = try MailingSite.shared.get()
        let site = mailing.site
        let person = try Forgetful.next().person
        _ = try site.signIn(person.username, "wrong")
        let failures = """
            SELECT COUNT(*) FROM login_failures WHERE subject = UNHEX(SHA2('account:\(person.id)', 256))
            """
        let before = try site.rows(failures)

        let outcome = try site.homeroom("user", "delete", person.username)

        #expect(outcome == Outcome(status: 0))
        #expect(before == ["1"])
        #expect(try site.rows(failures) == ["0"])
        for table in ["sessions", "password_resets", "outbox"] {
            #expect(try site.rows("SELECT * FROM \(table) WHERE account_id = \(person.id)") == [])
        }
        #expect(try site.rows("SELECT * FROM accounts WHERE id = \(person.id)") == [])
    }

    @Test func `delete takes the avatar's file`() throws {
        let person = try site.newPerson()
        let path = try #require(site.upload(onePixelPNG, as: person).string("user", "avatar"))
        let before = try site.mediaFiles()

        _ = try site.homeroom("user", "delete", person.username)

        #expect(before.contains(path))
        #expect(try !site.mediaFiles().contains(path))
        #expect(try site.send("GET", "/media/\(path)").status == 404)
    }

    @Test func `after delete tokens are refused at once and the name is free`() throws {
        let person = try site.newPerson()

        _ = try site.homeroom("user", "delete", person.email)
        let info = try site.send("GET", "/api/v1/info/", as: person)
        let login = try site.signIn(person.username, person.password)
        let successor = try site.newPerson(person.username)

        #expect(info.status == 401)
        #expect(login.status == 401)
        #expect(successor.id > person.id)
    }

    @Test func `a token of somebody deleted does not open the account of a successor`() throws {
        let person = try site.newPerson()
        _ = try site.homeroom("user", "delete", person.username)
        _ = try site.newPerson(person.username)

        let answer = try site.send("GET", "/api/v1/info/", as: person)

        #expect(answer.status == 401)
    }

    // MARK: Refusals and wrong usage

    @Test(arguments: ["show", "set-password", "sessions", "logout", "delete"])
    func `nobody of that name is one line`(call: String) throws {
        let outcome = try site.homeroom("user", call, "nobody-of-that-name", input: "nine-Larks-17\n")

        #expect(
            outcome
                == Outcome(
                    status: 1, errors: "homeroom: nobody has the username or email `nobody-of-that-name`\n"))
    }

    @Test(arguments: [
        (["user"], "a user call is missing"), (["user", "show"], "NAME is missing"),
        (["user", "set-password"], "NAME is missing"), (["user", "sessions"], "NAME is missing"),
        (["user", "logout"], "NAME is missing"), (["user", "delete"], "NAME is missing"),
        (["user", "delete", "a", "b"], "unexpected `b`"), (["user", "list", "a"], "unexpected `a`"),
        (["user", "list", "--role"], "--role needs a value"),
        (["user", "list", "--role", "admin"], "`admin` is none of student, mentor, teacher"),
        (["user", "logout", "--all"], "unknown option --all"),
        (["user", "promote", "a"], "unknown call `user promote`"),
    ])
    func `wrong usage is 2, with the reason in the first line`(words: [String], reason: String) throws {
        let outcome = try Outcome.homeroom(words + ["--config", site.folder.settings])

        #expect(outcome.status == 2)
        #expect(outcome.output == "")
        #expect(outcome.errors.hasPrefix("homeroom: \(reason)\n\nusage: homeroom CALL"))
    }

    @Test(arguments: ["list", "show", "sessions", "logout", "delete"])
    func `without its database a call is refused in one line`(call: String) throws {
        let words = call == "list" ? ["user", call] : ["user", call, "alice"]

        let outcome = try Outcome.homeroom(
            words + ["--config", site.folder.settings],
            environment: ["HOMEROOM_DATABASE_SOCKET": site.folder.path + "/nowhere.sock"])

        #expect(outcome.status == 1)
        #expect(outcome.output == "")
        #expect(outcome.errors.hasSuffix("homeroom: the database does not answer. Try: homeroom check\n"))
    }

    private func lines(_ outcome: Outcome) -> [JSON.Object] {
        outcome.output.split(separator: "\n").compactMap { line in
            guard case .object(let object)? = try? JSON.parse(Array(line.utf8)) else { return nil }
            return object
        }
    }

    private func integer(_ json: JSON?) -> Int64? {
        if case .integer(let number)? = json { number } else { nil }
    }
}
