import Testing

@testable import Secrets

@Suite struct DigestTests {
    @Test(arguments: [
        // FIPS 180-4, the examples of NIST.
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func `sha256 gives NIST's digests`(text: String, digest: String) {
        #expect(hex(sha256(text)) == digest)
        #expect(hex(sha256(Array(text.utf8))) == digest)
    }

    @Test(arguments: [
        // RFC 4231 §4.2, §4.3, §4.7: a key shorter than a block, a shorter one still, one longer than a block.
        (
            [UInt8](repeating: 0x0b, count: 20), "Hi There",
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        ),
        (
            Array("Jefe".utf8), "what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        ),
        (
            [UInt8](repeating: 0xaa, count: 131), "Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        ),
    ])
    func `an HMAC key gives the codes of RFC 4231`(key: [UInt8], message: String, code: String) {
        #expect(hex(HMACKey(key).code(of: message.utf8.span)) == code)
    }

    @Test func `an HMAC key gives the signature of RFC 7515's example`() throws {
        let key = try #require(
            Base64.url.bytes("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"))
        let signed =
            "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"
            + ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"

        var signature: [UInt8] = []
        Base64.url.append(HMACKey(key).code(of: signed.utf8.span).span, to: &signature)

        #expect(String(decoding: signature, as: UTF8.self) == "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
    }

    @Test(
        arguments: [
            ([], [], true),
            ([1, 2, 3], [1, 2, 3], true),
            ([1, 2, 3], [1, 2, 4], false),
            ([0, 2, 3], [1, 2, 3], false),
            ([1, 2], [1, 2, 3], false),
            ([], [0], false),
        ] as [([UInt8], [UInt8], Bool)])
    func `equal compares every byte and the length`(a: [UInt8], b: [UInt8], isEqual: Bool) {
        #expect(equal(a, b) == isEqual)
    }

    private func hex(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        appendHex(bytes.span, to: &text)
        return String(decoding: text, as: UTF8.self)
    }
}
