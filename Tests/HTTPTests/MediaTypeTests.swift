import HTTP
import Testing

struct MediaTypeTests {
    @Test(arguments: [
        ("application/json", "application/json"), ("Application/JSON; charset=UTF-8", "application/json"),
        ("  text/plain  ", "text/plain"), ("image/svg+xml;", "image/svg+xml"),
        ("application/json; utf-8", "application/json"), ("application/json;charset", "application/json"),
        ("application/json;charset=", "application/json"), ("application/json; charset =", "application/json"),
        ("application/json; =utf-8", "application/json"), ("application/json; \"utf-8", "application/json"),
        ("application/json; charset=\"utf-8", "application/json"), ("application/json; a b c", "application/json"),
        ("application/json ; charset = utf-8", "application/json"), ("application/json;;;", "application/json"),
        ("application/vnd.api+json ;; a=b ; ", "application/vnd.api+json"),
    ])
    func `type and subtype are found in lower case`(value: String, essence: String) {
        #expect(MediaType(value)?.essence == essence)
    }

    @Test(arguments: [
        ("a/b; boundary=x", "x"), ("a/b;BOUNDARY=X", "X"), ("a/b ;\tboundary=\"x y\"", "x y"),
        (#"a/b; boundary="a\"b\\c\d""#, #"a"b\cd"#), (#"a/b; boundary="""#, ""), ("a/b; boundary=\"é;=\"", "é;="),
        ("a/b; charset=utf-8; boundary=x; boundary=y", "x"), ("a/b;;boundary=x;", "x"),
        ("a/b; utf-8; boundary=x", "x"), ("a/b; charset; boundary=x", "x"), ("a/b; charset=; boundary=x", "x"),
        ("a/b; charset=\"utf-8; boundary=x", "x"), ("a/b; boundary = x ", "x"), ("a/b; boundary=\"x\" y; c=d", "x"),
        ("a/b; boundary=gL/9oQx", "gL/9oQx"), ("a/b; boundary=====", "===="), ("a/b; boundary=*****", "*****"),
        ("a/b; boundary=\"a;b\"", "a;b"), ("a/b; boundary=\" a b \"", " a b "), ("a/b; boundary=a b; c=d", "a b"),
        ("a/b; boundary=a\"b", "a\"b"), ("a/b; boundary=\"x", "\"x"), ("a/b; boundary=\"x\\", "\"x\\"),
        ("a/b; boundary=", ""),
    ])
    func `a parameter is found whatever its case, quotes and neighbours`(value: String, boundary: String) {
        #expect(MediaType(value)?.parameter("boundary") == boundary)
    }

    @Test func `a parameter that is not there is nil`() {
        #expect(MediaType("a/b; charset=utf-8")?.parameter("boundary") == nil)
    }

    @Test(arguments: [
        "", "json", "/json", "a/", "a/b/c", "a b/c", "a /b", "a/b c", "a/b, c/d", "é/b", ";a/b", "a/b\r\n", "a//b",
    ])
    func `a malformed value is nil`(value: String) {
        #expect(MediaType(value) == nil)
    }

    @Test func `media types are equal when essence and parameters are`() {
        #expect(MediaType("TEXT/plain;charset=\"utf-8\"") == MediaType("text/plain; Charset=utf-8"))
        #expect(MediaType("text/plain") != MediaType("text/plain; charset=utf-8"))
    }
}
