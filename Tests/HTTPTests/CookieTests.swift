import HTTP
import Testing

struct CookieTests {
    @Test(arguments: [
        ("session=abc", ["abc"]), ("a=1; session=abc; b=2", ["abc"]), ("session=abc; session=def", ["abc", "def"]),
        ("session=abc; session=abc", ["abc"]), ("session=b; a=1; session=a; session=b", ["b", "a"]),
        ("a=1;session=abc", ["abc"]), (" session = abc ", ["abc"]), (#"session="abc""#, ["abc"]), ("session=", []),
        ("session=a=b", ["a=b"]), (#"session=""#, []), (#"session="""#, []), ("; ;session=abc;", ["abc"]),
        ("session; session=abc", ["abc"]),
        (
            "session=1; session=2; session=3; session=4; session=5; session=6; "
                + "session=7; session=8; session=9", ["1", "2", "3", "4", "5", "6", "7", "8"]
        ),
    ])
    func `the cookies of a name are found, each once and at most eight`(header: String, values: [String]) {
        #expect(Cookie.values(named: "session", in: header) == values)
    }

    @Test(arguments: [
        "session=a b; session=abc", "session=a,b; session=abc", "session=\"a; session=abc", "session=a\\b; session=abc",
        "session=é; session=abc", "session=a\r\nb; session=abc", "session=\u{0}; session=abc",
        "session=; session=abc",
    ])
    func `a value that no cookie of ours can have is passed over`(header: String) {
        #expect(Cookie.values(named: "session", in: header) == ["abc"])
    }

    @Test(arguments: ["", "session", "Session=abc", "xsession=abc", "sessionx=abc", "a=session=abc", "a=\"; session\""])
    func `a cookie that is not there is not found`(header: String) {
        #expect(Cookie.values(named: "session", in: header) == [])
    }

    @Test func `a cookie is secure, hidden from scripts and lax unless told otherwise`() {
        let cookie = Cookie(name: "session", value: "abc")

        #expect(cookie?.header == "session=abc; Path=/; Secure; HttpOnly; SameSite=Lax")
    }

    @Test func `every attribute is written`() {
        let cookie = Cookie(
            name: "__Host-s", value: "a.b-c_d", maxAge: 3600, path: "/api/", isSecure: false, isHTTPOnly: false,
            sameSite: .strict)

        #expect(cookie?.header == "__Host-s=a.b-c_d; Max-Age=3600; Path=/api/; SameSite=Strict")
    }

    @Test func `an age of 0 removes the cookie`() {
        let cookie = Cookie(name: "session", value: "", maxAge: 0, sameSite: .none)

        #expect(cookie?.header == "session=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=None")
    }

    @Test func `what is written is read back`() throws {
        let cookie = try #require(Cookie(name: "session", value: "eyJh.b-c_d~!#$%&'()*+/:<=>?@[]^`{|}"))

        #expect(Cookie.values(named: "session", in: cookie.header) == [cookie.value])
    }

    @Test(arguments: ["a b", "a;b", "a,b", "a\"b", "a\\b", "a\nb", "a\rb", "a\u{0}", "é"])
    func `a value with other characters makes no cookie`(value: String) {
        #expect(Cookie(name: "session", value: value) == nil)
    }

    @Test(arguments: ["", "a b", "a=b", "a;", "é", "a\r"])
    func `a name that is no token makes no cookie`(name: String) {
        #expect(Cookie(name: name, value: "") == nil)
    }

    @Test(arguments: ["/a;b", "/a\r\nb", "/é"])
    func `a path with other characters makes no cookie`(path: String) {
        #expect(Cookie(name: "session", value: "abc", path: path) == nil)
    }
}
