/// Who makes a request: a living session and its account.
package struct Caller: Sendable {
    /// As it was read for this request.
    package internal(set) var account: Account
    /// The session that the token or cookie names.
    package let session: Session
    /// The SHA-256 of the cookie that named the session, where one did.
    package var cookieHash: [UInt8]?
    /// The cookie's new life in seconds, where this request made it longer.
    package var renewedCookieLife: Int64?

    /// Refuses whose password somebody else chose, until they have changed it. Nothing but that, a look at the own account,
    /// renewal and sign-out is done before.
    package func requireOwnPassword() throws(AccountsError) {
        if account.mustChangePassword { throw .refused(.passwordChangeRequired) }
    }
}
