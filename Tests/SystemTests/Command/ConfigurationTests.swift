import DevStack
import Foundation
import Testing

/// Mistakes in settings and in calls: the service does not start, and says which.
struct ConfigurationTests {
    private let site: DevStack

    init() throws {
        site = try Site.shared()
    }

    @Test(arguments: [
        ("HOMEROOM_WORKERS", "0", "`0` is no number from 1 to 256"),
        ("HOMEROOM_WORKERS", "two", "`two` is no number from 1 to 256"),
        ("HOMEROOM_THREADS", "257", "`257` is no number from 1 to 256"),
        ("HOMEROOM_HEAVY_THREADS", "-1", "`-1` is no number from 1 to 256"),
        ("HOMEROOM_PICTURE_THREADS", "0", "`0` is no number from 1 to 256"),
        ("HOMEROOM_LIST_THREADS", "257", "`257` is no number from 1 to 256"),
        ("HOMEROOM_QUEUE", "0", "`0` is no number from 1 to 100000"),
        ("HOMEROOM_LOCK_FAILURES", "1.5", "`1.5` is no number from 1 to 1000"),
        ("HOMEROOM_LOCK_WINDOW", "0", "`0` is no number from 1 to 86400"),
        ("HOMEROOM_LOCK_TIME", "1d", "`1d` is no number from 1 to 86400"),
        ("HOMEROOM_DATABASE_PORT", "65536", "`65536` is no number from 1 to 65535"),
        (
            "HOMEROOM_DATABASE_HOST", "a,,b",
            "`` is none of host, host:port, [address]:port, /path/of/a/socket"
        ),
        (
            "HOMEROOM_DATABASE_HOST", "db1,db2:0",
            "`db2:0` is none of host, host:port, [address]:port, /path/of/a/socket"
        ),
        (
            "HOMEROOM_DATABASE_HOST", "db1:65536",
            "`db1:65536` is none of host, host:port, [address]:port, /path/of/a/socket"
        ),
        (
            "HOMEROOM_DATABASE_HOST", "[::1]3306",
            "`[::1]3306` is none of host, host:port, [address]:port, /path/of/a/socket"
        ),
        (
            "HOMEROOM_DATABASE_HOST", "[]:1",
            "`[]:1` is none of host, host:port, [address]:port, /path/of/a/socket"
        ),
        (
            "HOMEROOM_DATABASE_HOST", "a b",
            "`a b` is none of host, host:port, [address]:port, /path/of/a/socket"
        ),
        (
            "HOMEROOM_DATABASE_HOST", "http://db1",
            "`http://db1` is none of host, host:port, [address]:port, /path/of/a/socket"
        ),
        ("HOMEROOM_DATABASE_HOST", "db1, db1:3306", "`db1:3306` stands there twice"),
        ("HOMEROOM_DATABASE_TLS", "optional", "`optional` is neither required nor off"),
        ("HOMEROOM_DATABASE_CA", "/nowhere", "/nowhere cannot be read. Does it exist, and may this user read it?"),
        ("HOMEROOM_HASH", "md5", "`md5` is neither argon2id nor argon2i"),
        ("HOMEROOM_HASH_MEMORY", "63", "`63` is no number from 64 to 1048576"),
        ("HOMEROOM_HASH_ITERATIONS", "0", "`0` is no number from 1 to 100"),
        ("HOMEROOM_HASH_PARALLELISM", "9", "`9` is no number from 1 to 8"),
        ("HOMEROOM_PUBLIC_URL", "ftp://school.example", "`ftp://school.example` is no URL like https://school.example"),
        (
            "HOMEROOM_TRUSTED_ORIGINS", "*",
            "`*` would let in pages of whoever likes. Name each origin, e.g. https://app.school.example"
        ),
        (
            "HOMEROOM_TRUSTED_ORIGINS", "https://app.school.example, null",
            "`null` is what browsers call files and sandboxed frames of whoever likes. "
                + "Serve the page by HTTP and name that origin, e.g. http://localhost:3000"
        ),
        (
            "HOMEROOM_TRUSTED_ORIGINS", "https://app.school.example/",
            "`https://app.school.example/` is not written as browsers write it. Write https://app.school.example"
        ),
        (
            "HOMEROOM_TRUSTED_ORIGINS", "https://a.example,HTTP://B.example:80/x,https://c.example",
            "`HTTP://B.example:80/x` is not written as browsers write it. Write http://b.example"
        ),
        (
            "HOMEROOM_TRUSTED_ORIGINS", "app.school.example",
            "`app.school.example` is not written as browsers write it. Write https://app.school.example"
        ),
        (
            "HOMEROOM_TRUSTED_ORIGINS", "ftp://app.school.example",
            "`ftp://app.school.example` is no origin. "
                + "Write scheme and host as browsers do, e.g. https://app.school.example"
        ),
        ("HOMEROOM_COOKIE_SAMESITE", "strict", "`strict` is neither lax nor none"),
        ("HOMEROOM_COOKIE_SAMESITE", "None", "`None` is neither lax nor none"),
        ("HOMEROOM_WORKER", "2", "no such setting. docs/operating.md lists them all."),
        ("HOMEROOM_TOKEN_KEY", "", "no key. Make one with: openssl rand -hex 32"),
        (
            "HOMEROOM_TOKEN_KEY", "0123456789abcdef0123456789abcde",
            "31 bytes, needs 32 random ones or more. Make one with: openssl rand -hex 32"
        ),
        (
            "HOMEROOM_TOKEN_KEY", "0123456789abcdef0123456789abcdef",
            "32 bytes, needs 32 random ones or more. Make one with: openssl rand -hex 32"
        ),
        (
            "HOMEROOM_TOKEN_KEY", String(repeating: "secret", count: 12),
            "72 bytes, needs 32 random ones or more. Make one with: openssl rand -hex 32"
        ),
        ("HOMEROOM_TOKEN_KEY_FILE", "/nowhere", "set it or HOMEROOM_TOKEN_KEY_FILE, not both"),
        (
            "HOMEROOM_PUBLIC_URL_FILE", "/nowhere",
            "/nowhere cannot be read. Does it exist, and may this user read it?"
        ),
        (
            "HOMEROOM_MEDIA", "/nowhere",
            "media: open /nowhere: No such file or directory. "
                + "Make the folder and give it to the user that runs homeroom."
        ),
        (
            "HOMEROOM_SOCKET", "/tmp/" + String(repeating: "s", count: 103),
            "/tmp/\(String(repeating: "s", count: 103)): 108 bytes, a unix socket's path can have 107. "
                + "Choose a shorter one."
        ),
        (
            "HOMEROOM_SOCKET_GROUP", "nogroup-here",
            "there is no group `nogroup-here`. Name the group that nginx runs as, e.g. www-data."
        ),
    ])
    func `a wrong setting stops the start with its name`(key: String, value: String, text: String) throws {
        let folder = try DevStack.scratch("set")
        defer { try? DevStack.removeScratch(folder) }
        let environment = ["HOMEROOM_SOCKET": folder + "/s.sock"].merging([key: value]) { $1 }
        // The key itself is at fault where both it and its file are set.
        let named = key == "HOMEROOM_TOKEN_KEY_FILE" ? "HOMEROOM_TOKEN_KEY" : key

        let outcome = try site.homeroom("serve", environment: environment)

        #expect(outcome == Outcome(status: 1, output: "", errors: "homeroom: \(named): \(text)\n"))
    }

    @Test(.enabled(if: geteuid() == 0))
    func `a user that is not there stops the start`() throws {
        let folder = try DevStack.scratch("set")
        defer { try? DevStack.removeScratch(folder) }

        let outcome = try site.homeroom(
            "serve", environment: ["HOMEROOM_SOCKET": folder + "/s.sock", "HOMEROOM_USER": "nobody-here"])

        #expect(outcome.status == 1)
        #expect(
            outcome.errors == """
                homeroom: HOMEROOM_USER: there is no user `nobody-here`. \
                Make one with: adduser --system --group nobody-here\n
                """)
    }

    @Test(.enabled(if: geteuid() == 0))
    func `root serves nobody without a user to become, nor with itself`() throws {
        let folder = try DevStack.scratch("set")
        defer { try? DevStack.removeScratch(folder) }

        let outcomes = try ["", "root"].map { user in
            try site.homeroom("serve", environment: ["HOMEROOM_SOCKET": folder + "/s.sock", "HOMEROOM_USER": user])
        }

        #expect(outcomes.map(\.status) == [1, 1])
        #expect(
            outcomes.map(\.errors) == [
                """
                homeroom: HOMEROOM_USER: not set, and the service does not run as root. \
                Name whom workers become, e.g. homeroom\n
                """,
                """
                homeroom: HOMEROOM_USER: `root` is root, as whom the service does not run. \
                Name another, e.g. homeroom\n
                """,
            ])
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
    }

    @Test func `a wrong setting in the file stops the start with its name`() throws {
        let folder = try DevStack.scratch("set")
        defer { try? DevStack.removeScratch(folder) }
        try "# a comment\n\nHOMEROOM_WROKERS = 2\n".write(toFile: folder + "/c", atomically: true, encoding: .utf8)

        let outcome = try Outcome.homeroom(["serve", "--config", folder + "/c"])

        #expect(
            outcome
                == Outcome(
                    status: 1, output: "",
                    errors: "homeroom: HOMEROOM_WROKERS: no such setting. docs/operating.md lists them all.\n"))
    }

    @Test func `a line that is no setting stops the start with its place`() throws {
        let folder = try DevStack.scratch("set")
        defer { try? DevStack.removeScratch(folder) }
        try "HOMEROOM_WORKERS=2\nhello\n".write(toFile: folder + "/c", atomically: true, encoding: .utf8)

        let outcome = try Outcome.homeroom(["serve", "--config", folder + "/c"])

        #expect(
            outcome
                == Outcome(
                    status: 1, output: "", errors: "homeroom: \(folder)/c:2: `hello` is not KEY=value\n"))
    }

    @Test func `a file that is not there stops the start`() throws {
        let outcome = try Outcome.homeroom(["serve", "--config", "/nowhere.conf"])

        #expect(
            outcome
                == Outcome(
                    status: 1, output: "",
                    errors:
                        "homeroom: --config: /nowhere.conf cannot be read. Does it exist, and may this user read it?\n")
        )
    }

    @Test func `a secret may stand in a file of its own`() throws {
        let folder = try DevStack.scratch("set")
        defer { try? DevStack.removeScratch(folder) }
        let key = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
        try "\(key)\n".write(toFile: folder + "/key", atomically: true, encoding: .utf8)
        let settings = try String(contentsOfFile: site.folder.settings, encoding: .utf8)
        try settings.split(separator: "\n").filter { !$0.hasPrefix("HOMEROOM_TOKEN_KEY=") }.joined(separator: "\n")
            .write(toFile: folder + "/c", atomically: true, encoding: .utf8)

        let outcome = try Outcome.homeroom(
            ["check", "--config", folder + "/c"], environment: ["HOMEROOM_TOKEN_KEY_FILE": folder + "/key"])

        #expect(outcome.status == 0)
    }

    @Test(arguments: [
        (["nonsense"], "unknown call `nonsense`"), (["serve", "more"], "unexpected `more`"),
        (["check", "--loud"], "unexpected `--loud`"), (["migrate", "now"], "unexpected `now`"),
        (["user"], "a user call is missing"), (["user", "nonsense"], "unknown call `user nonsense`"),
        (["user", "create", "x"], "--email is missing"), (["user", "create", "--email", "a@b.ch"], "NAME is missing"),
        (["user", "show"], "NAME is missing"), (["user", "show", "x", "y"], "unexpected `y`"),
        (["user", "set-role", "x", "boss"], "`boss` is none of student, mentor, teacher"),
        (["user", "set-role", "x"], "student|mentor|teacher is missing"),
        (["user", "set-status", "x", "gone"], "`gone` is none of active, inactive, disabled"),
        (["user", "show", "--all"], "unknown option --all"),
        (["dev", "--port", "http"], "--port: `http` is no port"), (["dev", "--port", "0"], "--port: `0` is no port"),
        (["dev", "--port", "70000"], "--port: `70000` is no port"), (["dev", "--port"], "--port needs a value"),
        (["dev", "--data"], "--data needs a value"), (["dev", "more"], "unexpected `more`"),
    ])
    func `a wrong call is told with the usage, and ends with 2`(words: [String], text: String) throws {
        let config = words[0] == "dev" ? [] : ["--config", site.folder.settings]

        let outcome = try Outcome.homeroom(words + config)

        #expect(outcome.status == 2)
        #expect(outcome.output == "")
        #expect(outcome.errors.hasPrefix("homeroom: \(text)\n\nusage: homeroom CALL [--config FILE]\n"))
    }

    @Test func `without a call the usage is shown, and the exit code is 2`() throws {
        let outcome = try Outcome.homeroom([])

        #expect(outcome.status == 2)
        #expect(outcome.output.hasPrefix("usage: homeroom CALL [--config FILE]\n"))
    }

    @Test func `help is no mistake`() throws {
        let outcome = try Outcome.homeroom(["--help"])

        #expect(outcome.status == 0)
        #expect(outcome.output.hasPrefix("usage: homeroom CALL [--config FILE]\n"))
        #expect(outcome.errors == "")
    }
}
