/// What was done with an account, by its name in the log.
package enum AccountAction: String, Sendable {
    case registered = "registered"
    case signedIn = "login"
    case signInFailed = "login failed"
    /// The right password of an account that is not active or has another role, or any one while it is locked.
    case signInRefused = "login refused"
    case signedOut = "logout"
    case passwordChanged = "password changed"
    case passwordResetRequested = "password reset requested"
    case passwordReset = "password reset"
    case passwordSet = "password set"
    case emailChanged = "email changed"
    case emailChangeUndone = "email change undone"
    case verificationRequested = "verification requested"
    case emailVerified = "email verified"
    case usernameChanged = "username changed"
    case roleSet = "role set"
    case statusSet = "status set"
    case sessionEnded = "session ended"
    case sessionsEnded = "sessions ended"
    case unlocked = "login unlocked"
    case created = "account created"
    case deleted = "account deleted"
    case exported = "personal data exported"
}

/// What an operator must be able to see in the log. Names no email, no token, no password, and no name that was typed: it may
/// be a password.
package enum SecurityEvent: Sendable {
    case account(AccountAction, accountID: UInt64?, actor: Actor)
    case locked(accountID: UInt64?)
    /// An operator brought accounts over from another system.
    case imported(Int, actor: Actor)
    /// One source failed to sign in with many accounts or names. `source` is an IPv4 address or a /64 of IPv6.
    case manyFailedLogins(source: String)
    case replayedRefreshToken(accountID: UInt64, sessionID: UInt64)
    case storageFailed(String)
    /// It is tried again later.
    case mailFailed(String)
    case mailGivenUp(String)
}
