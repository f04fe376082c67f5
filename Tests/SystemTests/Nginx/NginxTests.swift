import DevStack
import Foundation
import JSON
import TestSupport
import Testing

/// What nginx itself sees to, in front of the service.
struct NginxTests {
    private let site: DevStack

    init() throws {
        site = try Site.shared()
    }

    // MARK: Errors

    @Test(arguments: [
        "/nowhere", "/api", "/api/v1/", "/api/v1/nowhere/", "/api/v1/info/more/", "/index.html", "/.git/config",
    ])
    func `an unknown path is answered 404 as JSON`(path: String) throws {
        let answer = try site.send("GET", path)

        #expect(answer.status == 404)
        #expect(answer["Content-Type"] == "application/json")
        #expect(answer.json == ["detail": "Not found."])
    }

    @Test(arguments: [
        "//api/v1/info/", "/api//v1/info/", "/api/v1//info/", "/api/v1/%69nfo/", "/api/v1%2Finfo/", "/API/v1/info/",
        "/api/v1/info//", "/api/v1/./info/", "/api/v1/x/../info/", "/api/v1/info/%20", "/api/v1/info;x/",
    ])
    func `paths are compared byte for byte`(path: String) throws {
        let answer = try site.send("GET", path)

        #expect(answer.status == 404)
    }

    @Test(arguments: ["/api/v1/info/", "/api/v1/info", "/api/v1/info/?", "/api/v1/info?a=/b"])
    func `final slash and query change nothing`(path: String) throws {
        let answer = try site.send("GET", path)

        #expect(answer.status == 401)
    }

    @Test func `a body over 128 KiB is answered 413 as JSON`() throws {
        let answer = try site.send("POST", "/nowhere", body: [UInt8](repeating: 0x20, count: 131_073))

        #expect(answer.status == 413)
        #expect(answer["Content-Type"] == "application/json; charset=utf-8")
        #expect(answer.text == #"{"detail": "Request body is too large."}"#)
    }

    @Test(arguments: [
        (nil, "Request body is too large."), ("", "Request body is too large."), ("zh", "请求体过大。"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "请求体过大。"), ("fr, ZH-TW", "请求体过大。"),
        ("en-GB,en;q=0.9,zh;q=0.8", "Request body is too large."), ("fr", "Request body is too large."),
        ("zhx, xzh", "Request body is too large."),
        (String(repeating: " ,", count: 4000), "Request body is too large."),
    ])
    func `nginx's own errors below the account API are problems in the browser's language`(
        language: String?, title: String
    ) throws {
        let answer = try site.send(
            "POST", "/api/account/email/undo/", headers: language.map { [("Accept-Language", $0)] } ?? [],
            body: [UInt8](repeating: 0x20, count: 131_073))

        #expect(answer.status == 413)
        #expect(answer["Content-Type"] == "application/problem+json; charset=utf-8")
        #expect(answer.string("title") == title)
        #expect(answer.string("code") == "too_large")
        #expect(answer[["status"]] == .integer(413))
        #expect(answer.string("request") == answer["X-Request-Id"])
    }

    @Test func `a path over 8 KiB is answered 414 as JSON`() throws {
        let answer = try site.send("GET", "/" + String(repeating: "a", count: 9000))

        #expect(answer.status == 414)
        #expect(answer.text == #"{"detail": "Request URI is too long."}"#)
    }

    @Test func `a header over 8 KiB is answered 431 as JSON`() throws {
        let answer = try site.send("GET", "/", headers: [("X-Long", String(repeating: "a", count: 9000))])

        #expect(answer.status == 431)
        #expect(answer.text == #"{"detail": "Request headers are too large."}"#)
    }

    @Test(arguments: [
        "GET\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET nowhere HTTP/1.1\r\nHost: a\r\n\r\n", "G\u{1}T / HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ])
    func `a request that cannot be understood is answered 400 as JSON`(request: String) throws {
        let client = try Client(site.address)

        try client.stream.write(Array(request.utf8))
        let answer = try client.answer()

        #expect(answer.status == 400)
        #expect(answer.text == #"{"detail": "Bad request."}"#)
    }

    @Test(arguments: ["TRACE", "CONNECT"])
    func `TRACE and CONNECT are refused`(method: String) throws {
        let client = try Client(site.address)

        try client.stream.write(Array("\(method) /api/v1/info/ HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
        let answer = try client.answer()

        #expect([400, 405].contains(answer.status))
        #expect(answer["Content-Type"]?.hasPrefix("application/json") == true)
    }

    // MARK: Headers

    @Test(arguments: [
        ("GET", "/api/v1/info/"), ("GET", "/nowhere"), ("GET", "/media/"), ("POST", "/media/avatars/x.png"),
    ])
    func `no answer tells a version or what is behind it`(method: String, path: String) throws {
        let answer = try site.send(method, path)

        #expect(answer["Server"] == "nginx")
        #expect(answer["X-Powered-By"] == nil)
        #expect(answer["Via"] == nil)
    }

    @Test(arguments: ["/api/v1/info/", "/nowhere", "/media/", "/" + String(repeating: "a", count: 9000)])
    func `every answer has an id of its own`(path: String) throws {
        let ids = try (0..<2).map { _ in
            try site.send("GET", path, headers: [("X-Request-Id", "0123456789abcdef0123456789abcdef")])["X-Request-Id"]
        }

        #expect(ids.allSatisfy { $0?.wholeMatch(of: /[0-9a-f]{32}/) != nil })
        #expect(ids[0] != ids[1])
        #expect(!ids.contains("0123456789abcdef0123456789abcdef"))
    }

    @Test func `the id of an answer is in the service's log`() throws {
        let id = try #require(site.send("GET", "/api/v1/info/")["X-Request-Id"])

        let line =
            #""id":"\#(id)","method":"GET","contract":"v1-profile","route":"/api/v1/info/","status":401,"bytes":"#
        let isThere = try eventually {
            try String(contentsOfFile: site.folder.log + "/homeroom.log", encoding: .utf8).contains(line)
        }
        #expect(isThere)
    }

    @Test func `answers of the service are not kept in caches`() throws {
        let answer = try site.send("GET", "/api/v1/info/", as: site.newPerson())

        #expect(answer["Cache-Control"] == "no-store")
    }

    // MARK: Methods

    @Test(arguments: [
        ("GET", "/api/v1/auth/register/", "POST, OPTIONS"), ("GET", "/api/v1/auth/login/", "POST, OPTIONS"),
        ("PUT", "/api/v1/auth/token/refresh/", "POST, OPTIONS"), ("POST", "/api/v1/profile/", "GET, HEAD, OPTIONS"),
        ("GET", "/api/v1/profile/update/", "PUT, PATCH, OPTIONS"),
        ("HEAD", "/api/v1/password/change/", "POST, OPTIONS"),
        ("DELETE", "/api/v1/info/", "GET, HEAD, OPTIONS"), ("GET", "/api/v1/auth/logout/", "POST, OPTIONS"),
        ("BREW", "/api/v1/info/", "GET, HEAD, OPTIONS"),
    ])
    func `another method is answered 405 with those allowed`(method: String, path: String, allowed: String) throws {
        let answer = try site.send(method, path)

        #expect(answer.status == 405)
        #expect(answer["Allow"] == allowed)
        #expect(method == "HEAD" || answer.text == #"{"detail":"Method \"\#(method)\" not allowed."}"#)
    }

    @Test(arguments: [
        ("/api/v1/auth/register/", "POST, OPTIONS"), ("/api/v1/profile/", "GET, HEAD, OPTIONS"),
        ("/api/v1/profile/update/", "PUT, PATCH, OPTIONS"), ("/api/v1/info/", "GET, HEAD, OPTIONS"),
    ])
    func `OPTIONS is answered 204 with the methods`(path: String, allowed: String) throws {
        let answer = try site.send("OPTIONS", path)

        #expect(answer.status == 204)
        #expect(answer["Allow"] == allowed)
        #expect(answer.body == [])
    }

    @Test func `HEAD is answered as GET is, without the body`() throws {
        let person = try site.newPerson()
        let client = try Client(site.address)

        let get = try client.send("GET", "/api/v1/info/", headers: DevStack.headers(person, nil))
        let head = try client.send("HEAD", "/api/v1/info/", headers: DevStack.headers(person, nil))
        let next = try client.send("GET", "/api/v1/info/", headers: DevStack.headers(person, nil))

        #expect(head.status == 200)
        #expect(head["Content-Length"] == "\(get.body.count)")
        #expect(next.text == get.text)
    }

    @Test func `a body in chunks is read as any other`() throws {
        let person = try site.newPerson()
        let client = try Client(site.address)
        let body = #"{"username": "\#(person.username)", "password": "\#(person.password)"}"#
        let halves = (body.prefix(20), body.dropFirst(20))

        try client.write(
            "POST", "/api/v1/auth/login/",
            headers: [("Content-Type", "application/json"), ("Transfer-Encoding", "chunked")])
        for half in [halves.0, halves.1] {
            try client.stream.write(Array("\(String(half.utf8.count, radix: 16))\r\n\(half)\r\n".utf8))
        }
        try client.stream.write(Array("0\r\n\r\n".utf8))
        let answer = try client.answer()

        #expect(answer.status == 200)
        #expect(answer.string("message") == "登录成功")
    }

    // MARK: TLS

    @Test func `the TLS port speaks HTTP/2, and URLs are https there`() throws {
        let person = try site.newPerson()
        let port = try #require(site.nginx.tlsPort)
        let upload = try site.upload(onePixelPNG, as: person)
        let path = try #require(upload.string("user", "avatar"))

        let outcome = try Outcome(
            "curl",
            [
                "-sS", "--cacert", site.folder.run + "/tls.crt", "-w", "\n%{http_version} %{http_code}", "-H",
                "Authorization: Bearer \(person.access)", "https://localhost:\(port)/api/v1/info/",
            ])

        #expect(outcome.errors == "")
        #expect(outcome.output.contains(#""avatar":"https://localhost:\#(port)/media/\#(path)""#))
        #expect(outcome.output.hasSuffix("\n2 200"))
    }

    @Test func `plain HTTP on the TLS port is answered 400 as JSON`() throws {
        let port = try #require(site.nginx.tlsPort)

        let answer = try SystemTests.send(.port(port), "GET", "/api/v1/info/")

        #expect(answer.status == 400)
        #expect(answer.json == ["detail": "Bad request."])
    }
}
