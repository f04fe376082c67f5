import CLinux
import DevStack
import Foundation
import JSON
import TestSupport
import Testing

/// Slow, broken and hostile clients, in front of nginx and on the service's own socket, and the people beside them.
///
/// One worker with two threads of each kind: fewer than what wants to hold them.
@Suite(.serialized)
struct HostileClientTests {
    private static let everybodys = Result {
        let settings = ["HOMEROOM_WORKERS": "1", "HOMEROOM_THREADS": "2", "HOMEROOM_HEAVY_THREADS": "2"]
        return try Site.start(environment: Site.fastHashing.merging(settings) { $1 })
    }
    private let site: DevStack
    private let person: Person
    private let workers: Set<pid_t>

    init() throws {
        site = try Self.everybodys.get()
        person = try site.newPerson()
        workers = site.workers()
        Self.raiseDescriptorLimit()
    }

    // MARK: On the service's socket

    /// Where a request on the socket stops.
    enum Stop: CaseIterable {
        case beforeAnything, inFirstHeader, behindFirstHeader, beforeVariables, inVariablesHeader, amongVariables,
            beforeLastVariablesRecord, beforeBody, amongBody, beforeBodysEnd

        /// What is sent of a request.
        func part(as person: Person) -> ArraySlice<UInt8> {
            let headers = [("Content-Type", "application/json"), ("Authorization", "Bearer \(person.access)")]
            let body = [UInt8](repeating: 0x20, count: 50)
            let whole = FastCGIClient.request("PATCH", "/api/v1/profile/update/", headers: headers, body: body)
            // The begin record has 8 + 8 bytes; the body 8 and its own, then 8 of the record that ends it.
            let bodyStart = whole.count - 58 - 8
            let count =
                switch self {
                case .beforeAnything: 0
                case .inFirstHeader: 4
                case .behindFirstHeader: 8
                case .beforeVariables: 16
                case .inVariablesHeader: 20
                case .amongVariables: 60
                case .beforeLastVariablesRecord: bodyStart - 8
                case .beforeBody: bodyStart
                case .amongBody: bodyStart + 30
                case .beforeBodysEnd: bodyStart + 58
                }
            return whole.prefix(count)
        }
    }

    @Test(arguments: Stop.allCases)
    func `50 connections that stop within a request hold up nobody`(stop: Stop) throws {
        let stuck = try (0..<50).map { _ in try FastCGIClient(site.folder.socket) }
        for client in stuck { try client.stream.write(stop.part(as: person)) }

        let answers = try answers()

        #expect(answers == Self.good)
        #expect(stuck.allSatisfy { !$0.stream.isAtEnd })
        #expect(site.workers() == workers)
    }

    @Test func `50 uploads that stop hold up nobody but uploads`() throws {
        let whole = upload(of: 1_000_000)
        let stuck = try (0..<50).map { _ in try FastCGIClient(site.folder.socket) }
        // More than is waited for in the socket, less than the socket takes without a reader.
        for client in stuck { try client.stream.write(whole.prefix(100_000)) }

        let answers = try answers()

        #expect(answers == Self.good)
        #expect(stuck.allSatisfy { !$0.stream.isAtEnd })
        #expect(site.workers() == workers)
    }

    @Test func `uploads that are broken off leave nothing behind`() throws {
        let whole = upload(of: 2_000_000)
        let before = memory()

        for _ in 0..<50 {
            let client = try FastCGIClient(site.folder.socket)
            try client.stream.write(whole.prefix(1_900_000))
            client.stream.close()
        }

        #expect(try answers() == Self.good)
        #expect(memory() - before < 16 << 20)
        #expect(site.workers() == workers)
    }

    /// Records of which libfcgi would write some past its buffer, far behind the beginning of a body.
    @Test(
        arguments: [[1, 9, 0, 0, 0xFF, 0xFF, 0, 0], [1, 4, 0, 1, 0xFF, 0xFF, 0, 0], [1, 1, 0, 1, 0, 8, 0, 0]]
            as [[UInt8]])
    func `rubbish far behind in a body harms nobody`(header: [UInt8]) throws {
        let whole = upload(of: 500_000)
        let clients = try (0..<20).map { _ in try FastCGIClient(site.folder.socket) }

        for client in clients {
            try client.stream.write(whole.dropLast(8))
            try? client.stream.write(header + [UInt8](repeating: 0xFF, count: 65_535))
        }

        // Sooner than the ten seconds after which a request that stops is given up.
        #expect(eventually(within: 9) { clients.allSatisfy(\.stream.isAtEnd) })
        #expect(try answers() == Self.good)
        #expect(site.workers() == workers)
    }

    /// A request with a file of so many bytes that is no picture.
    private func upload(of size: Int) -> [UInt8] {
        let form = MultipartForm([.file("avatar", name: "me.png", [UInt8](repeating: 7, count: size))])
        let headers = DevStack.headers(person, nil) + [("Content-Type", form.type)]
        return FastCGIClient.request("PUT", "/api/v1/profile/update/", headers: headers, body: form.body)
    }

    @Test func `a connection that stops within a request is closed in the end`() throws {
        let stuck = try Stop.allCases.dropFirst().map { stop in
            let client = try FastCGIClient(site.folder.socket)
            try client.stream.write(stop.part(as: person))
            return client
        }

        let areClosed = eventually { stuck.allSatisfy(\.stream.isAtEnd) }

        #expect(areClosed)
        #expect(try answers() == Self.good)
    }

    @Test func `50 connections that send a byte now and then hold up nobody`() throws {
        let stuck = try (0..<50).map { _ in try FastCGIClient(site.folder.socket) }
        let bytes = Array(Stop.beforeBodysEnd.part(as: person))
        var sent = 0
        let dribble = {
            for client in stuck { try client.stream.write(bytes[sent...sent]) }
            sent += 1
        }

        for _ in 0..<20 { try dribble() }
        var seen: Set<[Int]> = []
        for _ in 0..<5 {
            try dribble()
            seen.insert(try answers())
        }

        #expect(seen == [Self.good])
    }

    @Test(arguments: Rubbish.all)
    func `rubbish on the socket harms nobody`(rubbish: Rubbish) throws {
        let clients = try (0..<20).map { _ in try FastCGIClient(site.folder.socket) }
        for client in clients { try? client.stream.write(rubbish.bytes) }

        #expect(try answers() == Self.good)
        #expect(site.workers() == workers)
    }

    @Test func `variables without an end are not kept`() throws {
        let before = memory()
        let clients = try (0..<4).map { _ in try FastCGIClient(site.folder.socket) }
        let pair = [UInt8](repeating: 0x41, count: 127)
        let record = Rubbish.record(4, (0..<250).flatMap { _ in [127, 127] + pair + pair })

        // 16 MiB on each connection, as far as it is taken.
        for client in clients {
            try client.stream.write(Rubbish.begin)
            for _ in 0..<256 where (try? client.stream.write(record)) == nil { break }
        }

        #expect(try answers() == Self.good)
        #expect(memory() - before < 16 << 20)
        #expect(site.workers() == workers)
    }

    @Test func `a thousand idle connections on the socket cost no thread and little memory`() throws {
        let before = memory()
        let idle = try (0..<1000).map { _ in try FastCGIClient(site.folder.socket) }
        for client in idle.prefix(500) { #expect(try client.send("OPTIONS", "/api/v1/info/").status == 204) }

        let answers = try answers()

        #expect(answers == Self.good)
        #expect(memory() - before < 8 << 20)
        #expect(idle.allSatisfy { !$0.stream.isAtEnd })
    }

    // MARK: In front of nginx

    @Test func `a thousand idle connections to nginx hold up nobody`() throws {
        let idle = try (0..<1000).map { _ in try Client(site.address) }
        for client in idle.prefix(200) { #expect(try client.send("OPTIONS", "/api/v1/info/").status == 204) }

        #expect(try answers() == Self.good)
        #expect(idle.count == 1000)
    }

    @Test(arguments: ["POST /api/v1/auth/log", "POST /api/v1/auth/login/ HTTP/1.1\r\nHost: localhost\r\nX-Slow: "])
    func `200 clients that stop within their headers hold up nobody`(part: String) throws {
        let slow = try (0..<200).map { _ in try Client(site.address) }
        for client in slow { try client.stream.write(Array(part.utf8)) }

        #expect(try answers() == Self.good)
        #expect(slow.allSatisfy { !$0.stream.isAtEnd })
    }

    @Test(arguments: [("/api/v1/auth/login/", 10_000), ("/api/v1/profile/update/", 3_000_000)])
    func `200 clients that stop within their bodies hold up nobody`(path: String, size: Int) throws {
        let slow = try (0..<200).map { _ in try Client(site.address) }
        let headers =
            DevStack.headers(person, nil) + [
                ("Content-Type", MultipartForm([]).type), ("Content-Length", "\(size)"),
            ]
        for client in slow {
            try client.write("PUT", path, headers: headers)
            try client.stream.write([UInt8](repeating: 0x2D, count: size / 10))
        }

        #expect(try answers() == Self.good)
        #expect(slow.allSatisfy { !$0.stream.isAtEnd })
    }

    @Test func `rubbish behind a good request is refused after its answer`() throws {
        let client = try Client(site.address)

        try client.write("OPTIONS", "/api/v1/info/")
        try client.stream.write(Array("\u{1}\u{2}\u{3} rubbish\r\n\r\n".utf8))
        let statuses = try [client.answer().status, client.answer().status]
        let rest = try client.stream.readToEnd()

        #expect(statuses == [204, 400])
        #expect(rest == [])
    }

    @Test func `100 requests sent at once on one connection are answered in order`() throws {
        let client = try Client(site.address)
        for number in 0..<100 {
            try client.write(
                "GET", number % 2 == 0 ? "/api/v1/info/" : "/nowhere", headers: DevStack.headers(person, nil))
        }

        let statuses = try (0..<100).map { _ in try client.answer().status }

        #expect(statuses == (0..<100).map { $0 % 2 == 0 ? 200 : 404 })
    }

    // MARK: The people beside them

    /// What somebody is told who reads, changes and signs in, through nginx and on connections of their own.
    private static let good = [200, 200, 200, 200, 204]

    private func answers() throws -> [Int] {
        [
            try site.send("GET", "/api/v1/info/", as: person).status,
            try site.send("PATCH", "/api/v1/profile/update/", as: person, json: ["bio": "here"]).status,
            try site.signIn(person.username, person.password).status,
            try site.send("GET", "/api/v1/info/", as: person).status,
            try FastCGIClient(site.folder.socket).send("OPTIONS", "/api/v1/info/").status,
        ]
    }

    /// Bytes that the worker has in memory.
    private func memory() -> Int {
        workers.reduce(0) { sum, worker in
            let status = (try? String(contentsOfFile: "/proc/\(worker)/status", encoding: .utf8)) ?? ""
            return sum + (status.firstMatch(of: /VmRSS:\s+(\d+) kB/).flatMap { Int($0.1) } ?? 0) * 1024
        }
    }

    /// So that this process may have some thousand connections.
    private static func raiseDescriptorLimit() {
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}

/// Bytes that are no request.
struct Rubbish: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let bytes: [UInt8]

    /// A record that begins request 1, with its connection kept.
    static let begin = FastCGIRecord.begin()

    static func record(_ type: UInt8, _ content: [UInt8], version: UInt8 = 1) -> [UInt8] {
        FastCGIRecord.of(type: type, content, version: version)
    }

    static let all = [
        Rubbish("HTTP", Array("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8)),
        Rubbish("zeros", [UInt8](repeating: 0, count: 70_000)),
        Rubbish("ones", [UInt8](repeating: 1, count: 70_000)),
        Rubbish("0xFF", [UInt8](repeating: 0xFF, count: 70_000)),
        Rubbish(
            "random",
            {
                var chance = SystemRandomNumberGenerator()
                return (0..<70_000).map { _ in UInt8.random(in: 0...255, using: &chance) }
            }()),
        Rubbish("version 2", record(1, [0, 1, 1, 0, 0, 0, 0, 0], version: 2)),
        Rubbish("an unknown type", record(99, [1, 2, 3])),
        Rubbish("an authorizer's request", record(1, [0, 2, 1, 0, 0, 0, 0, 0]) + record(4, [])),
        Rubbish("an abort without a request", record(2, [])),
        Rubbish("an abort within a request", begin + record(2, [])),
        Rubbish("two beginnings", begin + begin),
        Rubbish("an answer", record(6, Array("Status: 200\r\n\r\n".utf8)) + record(3, [0, 0, 0, 0, 0, 0, 0, 0])),
        Rubbish("a question for values", record(9, [15, 0] + Array("FCGI_MPXS_CONNS".utf8))),
        Rubbish(
            "a thousand questions for values",
            [1, 9, 0, 0, 66, 104, 0, 0]  // 17,000 bytes
                + (0..<1000).flatMap { _ in [15, 0] + Array("FCGI_MPXS_CONNS".utf8) }),
        Rubbish("a body without variables", begin + record(5, [1, 2, 3]) + record(5, [])),
        Rubbish("no variables", begin + record(4, []) + record(5, [])),
        Rubbish("a name longer than its record", begin + record(4, [100, 100, 65]) + record(4, [])),
        Rubbish(
            "a name of 2 GiB", begin + record(4, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 65]) + record(4, [])),
        Rubbish("an empty name", begin + record(4, [0, 0, 0, 0]) + record(4, []) + record(5, [])),
    ]

    private init(_ name: String, _ bytes: [UInt8]) {
        testDescription = name
        self.bytes = bytes
    }
}
