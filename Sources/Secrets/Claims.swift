/// What a token says: whose it is, in which session, and until when.
package struct Claims: Sendable, Equatable {
    /// The raw value is the claim `token_type`, as SimpleJWT writes it.
    package enum Kind: String, Sendable {
        case access
        case refresh
    }

    /// What the token is for.
    package var kind: Kind
    /// Seconds since 1970.
    package var issuedAt: Int64
    /// Seconds since 1970; from this second on the token is expired.
    package var expiresAt: Int64
    /// Whose it is.
    package var accountID: UInt64
    /// The session that must live for it to be good.
    package var sessionID: UInt64
    /// Tells it from every other token.
    package var id: TokenID
    /// What learning platforms show its holder.
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
    /// The upper 64 bits.
    package let high: UInt64
    /// The lower 64 bits.
    package let low: UInt64

    /// An id by its halves.
    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// A new id.
    package init(_ random: RandomSource) {
        self.init(high: random.next(), low: random.next())
    }
}
