import HTTP
import Testing

struct HostTests {
    @Test(arguments: [
        "school.example", "SCHOOL.Example", "school.example.", "school.example:8000", "localhost", "localhost:1",
        "a-b.school.example:65535", "app_1:8000", "xn--mnchen-3ya.de", "10.0.0.7", "127.0.0.1:8000", "[::1]",
        "[::1]:8000", "[2001:DB8::7]:443", "[::ffff:10.0.0.7]", String(repeating: "a", count: 63) + ".de",
    ])
    func `a name or an address, and a port, is a host`(text: String) {
        #expect(Host.isValid(text))
    }

    @Test(arguments: [
        "", " ", ".", ":8000", "school.example:", "school.example:80a", "school.example:65536", "school.example:080808",
        "school.example:-1", "school.example:+80", "school.example: 80", "school.example:80:80", "school..example",
        ".school.example", "a b", "school.example/x", "school.example?x", "school.example#x", "user@school.example",
        "school.example,evil.example", "school.example\r\nX: y", "school.example\n", "school.example\u{0}",
        "school.example\t", "<script>", "a\"b", "a'b", "a\\b", "a%41", "münchen.de", "a*b", "[::1", "::1", "[]",
        "[::1]x", "[::1]:", "[::1]:x", "[1]", "[::1%eth0]", "[::1\u{0}]", "[school.example]", "[::1][::1]",
        String(repeating: "a", count: 64) + ".de", String(repeating: "a.", count: 127) + "de",
        String(repeating: "a", count: 100_000),
    ])
    func `anything else is none`(text: String) {
        #expect(!Host.isValid(text))
    }

    @Test(arguments: [(nil, true), ("school.example", true), ("a b", false), ("", false)] as [(String?, Bool)])
    func `a request may have no Host, but none that is none`(host: String?, isValid: Bool) {
        let request = request(headers: host.map { ["host": $0] } ?? [:])

        #expect(request.isHostValid == isValid)
    }
}
