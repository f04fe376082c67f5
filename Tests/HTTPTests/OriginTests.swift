import HTTP
import Testing

struct OriginTests {
    @Test(arguments: [
        "https://app.school.example", "http://localhost:3000", "http://127.0.0.1:8080", "http://[::1]:5173",
        "https://[2001:db8::7]", "https://xn--mnchen-3ya.de", "http://app_1:1", "https://school.example.",
        "https://app.school.example:65535", "http://school.example:443", "https://school.example:80",
        "https://1.school.example", "http://a", "https://" + String(repeating: "a.", count: 125) + "de:65535",
    ])
    func `what a browser sends is an origin`(text: String) throws {
        #expect(try Origin(text).text == text)
        #expect(text.utf8.count <= Origin.longest)
    }

    @Test(arguments: [
        ("https://app.school.example/", "https://app.school.example"),
        ("https://app.school.example/login?a=b#c", "https://app.school.example"),
        ("app.school.example", "https://app.school.example"), ("localhost:3000", "https://localhost:3000"),
        ("//app.school.example", "https://"), ("HTTPS://app.school.example", "https://app.school.example"),
        ("https://App.School.Example", "https://app.school.example"),
        ("https://app.school.example:443", "https://app.school.example"),
        ("http://app.school.example:80", "http://app.school.example"),
        ("https://app.school.example:", "https://app.school.example"),
        ("https://app.school.example:08443", "https://app.school.example:8443"),
        ("https://app.school.example:+8443", "https://app.school.example:8443"),
        ("https://user:password@app.school.example", "https://app.school.example"),
        ("http://[2001:DB8:0:0::7]:80", "http://[2001:db8::7]"), ("https://school.example?x", "https://school.example"),
        ("https://app.school.example\\evil.example", "https://app.school.example"),
    ])
    func `what is written otherwise is refused, with how it is written`(text: String, spelling: String) {
        let meant = spelling == "https://" ? nil : spelling

        #expect(fault(of: text) == .malformed(spelling: meant))
    }

    @Test(arguments: [
        "", " ", ":", "https://", "https:///", "http://:8000", "ftp://school.example", "file://",
        "file:///srv/index.html", "chrome-extension://abc", "javascript:alert(1)", "data:text/html,x",
        "https://app.school.example:0", "https://app.school.example:65536", "https://app.school.example:x",
        "https://app.school.example:80:80", "https://a b", " https://school.example", "https://school.example\n",
        "https://school.example\u{0}", "https://münchen.de", "https://school..example", "https://.school.example",
        "https://127.1", "https://0x7f.0.0.1", "https://2130706433", "https://127.0.0.01", "https://1.2.3.256",
        "https://127.0.0.1.", "https://[::1", "https://::1", "https://[::ffff:10.0.0.7]", "https://[::1%eth0]",
        "https://a;b", "https://a\"b", "https://" + String(repeating: "a.", count: 127) + "de",
        "https://" + String(repeating: "a", count: 100_000),
        "https://e" + String(repeating: "\u{301}", count: 10_000),
    ])
    func `anything else is none`(text: String) {
        #expect(fault(of: text) == .malformed(spelling: nil))
    }

    @Test(arguments: ["*", "https://*", "https://*.school.example", "*.school.example", "http://localhost:*"])
    func `an origin has no wildcard`(text: String) {
        #expect(fault(of: text) == .wildcard)
    }

    @Test(arguments: ["null", "NULL", "Null"]) func `what no place has is no origin`(text: String) {
        #expect(fault(of: text) == .opaque)
    }

    private func fault(of text: String) -> Origin.Fault? {
        do throws(Origin.Fault) {
            _ = try Origin(text)
            return nil
        } catch {
            return error
        }
    }
}
