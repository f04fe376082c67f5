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
                \r

                """)
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
