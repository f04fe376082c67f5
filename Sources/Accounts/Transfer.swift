import Database
import Secrets

/// An account as another system had it, with the hash of its password.
package struct Transfer: Sendable {
    /// What is taken as it is. Whoever brings no id gets the next free one.
    package var account: Account
    /// Of usernames, emails and texts, as they came. Without a username one is made from the email.
    package var entries: [Field: Entry] = [:]
    /// In a form that `PasswordHash` reads, or behind `!` for none.
    package var passwordHash = ""

    /// - Parameter now: when the account was made, where another time is not known.
    package init(now: Instant) {
        account = Account(createdAt: now)
    }
}

extension Accounts {
    /// Makes an account as another system had it, password hash and all.
    package func takeOver(_ transfer: Transfer) throws(AccountsError) -> Account {
        var validation = Validation()
        let typed = transfer.entries[.username].flatMap { validation.required($0, .username, trimmed: true) }
        let username = validation.username(typed, length: 1...Username.longest)
        let email = validation.email(validation.required(transfer.entries[.email] ?? .absent, .email, trimmed: true))
        validation.names(username, email, taken: try takenNames(username, email))
        var account = transfer.account
        validation.details(transfer.entries, required: [], into: &account)
        account.bio = validation.bio(transfer.entries[.bio] ?? .absent).newValue
        try validation.refuseIfAny()
        guard let email else { throw .fault("a violation is missing") }

        let name = if let username { username } else { try freeUsername(for: email) }
        let insertion = InsertAccount(
            account: account, username: name, email: email, passwordHash: transfer.passwordHash, now: now)
        return try insert(insertion, isNameMade: username == nil)
    }

    /// Leaves a trail of an import.
    package func noteImport(of count: Int) {
        dependencies.report(.imported(count, actor: actor))
    }

    /// Whether the media directory has all files of an avatar.
    package func holdsAvatar(_ path: String) -> Bool { dependencies.media.holds(path) }

    /// The accounts behind an id, in the order of their ids, with their password hashes: 500 at most.
    package func page(after id: UInt64) throws(AccountsError) -> [(account: Account, passwordHash: String)] {
        let page = try refusing { () throws(DatabaseError) in try database.rows(StoredAccountsAfter(after: id)) }
        return page.map { ($0.account, $0.passwordHash) }
    }
}
