import Secrets
import Testing

@Suite struct TokenTests {
    private let claims = Claims(
        kind: .access, issuedAt: 1_700_000_000, expiresAt: 1_700_003_600, accountID: 42, sessionID: 0xdead_beef,
        id: TokenID(high: 0x0123_4567_89ab_cdef, low: 0xff), role: "student")
    private let now: Int64 = 1_700_000_001
    private let key = [UInt8](0..<32)
    private let newKey = [UInt8](32..<80)

    // PyJWT 2.15.1: jwt.encode({…}, bytes(range(32)), algorithm="HS256", sort_headers=False)
    private let fromPyJWT =
        "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9"
        + ".eyJ0b2tlbl90eXBlIjoiYWNjZXNzIiwiZXhwIjoxNzAwMDAzNjAwLCJpYXQiOjE3MDAwMDAwMDAsImp0aSI6IjAxMjM0NTY3ODlhYmNkZW"
        + "YwMDAwMDAwMDAwMDAwMGZmIiwidXNlcl9pZCI6NDIsInN1YiI6IjQyIiwic2lkIjoiMDAwMDAwMDBkZWFkYmVlZiIsInJvbGUiOiJzdHVkZW"
        + "50IiwiaXNzIjoiaG9tZXJvb20ifQ"
        + ".x_J5s0yV9wlUtSt23xbDf0to5Vmted7MEsYQTR5d2E0"

    @Test func `a token is what PyJWT makes of the same claims`() throws {
        let token = try signer(key).sign(claims)

        #expect(token == fromPyJWT)
    }

    @Test func `a token made by PyJWT is verified`() throws {
        #expect(try signer(key).verify(fromPyJWT, now: now) == claims)
    }

    @Test(arguments: [Claims.Kind.access, .refresh])
    func `a token keeps its kind`(kind: Claims.Kind) throws {
        let signer = try signer(key)
        var claims = claims
        claims.kind = kind

        #expect(try signer.verify(signer.sign(claims), now: now).kind == kind)
    }

    @Test(arguments: [
        "", "admin", "教师", #"qu"o\te"#, "line\n\u{1}\u{7f}", #"","iss":"x"#, String(repeating: "é", count: 900),
    ])
    func `any role is given back`(role: String) throws {
        let signer = try signer(key)
        var claims = claims
        claims.role = role

        #expect(try signer.verify(signer.sign(claims), now: now) == claims)
    }

    @Test(arguments: [UInt64.min, 1, UInt64.max])
    func `any number is given back`(number: UInt64) throws {
        let signer = try signer(key)
        var claims = claims
        claims.accountID = number
        claims.sessionID = number
        claims.id = TokenID(high: number, low: number)
        claims.expiresAt = .max

        #expect(try signer.verify(signer.sign(claims), now: now) == claims)
    }

    @Test(arguments: [1_700_003_600, 1_700_003_601, Int64.max])
    func `a token is expired from the second named in it`(now: Int64) throws {
        let signer = try signer(key)
        let token = signer.sign(claims)

        #expect(throws: TokenError.expired(claims)) { try signer.verify(token, now: now) }
    }

    @Test func `a token is good until the second before`() throws {
        let signer = try signer(key)

        #expect(try signer.verify(signer.sign(claims), now: 1_700_003_599) == claims)
    }

    @Test func `a token signed with another key is refused`() throws {
        let token = try signer(newKey).sign(claims)

        #expect(throws: TokenError.badSignature) { try signer(key).verify(token, now: now) }
    }

    @Test func `an expired token signed with another key is not called expired`() throws {
        let token = try signer(newKey).sign(claims)

        #expect(throws: TokenError.badSignature) { try signer(key).verify(token, now: .max) }
    }

    @Test func `a token of another issuer is refused`() throws {
        let token = try TokenSigner(keys: [key], issuer: "elsewhere").sign(claims)

        #expect(throws: TokenError.wrongIssuer) { try signer(key).verify(token, now: now) }
    }

    @Test func `a changed key still verifies the tokens of the old one`() throws {
        let old = try signer(key)
        let changed = try TokenSigner(keys: [newKey, key], issuer: "homeroom")

        #expect(try changed.verify(old.sign(claims), now: now) == claims)
        #expect(try changed.verify(changed.sign(claims), now: now) == claims)
        #expect(throws: TokenError.badSignature) { try old.verify(changed.sign(claims), now: now) }
    }

    @Test func `a new key signs what is issued from its time on, and no key what was issued after its own`() throws {
        let (old, new) = (try signer(key), try signer(newKey))
        func claims(issuedAt time: Int64) -> Claims {
            Claims(
                kind: .access, issuedAt: time, expiresAt: 1_700_003_600, accountID: 7, sessionID: 8,
                id: TokenID(high: 1, low: 2), role: "student")
        }

        let both = try TokenSigner(
            keys: [TokenKey(newKey, signsFrom: 1_700_000_100), TokenKey(key)], issuer: "homeroom")

        #expect(both.sign(claims(issuedAt: 1_700_000_099)) == old.sign(claims(issuedAt: 1_700_000_099)))
        #expect(both.sign(claims(issuedAt: 1_700_000_100)) == new.sign(claims(issuedAt: 1_700_000_100)))
        #expect(try both.verify(new.sign(claims(issuedAt: 1_700_000_100)), now: 1_700_000_000).accountID == 7)
    }

    @Test func `the tokens of a key are refused from its end on`() throws {
        let token = try signer(key).sign(claims)
        let both = try TokenSigner(
            keys: [TokenKey(newKey, signsFrom: 1), TokenKey(key, acceptedUntil: 1_700_001_000)], issuer: "homeroom")

        #expect(try both.verify(token, now: 1_700_000_999) == claims)
        #expect(throws: TokenError.badSignature) { try both.verify(token, now: 1_700_001_000) }
    }

    @Test func `a key needs 32 bytes`() {
        let failure = #expect(throws: TokenKeyError.self) {
            try TokenSigner(keys: [key, [UInt8](0..<31)], issuer: "homeroom")
        }

        #expect(failure?.description == "key 2: 31 bytes, needs 32 or more. Make one with: openssl rand -hex 32")
    }

    @Test func `there must be a key`() {
        let failure = #expect(throws: TokenKeyError.self) { try TokenSigner(keys: [TokenKey](), issuer: "homeroom") }

        #expect(failure?.description == "no key. Make one with: openssl rand -hex 32")
    }

    private func signer(_ key: [UInt8]) throws -> TokenSigner {
        try TokenSigner(keys: [key], issuer: "homeroom")
    }
}
