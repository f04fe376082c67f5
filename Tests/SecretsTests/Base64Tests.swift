import Testing

@testable import Secrets

@Suite struct Base64Tests {
    @Test(arguments: [
        // RFC 4648 §10, without the padding.
        ("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"),
        ("foob", "Zm9vYg"), ("fooba", "Zm9vYmE"), ("foobar", "Zm9vYmFy"),
    ])
    func `base64 is that of RFC 4648`(text: String, encoded: String) {
        #expect(Base64.standard.text(Array(text.utf8)) == encoded)
        #expect(Base64.standard.bytes(encoded[...]) == Array(text.utf8))
    }

    @Test func `the two alphabets differ in their last letters`() {
        let bytes: [UInt8] = [0xfb, 0xff]

        #expect(Base64.standard.text(bytes) == "+/8")
        #expect(Base64.url.text(bytes) == "-_8")
        #expect(Base64.standard.bytes("-_8") == nil)
        #expect(Base64.url.bytes("+/8") == nil)
    }

    @Test(arguments: ["A", "AAAAA", "Zg==", "Zm8=", "Zh", "Zm9", "Zm 9v", "Zm9v\n", "Zm9\u{e9}"])
    func `only the one spelling of some bytes is read`(text: String) {
        #expect(Base64.standard.bytes(text[...]) == nil)
    }
}
