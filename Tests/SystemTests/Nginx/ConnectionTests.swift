import DevStack
import JSON
import TestSupport
import Testing

/// Kept connections between nginx and a single worker with two threads, and what can happen to them.
@Suite(.serialized)
struct ConnectionTests {
    private static let everybodys = Result {
        try Site.start(
            environment: Site.fastHashing.merging(["HOMEROOM_WORKERS": "1", "HOMEROOM_THREADS": "2"]) { $1 })
    }
    private let site: DevStack

    init() throws {
        site = try Self.everybodys.get()
    }

    @Test func `200 clients of nginx with kept connections are all answered by two workers`() throws {
        let site = try Site.shared()
        let person = try site.newPerson()
        let clients = try (0..<200).map { _ in try Client(site.address) }

        var statuses: [Int] = []
        for _ in 0..<2 {
            for client in clients {
                try client.write("GET", "/api/v1/info/", headers: DevStack.headers(person, nil))
            }
            for client in clients { statuses.append(try client.answer().status) }
        }

        #expect(site.workers().count == 2)
        #expect(statuses == Array(repeating: 200, count: 400))
    }

    @Test func `200 kept connections on the service's socket are all answered by two workers`() throws {
        let site = try Site.shared()
        let person = try site.newPerson()
        let clients = try (0..<200).map { _ in try FastCGIClient(site.folder.socket) }

        var statuses: [Int] = []
        for _ in 0..<2 {
            for client in clients {
                try client.write("GET", "/api/v1/info/", headers: DevStack.headers(person, nil))
            }
            for client in clients { statuses.append(try client.answer().status) }
        }

        #expect(statuses == Array(repeating: 200, count: 400))
    }

    @Test func `100 idle connections leave both threads free`() throws {
        let idle = try (0..<100).map { _ in try FastCGIClient(site.folder.socket) }
        for client in idle { _ = try client.send("OPTIONS", "/api/v1/info/") }

        let answer = try FastCGIClient(site.folder.socket).send("OPTIONS", "/api/v1/info/")

        #expect(answer.status == 204)
        #expect(idle.count == 100)
    }

    @Test(arguments: [1, 8192, 65_537, 1_000_000])
    func `a body that nobody reads does not disturb the next request on its connection`(size: Int) throws {
        let client = try FastCGIClient(site.folder.socket)

        let first = try client.send("POST", "/nowhere", body: [UInt8](repeating: 0x41, count: size))
        let second = try client.send("OPTIONS", "/api/v1/info/")

        #expect(first.status == 404)
        #expect(second.status == 204)
    }

    @Test func `a connection that is not to be kept is closed after its answer`() throws {
        let client = try FastCGIClient(site.folder.socket)

        let answer = try client.send("OPTIONS", "/api/v1/info/", isKept: false)

        #expect(answer.status == 204)
        #expect(try client.stream.readToEnd() == [])
    }

    @Test func `clients gone in the middle of an upload disturb nobody and leave no file`() throws {
        let person = try site.newPerson()
        let request = upload(by: person)
        let files = try site.mediaFiles()
        let gone = try (0..<20).map { _ in try FastCGIClient(site.folder.socket) }

        for client in gone {
            try client.stream.write(request.prefix(request.count - 60_000))
            client.stream.close()
        }
        let answer = try site.send("GET", "/api/v1/info/", as: person)

        #expect(answer.status == 200)
        #expect(try eventually { try site.mediaFiles() == files })
    }

    @Test func `browsers gone in the middle of an upload disturb nobody and leave no file`() throws {
        let person = try site.newPerson()
        let form = MultipartForm([.file("avatar", name: "me.png", [UInt8](repeating: 7, count: 300_000))])
        let files = try site.mediaFiles()

        for _ in 0..<20 {
            let client = try Client(site.address)
            let headers =
                DevStack.headers(person, nil) + [("Content-Type", form.type), ("Content-Length", "\(form.body.count)")]
            try client.write("PUT", "/api/v1/profile/update/", headers: headers)
            try client.stream.write(form.body.prefix(150_000))
            client.stream.close()
        }
        let answer = try site.send("GET", "/api/v1/info/", as: person)

        #expect(answer.status == 200)
        #expect(try site.mediaFiles() == files)
    }

    @Test(arguments: [1, 7, 8, 15, 30, 100])
    func `a request cut short after so many bytes disturbs nobody`(length: Int) throws {
        let request = FastCGIClient.request("POST", "/api/v1/auth/login/", body: [UInt8](repeating: 0x20, count: 50))

        for _ in 0..<20 {
            let client = try FastCGIClient(site.folder.socket)
            try client.stream.write(request.prefix(length))
            client.stream.close()
        }
        let answer = try site.send("OPTIONS", "/api/v1/info/")

        #expect(answer.status == 204)
    }

    @Test func `a body shorter than announced is refused and closes only its own connection`() throws {
        let whole = FastCGIClient.request(
            "POST", "/api/v1/auth/login/", headers: [("Content-Type", "application/json")], body: Array("{}".utf8))
        let client = try FastCGIClient(site.folder.socket)

        try client.stream.write(whole.prefix(whole.count - 18))
        client.stream.finishWriting()
        let answer = try client.answer()
        let rest = try client.stream.readToEnd()
        let other = try site.send("OPTIONS", "/api/v1/info/")

        #expect(answer.status == 400)
        #expect(
            answer.text
                == #"{"message":"登录失败","errors":{"non_field_errors":["The request's body is incomplete."]}}"#)
        #expect(rest == [])
        #expect(other.status == 204)
    }

    @Test func `bytes that are no FastCGI disturb nobody`() throws {
        let client = try FastCGIClient(site.folder.socket)

        try client.stream.write(Array("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8))
        client.stream.finishWriting()
        let rest = try client.stream.readToEnd()
        let answer = try site.send("OPTIONS", "/api/v1/info/")

        #expect(rest == [])
        #expect(answer.status == 204)
    }

    @Test func `parked connections that their peer closes disturb nobody`() throws {
        let idle = try (0..<100).map { _ in try FastCGIClient(site.folder.socket) }
        for client in idle { _ = try client.send("OPTIONS", "/api/v1/info/") }

        for client in idle { client.stream.close() }
        let answers = try (0..<20).map { _ in try site.send("OPTIONS", "/api/v1/info/").status }

        #expect(answers == Array(repeating: 204, count: 20))
    }

    @Test func `requests go on while nginx reads its configuration again`() throws {
        let site = site
        let isOver = Flag()
        defer { isOver.raise() }

        let statuses = try concurrently(5) { index in
            guard index == 0 else {
                var statuses: Set<Int> = []
                while !isOver.isRaised { statuses.insert(try site.send("OPTIONS", "/api/v1/info/").status) }
                return statuses
            }
            defer { isOver.raise() }
            for _ in 0..<3 {
                let before = Self.nginxWorkers(site)
                try site.nginx.reload()
                guard eventually({ Self.nginxWorkers(site).isDisjoint(with: before) }) else { return [0] }
            }
            return [204]
        }

        #expect(statuses == Array(repeating: [204], count: 5))
    }

    @Test func `after a restart of nginx all is as before`() throws {
        let person = try site.newPerson()

        site.nginx.stop()
        try site.nginx.start()
        let answer = try site.send("GET", "/api/v1/info/", as: person)

        #expect(answer.status == 200)
        #expect(site.nginx.process?.isRunning == true)
    }

    private static func nginxWorkers(_ site: DevStack) -> Set<Int32> {
        Set(RunningProcess.all().filter { $0.parent == site.nginx.process?.pid && $0.state != "Z" }.map(\.id))
    }

    /// The records of a request with an avatar of 100,000 bytes.
    private func upload(by person: Person) -> [UInt8] {
        let form = MultipartForm([.file("avatar", name: "me.png", onePixelPNG + [UInt8](repeating: 7, count: 100_000))])
        let headers = DevStack.headers(person, nil) + [("Content-Type", form.type)]
        return FastCGIClient.request("PUT", "/api/v1/profile/update/", headers: headers, body: form.body)
    }
}
