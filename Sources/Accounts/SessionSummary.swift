/// A session as the operator sees it.
package struct SessionSummary: Sendable {
    /// As tokens name it.
    package let id: UInt64
    /// The number of the document that issued it.
    package let contract: UInt8
    /// When it began.
    package let createdAt: Instant
    /// When it ends if it is not renewed.
    package let expiresAt: Instant
}
