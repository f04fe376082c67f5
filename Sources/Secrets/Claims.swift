/// What a token says: whose it is, in which session, and until when.
package struct Claims: Sendable, Equatable {
    /// The raw value is the claim `token_type`, as SimpleJWT writes it.
    package enum Kind: String, Sendable {
        case access
        case refresh
    }

    package var kind: Kind
    /// Seconds since 1970.
    package var issuedAt: Int64
    /// Seconds since 1970; from this second on the token is expired.
    package var expiresAt: Int64
    package var accountID: UInt64
    package var sessionID: UInt64
    package var id: TokenID
    package var role: String

    package init(
        kind: Kind, issuedAt: Int64, expiresAt: Int64, accountID: UInt64, sessionID: UInt64, id: TokenID, role: String
    ) {
        self.kind = kind
        self.issuedAt = issuedAt
        self.expiresAt = expiresAt
        self.accountID = accountID
        self.sessionID = sessionID
        self.id = id
        self.role = role
    }
}

/// The claim `jti`: 128 random bits, no two tokens have the same.
package struct TokenID: Sendable, Hashable {
    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    package init(_ random: RandomSource) {
        self.init(high: random.next(), low: random.next())
    }
}
