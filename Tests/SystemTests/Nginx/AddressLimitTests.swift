import DevStack
import Foundation
import Testing

/// Whose requests nginx counts together. Each case comes from networks of its own.
@Suite(.serialized)
struct AddressLimitTests {
    /// A production.conf that takes a client's address from a header.
    private static let production = Result {
        try Production(
            "networks",
            [
                "# set_real_ip_from 198.51.100.7;": "set_real_ip_from 127.0.0.1;",
                "# real_ip_header X-Forwarded-For;": "real_ip_header X-Forwarded-For;",
                "# real_ip_recursive on;": "real_ip_recursive on;",
            ])
    }

    @Test(arguments: [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:fffe"), ("2001:db8::1", "2001:db8::1:0:0:2"),
        // Zeros, line breaks, and what would be text.
        ("2001:db8:a0a:d0a::a0a", "2001:db8:a0a:d0a::"), ("2024:2424:2e2a:5c5c::1", "2024:2424:2e2a:5c5c::2"),
        ("192.0.2.1", "192.0.2.1"), ("::ffff:192.0.2.9", "::ffff:192.0.2.9"),
    ])
    func `addresses of one network are limited together`(first: String, second: String) throws {
        let before = try refusals(of: 400, from: first)
        let after = try refusals(of: 100, from: second)

        #expect(before > 0)
        #expect(after > 0)
    }

    @Test(arguments: [
        ("2001:db8:2:2::1", "2001:db8:2:3::1"), ("2001:db9:0:a::1", "2001:db9:0:b::1"),
        ("192.0.2.11", "192.0.2.12"), ("::ffff:192.0.2.21", "::ffff:192.0.2.22"),
        ("2001:db8:5:5::1", "192.0.2.31"),
    ])
    func `one network takes nothing of another's`(first: String, second: String) throws {
        let before = try refusals(of: 400, from: first)
        let after = try refusals(of: 100, from: second)

        #expect(before > 0)
        #expect(after == 0)
    }

    /// How many of so many logins, which name nobody, are answered 429.
    private func refusals(of count: Int, from address: String) throws -> Int {
        let production = try Self.production.get()
        let answers = try Outcome(
            "curl",
            [
                "-sk", "--http1.1", "-X", "POST", "-H", "X-Forwarded-For: \(address)", "-o", "/dev/null", "-w",
                "%{http_code}\n", "https://127.0.0.1:\(production.tlsPort)/api/v1/auth/login/?[1-\(count)]",
            ]
        ).output.split(separator: "\n")
        #expect(answers.count == count)
        #expect(Set(answers).isSubset(of: ["400", "415", "429"]))
        return answers.count { $0 == "429" }
    }
}
