/// A key that signs tokens or did, and the time for which.
package struct TokenKey: Sendable {
    /// Names the key and tells nobody what it is: eight hexadecimal digits.
    package let id: String
    /// Tokens issued from this second on are signed with it; 0: all.
    package let signsFrom: Int64
    /// From this second on its tokens are accepted no more; nil: without an end.
    package let acceptedUntil: Int64?
    let byteCount: Int
    let code: HMACKey

    /// - Parameters:
    ///   - signsFrom: in seconds since 1970.
    ///   - acceptedUntil: in seconds since 1970.
    package init(_ bytes: [UInt8], signsFrom: Int64 = 0, acceptedUntil: Int64? = nil) {
        id = hex(Array(sha256(Array("id of the token key ".utf8) + bytes).prefix(4)))
        self.signsFrom = signsFrom
        self.acceptedUntil = acceptedUntil
        byteCount = bytes.count
        code = HMACKey(bytes)
    }

    /// Whether its tokens are accepted at a time, in seconds since 1970.
    package func isAccepted(at now: Int64) -> Bool {
        acceptedUntil.map { now < $0 } ?? true
    }
}
