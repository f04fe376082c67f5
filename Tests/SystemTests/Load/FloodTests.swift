import DevStack
import Foundation
import JSON
import TestSupport
import Testing

/// Passwords, pictures and lists side by side: when one of them can take no more, the others are answered as ever.
struct FloodTests {
    private static let settings = [
        "HOMEROOM_PICTURE_THREADS": "1", "HOMEROOM_LIST_THREADS": "1", "HOMEROOM_QUEUE": "1",
    ]

    @Test func `where pictures are stuck, logins and lists are answered, and one picture too many is refused`() throws {
        let site = try start(workers: 1)
        defer { Site.discard(site) }
        let people = try (0..<3).map { _ in try site.newPerson() }
        let cookie = try cookie(of: people[0], site)
        _ = try site.upload(onePixelPNG, as: people[0])
        let stopped = decoders(of: site)
        for pid in stopped { kill(pid, SIGSTOP) }
        let isOver = Flag()

        let (answers, uploads) = try during(isOver) {
            try concurrently(2) { index in
                // The second one to the queue, behind the first.
                if index == 1 { _ = try eventually { try lane("pictures", of: site) == ["1", "0"] } }
                return try site.upload(onePixelPNG, as: people[index]).status
            }
        } _: {
            defer { for pid in stopped { kill(pid, SIGCONT) } }
            #expect(try eventually { try lane("pictures", of: site) == ["1", "1"] })
            return [
                try site.upload(onePixelPNG, as: people[2]), try site.signIn(people[0].username, people[0].password),
                try site.send("GET", "/api/user/list/", headers: [cookie]),
                try site.send("GET", "/api/v1/info/", as: people[1]),
            ]
        }

        #expect(!stopped.isEmpty)
        #expect(answers.map(\.status) == [503, 200, 200, 200])
        #expect(answers[0]["Retry-After"] == "3")
        #expect(uploads == [200, 200])
    }

    @Test func `where a list is not read, logins and pictures are answered, and one list too many is refused`() throws {
        let site = try start(workers: 1)
        defer { Site.discard(site) }
        let person = try site.newPerson()
        let cookie = try cookie(of: person, site)
        try site.grow(from: 100, to: 20_000)
        let readers = try (0..<2).map { _ in try FastCGIClient(site.folder.socket) }

        for (index, reader) in readers.enumerated() {
            try reader.write("GET", "/api/user/list/", headers: [cookie])
            #expect(try eventually { try lane("lists", of: site) == ["1", "\(index)"] })
        }
        let refused = try site.send("GET", "/api/user/list/", headers: [cookie])
        let login = try site.signIn(person.username, person.password)
        let upload = try site.upload(onePixelPNG, as: person)
        let lists = try readers.map { try $0.answer() }

        #expect(refused.status == 503)
        #expect(refused["Retry-After"] == "3")
        #expect(login.status == 200)
        #expect(upload.status == 200)
        #expect(lists.map(\.status) == [200, 200])
        #expect(lists.allSatisfy { $0.json != nil && $0.body.count > 1_000_000 })
    }

    @Test func `one account has two pictures in work on all workers, and a worker that dies gives its share back`()
        throws
    {
        let site = try start(workers: 2, ["HOMEROOM_PICTURE_THREADS": "4", "HOMEROOM_QUEUE": "16"])
        defer { Site.discard(site) }
        let (greedy, other) = (try site.newPerson(), try site.newPerson())
        #expect(eventually { decoders(of: site).count == 2 })
        let stopped = decoders(of: site)
        for pid in stopped { kill(pid, SIGSTOP) }
        let isOver = Flag()

        let (areRefused, statuses) = try during(isOver) {
            try concurrently(8) { index in
                let answer = try site.upload(onePixelPNG, as: index < 6 ? greedy : other)
                return answer.status == 503 && answer["Retry-After"] == "3" ? 0 : answer.status
            }
        } _: {
            // Four of the six are refused; the other two, and both of somebody else, wait in the decoders.
            let areRefused = try eventually { try site.send("GET", "/metrics").text.contains(Self.fourRefused) }
            for pid in site.workers() { kill(pid, SIGKILL) }
            for pid in stopped { kill(pid, SIGCONT) }
            return areRefused
        }

        #expect(areRefused)
        #expect(statuses.prefix(6).count { $0 == 0 } == 4)
        #expect(statuses.suffix(2).count { $0 == 0 } == 0)
        #expect(try eventually { try site.upload(onePixelPNG, as: greedy).status == 200 })
        #expect(try concurrently(2) { _ in try site.upload(onePixelPNG, as: greedy).status } == [200, 200])
    }

    private static let fourRefused = #"homeroom_lane_refused_requests_total{lane="pictures"} 4"#

    private func start(workers: Int, _ more: [String: String] = settings) throws -> DevStack {
        let settings = Site.fastHashing.merging(more) { $1 }
        return try Site.start(environment: settings.merging(["HOMEROOM_WORKERS": "\(workers)"]) { $1 })
    }

    private func cookie(of person: Person, _ site: DevStack) throws -> (String, String) {
        ("Cookie", "sessionid=\(try site.session(of: person, through: .roleSession).cookie ?? "")")
    }

    /// How many threads of a lane are busy, and how many requests wait for one.
    private func lane(_ name: String, of site: DevStack) throws -> [String?] {
        let metrics = try site.send("GET", "/metrics").text.split(separator: "\n")
        return ["threads_busy", "queued_requests"].map { what in
            let start = "homeroom_lane_\(what){lane=\"\(name)\"} "
            return metrics.first { $0.hasPrefix(start) }.map { String($0.dropFirst(start.count)) }
        }
    }

    private func decoders(of site: DevStack) -> [pid_t] {
        let workers = site.workers()
        return RunningProcess.all().filter { workers.contains($0.parent) && $0.call == "avatar-worker" }.map(\.id)
    }
}
