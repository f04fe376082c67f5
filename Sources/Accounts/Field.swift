/// The fields of all contracts by their meaning; the wire names are the contracts'.
package enum Field: Sendable, Hashable {
    case username, email, password, confirmation, currentPassword, newPassword, newConfirmation
    case fullName, firstName, lastName, phone, bio, avatar, role
    case refresh, resetToken, remembered, limit, after, id
    case language, timezone, theme, search, sessionID
}
