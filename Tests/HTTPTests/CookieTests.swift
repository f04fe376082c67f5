import HTTP
import Testing

struct CookieTests {
    @Test(arguments: [
        ("session=abc", "abc"), ("a=1; session=abc; b=2", "abc"), ("session=abc; session=def", "abc"),
        ("a=1;session=abc", "abc"), (" session = abc ", "abc"), (#"session="abc""#, "abc"), ("session=", ""),
        ("session=a=b", "a=b"), (#"session=""#, "\""), (#"session="""#, ""), ("; ;session=abc;", "abc"),
        ("session; session=abc", "abc"),
    ])
    func `the first cookie of the name is found`(header: String, value: String) {
        #expect(Cookie.value(named: "session", in: header) == value)
    }

    @Test(arguments: ["", "session", "Session=abc", "xsession=abc", "sessionx=abc", "a=session=abc", "a=\"; session\""])
    func `a cookie that is not there is nil`(header: String) {
        #expect(Cookie.value(named: "session", in: header) == nil)
    }

    @Test func `a cookie is secure, hidden from scripts and lax unless told otherwise`() {
        let cookie = Cookie(name: "session", value: "abc")

        #expect(cookie.header == "session=abc; Path=/; Secure; HttpOnly; SameSite=Lax")
    }

    @Test func `every attribute is written`() {
        let cookie = Cookie(
            name: "__Host-s", value: "a.b-c_d", maxAge: 3600, path: "/api/", isSecure: false, isHTTPOnly: false,
            sameSite: .strict)

        #expect(cookie.header == "__Host-s=a.b-c_d; Max-Age=3600; Path=/api/; SameSite=Strict")
    }

    @Test func `an age of 0 removes the cookie`() {
        let cookie = Cookie(name: "session", value: "", maxAge: 0, sameSite: .none)

        #expect(cookie.header == "session=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=None")
    }

    @Test func `what is written is read back`() {
        let cookie = Cookie(name: "session", value: "eyJh.b-c_d~!#$%&'()*+/:<=>?@[]^`{|}")

        #expect(Cookie.value(named: "session", in: cookie.header) == cookie.value)
    }

    @Test(arguments: ["a b", "a;b", "a,b", "a\"b", "a\\b", "a\nb", "é"])
    func `a value with other characters is our own mistake`(value: String) async {
        await #expect(processExitsWith: .failure) { [value] in
            _ = Cookie(name: "session", value: value)
        }
    }

    @Test(arguments: ["", "a b", "a=b", "a;", "é", "a\r"])
    func `a name that is no token is our own mistake`(name: String) async {
        await #expect(processExitsWith: .failure) { [name] in
            _ = Cookie(name: name, value: "")
        }
    }
}
