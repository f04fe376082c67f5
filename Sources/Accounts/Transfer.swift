import Database
import Secrets

/// An account as another system had it, with the hash of its password.
package struct Transfer: Sendable {
    /// nil where it is to be made from the email.
    package var username: Entry?
    package var email = Entry.absent
    package var passwordHash = ""
    package var privileges = Privileges()
    package var details: [Field: Entry] = [:]
    package var bio = Entry.absent
    package var past = Past()

    package init() {}
}

/// What an account brings along that nobody registers with.
package struct Past: Sendable {
    /// nil for the next free one.
    package var id: UInt64?
    package var status = Status.active
    /// Path below the media root.
    package var avatar: String?
    package var isEmailVerified = false
    package var isPhoneVerified = false
    /// nil for what a registration gives; as the next two.
    package var language: String?
    package var timezone: String?
    package var theme: String?
    package var loginCount: Int64 = 0
    /// nil for now.
    package var createdAt: Instant?
    package var updatedAt: Instant?
    package var lastLoginAt: Instant?

    package init() {}
}

extension Accounts {
    /// Makes an account as another system had it, password hash and all.
    package func takeOver(_ transfer: Transfer) throws(AccountsError) -> Account {
        var validation = Validation()
        let typed = transfer.username.flatMap { validation.required($0, .username, trimmed: true) }
        let username = validation.username(typed, length: 1...Username.longest)
        let email = validation.email(validation.required(transfer.email, .email, trimmed: true))
        validation.names(username, email, taken: try takenNames(username, email))
        let details = validation.details(transfer.details, required: [])
        let bio = validation.bio(transfer.bio).newValue
        try validation.refuseIfAny()
        guard let email else { throw .fault("a violation is missing") }

        let name = if let username { username } else { try freeUsername(for: email) }
        let insertion = InsertAccount(
            username: name, email: email, passwordHash: transfer.passwordHash, privileges: transfer.privileges,
            details: details, bio: bio, past: transfer.past, now: now)
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
