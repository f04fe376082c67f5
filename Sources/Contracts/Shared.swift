import Accounts
import HTTP
import JSON

/// `null` where there is no value: documented keys are always present.
func text(_ value: String?) -> JSON {
    value.map(JSON.string) ?? .null
}

/// A new pair of tokens as contracts 1 and 2 show it.
func tokens(_ new: Credentials) -> JSON {
    ["refresh": text(new.refresh), "access": .string(new.access)]
}

/// The least that contracts 1 and 5 show of an account.
func brief(_ account: Account) -> JSON {
    [
        "id": .integer(Int64(account.id)),
        "username": .string(account.username),
        "email": .string(account.email),
    ]
}

extension Field {
    /// The name on the wire that most documents agree on; `Contract.fieldName` has the others.
    var usualName: String {
        switch self {
        case .username: "username"
        case .email: "email"
        case .password: "password"
        case .confirmation: "password2"
        case .currentPassword: "old_password"
        case .newPassword: "new_password"
        case .newConfirmation: "confirm_password"
        case .fullName: "full_name"
        case .firstName: "first_name"
        case .lastName: "last_name"
        case .phone: "phone"
        case .bio: "bio"
        case .avatar: "avatar"
        case .role: "role"
        case .refresh: "refresh"
        case .resetToken: "token"
        case .remembered: "remember_me"
        case .limit: "limit"
        case .after: "after"
        case .id: "id"
        }
    }
}

/// The absolute URL under which nginx serves an account's avatar.
func avatarURL(_ account: Account, _ request: Request) -> String? {
    account.avatar.map { "\(request.origin)/media/\($0)" }
}
