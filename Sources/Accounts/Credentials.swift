/// What a client is handed at registration, login and renewal.
package struct Credentials: Sendable {
    /// Whose they are.
    package let account: Account
    /// Empty where the client holds a cookie.
    package var access = ""
    /// Contracts 1 and 2 only.
    package var refresh: String?
    /// Contract 3 only.
    package var cookie: String?
    /// How long the access token or the cookie lives, in seconds from issue.
    package let life: Int64
}
