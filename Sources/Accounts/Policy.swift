/// What differs between contracts in the core: data, never an `if`.
package struct Policy: Sendable {
    /// What a client holds and how it is renewed. All times in seconds.
    package enum Renewal: Sendable, Equatable {
        /// An access token, and a refresh token that rotates.
        case pair(access: Int64, refresh: Int64)
        /// One bearer token that renews itself; a remembered session lives longer.
        case single(life: Int64, remembered: Int64)
        /// A cookie with a sliding life.
        case cookie(life: Int64)
    }

    /// The number of the document, 1 … 6; kept with the session.
    package let contract: UInt8
    /// What a client holds and how it is renewed.
    package let renewal: Renewal
    /// What a new password must be like.
    package let passwords: PasswordRules
    /// In characters.
    package let usernameLength: ClosedRange<Int>
    /// The details without which nobody can register.
    package let requiredDetails: Set<Field>
    /// How many accounts a list may be asked for.
    let listLimits: ClosedRange<Int>

    /// `usernameLength` in characters.
    package init(
        contract: UInt8, renewal: Renewal, passwords: PasswordRules, usernameLength: ClosedRange<Int> = 1...150,
        requiredDetails: Set<Field> = [], listLimits: ClosedRange<Int> = ListQuery.limits
    ) {
        self.listLimits = listLimits
        self.requiredDetails = requiredDetails
        self.contract = contract
        self.renewal = renewal
        self.passwords = passwords
        self.usernameLength = usernameLength
    }

    /// Whether clients hold a cookie instead of tokens.
    package var isCookie: Bool {
        if case .cookie = renewal { return true }
        return false
    }

    /// How long a new value of a field may be, in characters, an email in bytes; nil where there is no limit but the body's.
    package func length(of field: Field) -> ClosedRange<Int>? {
        switch field {
        case .username: usernameLength
        case .email: 1...EmailAddress.longest
        case .password, .newPassword: passwords.shortest...(passwords.longest ?? PasswordRules.maxBytes)
        case .fullName, .firstName, .lastName, .phone, .bio:
            AccountColumn.texts.first { $0.field == field }.map { 0...$0.max }
        case .search: PeopleQuery.lengths
        case .confirmation, .currentPassword, .newConfirmation, .avatar, .role, .refresh, .resetToken, .remembered,
            .limit, .after, .id, .language, .timezone, .theme, .sessionID:
            nil
        }
    }

    /// The values that a number in a query may have.
    package func range(of field: Field) -> ClosedRange<Int>? {
        switch field {
        case .limit: listLimits
        case .after: ListQuery.starts
        default: nil
        }
    }

    func life(remembered: Bool) -> Int64 {
        switch renewal {
        case .pair(_, let refresh): refresh
        case .single(let life, let longer): remembered ? longer : life
        case .cookie(let life): life
        }
    }
}
