import CLinux
import DevStack
import Foundation
import JSON
import TestSupport
import Testing

/// What people are told when a disk is full or descriptors run out, and that all is well when there is room again.
struct ScarcityTests {
    @Test(.enabled(if: SmallDisk.isPossible, "only root with CAP_SYS_ADMIN can mount a small disk"))
    func `a full disk below nginx's temporary files refuses large bodies alone`() throws {
        let site = try Site.start()
        defer { Site.discard(site) }
        let person = try site.newPerson()
        let owner = try #require(User.first(of: [site.folder.webUser.name]))
        let disk = try SmallDisk(at: site.folder.run + "/nginx/body", megabytes: 1, owner: owner)
        defer { disk.remove() }
        site.nginx.stop()
        try site.nginx.start()
        let picture = TestPicture.noise(bytes: 300 << 10)

        let before = try site.upload(picture, as: person).status
        try disk.fill()
        let full = try site.upload(picture, as: person)
        let small = try site.upload(onePixelPNG, as: person).status
        let read = try site.send("GET", "/api/v1/info/", as: person).status
        try disk.empty()
        let after = try site.upload(picture, as: person).status

        #expect(before == 200)
        #expect(full.status == 503)
        #expect(full["Retry-After"] == "2")
        #expect(full.text == #"{"detail": "Service unavailable. Try again later."}"#)
        #expect(small == 200)
        #expect(read == 200)
        #expect(after == 200)
    }

    @Test(.enabled(if: SmallDisk.isPossible, "only root with CAP_SYS_ADMIN can mount a small disk"))
    func `a full disk below the database refuses who writes, and nothing acknowledged is lost by it`() throws {
        let site = try Site.start(environment: Site.fastHashing.merging(["HOMEROOM_WORKERS": "2"]) { $1 })
        defer { Site.discard(site) }
        site.database.stop()
        let data = site.folder.database
        try #require(rename(data, data + ".old") == 0)
        let disk = try SmallDisk(at: data, megabytes: 128, owner: site.folder.databaseUser)
        defer { disk.remove() }
        // Without holes: a log that has its place on the disk keeps it.
        try Program("cp", ["-a", "--sparse=never", "--", data + ".old/.", data]).output()
        try site.database.start()
        let load = try LoadGenerator(4, at: site)
        var (names, answers): ([String], [Answer]) = ([], [])

        try load.running {
            try #require(load.isAnswered())
            try disk.fill()
            // Until the table is full.
            let isFull = try eventually {
                names.append(Person.newName())
                answers.append(try register(names.last ?? "", at: site))
                return answers.last?.status != 201
            }
            try #require(isFull)
            #expect(load.isAnswered(20))
            try disk.empty()
            #expect(load.isWell())
        }

        let refused = try #require(answers.last)
        #expect(refused.status == 503)
        #expect(refused["Retry-After"] == "2")
        #expect(refused.text == ContractAPI.v1Profile.unavailable)
        #expect(load.troubles.filter { !$0.isRefusal }.map(\.description) == [])
        #expect(try load.losses() == [])
        // All of it or nothing.
        let there = Set(try site.rows("SELECT username FROM accounts"))
        #expect(names.dropLast().filter { !there.contains($0) } == [])
        #expect(!there.contains(try #require(names.last)))
        #expect(try register(#require(names.last), at: site).status == 201)
    }

    @Test func `a worker without free descriptors answers on the connections it has, and then the others`() throws {
        let settings = ["HOMEROOM_WORKERS": "1", "HOMEROOM_THREADS": "1", "HOMEROOM_HEAVY_THREADS": "1"]
        let site = try Site.start(environment: Site.fastHashing.merging(settings) { $1 })
        defer { Site.discard(site) }
        let person = try site.newPerson()
        // Only who runs as the worker's user may limit it; so its parent is, and a new worker inherits that.
        let (parent, old) = (try #require(site.service.process?.pid), site.workers())
        try Program("prlimit", ["--pid", "\(parent)", "--nofile=64:64"]).output()
        for worker in old { kill(worker, SIGKILL) }
        try #require(eventually { site.workers().count == 1 && site.workers() != old })
        let worker = try #require(site.workers().first)
        _ = try site.upload(onePixelPNG, as: person)
        let kept = try (0..<4).map { _ in try FastCGIClient(site.folder.socket) }
        let read = { (client: FastCGIClient) in
            try client.send("GET", "/api/v1/info/", headers: DevStack.headers(person, nil)).status
        }
        let form = MultipartForm([.file("avatar", name: "me.png", onePixelPNG)])

        let before = try kept.map(read)
        let others = try (0..<100).map { _ in try FastCGIClient(site.folder.socket) }
        for client in others { try client.write("OPTIONS", "/api/v1/info/") }
        let isFull = try eventually {
            try FileManager.default.contentsOfDirectory(atPath: "/proc/\(worker)/fd").count >= 64
        }
        let light = try kept.map(read)
        let upload = try kept[0].send(
            "PUT", "/api/v1/profile/update/", headers: DevStack.headers(person, nil) + [("Content-Type", form.type)],
            body: form.body)
        let begin = try processorTime(of: worker)
        sleep(1)
        let spent = try processorTime(of: worker) - begin
        let late = try others.map { client in
            defer { client.stream.close() }
            return try client.answer().status
        }

        #expect(isFull)
        #expect(before == [200, 200, 200, 200])
        #expect(light == [200, 200, 200, 200])
        #expect(upload.status == 503)
        #expect(upload["Retry-After"] == "2")
        #expect(spent < 0.3)
        #expect(late == Array(repeating: 204, count: 100))
        #expect(try site.upload(onePixelPNG, as: person).status == 200)
        #expect(site.workers() == [worker])
    }

    private func register(_ name: String, at site: DevStack) throws -> Answer {
        try site.send(
            "POST", "/api/v1/auth/register/",
            json: [
                "username": .string(name), "email": .string("\(name)@example.com"), "password": "seven-Owls-42",
                "password_confirm": "seven-Owls-42",
            ])
    }

    /// Seconds of a core that a process has used.
    private func processorTime(of process: pid_t) throws -> Double {
        let text = try String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
        let fields = text[(text.lastIndex(of: ")") ?? text.startIndex)...].split(separator: " ")
        // utime and stime, in hundredths. (proc(5))
        return fields[12...13].reduce(0) { $0 + (Double($1) ?? 0) } / 100
    }
}

/// A file system in memory, with little room.
private struct SmallDisk {
    static let isPossible: Bool = {
        guard geteuid() == 0, let folder = try? DevStack.scratch("mnt") else { return false }
        defer { try? DevStack.removeScratch(folder) }
        guard (try? Program("mount", ["-t", "tmpfs", "none", folder]).output()) != nil else { return false }
        return (try? Program("umount", [folder]).output()) != nil
    }()

    private let path: String

    init(at path: String, megabytes: Int, owner: User) throws {
        self.path = path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let options = "size=\(megabytes)m,mode=700,uid=\(owner.id),gid=\(owner.group)"
        try Program("mount", ["-t", "tmpfs", "-o", options, "none", path]).output()
    }

    /// Takes all the room that is left.
    func fill() throws {
        let command = "cat /dev/zero > '\(path)/filling' 2>/dev/null; test -s '\(path)/filling'"
        try Program("sh", ["-c", command]).output()
    }

    func empty() throws {
        try FileManager.default.removeItem(atPath: path + "/filling")
    }

    func remove() {
        _ = try? Program("umount", ["--lazy", path]).output()
    }
}
