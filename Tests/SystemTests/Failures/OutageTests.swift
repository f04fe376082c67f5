import CLinux
import DevStack
import Foundation
import JSON
import TestSupport
import Testing

/// What a client is told while a part of the system is down, and that all is well afterwards.
struct OutageTests {
    @Test func `while the service is down nginx answers 502 as JSON`() throws {
        let site = try Site.start()
        defer { Site.discard(site) }
        let person = try site.newPerson()

        site.service.stop()
        let down = try site.send("GET", "/api/v1/info/", as: person)
        let upload = try site.upload(TestPicture.noise(bytes: 300 << 10), as: person)
        try site.service.start()
        let up = try site.send("GET", "/api/v1/info/", as: person)

        #expect(upload.status == 502)
        #expect(upload.text == down.text)
        #expect(down.status == 502)
        #expect(down["Content-Type"] == "application/json; charset=utf-8")
        #expect(down["Retry-After"] == "2")
        #expect(down["Server"] == "nginx")
        #expect(down.text == #"{"detail": "Service unavailable. Try again later."}"#)
        #expect(up.status == 200)
    }

    @Test func `when the service does not answer in time nginx answers 504 as JSON`() throws {
        let checkout = try Self.checkout {
            $0.replacing(/fastcgi_read_timeout +\d+s/, with: "fastcgi_read_timeout 1s")
        }
        defer { try? DevStack.removeScratch(checkout) }
        let site = try Site.start(checkout: checkout)
        defer { Site.discard(site) }
        let person = try site.newPerson()
        let workers = site.workers()

        for worker in workers { kill(worker, SIGSTOP) }
        let stopped = try site.send("GET", "/api/v1/info/", as: person)
        for worker in workers { kill(worker, SIGCONT) }
        let going = try site.send("GET", "/api/v1/info/", as: person)

        #expect(stopped.status == 504)
        #expect(stopped["Retry-After"] == "2")
        #expect(stopped.text == #"{"detail": "Service timed out. Try again later."}"#)
        #expect(going.status == 200)
    }

    @Test func `a class behind one address stays below the limits, a flood does not`() throws {
        let site = try Site.start(limits: true)
        defer { Site.discard(site) }

        let people = try concurrently(50) { _ in try site.newPerson().username }
        let answers = try (0..<200).map { _ in try site.send("DELETE", "/api/v1/auth/login/") }
        let refused = try #require(answers.first { $0.status != 405 })

        #expect(people.count == 50)
        #expect(refused.status == 429)
        #expect(refused["Retry-After"] == "1")
        #expect(refused.text == #"{"detail": "Too many requests. Try again later."}"#)
        #expect(try site.send("OPTIONS", "/api/v1/info/").status == 204)
    }

    @Test func `while the database is down the service answers 503, and nothing acknowledged is lost by kill -9`()
        throws
    {
        let site = try Site.start()
        defer { Site.discard(site) }
        let person = try site.newPerson()
        let bio = try site.send("PATCH", "/api/v1/profile/update/", as: person, json: ["bio": "acknowledged"])

        site.database.kill()
        let down = [
            try site.send("GET", "/api/v1/info/", as: person),
            try site.signIn(person.username, person.password),
            try site.upload(onePixelPNG, as: person),
        ]
        try site.database.start()
        let up = try site.send("GET", "/api/v1/info/", as: person)
        let login = try site.signIn(person.username, person.password)

        #expect(bio.status == 200)
        #expect(down.map(\.status) == [503, 503, 503])
        #expect(down.allSatisfy { $0["Retry-After"] == "2" })
        #expect(
            down.allSatisfy { $0.text == #"{"detail":"Service temporarily unavailable, try again later."}"# })
        #expect(up.status == 200)
        #expect(up.string("bio") == "acknowledged")
        #expect(login.status == 200)
        #expect(try site.mediaFiles() == ["avatars", "incoming"])
    }

    @Test func `registrations answered 201 before a kill -9 of the database are there after it`() throws {
        let site = try Site.start()
        defer { Site.discard(site) }
        let isOver = Flag()

        let (_, names) = try during(isOver) {
            var names: [String] = []
            while !isOver.isRaised, let person = try? site.newPerson() { names.append(person.username) }
            return names
        } _: {
            _ = try eventually { try site.rows("SELECT COUNT(*) FROM accounts")[0].count >= 2 }
            site.database.kill()
        }
        try site.database.start()
        let there = Set(try site.rows("SELECT username FROM accounts"))

        #expect(names.count >= 9)
        #expect(names.filter { !there.contains($0) } == [])
    }

    @Test func `the media folder being unwritable is answered 503 and changes nothing`() throws {
        let site = try Site.start()
        defer { Site.discard(site) }
        let person = try site.newPerson()

        let isClosed = chmod(site.folder.media + "/incoming", 0o500) == 0
        let down = try site.upload(onePixelPNG, as: person)
        let isOpen = chmod(site.folder.media + "/incoming", 0o700) == 0
        let up = try site.upload(onePixelPNG, as: person)

        #expect(isClosed && isOpen)
        #expect(down.status == 503)
        #expect(up.status == 200)
    }

    /// A folder with an `nginx/` in which one file differs.
    private static func checkout(_ edited: (String) -> String) throws -> String {
        let path = try DevStack.scratch("cfg")
        for folder in ["nginx", "sql"] {
            try FileManager.default.copyItem(atPath: "\(Site.checkout)/\(folder)", toPath: "\(path)/\(folder)")
        }
        let file = path + "/nginx/homeroom.conf"
        let text = try String(contentsOfFile: file, encoding: .utf8)
        try edited(text).write(toFile: file, atomically: true, encoding: .utf8)
        return path
    }
}
