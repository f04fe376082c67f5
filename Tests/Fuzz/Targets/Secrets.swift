import Foundation
import Secrets

extension FuzzTarget {
    /// Claims as text, which are then signed with the service's key; and the same bytes in a token's other places.
    static let token = FuzzTarget(name: "token") { bytes throws(Broken) in
        let header = "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9."
        for signed in [Array((header + base64(bytes)).utf8), Array(header.utf8) + bytes] {
            try check(signed + Array(".\(base64(code(of: signed)))".utf8))
        }
        try check(Array(header.utf8) + bytes)
        try check(bytes)
    }

    /// A stored password hash.
    static let passwordHash = FuzzTarget(name: "passwordhash") { bytes throws(Broken) in
        let hash = PasswordHash(stored: text(bytes))

        try require(hash.isUsable || hash.needsRehash(HashParameters()), "an unusable hash is to be kept")
        guard !hash.needsRehash(HashParameters()) else { return }
        // $argon2id$v=19$m=19456,t=2,p=1$, 16 bytes of salt, 32 of hash.
        try require(bytes.count == 31 + 22 + 1 + 43, "a hash that needs no other has \(bytes.count) bytes")
    }

    /// Whatever is accepted is byte for byte what the service writes.
    private static func check(_ token: [UInt8]) throws(Broken) {
        let claims: Claims
        do throws(TokenError) {
            claims = try signer.verify(token.span, now: 1_700_000_000)
        } catch {
            guard case .expired(let expired) = error else { return }
            claims = expired
        }
        try require(Array(signer.sign(claims).utf8) == token, "a token is accepted that would be written otherwise")
    }

    private static let key = [UInt8](0..<32)
    private static let signer: TokenSigner = {
        guard let signer = try? TokenSigner(keys: [key], issuer: "homeroom") else { preconditionFailure("the key") }
        return signer
    }()

    /// RFC 2104 §2.
    private static func code(of message: [UInt8]) -> [UInt8] {
        let padded = key + [UInt8](repeating: 0, count: 32)
        return sha256(padded.map { $0 ^ 0x5C } + sha256(padded.map { $0 ^ 0x36 } + message))
    }

    /// RFC 7515 §2.
    private static func base64(_ bytes: [UInt8]) -> String {
        Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}
