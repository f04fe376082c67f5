import Testing

@testable import Accounts

@Suite struct CanonicalNameTests {
    @Test(arguments: [
        ("anna", "anna"), ("ANNA", "anna"), ("Anna@School.Example", "anna@school.example"),
        ("ＡＮＮＡ１", "anna1"), ("ﬁona", "fiona"), ("oﬃce", "office"), ("Straße", "strasse"), ("STRAẞE", "strasse"),
        ("ſam", "sam"), ("\u{212A}im", "kim"), ("\u{212B}sa", "\u{E5}sa"), ("Zoe\u{308}", "zo\u{EB}"),
        ("ΣΊΣΥΦΟΣ", "σίσυφοσ"), ("σίσυφος", "σίσυφοσ"), ("\u{130}stanbul", "i\u{307}stanbul"), ("Ǆ", "dž"),
        ("ŉ", "\u{2BC}n"), ("Ꭰ", "ꭰ"), ("ꭰ", "ꭰ"), ("ａ＠ｂ．ｄｅ", "a@b.de"), ("王小明", "王小明"), ("ｶﾞ", "ガ"),
    ])
    func `a name is compared in the form`(name: String, key: String) {
        #expect(Array(CanonicalName(name).key.unicodeScalars) == Array(key.unicodeScalars))
    }

    @Test(arguments: [
        ("x@münchen.de", "x@xn--mnchen-3ya.de"), ("x@xn--mnchen-3ya.de", "x@xn--mnchen-3ya.de"),
        ("X@MÜNCHEN.DE", "x@xn--mnchen-3ya.de"), ("x@mu\u{308}nchen.de", "x@xn--mnchen-3ya.de"),
        ("ｘ＠ｍüｎｃｈｅｎ．ｄｅ", "x@xn--mnchen-3ya.de"), ("x@XN--MNCHEN-3YA.de", "x@xn--mnchen-3ya.de"),
        ("x@faß.de", "x@xn--fa-hia.de"), ("x@fass.de", "x@fass.de"), ("straße@b.de", "strasse@b.de"),
        ("用户@例子.广告", "用户@xn--fsqu00a.xn--4rr70v"), ("x@βόλος.com", "x@xn--nxasmm1c.com"),
    ])
    func `the domain of an address is compared as its A-labels`(name: String, key: String) {
        #expect(Array(CanonicalName(name).key.unicodeScalars) == Array(key.unicodeScalars))
    }

    @Test(arguments: [
        "x@xn--zzzz99999.de", "x@☃.net", "x@a b.de", "x@y@münchen.de", "x@", "@", "@münchen.de", "x@ü..de",
    ])
    func `what is no address still has one form`(name: String) {
        let key = CanonicalName(name).key

        #expect(Array(CanonicalName(key).key.unicodeScalars) == Array(key.unicodeScalars))
    }

    @Test func `a name that is longer than any is nobody's, and is not worked on`() {
        let long = String(repeating: "x", count: 601)

        #expect(CanonicalName(long).key == "\004324f631ae5fbe65cc931e117e7c73a8a880589fe0508fae2efe5a21e2af5a1")
        #expect(CanonicalName(long) == CanonicalName(long))
        #expect(CanonicalName(long) != CanonicalName(long + "x"))
        #expect(CanonicalName(String(repeating: "é", count: 300)).key.unicodeScalars.first != "\0")
    }

    @Test(arguments: [
        ("i", "ı"), ("kim", "kım"), ("a", "а"), ("e", "é"), ("anna", "anna1"), ("ss", "s"), ("o", "ø"), ("o", "0"),
    ])
    func `these names are two`(one: String, other: String) {
        #expect(CanonicalName(one) != CanonicalName(other))
    }

    @Test(arguments: ["Straße", "ΐ", "\u{1E9B}\u{323}", "\u{130}", "ﬃ", "\u{345}α", "ᾳ", "ẞ", "Ǆ", "\u{3D3}"])
    func `the form of a form is itself`(name: String) {
        let key = CanonicalName(name).key

        #expect(Array(CanonicalName(key).key.unicodeScalars) == Array(key.unicodeScalars))
        #expect(Array(CanonicalName(name.uppercased()).key.unicodeScalars) == Array(key.unicodeScalars))
    }

    @Test(arguments: [
        "anna", "王小明", "Zoë", "zoe\u{308}", "नमस्ते", "user.name+x-y_z", "٣٤٥", "a@b.de", "@", ".", "x",
        String(repeating: "x", count: 150), String(repeating: "長", count: 150),
    ])
    func `a username may be`(name: String) throws {
        #expect(try Username(name, length: 1...150).text == name)
    }

    @Test(arguments: [
        "a b", "a/b", "<a>", "a'b", "a\"b", "a\\b", "a,b", "a%b", "a!", "🙂", "½", "²", "①", "Ⅷ", "€", "a\tb", "a\nb",
        "a\u{7F}", "a\u{85}", "ａ＠ｂ",
    ])
    func `a username has no other characters`(name: String) {
        #expect(rule(name) == .malformed)
    }

    @Test(arguments: [
        "\u{3164}", "\u{115F}", "\u{1160}", "\u{FFA0}", "\u{200B}", "\u{200C}", "\u{200D}", "\u{2060}", "\u{FEFF}",
        "\u{202E}", "\u{202A}", "\u{200E}", "\u{200F}", "\u{2066}", "\u{61C}", "\u{AD}", "\u{34F}", "\u{FE0F}",
        "\u{180E}", "\u{E0041}", "\u{17B4}", "\u{2028}", "\u{E000}", "\u{FFFE}", "\u{378}",
    ])
    func `nothing invisible stands in a username`(scalar: String) {
        #expect(rule("an\(scalar)na") == .malformed)
        #expect(rule(scalar) == .malformed)
    }

    @Test(arguments: ["\u{301}", "\u{301}a", "1\u{301}", "a.\u{301}", "_\u{308}", "a1\u{20DD}", "a\u{20DD}"])
    func `a combining mark stands only behind a letter`(name: String) {
        #expect(rule(name) == .malformed)
    }

    @Test func `NUL has a rule of its own`() {
        #expect(rule("an\0na") == .nulCharacter)
    }

    @Test func `a username has at most 150 characters, composed or not`() {
        #expect(rule(String(repeating: "x", count: 151)) == .tooLong(150))
        #expect(rule(String(repeating: "e\u{301}", count: 76)) == .tooLong(150))
        #expect(rule(String(repeating: "e\u{301}", count: 75)) == nil)
    }

    @Test func `a username that grows past 150 characters in its form is too long`() {
        #expect(rule(String(repeating: "ﬃ", count: 50)) == nil)
        #expect(rule(String(repeating: "ﬃ", count: 51)) == .tooLong(150))
    }

    @Test func `a contract can want more or fewer characters`() {
        #expect(rule("ab", length: 3...50) == .tooShort(3))
        #expect(rule("abc", length: 3...50) == nil)
        #expect(rule(String(repeating: "x", count: 51), length: 3...50) == .tooLong(50))
    }

    private func rule(_ name: String, length: ClosedRange<Int> = 1...150) -> Rule? {
        do throws(Rejection) {
            _ = try Username(name, length: length)
            return nil
        } catch {
            return error.rule
        }
    }
}
