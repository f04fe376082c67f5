import Testing

@testable import Secrets

@Suite struct ForgedTokenTests {
    private let key = [UInt8](0..<32)
    private let now: Int64 = 1_700_000_001
    private let payload =
        "eyJ0b2tlbl90eXBlIjoiYWNjZXNzIiwiZXhwIjoxNzAwMDAzNjAwLCJpYXQiOjE3MDAwMDAwMDAsImp0aSI6IjAxMjM0NTY3ODlhYmNkZW"
        + "YwMDAwMDAwMDAwMDAwMGZmIiwidXNlcl9pZCI6NDIsInN1YiI6IjQyIiwic2lkIjoiMDAwMDAwMDBkZWFkYmVlZiIsInJvbGUiOiJzdHVkZW"
        + "50IiwiaXNzIjoiaG9tZXJvb20ifQ"
    private let signature = "x_J5s0yV9wlUtSt23xbDf0to5Vmted7MEsYQTR5d2E0"
    private let header = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9"

    @Test func `the token that these forgeries start from is good`() throws {
        #expect(try verify("\(header).\(payload).\(signature)").accountID == 42)
    }

    @Test(arguments: [
        // {"typ":"JWT","alg":"none"}, {"typ":"JWT","alg":"None"}, {"typ":"JWT","alg":"HS512"}.
        "eyJ0eXAiOiJKV1QiLCJhbGciOiJub25lIn0", "eyJ0eXAiOiJKV1QiLCJhbGciOiJOb25lIn0",
        "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzUxMiJ9",
        // {"alg":"HS256","typ":"JWT"}: right, but not as we write it.
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9",
        "", "e30", "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ", "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9Cg",
    ])
    func `another header is refused, however it is signed`(header: String) {
        #expect(throws: TokenError.malformed) { try verify("\(header).\(payload).") }
        #expect(throws: TokenError.malformed) { try verify("\(header).\(payload).\(signature)") }
        #expect(throws: TokenError.malformed) { try verify(signed("\(header).\(payload)")) }
    }

    @Test func `a changed claim is refused`() {
        // "user_id":43,"sub":"43"
        let changed = payload.replacing("NDIsInN1YiI6IjQyIiwi", with: "NDMsInN1YiI6IjQzIiwi")

        #expect(changed != payload)
        #expect(throws: TokenError.badSignature) { try verify("\(header).\(changed).\(signature)") }
    }

    @Test(arguments: [
        "x_J5s0yV9wlUtSt23xbDf0to5Vmted7MEsYQTR5d2E1", "y_J5s0yV9wlUtSt23xbDf0to5Vmted7MEsYQTR5d2E0",
        "x/J5s0yV9wlUtSt23xbDf0to5Vmted7MEsYQTR5d2E0", "X_J5S0YV9WLUTST23XBDF0TO5VMTED7MESYQTR5D2E0",
        "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ])
    func `a changed signature is refused`(signature: String) {
        #expect(throws: TokenError.badSignature) { try verify("\(header).\(payload).\(signature)") }
    }

    @Test(arguments: [
        "", "x", "x_J5s0yV9wlUtSt23xbDf0to5Vmted7MEsYQTR5d2E", "x_J5s0yV9wlUtSt23xbDf0to5Vmted7MEsYQTR5d2E0=",
        "x_J5s0yV9wlUtSt23xbDf0to5Vmted7MEsYQTR5d2E0\n", "x_J5s0yV9wlUtSt23xbDf0to5Vmted7MEsYQTR5d2E0.",
    ])
    func `a signature of another length is refused`(signature: String) {
        #expect(throws: TokenError.malformed) { try verify("\(header).\(payload).\(signature)") }
    }

    @Test(arguments: ["", ".", "..", "...", "a", "Bearer", "é", String(repeating: ".", count: 81)])
    func `what is no token is refused`(text: String) {
        #expect(throws: TokenError.malformed) { try verify(text) }
    }

    @Test func `padding in the claims is refused even when signed`() {
        #expect(throws: TokenError.malformed) { try verify(signed("\(header).\(payload)==")) }
        #expect(throws: TokenError.malformed) { try verify(signed("\(header).\(payload.dropLast())R")) }
        #expect(throws: TokenError.malformed) { try verify(signed("\(header).\(payload).\(payload)")) }
    }

    @Test func `a token of more than 4096 bytes is refused even when signed`() throws {
        let signer = try TokenSigner(keys: [key], issuer: "homeroom")
        var claims = try verify("\(header).\(payload).\(signature)")
        claims.role = String(repeating: "x", count: 3000)

        #expect(throws: TokenError.malformed) { try signer.verify(signer.sign(claims), now: now) }
    }

    @Test(arguments: [
        ("", ""), ("{", ""), ("}", ""), ("}", "}}"), ("}", "} "), ("}", #","aud":"x"}"#),
        (#""access""#, #""sliding""#), (#""access""#, #""Access""#), (#""access""#, "null"),
        (#""token_type":"access","#, ""), (#","exp":1700003600"#, ""), (#""exp":"#, #""exp": "#),
        ("1700003600", "1700003600.5"), ("1700003600", #""1700003600""#), ("1700003600", "17e8"),
        ("1700003600", "-1"), ("1700003600", "+1700003600"), ("1700003600", ""), ("1700003600", "01700003600"),
        ("1700003600", "9223372036854775808"), ("0123456789abcdef", "0123456789ABCDEF"), ("00ff", "0ff"),
        ("00ff", "000ff"), (#""sub":"42""#, #""sub":"43""#), (#""sub":"42""#, #""sub":42"#),
        ("42", "18446744073709551616"), ("deadbeef", "deadbee"), ("deadbeef", "deadbeeg"), (#""student""#, "null"),
        ("student", #"\n"#), ("student", #"\u0"#), ("student", #"\u0100"#), ("student", #"\u00ZZ"#),
        ("student", #"st\u0075dent"#), ("student", #"\u00e9"#), ("student", "stu\ndent"), ("student", "\u{1F}"),
        (#""homeroom"}"#, #""homeroom""#), (#","iss":"homeroom""#, ""),
    ])
    func `claims spelled otherwise are refused even when signed`(part: String, other: String) {
        let good =
            #"{"token_type":"access","exp":1700003600,"iat":1700000000,"jti":"0123456789abcdef00000000000000ff","#
            + #""user_id":42,"sub":"42","sid":"00000000deadbeef","role":"student","iss":"homeroom"}"#
        let claims = part.isEmpty ? "" : good.replacing(part, with: other)

        let token = signed("\(header).\(Base64.url.text(Array(claims.utf8)))")

        #expect(claims != good)
        #expect(throws: TokenError.malformed) { try verify(token) }
    }

    @Test func `a role that is not UTF-8 is refused even when signed`() {
        let claims =
            Array(#"{"token_type":"access","exp":1700003600,"iat":1700000000,"jti":""#.utf8)
            + Array(
                #"0123456789abcdef00000000000000ff","user_id":42,"sub":"42","sid":"00000000deadbeef","role":""#.utf8)
            + [0xFF] + Array(#"","iss":"homeroom"}"#.utf8)

        let token = signed("\(header).\(Base64.url.text(claims))")

        #expect(throws: TokenError.malformed) { try verify(token) }
    }

    private func verify(_ token: String) throws(TokenError) -> Claims {
        guard let signer = try? TokenSigner(keys: [key], issuer: "homeroom") else { throw .wrongIssuer }
        return try signer.verify(token, now: now)
    }

    private func signed(_ text: String) -> String {
        var token = Array("\(text).".utf8)
        Base64.url.append(HMACKey(key).code(of: text.utf8.span).span, to: &token)
        return String(decoding: token, as: UTF8.self)
    }
}
