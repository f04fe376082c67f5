/// A session as its owner and the operator see it.
package struct SessionSummary: Sendable {
    /// As tokens name it.
    package let id: UInt64
    /// The number of the document that issued it.
    package let contract: UInt8
    /// When it began.
    package let createdAt: Instant
    /// When it ends if it is not renewed.
    package let expiresAt: Instant
    /// Where its login came from: `203.0.113.7`; nil where that is not known.
    package let address: String?
    /// The program of its login: `Firefox on Windows`; nil where that is not known.
    package let client: String?
    /// When it was used last; up to five minutes older than the truth.
    package let usedAt: Instant
}
