import DevStack
import Foundation
import JSON
import TestSupport
import Testing

/// What is stored of one person: moved without loss, handed out, and gone after `user delete`.
struct PersonTests {
    private let site: DevStack

    init() throws {
        site = try Site.shared()
    }

    // MARK: Out and in again

    /// Accounts with what may stand in every column, at its ends.
    private static let odd = #"""
        DELETE FROM accounts WHERE username <> 'holder';
        INSERT INTO accounts (id, username, username_key, email, email_key, password_hash, role, status, is_staff,
            is_superuser, must_change_password, full_name, first_name, last_name, phone, bio, is_email_verified,
            is_phone_verified, language, timezone, theme, login_count, created_at, updated_at, last_login_at) VALUES
        (999999999999, 'ＡＢＣ_猫', 'abc_猫', 'Tom.O''Neil+x@Example.ORG', 'tom.o''neil+x@example.org',
            'scrypt$1024$seasalt$8$1$KfuTZ71yUd5oqUqtX4puY62lxoAyyfG1JDbEJ7mqYJBITcBXtu/6fesZL0EVE89xFtFVYgVl7R3t0GfR7CJswA==',
            'teacher', 'disabled', TRUE, FALSE, TRUE, '李\\"雷" </script> 👩🏽‍🚀', '', 'É\u0301''; --', '+86 138-0013-8000',
            '', TRUE, FALSE, 'zh-Hant-TW', 'America/Argentina/Buenos_Aires', 'x', 4294967295,
            '1970-01-01 00:00:00.000000', '9999-12-31 23:59:59.999999', '2025-07-26 07:42:39.000001'),
        (100, 'o', 'o', 'o@example.org', 'o@example.org', '!', 'student', 'active', FALSE, FALSE, FALSE, NULL, NULL,
            NULL, NULL, NULL, FALSE, FALSE, 'en', 'UTC', 'dark', 0, '2025-07-26 07:42:39.508828',
            '2024-07-26 07:42:39.508828', NULL),
        (7000, 'q', 'q', 'q@example.org', 'q@example.org', 'bcrypt$$2b$04$ebwJ/JUyhSvRO844EgUtWeunqsrzHTBTdrfSbWXPQsW0ljaRttjzi',
            'mentor', 'inactive', FALSE, TRUE, FALSE, REPEAT('👍', 100), REPEAT('é', 100), '/\\\b', '0',
            CONCAT(REPEAT('字', 480), '\t\r\n 👨‍👩‍👧 \\n "x" \n'), FALSE, TRUE, 'zh', 'Asia/Shanghai', 'light', 1,
            '2038-01-19 03:14:08.999999', '2038-01-19 03:14:08.999999', '1970-01-01 00:00:00.000001');
        UPDATE accounts SET last_name = '' WHERE id = 7000
        """#

    @Test func `exported, imported into an empty database and exported again is the same file byte for byte`() throws {
        let site = try Site.start()
        defer { Site.discard(site) }
        let holder = try site.newPerson("holder")
        _ = try site.upload(onePixelPNG, as: holder)
        _ = try site.rows(Self.odd)

        let first = try site.homeroom("user", "export")
        _ = try site.rows("DELETE FROM accounts")
        let taken = try site.homeroom("user", "import", "-", input: first.output)
        let second = try site.homeroom("user", "export")

        #expect(first.output.split(separator: "\n").count == 4)
        #expect(taken == Outcome(status: 0, output: "took in 4\n"))
        #expect(second.output == first.output)
        #expect(Array(second.output.utf8) == Array(first.output.utf8))
    }

    // MARK: One person's data

    /// Somebody of whom every table has something, and the texts by which that is found.
    private func known() throws -> (person: Person, texts: [String]) {
        let person = try site.newPerson()
        let name = person.username
        // Somebody tried the name before there was an account.
        let key = "name:\(name)"
        _ = try site.rows(
            """
            INSERT INTO login_failures (subject, failures, window_start) VALUES (UNHEX(SHA2('\(key)', 256)), 1, NOW(6)),
            (UNHEX(SHA2('name:\(name)@example.com', 256)), 1, NOW(6)),
            (UNHEX(SHA2('name:new-\(name)@example.com', 256)), 1, NOW(6))
            """)
        let answers = [
            try site.upload(onePixelPNG, as: person),
            try site.send(
                "PATCH", "/api/account/", as: person,
                json: [
                    "full_name": .string("<b>全名 \(name)"), "first_name": .string("first-\(name)"),
                    "last_name": .string("last-\(name)"), "phone": .string("phone-\(name)"),
                    "bio": .string("bio & \"\(name)\"\n<script>alert(1)</script>"),
                    "email": .string("new-\(name)@example.com"),
                    "current_password": .string(person.password),
                ]),
            try site.signIn(name, person.password),
        ]
        guard answers.allSatisfy({ $0.status == 200 }) else { throw Unexpected(answers[1]) }
        _ = try site.signIn(name, "wrong")
        // A guess of the session's, a mail that waits, and links.
        _ = try site.send(
            "POST", "/api/account/password/", as: person,
            json: ["current_password": "wrong", "new_password": "green-kite-82"])
        _ = try site.send("POST", "/api/v1/auth/forgot-password", json: ["email": .string("\(name)@example.com")])
        _ = try site.rows(
            """
            INSERT INTO password_resets (token_hash, account_id, password_version, expires_at)
            VALUES (UNHEX(SHA2('\(name)', 256)), \(person.id), 1, NOW(6) + INTERVAL 1 HOUR)
            """)
        let avatar = try site.rows("SELECT avatar FROM accounts WHERE id = \(person.id)")
        let sessions = try site.rows("SELECT id FROM sessions WHERE account_id = \(person.id)")
        let digests = try site.rows(
            (["account:\(person.id)", key, "name:\(name)@example.com", "name:new-\(name)@example.com"]
                + sessions.map { "session:\($0)" } + [name])
                .map { "SELECT SHA2('\($0)', 256)" }.joined(separator: " UNION "))
        return (person, [name, "全名 \(name)"] + avatar + sessions + digests)
    }

    private func dump() throws -> String {
        let options = [
            "--no-defaults", "--socket=\(site.folder.databaseSocket)", "--hex-blob", "--skip-extended-insert",
        ]
        return try Outcome("mariadb-dump", options + ["homeroom"]).output.lowercased()
    }

    @Test func `after delete a dump of the database and the media folder hold nothing of the person`() throws {
        let (person, texts) = try known()
        let before = try dump()

        let outcome = try site.homeroom("user", "delete", person.username)
        let after = try dump()

        #expect(outcome == Outcome(status: 0))
        // One session made no guess.
        #expect(texts.filter { !before.contains($0) }.count <= 1)
        #expect(texts.filter { after.contains($0) } == [])
        #expect(after.contains("create table `email_changes`"))
        let files = texts.filter { $0.hasPrefix("avatars/") }.map { $0.dropLast(4) }
        #expect(files.count == 1)
        #expect(try site.mediaFiles().filter { file in files.contains { file.hasPrefix($0) } } == [])
    }

    @Test func `an archive holds all that is stored of the person, to read`() throws {
        let (person, _) = try known()
        let folder = try DevStack.scratch("archive")
        defer { try? DevStack.removeScratch(folder) }
        let file = folder + "/person.zip"
        try "old".write(toFile: file, atomically: false, encoding: .utf8)

        let outcome = try site.homeroom(
            "user", "export", person.email.replacing("person", with: "new-person"),
            "--archive", file)
        let check = try Outcome("unzip", ["-t", file])
        let contents = try Outcome(
            "python3",
            [
                "-c",
                "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); assert z.testzip() is None; print(*z.namelist())",
                file,
            ])
        let page = try Outcome("unzip", ["-p", file, "index.html"]).output
        let data = try #require(
            Answer(status: 0, headers: [], body: Array(try Outcome("unzip", ["-p", file, "data.json"]).output.utf8))
                .json)

        #expect(outcome == Outcome(status: 0))
        #expect(outcome.trail.count == 1)
        #expect(try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int == 0o600)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["person.zip"])
        #expect(check.status == 0)
        #expect(
            contents.output
                == "index.html data.json pictures/avatar.png pictures/avatar-256.png pictures/avatar-64.png\n")
        #expect(page.contains("<bdi>&lt;b&gt;全名 \(person.username)</bdi>"))
        #expect(
            page.contains("<bdi>bio &amp; &quot;\(person.username)&quot;\n&lt;script&gt;alert(1)&lt;/script&gt;</bdi>"))
        #expect(!page.contains("<script"))
        #expect(page.contains("<bdi>\(person.email)</bdi>"))
        #expect(data["account"]?["email"] == .string("new-\(person.email)"))
        for (kind, least) in [("sessions", 2), ("email_changes", 1), ("mails", 1), ("links", 1), ("failed_logins", 1)] {
            guard case .array(let records)? = data[kind] else { return #expect(Bool(false), "\(kind)") }
            #expect(records.count >= least, "\(kind)")
        }
        for secret in ["argon2", "password_hash", "token_hash", "cookie"] {
            #expect(!page.contains(secret))
            #expect(!String(decoding: data.bytes, as: UTF8.self).contains(secret))
        }
    }

    @Test func `an archive that does not fit leaves nothing half done`() throws {
        let person = try site.newPerson()
        let folder = try DevStack.scratch("archive")
        defer { try? DevStack.removeScratch(folder) }
        let call = #"trap "" XFSZ; ulimit -f 1; exec "$0" user export "$1" --archive "$2" --config "$3""#

        let full = try Outcome(
            "sh", ["-c", call, Site.homeroom, person.username, folder + "/a.zip", site.folder.settings])
        let nobody = try site.homeroom("user", "export", "nobody-here", "--archive", folder + "/a.zip")
        let nameless = try site.homeroom("user", "export", "--archive", folder + "/a.zip")

        #expect(full == Outcome(status: 1, errors: "homeroom: \(folder)/a.zip: File too large\n"))
        #expect(nobody.errors == "homeroom: nobody has the username or email `nobody-here`\n")
        #expect(nameless.status == 2)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [])
    }
}
