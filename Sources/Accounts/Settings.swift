import Secrets

/// What the operator sets for all contracts.
package struct Settings: Sendable {
    /// Failed logins within `lockWindow` seconds that lock for `lockTime` seconds.
    package var lockAfter: Int64 = 10
    /// Seconds.
    package var lockWindow: Int64 = 900
    /// Seconds.
    package var lockTime: Int64 = 900
    /// What lasts longer from now on is no lock of these.
    var longestLock: Int64 { lockTime + Instant.skew }
    /// What a new password hash costs.
    package var hashing = HashParameters()
    /// Seconds after which a session is over, however often it is renewed.
    package var longestSession: Int64 = 90 * 86_400
    /// Who may read the list of all accounts.
    package var listReaders = ListReaders.all

    /// Whether mails are sent at all: else nobody is asked to prove an address.
    package var sendsMail = false

    /// The defaults.
    package init() {}
}
