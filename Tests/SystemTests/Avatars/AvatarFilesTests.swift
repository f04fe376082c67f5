import CLinux
import DevStack
import Foundation
import JSON
import TestSupport
import Testing

/// Avatars through nginx, service and database, and the disk below them.
@Suite(.serialized) struct AvatarFilesTests {
    @Test(arguments: [("me.jpg", onePixelJPEG, "jpg"), ("me.exe", onePixelPNG, "png"), ("a.html", onePixelGIF, "gif")])
    func `an upload is served with its squares, by our ending and nothing else`(
        name: String, bytes: [UInt8], ending: String
    ) throws {
        let site = try Site.shared()
        let person = try site.newPerson()

        let path = try #require(site.upload(bytes, named: name, as: person).string("user", "avatar"))

        #expect(path.wholeMatch(of: /avatars\/[0-9a-f]{32}\.(jpg|png|gif)/)?.1 == ending[...])
        for file in files(of: path) {
            let answer = try site.send("GET", "/media/\(file)")
            #expect(answer.status == 200)
            #expect(answer["Content-Type"] == (ending == "jpg" ? "image/jpeg" : "image/\(ending)"))
            #expect(answer["X-Content-Type-Options"] == "nosniff")
            #expect(answer["Content-Security-Policy"] == "default-src 'none'; sandbox")
            #expect(answer["Cache-Control"] == "private, max-age=31536000, immutable")
        }
    }

    @Test(arguments: [
        "/media/", "/media/avatars/", "/media/avatars", "/media/incoming/", "/media/../homeroom.conf",
        "/media/avatars/00000000000000000000000000000000.html", "/media/avatars/00000000000000000000000000000000.jpg",
    ])
    func `no folder is listed and nothing else is served`(path: String) throws {
        #expect(try Site.shared().send("GET", path).status == 404)
    }

    @Test(arguments: ["<svg xmlns='http://www.w3.org/2000/svg'/>", "hello", "GIF89a"])
    func `what is no picture is a 400 on the field`(content: String) throws {
        let site = try Site.shared()
        let person = try site.newPerson()

        let answer = try site.upload(Array(content.utf8), named: "me.png", as: person)

        #expect(answer.status == 400)
        #expect(
            answer[["errors", "avatar"]]
                == ["Upload a valid image. The file you uploaded was either not an image or a corrupted image."])
    }

    @Test func `of uploads at once by one person one row and its three files remain`() throws {
        let site = try Site.start()
        defer { Site.discard(site) }
        let person = try site.newPerson()

        let answers = try concurrently(8) { _ in try site.upload(onePixelPNG, as: person).status }

        // More than two at a time are refused.
        #expect(answers.count { $0 == 200 } >= 2)
        #expect(Set(answers).isSubset(of: [200, 503]))
        let path = try #require(site.rows("SELECT avatar FROM accounts").first)
        #expect(try pictures(site) == files(of: path).sorted())
    }

    @Test func `deleting a person removes the three files`() throws {
        let site = try Site.start()
        defer { Site.discard(site) }
        let person = try site.newPerson()
        _ = try site.upload(onePixelJPEG, as: person)

        _ = try site.homeroom("user", "delete", person.username)

        #expect(try pictures(site) == [])
    }

    @Test func `media clean removes what no row names and is older than an hour, and nothing else`() throws {
        let site = try Site.start()
        defer { Site.discard(site) }
        let named = try #require(site.upload(onePixelPNG, as: site.newPerson()).string("user", "avatar"))
        let (old, young) = (String(repeating: "a", count: 32), String(repeating: "b", count: 32))
        for name in [
            "avatars/\(old).jpg", "avatars/\(old)-256.jpg", "incoming/\(old)", "avatars/\(young).gif",
            "incoming/\(young)",
        ] {
            try Data([1]).write(to: URL(filePath: "\(site.folder.media)/\(name)"))
        }
        let aged = files(of: named) + ["avatars/\(old).jpg", "avatars/\(old)-256.jpg", "incoming/\(old)"]
        try Program("touch", ["-d", "61 minutes ago"] + aged.map { "\(site.folder.media)/\($0)" }).output()

        let outcome = try site.homeroom("media", "clean")

        #expect(outcome == Outcome(status: 0, output: "removed 2\n", errors: ""))
        #expect(try pictures(site) == (files(of: named) + ["avatars/\(young).gif", "incoming/\(young)"]).sorted())
    }

    @Test func `a full disk is a 503 that leaves the old avatar and no file`() throws {
        guard geteuid() == 0 else {
            print("a full disk: not tried, only root can mount a tmpfs")
            return
        }
        let site = try Site.start(environment: Site.fastHashing.merging(["HOMEROOM_WORKERS": "1"]) { $1 })
        defer { Site.discard(site) }
        let person = try site.newPerson()
        let media = site.folder.media
        let owner = try FileManager.default.attributesOfItem(atPath: "\(media)/avatars")
        let user = "uid=\(owner[.ownerAccountID] ?? 0),gid=\(owner[.groupOwnerAccountID] ?? 0)"
        site.service.stop()
        guard (try? Program("mount", ["-t", "tmpfs", "-o", "size=1m,mode=755,\(user)", "none", media]).output()) != nil
        else {
            print("a full disk: not tried, this machine lets nobody mount a tmpfs")
            return
        }
        defer { _ = try? Program("umount", ["--lazy", media]).output() }
        try site.service.start()
        let old = try #require(site.upload(onePixelPNG, as: person).string("user", "avatar"))
        let before = try pictures(site)
        let filling = [UInt8](repeating: 7, count: 900 << 10)
        try Data(filling).write(to: URL(filePath: "\(media)/filling"))

        // The upload itself does not fit; then it does, and what becomes of it does not.
        let large = try site.upload(TestPicture.noise(bytes: 300 << 10), as: person)
        let free = try Program("df", ["--output=avail", "-k", media]).output().split(separator: "\n").last
        let room = Int(free?.trimmingCharacters(in: .whitespaces) ?? "") ?? 0
        try Data([UInt8](repeating: 7, count: (room - 24) << 10)).write(to: URL(filePath: "\(media)/rest"))
        let small = try site.upload(TestPicture.noise(bytes: 20 << 10), as: person)
        try FileManager.default.removeItem(atPath: "\(media)/filling")
        try FileManager.default.removeItem(atPath: "\(media)/rest")

        #expect(large.status == 503)
        #expect(small.status == 503)
        #expect(large["Retry-After"] == "2")
        #expect(small["Retry-After"] == "2")
        let after = try pictures(site)
        #expect(after == before)
        #expect(try site.rows("SELECT avatar FROM accounts WHERE id = \(person.id)") == [old])
        #expect(try site.upload(onePixelPNG, as: person).status == 200)
    }

    @Test func `a queue full of pictures answers 503 at once and leaves sign-in alone`() throws {
        let settings = ["HOMEROOM_WORKERS": "1", "HOMEROOM_PICTURE_THREADS": "2", "HOMEROOM_QUEUE": "1"]
        let site = try Site.start(environment: Site.fastHashing.merging(settings) { $1 })
        defer { Site.discard(site) }
        let people = try (0..<4).map { _ in try site.newPerson() }
        _ = try site.upload(onePixelPNG, as: people[0])
        let decoders = try decoders(site)
        for pid in decoders { kill(pid, SIGSTOP) }

        let statuses = try concurrently(4) { index in
            let answer = try site.upload(onePixelPNG, as: people[index])
            if answer.status == 503 {
                #expect(answer["Retry-After"] == "3")
                for pid in decoders { kill(pid, SIGCONT) }
            }
            return answer.status
        }

        #expect(statuses.contains(503))
        #expect(statuses.contains(200))
        #expect(Set(statuses).isSubset(of: [200, 503]))
    }

    @Test func `a decoder that dies or is stopped for good costs one upload and no other request`() throws {
        let site = try Site.start(environment: Site.fastHashing.merging(["HOMEROOM_WORKERS": "1"]) { $1 })
        defer { Site.discard(site) }
        let person = try site.newPerson()
        _ = try site.upload(onePixelPNG, as: person)
        let pid = try #require(decoders(site).first)
        kill(pid, SIGSTOP)

        let outcomes = try concurrently(2) { index in
            if index == 0 { return try site.upload(onePixelGIF, as: person).status }
            let status = try site.signIn(person.username, person.password).status
            _ = try eventually { try site.mediaFiles().contains { $0.hasPrefix("incoming/") } }
            kill(pid, SIGKILL)
            return status
        }
        let next = try site.upload(onePixelGIF, as: person)
        let log = try String(contentsOfFile: site.folder.log + "/homeroom.log", encoding: .utf8)

        #expect(outcomes[1] == 200)
        #expect(outcomes[0] == 200 || outcomes[0] == 400)
        #expect(next.status == 200)
        #expect(log.split(separator: "\n").count { $0.contains("picture decoder") } == (outcomes[0] == 400 ? 1 : 0))
    }

    @Test func `decoders end with their worker, also by kill -9`() throws {
        let site = try Site.start(environment: Site.fastHashing.merging(["HOMEROOM_WORKERS": "1"]) { $1 })
        defer { Site.discard(site) }
        _ = try site.upload(onePixelPNG, as: site.newPerson())
        let old = try decoders(site)

        for worker in site.workers() { kill(worker, SIGKILL) }

        #expect(!old.isEmpty)
        #expect(eventually { old.allSatisfy { kill($0, 0) == -1 } })
    }

    /// Where the worker is killed: at which call of the thread that takes an upload, and at which of those.
    static let steps: [(call: String, number: Int)] = [
        ("openat", 1), ("openat", 3), ("fsync", 1), ("fsync", 3), ("fsync", 4), ("renameat", 1), ("renameat", 2),
        ("renameat", 3), ("sendto", 5), ("sendto", 6), ("sendto", 7), ("sendto", 8), ("sendto", 9), ("unlinkat", 1),
        ("unlinkat", 2), ("unlinkat", 3), ("unlinkat", 4),
    ]

    @Test func `kill -9 at any step leaves the old or the new picture, with all its files`() throws {
        let settings = ["HOMEROOM_WORKERS": "1", "HOMEROOM_PICTURE_THREADS": "1"]
        let site = try Site.start(environment: Site.fastHashing.merging(settings) { $1 })
        defer { Site.discard(site) }
        guard (try? Program("strace", ["-o", "/dev/null", "true"]).output()) != nil else {
            print("kill -9 at each step: not tried, strace cannot trace here")
            return
        }
        let person = try site.newPerson()
        var named = try #require(site.upload(onePixelPNG, as: person).string("user", "avatar"))
        var killed = 0

        for step in AvatarFilesTests.steps {
            #expect(eventually { pictureThread(of: site) != nil })
            let thread = try #require(pictureThread(of: site))
            var program = try Program(
                "strace",
                ["-o", "/dev/null", "-p", "\(thread)", "-e", "inject=\(step.call):signal=KILL:when=\(step.number)"])
            program.environment = [:]
            let tracer = try Child(program, log: site.folder.path + "/strace.log")
            #expect(eventually { isTraced(thread) })

            let status = try? site.upload(onePixelGIF, as: person).status
            if status != 200 { killed += 1 }
            tracer.terminate(within: 5)
            site.service.stop()
            try site.service.start()

            let row = try #require(site.rows("SELECT avatar FROM accounts WHERE id = \(person.id)").first)
            let there = Set(try site.mediaFiles())
            #expect(files(of: row).allSatisfy { there.contains($0) }, "\(step)")
            #expect(status != 200 || row != named, "\(step)")
            named = row
        }
        let all = try site.mediaFiles().filter { $0.contains("/") }
        try Program("touch", ["-d", "61 minutes ago"] + all.map { "\(site.folder.media)/\($0)" }).output()
        _ = try site.homeroom("media", "clean")

        #expect(killed >= 12)
        #expect(try pictures(site) == files(of: named).sorted())
        #expect(try site.send("GET", "/media/\(named)").status == 200)
    }

    private func pictures(_ site: DevStack) throws -> [String] {
        try site.mediaFiles().filter { $0.contains("/") }
    }

    private func files(of path: String) -> [String] {
        [path, "\(path.dropLast(4))-256\(path.suffix(4))", "\(path.dropLast(4))-64\(path.suffix(4))"]
    }

    private func decoders(_ site: DevStack) throws -> [pid_t] {
        let workers = site.workers()
        return RunningProcess.all().filter { workers.contains($0.parent) && $0.state != "Z" }.map(\.id)
    }

    /// The one thread that takes uploads; the mailer beside the worker has none.
    private func pictureThread(of site: DevStack) -> pid_t? {
        site.workers().lazy.flatMap { pid -> [pid_t] in
            let threads = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task")) ?? []
            return threads.compactMap { pid_t($0) }.filter { thread in
                let name = try? String(contentsOfFile: "/proc/\(pid)/task/\(thread)/comm", encoding: .utf8)
                return name?.hasPrefix("pictures") == true
            }
        }.first
    }

    private func isTraced(_ thread: pid_t) -> Bool {
        let status = (try? String(contentsOfFile: "/proc/\(thread)/status", encoding: .utf8)) ?? ""
        return status.contains(/TracerPid:\t[1-9]/)
    }
}
