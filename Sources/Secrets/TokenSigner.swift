/// Signs tokens and verifies them: JSON Web Tokens with HMAC-SHA-256, RFC 7519 and RFC 7518 §3.2.
///
/// Any JWT library reads what it writes. It accepts only what it writes: the one header, so that no token can choose
/// its algorithm, and the claims in their one order (`ClaimsText`).
package struct TokenSigner: Sendable {
    /// RFC 7518 §3.2: as long as the digest, at least.
    package static let leastKeyBytes = 32
    private static let longestToken = 4096
    /// `{"typ":"JWT","alg":"HS256"}` and the dot behind it.
    private static let header = Array("eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.".utf8)
    private static let dot = UInt8(ascii: ".")
    private static let signatureLength = 43

    private let keys: [TokenKey]
    private let issuer: String

    /// The newest key first: each signs from its time on, and every one verifies until its own.
    package init(keys: [TokenKey], issuer: String) throws(TokenKeyError) {
        guard !keys.isEmpty else { throw .missing }
        for (index, key) in keys.enumerated() where key.byteCount < Self.leastKeyBytes {
            throw .tooShort(position: index + 1, bytes: key.byteCount)
        }
        self.keys = keys
        self.issuer = issuer
    }

    /// The first key signs, every one verifies.
    package init(keys: [[UInt8]], issuer: String) throws(TokenKeyError) {
        try self.init(keys: keys.map { TokenKey($0) }, issuer: issuer)
    }

    /// `header.claims.signature`, about 320 letters.
    package func sign(_ claims: Claims) -> String {
        var token: [UInt8] = []
        token.reserveCapacity(512)
        token += Self.header
        Base64.url.append(ClaimsText.bytes(claims, issuer: issuer).span, to: &token)
        // By the time of issue, not the present one: a token that is made again is the same, and no key has signed one that
        // was issued after its time.
        let key = keys.first { $0.signsFrom <= claims.issuedAt } ?? keys[0]
        let signature = key.code.code(of: token.span)
        token.append(Self.dot)
        Base64.url.append(signature.span, to: &token)
        return String(decoding: token, as: UTF8.self)
    }

    /// The claims of a token of ours at `now`, in seconds since 1970.
    package func verify(_ token: Span<UInt8>, now: Int64) throws(TokenError) -> Claims {
        let signedLength = token.count - Self.signatureLength - 1
        guard token.count <= Self.longestToken, signedLength >= Self.header.count,
            equal(token.extracting(first: Self.header.count), Self.header.span), token[signedLength] == Self.dot
        else { throw .malformed }
        let signed = token.extracting(first: signedLength)
        guard isSigned(signed, token.extracting(last: Self.signatureLength), now) else { throw .badSignature }

        guard let text = Base64.url.bytes(signed.extracting(droppingFirst: Self.header.count)) else {
            throw .malformed
        }
        let claims = try ClaimsText.claims(text, issuer: issuer)
        guard now < claims.expiresAt else { throw .expired(claims) }
        return claims
    }

    /// The claims of a token of ours at `now`, in seconds since 1970.
    package func verify(_ token: String, now: Int64) throws(TokenError) -> Claims {
        try verify(token.utf8.span, now: now)
    }

    /// A number that nobody without the newest key can tell from random; the same for the same text.
    ///
    /// - Parameter text: begins with what the number is for, with which no token begins.
    package func keyedHash(of text: String) -> UInt64 {
        keys[0].code.code(of: text.utf8.span).prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// Compared as text: so only one spelling of a signature is right.
    private func isSigned(_ signed: Span<UInt8>, _ signature: Span<UInt8>, _ now: Int64) -> Bool {
        for key in keys where key.isAccepted(at: now) {
            var expected: [UInt8] = []
            expected.reserveCapacity(Self.signatureLength)
            Base64.url.append(key.code.code(of: signed).span, to: &expected)
            if equal(expected.span, signature) {
                return true
            }
        }
        return false
    }
}

/// Why a token is not accepted.
package enum TokenError: Error, Equatable {
    /// Not in the form that `TokenSigner` writes, or another algorithm.
    case malformed
    /// Changed, or signed with a key that is not ours.
    case badSignature
    /// Signed with our key for another service.
    case wrongIssuer
    /// Ours in every respect, but its time is over.
    case expired(Claims)
}

/// Why tokens cannot be signed with the configured keys; the message goes behind the setting's name.
package enum TokenKeyError: Error, Equatable, CustomStringConvertible {
    case missing
    /// `position` counts from 1.
    case tooShort(position: Int, bytes: Int)

    /// Goes behind the name of the setting.
    package var description: String {
        switch self {
        case .missing:
            "no key. Make one with: openssl rand -hex 32"
        case .tooShort(let position, let bytes):
            "key \(position): \(bytes) bytes, needs \(TokenSigner.leastKeyBytes) or more. "
                + "Make one with: openssl rand -hex 32"
        }
    }
}
