import Database
import Secrets

/// A session of an account, which a token or a cookie names.
package struct Session: Sendable {
    /// Random, and never 0.
    package let id: UInt64
    /// Whose it is.
    package let accountID: UInt64
    /// The number of the document that issued it.
    let contract: UInt8
    let isRemembered: Bool
    var generation: UInt32
    /// When the latest generations began, the current one last.
    var generationTimes: [Instant]
    let createdAt: Instant
    var expiresAt: Instant
    /// When it was used last, as far as that was written; nil for one from before it was.
    var usedAt: Instant?
    /// False once all sessions of the account were ended: then this one's epoch is not the account's.
    let isCurrent: Bool

    /// How long a generation is accepted after the next one began, in seconds.
    static let grace: Int64 = 10

    /// When the current generation began.
    var renewedAt: Instant { generationTimes.last ?? Instant(microseconds: 0) }

    /// When a generation was replaced; nil for the current one and for one too old to be remembered.
    func supersededAt(_ generation: UInt32) -> Instant? {
        guard generation < self.generation else { return nil }
        let index = generationTimes.count - Int(self.generation - generation)
        return index >= 0 && index < generationTimes.count ? generationTimes[index] : nil
    }

    /// Whether a superseded generation is still within its grace.
    func isWithinGrace(_ generation: UInt32, now: Instant) -> Bool {
        guard generation < self.generation, let oldest = generationTimes.first else { return false }
        // Of a forgotten generation it is only known that it ended before the oldest remembered one. If that one began
        // within the grace, a client is renewing in a burst.
        let end = (supersededAt(generation) ?? oldest) + Session.grace
        return now < end && end <= now + Session.grace + Instant.skew
    }
}

extension Session {
    /// The columns that `init(_:)` reads, of `sessions s` joined with `accounts a`.
    static let columns: SQL =
        "s.id, s.account_id, s.contract, s.remembered, s.generation, s.generation_times, s.created_at, s.expires_at, s.used_at, "
        + isCurrent

    /// Whether a session `s` has not ended with all the others of its account `a`. Rows of a program that knew no epochs
    /// have none; they are deleted where they end.
    static let isCurrent: SQL = "COALESCE(s.epoch = a.session_epoch, TRUE)"

    init(_ columns: inout Columns) throws(DatabaseError) {
        id = try columns.unsigned()
        accountID = try columns.unsigned()
        contract = UInt8(clamping: try columns.integer())
        isRemembered = try columns.flag()
        generation = UInt32(clamping: try columns.integer())
        generationTimes = Instant.all(in: try columns.bytes())
        createdAt = try columns.instant()
        expiresAt = try columns.instant()
        usedAt = try columns.optionalTime().map(Instant.init(microseconds:))
        isCurrent = try columns.flag()
    }
}
