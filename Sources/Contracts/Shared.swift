import Accounts
import HTTP
import JSON

/// `null` where there is no value: documented keys are always present.
func text(_ value: String?) -> JSON {
    value.map(JSON.string) ?? .null
}

/// The absolute URL under which nginx serves an account's avatar.
func avatarURL(_ account: Account, _ request: Request) -> String? {
    account.avatar.map { "\(request.origin)/media/\($0)" }
}
