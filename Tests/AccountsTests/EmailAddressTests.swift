import Testing

@testable import Accounts

@Suite struct EmailAddressTests {
    @Test(arguments: [
        "a@b.co", "test@example.com", "anna.smith+tag@mail.example.com", "o'brien@example.ie", "a_b-c@d-e.fr",
        "!#$%&'*+-/=?^_`{|}~@example.com", "123@456.de", "A@B.CO", "用户@例子.广告", "josé@example.es",
        "a@xn--fsqu00a.xn--55qx5d", "a@faß.de", "a@ｂ.de", "a@b.c.d.e.f.gh", "x@3.141.info", "a@b.c1",
    ])
    func `an address is`(text: String) throws {
        #expect(try EmailAddress(text).text == text)
    }

    @Test(arguments: [
        "a", "@", "a@", "@b.co", "a@b", "a@@b.co", "a@b@c.de", "a@b..co", "a@.b.co", "a@b.co.", ".a@b.co", "a.@b.co",
        "a..b@c.de", "a b@c.de", "a@b c.de", "a@-b.de", "a@b-.de", "a@b.123", "a@127.0.0.1", "a@[127.0.0.1]",
        "a@b_c.de", "\"a b\"@c.de", "a,b@c.de", "a;b@c.de", "<a@b.de>", "Anna <a@b.de>", "a@b.de, c@d.ef", "a@b.de\tx",
        "a(b)@c.de", "a\\b@c.de", "a:b@c.de", "a[b]@c.de", "a@b!.de", "a@b.d'e", "a@b。de", "a@xn--zzzz99999.de",
        "a@xn--.de", "a@xn--a.de", "a@ab--cü.de", "a@ü-.de", "a@ü..de", "a\u{7F}@b.de",
        "a@b.de\nBcc: c@d.ef",
        "a\u{200B}b@c.de", "a@b\u{AD}c.de", "\u{202E}a@b.de", "\u{301}a@b.de", "a@1\u{301}.de", "🙂@b.de", "a＠b.de",
    ])
    func `no address is`(text: String) {
        #expect(rule(text) == .malformed)
    }

    @Test func `the local part has at most 64 bytes`() {
        #expect(rule(String(repeating: "x", count: 64) + "@b.de") == nil)
        #expect(rule(String(repeating: "x", count: 65) + "@b.de") == .malformed)
        #expect(rule(String(repeating: "é", count: 33) + "@b.de") == .malformed)
    }

    @Test func `a label of the domain has at most 63 bytes`() {
        #expect(rule("a@" + String(repeating: "x", count: 63) + ".de") == nil)
        #expect(rule("a@" + String(repeating: "x", count: 64) + ".de") == .malformed)
    }

    @Test func `an address has at most 254 bytes`() {
        let labels = String(repeating: String(repeating: "x", count: 49) + ".", count: 5)

        #expect(rule("a@\(labels)de") == nil)
        #expect(rule("ab@\(labels)d") == nil)
        #expect(rule("ab@\(labels)de") == .tooManyBytes(254))
        #expect(rule("é@\(labels)de") == .tooManyBytes(254))
    }

    @Test func `the length is that of the form in which addresses are compared, too`() {
        let labels = String(repeating: String(repeating: "ü", count: 50) + ".", count: 2)

        // 60 bytes become 62 in each label: `xn--` and a digit or more for each letter.
        #expect(rule("a@\(labels)de") == nil)
        #expect(rule("a@\(String(repeating: "ü", count: 60)).de") == .malformed)
    }

    @Test(arguments: [
        ("x@münchen.de", "x@xn--mnchen-3ya.de"), ("x@MÜNCHEN.de", "x@xn--mnchen-3ya.de"),
        ("x@ｍüｎｃｈｅｎ.de", "x@xn--mnchen-3ya.de"), ("x@xn--mnchen-3ya.de", "x@xn--mnchen-3ya.de"),
        ("x@faß.de", "x@xn--fa-hia.de"), ("X@FASS.de", "x@fass.de"), ("José@Example.es", "josé@example.es"),
    ])
    func `an address is compared as a name for signing in is`(text: String, key: String) throws {
        #expect(try Array(EmailAddress(text).canonical.key.unicodeScalars) == Array(key.unicodeScalars))
        #expect(CanonicalName(text) == (try EmailAddress(text).canonical))
    }

    @Test func `NUL has a rule of its own`() {
        #expect(rule("a\0@b.de") == .nulCharacter)
    }

    private func rule(_ text: String) -> Rule? {
        do throws(Rejection) {
            _ = try EmailAddress(text)
            return nil
        } catch {
            return error.rule
        }
    }
}
