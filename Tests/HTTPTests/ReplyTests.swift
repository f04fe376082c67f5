import HTTP
import JSON
import Testing

struct ReplyTests {
    private func text(_ reply: Reply) -> String {
        String(decoding: reply.message, as: UTF8.self)
    }

    @Test func `a reply is a CGI response with a JSON body`() {
        let reply = Reply.ok(["message": "注册成功", "avatar": .null])

        #expect(
            text(reply) == """
                Status: 200 OK\r
                Content-Type: application/json\r
                Content-Length: 40\r
                Cache-Control: no-store\r
                Vary: Origin\r
                \r
                {"message":"注册成功","avatar":null}
                """)
    }

    @Test func `headers stand in their order behind the usual ones`() {
        let reply = Reply(401, ["detail": "a"]).with("WWW-Authenticate", "Bearer").with("Retry-After", "3")

        #expect(
            text(reply) == """
                Status: 401 Unauthorized\r
                Content-Type: application/json\r
                Content-Length: 14\r
                Cache-Control: no-store\r
                Vary: Origin\r
                WWW-Authenticate: Bearer\r
                Retry-After: 3\r
                \r
                {"detail":"a"}
                """)
    }

    @Test func `a body may be of another type`() {
        let reply = Reply(200, Array("a 1\n".utf8), type: "text/plain")

        #expect(
            text(reply) == """
                Status: 200 OK\r
                Content-Type: text/plain\r
                Content-Length: 4\r
                Cache-Control: no-store\r
                Vary: Origin\r
                \r
                a 1

                """)
    }

    @Test func `a reply without content has neither type nor length`() {
        let reply = Reply(204).with("Allow", "GET, HEAD, OPTIONS")

        #expect(
            text(reply) == """
                Status: 204 No Content\r
                Cache-Control: no-store\r
                Vary: Origin\r
                Allow: GET, HEAD, OPTIONS\r
                \r

                """)
    }

    @Test func `a streamed reply has no length`() {
        var reply = Reply(200)
        reply.stream = { $0(Array("[]".utf8)) }

        #expect(
            text(reply) == """
                Status: 200 OK\r
                Content-Type: application/json\r
                Cache-Control: no-store\r
                Vary: Origin\r
                \r

                """)
    }

    private static let controls =
        Array("\r\n\0\t\u{1F}\u{7F}\u{85}é\u{2028}".unicodeScalars).map { "a\($0)b" } + ["a\r\nb"]

    @Test(arguments: controls)
    func `a value with a control character makes the answer a 500 without that header`(value: String) {
        let reply = Reply(200, ["secret": 1]).with("Link", value).with("Retry-After", "3")

        #expect(reply.fault == "Link: not printable ASCII")
        #expect(
            text(reply) == """
                Status: 500 Internal Server Error\r
                Content-Type: application/json\r
                Content-Length: 35\r
                Cache-Control: no-store\r
                Vary: Origin\r
                \r
                {"detail":"Internal server error."}
                """)
    }

    @Test(arguments: ["", "a b", "a:b", "a\r\nSet-Cookie", "é", "a\u{0}"])
    func `a name that is no token makes the answer a 500 without that header`(name: String) {
        let reply = Reply(200, headers: [("Allow", "GET"), (name, "x")])

        #expect(reply.fault == "the name of a header is no token")
        #expect(text(reply).hasPrefix("Status: 500 Internal Server Error\r\nContent-Type: application/json\r\n"))
        #expect(!text(reply).contains("Allow"))
    }

    @Test func `a media type with a line break makes the answer a 500`() {
        let reply = Reply(200, [], type: "text/plain\r\nX: y")

        #expect(reply.fault == "Content-Type: not printable ASCII")
        #expect(text(reply).hasPrefix("Status: 500"))
    }

    @Test func `a stream behind such headers is not announced`() {
        var reply = Reply(200, headers: [("Link", "\r\n")])
        reply.stream = { $0(Array("[]".utf8)) }

        #expect(text(reply).contains("Content-Length: 35\r\n"))
    }

    @Test func `headers without control characters have no fault`() {
        #expect(Reply(200).with("Link", "<https://a.example/?b=%0D%0A>; rel=\"next\"").fault == nil)
    }

    @Test func `a created resource is answered 201`() {
        #expect(text(.created(["id": 1])).hasPrefix("Status: 201 Created\r\n"))
    }

    @Test(
        arguments: [
            (200, "OK"), (201, "Created"), (204, "No Content"), (400, "Bad Request"), (401, "Unauthorized"),
            (403, "Forbidden"), (404, "Not Found"), (405, "Method Not Allowed"), (413, "Content Too Large"),
            (415, "Unsupported Media Type"), (422, "Unprocessable Content"), (423, "Locked"),
            (429, "Too Many Requests"), (500, "Internal Server Error"), (503, "Service Unavailable"),
        ])
    func `each status has its standard name`(status: Int, reason: String) {
        #expect(text(Reply(status)).hasPrefix("Status: \(status) \(reason)\r\n"))
    }
}
