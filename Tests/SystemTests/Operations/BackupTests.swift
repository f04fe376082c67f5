import DevStack
import Foundation
import Glibc
import System
import TestSupport
import Testing

/// `homeroom backup` and `homeroom restore`.
@Suite(.serialized) final class BackupTests {
    private static let shared = Result { try Site.start() }
    private let site: DevStack
    private let folder: String

    init() throws {
        site = try Self.shared.get()
        folder = try DevStack.scratch("bak")
        if site.service.process?.isRunning != true { try site.service.start() }
    }

    deinit { try? DevStack.removeScratch(folder) }

    // MARK: What is in a backup

    @Test func `of each row in a backup the picture is there, also while people upload`() throws {
        let people = try (0..<4).map { _ in try site.newPerson() }
        for person in people { _ = try site.upload(onePixelPNG, as: person) }

        let backups = try withUploads(of: people) { try (0..<4).map { _ in try site.homeroom("backup", folder) } }

        #expect(backups.map(\.status) == [0, 0, 0, 0], "\(backups.map(\.errors))")
        var rows = 0
        for backup in try self.backups() {
            let sql = try String(contentsOfFile: "\(backup)/database.sql", encoding: .utf8)
            for match in sql.matches(of: /'avatars\/([0-9a-f]{32})(\.[a-z]+)'/) {
                rows += 1
                for part in ["", "-256", "-64"] {
                    let name = "\(backup)/avatars/\(match.1)\(part)\(match.2)"
                    #expect(FileManager.default.fileExists(atPath: name), "\(name)")
                }
            }
        }
        #expect(rows >= 16)
        let checked = try Outcome("sh", ["-c", #"cd "$0" && sha256sum --quiet -c SHA256SUMS"#, try self.backups()[3]])
        #expect(checked == Outcome(status: 0))
    }

    @Test func `a second backup holds only links to what the first one has`() throws {
        let person = try site.newPerson()
        _ = try site.upload(onePixelPNG, as: person)

        _ = try site.homeroom("backup", folder)
        // Not links to what is served.
        let files = try FileManager.default.contentsOfDirectory(atPath: "\(backups()[0])/avatars")
        for file in files {
            let path = "\(site.folder.media)/avatars/\(file)"
            let content = try Data(contentsOf: URL(filePath: path))
            try FileManager.default.removeItem(atPath: path)
            try content.write(to: URL(filePath: path))
        }
        let second = try site.homeroom("backup", folder)

        let (first, last) = (try backups()[0], try backups()[1])
        #expect(second.status == 0)
        #expect(files.count >= 3)
        for file in files { #expect(inode("\(first)/avatars/\(file)") == inode("\(last)/avatars/\(file)")) }
    }

    @Test func `so many backups are kept as were asked for, and nothing else goes`() throws {
        _ = try site.newPerson()
        try "mine".write(toFile: folder + "/1999-notes", atomically: true, encoding: .utf8)
        try FileManager.default.createDirectory(
            atPath: folder + "/2020-01-01T00-00-00Z", withIntermediateDirectories: false)

        let outcomes = try (0..<3).map { _ in try site.homeroom("backup", folder, "--keep", "2") }

        let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        #expect(outcomes.map(\.status) == [0, 0, 0])
        #expect(outcomes[2].output.hasSuffix("\nremoved 1 older\n"))
        #expect(names.count == 5)
        #expect(names.starts(with: [".lock", "1999-notes", "2020-01-01T00-00-00Z"]))
        #expect(inodeMode(folder + "/" + names[4]) == 0o700)
    }

    @Test func `its time is among the metrics, and the log has a line`() throws {
        let outcome = try site.homeroom("backup", folder)

        let match = try site.send("GET", "/metrics").text.firstMatch(
            of: /\nhomeroom_backup_last_success_timestamp_seconds (\d+)\n/)
        let time = try #require(match.flatMap { Int($0.1) })
        #expect(abs(time - Int(Date().timeIntervalSince1970)) < 60)
        #expect(outcome.trail.first?.contains(#""event":"backup made","accounts":"#) == true)
    }

    @Test func `while one is made another one is refused, and what a killed one left goes`() throws {
        _ = try site.newPerson()
        let programs = try blocking("mariadb-dump", then: "exec /usr/bin/mariadb-dump \"$@\"")

        let first = try started("backup", folder, programs: programs)
        let second = try site.homeroom("backup", folder)
        first.kill()
        release(programs)
        let left = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasPrefix("partial-") }
        let third = try site.homeroom("backup", folder)

        #expect(second.status == 1)
        #expect(second.errors.contains("another backup is being made there. Wait for its end"))
        #expect(left.count == 1)
        #expect(third.status == 0)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasPrefix("partial-") }.isEmpty)
        #expect(try backups().count == 1)
    }

    @Test func `while a backup looks at pictures none is removed, and later those are`() throws {
        let person = try site.newPerson()
        _ = try site.upload(onePixelPNG, as: person)
        let old = try site.mediaFiles().filter { $0.hasPrefix("avatars/") }.count
        let programs = try blocking("mariadb-dump", then: "exec /usr/bin/mariadb-dump \"$@\"")

        let backup = try started("backup", folder, programs: programs)
        let upload = try site.upload(onePixelPNG, as: person)
        let held = try site.mediaFiles().filter { $0.hasPrefix("avatars/") }.count
        release(programs)
        let status = backup.waitForExit(within: 60)
        let again = try site.upload(onePixelPNG, as: person)
        let after = try site.mediaFiles().filter { $0.hasPrefix("avatars/") }.count

        #expect(upload.status == 200)
        #expect(again.status == 200)
        #expect(held == old + 3)
        #expect(status == 0)
        #expect(after == held)
    }

    @Test func `a backup without room for it, or in the pictures' folder, is refused and leaves nothing`() throws {
        _ = try site.newPerson()
        let limited = #"ulimit -f 8; trap '' XFSZ; exec "$0" backup "$1" --config "$2""#

        let full = try Outcome("sh", ["-c", limited, Site.homeroom, folder, site.folder.settings])
        let served = try site.homeroom("backup", site.folder.media + "/avatars")
        let nowhere = try site.homeroom("backup", "/nowhere/backups")
        let none = try site.homeroom("backup", folder, "--keep", "0")

        #expect(full.status == 1)
        #expect(full.errors.hasSuffix("/database.sql: File too large\n"), "\(full.errors)")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == [".lock"])
        #expect(served.errors.contains("inside HOMEROOM_MEDIA, which nginx serves. Choose a folder elsewhere\n"))
        #expect(nowhere.errors == "homeroom: /nowhere/backups: No such file or directory\n")
        #expect(none.status == 2)
    }

    // MARK: The way back

    @Test func `restored are accounts, pictures and rights, and sessions only where they are wanted`() throws {
        let (kept, changed) = (try site.newPerson(), try site.newPerson())
        _ = try site.upload(onePixelPNG, as: kept)
        let before = try site.rows("SELECT * FROM accounts ORDER BY id")
        let picture = try site.rows("SELECT avatar FROM accounts WHERE id = \(kept.id)")[0]
        _ = try site.homeroom("backup", folder)
        _ = try site.homeroom("user", "logout", changed.username)
        _ = try site.upload(onePixelPNG, as: kept)
        let later = try site.newPerson()

        let alive = try site.homeroom("restore", folder, "--replace", "--keep-sessions")
        let rows = try site.rows("SELECT * FROM accounts ORDER BY id")
        let answers: [Int] = try [kept, changed, later].map { try site.send("GET", "/api/v1/info/", as: $0).status }
        let served = try site.send("GET", "/media/" + picture)
        site.service.stop()
        let ended = try site.homeroom("restore", folder, "--replace")
        try site.service.start()
        let refused: [Int] = try [kept, changed, later].map { try site.send("GET", "/api/v1/info/", as: $0).status }

        #expect(alive.status == 0, "\(alive.errors)")
        #expect(alive.trail.first?.contains(#""event":"backup restored""#) == true)
        #expect(rows == before)
        #expect(answers == [200, 200, 401])
        #expect(served.status == 200)
        #expect(ended.status == 0, "\(ended.errors)")
        #expect(refused == [401, 401, 401])
        #expect(try site.signIn(kept.username, kept.password).status == 200)
        #expect(try site.upload(onePixelPNG, as: site.newPerson()).status == 200)
        #expect(try site.rows("SHOW DATABASES LIKE 'homeroom%'") == ["homeroom"])
    }

    @Test func `waiting mails and links that set passwords do not come back, notices of changed addresses do`() throws {
        site.service.stop()
        _ = try site.rows(
            """
            INSERT INTO accounts (id, username, username_key, email, email_key, password_hash, created_at, updated_at)
            VALUES (77777, 'a', 'a', 'a@b.org', 'a@b.org', '!', NOW(), NOW());
            INSERT INTO outbox (subject, account_id, due_at) VALUES (REPEAT('s', 32), 77777, NOW());
            INSERT INTO email_verifications (account_id, asked_at, due_at) VALUES (77777, NOW(), NOW());
            INSERT INTO email_changes (account_id, email, email_key, was_verified, undo_until, due_at)
            VALUES (77777, 'o@b.org', 'o@b.org', 1, NOW() + INTERVAL 1 DAY, NOW());
            INSERT INTO password_resets (token_hash, account_id, password_version, expires_at)
            VALUES (REPEAT('t', 32), 77777, 1, NOW() + INTERVAL 1 DAY)
            """)
        _ = try site.homeroom("backup", folder)

        let outcome = try site.homeroom("restore", folder, "--replace")

        #expect(outcome.status == 0)
        #expect(
            try site.rows(
                """
                SELECT COUNT(*), COUNT(due_at) FROM outbox WHERE account_id = 77777;
                SELECT COUNT(*), COUNT(due_at) FROM email_verifications WHERE account_id = 77777;
                SELECT COUNT(*), COUNT(due_at) FROM email_changes; SELECT COUNT(*), 0 FROM password_resets
                """) == ["1\t0", "1\t0", "1\t1", "0\t0"])
    }

    @Test func `a database that is used or has accounts is not replaced, nor what another system has`() throws {
        _ = try site.newPerson()
        _ = try site.homeroom("backup", folder)
        let state = try site.state()

        let used = try site.homeroom("restore", folder)
        site.service.stop()
        let full = try site.homeroom("restore", folder)
        _ = try site.database.execute("CREATE TABLE homeroom.auth_user (id INT)")
        let foreign = try site.homeroom("restore", folder, "--replace")
        _ = try site.database.execute("DROP TABLE homeroom.auth_user")

        #expect(used.status == 1)
        #expect(full.status == 1)
        #expect(foreign.status == 1)
        #expect(used.errors.contains("the database `homeroom` is in use, by "))
        #expect(full.errors.contains("the database `homeroom` has accounts. --replace puts the backup in their place"))
        #expect(foreign.errors.contains("the database `homeroom` has a table `auth_user`, which is of another system"))
        #expect(try site.state() == state)
        #expect(try site.rows("SHOW DATABASES LIKE 'homeroom%'") == ["homeroom"])
    }

    @Test func `a backup that is damaged, newer or none at all changes nothing`() throws {
        _ = try site.upload(onePixelPNG, as: site.newPerson())
        _ = try site.homeroom("backup", folder)
        site.service.stop()
        let state = try site.state()
        let backup = try backups()[0]
        let picture = try FileManager.default.contentsOfDirectory(atPath: backup + "/avatars")[0]
        let damages: [(String, (String) throws -> Void, String)] = [
            ("database.sql", { try Self.change($0, from: "homeroom", to: "homeroon") }, "/database.sql: damaged."),
            (
                "avatars/" + picture, { try FileManager.default.removeItem(atPath: $0) },
                "1 pictures are damaged or missing"
            ),
            ("SHA256SUMS", { try Self.change($0, from: "avatars", to: "avatarz") }, "/SHA256SUMS: damaged."),
            ("manifest.json", { try Self.change($0, from: "homeroom_backup", to: "other") }, "no manifest of a backup"),
            (
                "manifest.json", { try Self.change($0, from: "_backup\":1", to: "_backup\":2") },
                "made by a newer homeroom"
            ),
            (
                "manifest.json", { try Self.change($0, from: "\"schema\":", to: "\"schema\":9") },
                "and this homeroom knows"
            ),
            ("manifest.json", { try Self.change($0, from: "\"schema\":1", to: "\"schema\":") }, "the dump has schema"),
        ]

        for (file, damage, complaint) in damages {
            let copy = folder + "/copy"
            _ = try Outcome("cp", ["-a", backup, copy])
            try damage("\(copy)/\(file)")
            let outcome = try site.homeroom("restore", copy, "--replace")
            try FileManager.default.removeItem(atPath: copy)

            #expect(outcome.status == 1)
            #expect(outcome.errors.contains(complaint), "\(complaint): \(outcome.errors)")
        }
        let nothing = try site.homeroom("restore", site.folder.media)
        #expect(nothing.errors.contains("no backup, and none in it."))
        #expect(try site.state() == state)
    }

    @Test func `a restore that is killed leaves all as it was, and works when it is run again`() throws {
        let person = try site.newPerson()
        _ = try site.upload(onePixelPNG, as: person)
        _ = try site.homeroom("backup", folder)
        site.service.stop()
        let rows = try site.rows("SELECT * FROM accounts ORDER BY id")
        let programs = try blocking("mariadb", first: "head -c 9000 | /usr/bin/mariadb \"$@\"")

        let first = try started("restore", folder, "--replace", programs: programs)
        let second = try site.homeroom("restore", folder, "--replace")
        first.kill()
        release(programs)
        let between = try site.rows("SELECT * FROM accounts ORDER BY id")
        let third = try site.homeroom("restore", folder, "--replace")

        #expect(second.errors.contains("another restore or a backup is under way. Wait for its end"))
        #expect(between == rows)
        #expect(third.status == 0, "\(third.errors)")
        #expect(try site.rows("SELECT * FROM accounts ORDER BY id") == rows)
        #expect(try site.rows("SHOW DATABASES LIKE 'homeroom%'") == ["homeroom"])
    }

    @Test func `an older schema is brought up to the newest`() throws {
        _ = try site.newPerson()
        _ = try site.database.execute("DROP TABLE homeroom.backups; DELETE FROM homeroom.migrations WHERE version = 15")
        site.service.stop()
        let made = try site.homeroom("backup", folder)
        let tables = try site.rows("SHOW TABLES")

        let outcome = try site.homeroom("restore", folder, "--replace")

        // Whole, but this database has no place for its time.
        #expect(made.status == 1)
        #expect(made.errors.contains("whole, but the database could not note its time"))
        #expect(outcome.status == 0, "\(outcome.errors)")
        #expect(Set(try site.rows("SHOW TABLES")) == Set(tables + ["backups"]))
        #expect(try site.homeroom("check").status == 0)
    }

    // MARK: Helpers

    /// Lets each of `people` upload again and again, on a thread each, while `body` runs.
    private func withUploads<T>(of people: [Person], _ body: () throws -> T) throws -> T {
        let site = site
        let isOver = Guarded(false)
        let group = DispatchGroup()
        for person in people {
            Thread.detachNewThread { [group] in
                while !isOver.withLock({ $0 }) { _ = try? site.upload(onePixelPNG, as: person) }
                group.leave()
            }
            group.enter()
        }
        defer {
            isOver.withLock { $0 = true }
            group.wait()
        }
        return try body()
    }

    /// The whole backups, oldest first.
    private func backups() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).filter {
            $0.contains("T") && $0.hasSuffix("Z") || $0.contains("Z-")
        }
        .sorted().map { "\(folder)/\($0)" }
    }

    private static func change(_ file: String, from old: String, to new: String) throws {
        let text = try String(contentsOfFile: file, encoding: .utf8)
        try #require(text.contains(old))
        try text.replacing(old, with: new, maxReplacements: 1).write(toFile: file, atomically: false, encoding: .utf8)
    }

    private func inode(_ path: String) -> ino_t {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_ino : 0
    }

    private func inodeMode(_ path: String) -> mode_t {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mode & 0o777 : 0
    }

    /// A folder with a program of that name that waits for `release` in the middle of its work.
    private func blocking(_ name: String, first: String = ":", then: String = ":") throws -> String {
        let programs = try DevStack.scratch("bin")
        guard mkfifo(programs + "/gate", 0o600) == 0 else { throw Stream.Failure.system(call: "mkfifo", code: errno) }
        let script = "#!/bin/sh\n\(first)\ntouch \(programs)/waiting\nread line < \(programs)/gate\n\(then)\n"
        try script.write(toFile: "\(programs)/\(name)", atomically: true, encoding: .utf8)
        chmod("\(programs)/\(name)", 0o755)
        return programs
    }

    private func release(_ programs: String) {
        // Fails where nobody waits any more.
        let gate = open(programs + "/gate", O_WRONLY | O_NONBLOCK)
        if gate >= 0 { close(gate) }
        try? DevStack.removeScratch(programs)
    }

    /// A call of the command that has come to the program that waits.
    private func started(_ words: String..., programs: String) throws -> Child {
        var program = try Program(Site.homeroom, words + ["--config", site.folder.settings])
        program.environment = ["PATH": "\(programs):/usr/bin:/bin"]
        let child = try Child(program, log: folder + ".log")
        try #require(eventually { access(programs + "/waiting", F_OK) == 0 || !child.isRunning })
        return child
    }
}
