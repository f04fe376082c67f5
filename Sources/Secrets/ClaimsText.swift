/// The claims as JSON, in one spelling: this order, no spaces.
///
///     {"token_type":"access","exp":1700003600,"iat":1700000000,"jti":"0123456789abcdef0123456789abcdef",
///      "user_id":42,"sub":"42","sid":"00000000deadbeef","role":"student","iss":"homeroom"}
///
/// Only texts whose signature is ours are read, so only this spelling is understood.
enum ClaimsText {
    static func bytes(_ claims: Claims, issuer: String) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(320)
        text += #"{"token_type":""#.utf8
        text += claims.kind.rawValue.utf8
        text += #"","exp":"#.utf8
        text += String(claims.expiresAt).utf8
        text += #","iat":"#.utf8
        text += String(claims.issuedAt).utf8
        text += #","jti":""#.utf8
        appendHex(claims.id.high, to: &text)
        appendHex(claims.id.low, to: &text)
        text += #"","user_id":"#.utf8
        text += String(claims.accountID).utf8
        text += #","sub":""#.utf8
        text += String(claims.accountID).utf8
        text += #"","sid":""#.utf8
        appendHex(claims.sessionID, to: &text)
        text += #"","role":""#.utf8
        appendEscaped(claims.role, to: &text)
        text += #"","iss":""#.utf8
        appendEscaped(issuer, to: &text)
        text += #""}"#.utf8
        return text
    }

    static func claims(_ text: [UInt8], issuer: String) throws(TokenError) -> Claims {
        var scanner = ClaimsScanner(text)
        try scanner.skip(#"{"token_type":""#)
        guard let kind = Claims.Kind(rawValue: try scanner.string()) else { throw .malformed }
        try scanner.skip(#","exp":"#)
        let expiresAt: Int64 = try scanner.number()
        try scanner.skip(#","iat":"#)
        let issuedAt: Int64 = try scanner.number()
        try scanner.skip(#","jti":""#)
        let id = TokenID(high: try scanner.hex(), low: try scanner.hex())
        try scanner.skip(#"","user_id":"#)
        let accountID: UInt64 = try scanner.number()
        try scanner.skip(#","sub":""#)
        let subject: UInt64 = try scanner.number()
        try scanner.skip(#"","sid":""#)
        let sessionID = try scanner.hex()
        try scanner.skip(#"","role":""#)
        let role = try scanner.string()
        try scanner.skip(#","iss":""#)
        let issuedBy = try scanner.string()
        try scanner.skip("}")

        guard scanner.isAtEnd, subject == accountID else { throw .malformed }
        guard issuedBy == issuer else { throw .wrongIssuer }
        return Claims(
            kind: kind, issuedAt: issuedAt, expiresAt: expiresAt, accountID: accountID, sessionID: sessionID, id: id,
            role: role)
    }

    /// What JSON does not allow in a string becomes `\u00` and two digits.
    private static func appendEscaped(_ string: String, to text: inout [UInt8]) {
        for byte in string.utf8 {
            if mustEscape(byte) {
                text += #"\u00"#.utf8
                appendHex([byte].span, to: &text)
            } else {
                text.append(byte)
            }
        }
    }

    static func mustEscape(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }
}
