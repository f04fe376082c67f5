/// A session as the operator sees it.
package struct SessionSummary: Sendable {
    package let id: UInt64
    /// The number of the document that issued it.
    package let contract: UInt8
    package let createdAt: Instant
    package let expiresAt: Instant
}
