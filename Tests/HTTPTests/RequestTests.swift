import HTTP
import Testing

/// A request with a body that comes in pieces of at most `piece` bytes.
///
/// - Parameters:
///   - announced: its length as the header says it, when that is to differ.
///   - failing: whether reading fails behind the last byte, instead of finding the end.
func request(
    target: String = "/", method: String = "POST", headers: [String: String] = [:], body: [UInt8] = [],
    announced: Int? = nil, piece: Int = .max, failing: Bool = false
) -> Request {
    var rest = body[...]
    return Request(
        id: "1", method: method, target: target, origin: "http://localhost", contentLength: announced ?? body.count,
        header: { headers[$0] },
        read: { buffer throws(BodyCutShort) in
            if rest.isEmpty, failing { throw BodyCutShort() }
            let next = rest.prefix(min(buffer.count, piece))
            buffer.copyBytes(from: next)
            rest = rest.dropFirst(next.count)
            return next.count
        })
}

struct RequestTests {
    @Test(
        arguments: [
            ("/api/v1/info/", "/api/v1/info/", ""), ("/a?", "/a", ""), ("/a?b=c", "/a", "b=c"),
            ("/a?b?c", "/a", "b?c"), ("/a??", "/a", "?"), ("?", "", ""), ("?a", "", "a"), ("", "", ""),
            ("/a?b#c", "/a", "b#c"), ("/é?ü", "/é", "ü"),
        ])
    func `a target is split at its first question mark`(target: String, path: String, query: String) {
        let request = request(target: target)

        #expect(Array(request.path.utf8) == Array(path.utf8))
        #expect(Array(request.query.utf8) == Array(query.utf8))
    }

    @Test(
        arguments: [
            "//api//v1//info/", "/api/../api/v1/info/", "/./a", "/api%2Fv1", "/%61", "/a%3Fb", "/A", "/a%00", "/a b",
            "/a+b", "/a/", "/a;b", "/e\u{301}", "/\u{E9}", "http://evil.example/a", "*",
        ])
    func `a path stays as it was sent, byte for byte`(path: String) {
        let request = request(target: path + "?x=1")

        #expect(Array(request.path.utf8) == Array(path.utf8))
    }

    @Test(
        arguments: [
            ("GET", .get), ("HEAD", .get), ("POST", .post), ("PUT", .put), ("PATCH", .patch), ("DELETE", .delete),
            ("OPTIONS", nil), ("TRACE", nil), ("get", nil), ("", nil), ("BREW", nil),
        ] as [(String, HTTP.Method?)])
    func `a method is routed as it is written, HEAD as GET`(method: String, routed: HTTP.Method?) {
        #expect(request(method: method).routedMethod == routed)
    }

    @Test(
        arguments: [
            (nil, nil), ("", nil), ("Bearer abc.def.ghi", "abc.def.ghi"), ("bearer abc", "abc"),
            ("BEARER abc", "abc"), ("Bearer  abc", "abc"), ("Bearer\tabc", "abc"), ("  Bearer abc\t ", "abc"),
            ("Bearer", ""), ("Bearer ", ""), ("Bearer a b", ""), ("Bearer Bearer abc", ""), ("Bearerabc", nil),
            ("Bearer:abc", nil), ("Basic YTpi", nil), ("Token abc", nil), ("abc", nil), ("abc Bearer", nil),
            ("\"Bearer\" abc", nil), ("Bearer \"abc\"", "\"abc\""), ("Bearer a,b", "a,b"),
        ] as [(String?, String?)])
    func `a bearer token is the second of two words`(header: String?, token: String?) {
        let request = request(headers: header.map { ["authorization": $0] } ?? [:])

        #expect(request.bearerToken == token)
    }

    @Test(
        arguments: [
            (nil, nil), ("application/json", "application/json"),
            ("Application/JSON; Charset=UTF-8", "application/json"),
            ("nonsense", nil), ("", nil),
        ] as [(String?, String?)])
    func `a content type is read from its header`(header: String?, essence: String?) {
        let request = request(headers: header.map { ["content-type": $0] } ?? [:])

        #expect(request.contentType?.essence == essence)
    }
}
