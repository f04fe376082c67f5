/// Why a call was not carried out. Each contract has its own words for every case.
package enum Refusal: Sendable {
    /// What is wrong with the fields: all of it, in the order of the fields.
    case invalid([Violation])
    /// No credentials came with the request.
    case notAuthenticated
    /// The credentials name no living session: forged, expired, signed out, or of an account that is not active.
    case badToken
    /// Renewal of a token that was good once: expired, superseded or signed out.
    case staleToken
    /// A refresh token that cannot be used.
    case badRefreshToken
    /// Logout with a refresh token that is not of the present session.
    case foreignRefreshToken
    /// Unknown account or wrong password; nobody learns which.
    case wrongCredentials
    /// What the call names is not there: a session, or an address that nobody has where the document says so (contract 4's
    /// reset_password).
    case notFound
    /// A mailed link that was used, is too old, or never was one.
    case badResetToken
    /// Right password, but the account is not active.
    case inactive
    /// Signed in, but without the right to this.
    case forbidden
    /// Signed in with a password that somebody else chose, which has to be changed first.
    case passwordChangeRequired
    /// Too many failures; `retryAfter` in seconds.
    case locked(retryAfter: Int64)
    /// Database, disk or hashing cannot serve now; the same call may work later.
    case unavailable
}
