import Database

/// An account as another system had it, with the hash of its password.
package struct Transfer: Sendable {
    /// What is taken as it is. Whoever brings no id gets the next free one.
    package var account: Account
    /// Of usernames, emails and texts, as they came. Without a username one is made from the email.
    package var entries: [Field: Entry] = [:]
    /// In a form that `PasswordHash` reads, or behind `!` for none.
    package var passwordHash = ""
    /// The names of the columns that it brings: no others are compared with an account that is here already.
    package var columns: Set<String> = []

    /// - Parameter now: when the account was made, where another time is not known.
    package init(now: Instant) {
        account = Account(createdAt: now)
    }
}

/// A transfer whose names and texts keep the rules.
package struct CheckedTransfer: Sendable {
    /// With its texts.
    package var account: Account
    /// nil where one is to be made from the email.
    let username: Username?
    let email: EmailAddress
    /// As that of `Transfer`.
    package var passwordHash: String
    let columns: Set<String>

    /// What the unique indexes hold; nil for a username that is to be made.
    package var usernameKey: String? { username?.canonical.key }
    /// What the unique index holds.
    package var emailKey: String { email.canonical.key }
    /// As typed; nil where one is to be made.
    package var usernameText: String? { username?.text }
    /// As typed.
    package var emailText: String { email.text }

    /// What is wrong with a password that was brought in the clear.
    package func violations(of password: String, rules: PasswordRules) -> [Violation] {
        rules.violations(of: password, username: username?.text, email: email.text).map { Violation(.password, $0) }
    }
}

/// What becomes of a transfer, by the accounts that are here.
package enum TransferPlan: Sendable {
    /// Nobody here has its username or email.
    case new
    /// The account with that username and email is here, and has the avatar or none. `differences` are the columns in which
    /// the transfer has something else that `update` would bring over.
    case known(KnownAccount)
    /// Another account has the email, and another name than the transfer.
    case emailTaken(by: UInt64)
    /// Another account has the username, and another email than the transfer.
    case usernameTaken(by: UInt64)
    /// Two accounts have one each.
    case bothTaken(username: UInt64, email: UInt64)
    /// The account with that username and email has another number than the transfer brings.
    case otherID(UInt64)
}

/// An account that is here already, beside the transfer that brings it again.
package struct KnownAccount: Sendable {
    let stored: StoredAccount
    /// The names of the columns in which the transfer has something else, `password_hash` included.
    package let differences: [String]

    /// Its number.
    package var id: UInt64 { stored.account.id }
    /// Whether it has a picture.
    package var hasAvatar: Bool { stored.account.avatar != nil }
}

extension Accounts {
    /// How many transfers are written with one statement.
    package static let transferBatch = InsertAccounts.count

    /// Checks all that can be checked without the database.
    package func check(_ transfer: Transfer) throws(AccountsError) -> CheckedTransfer {
        var validation = Validation()
        let typed = transfer.entries[.username].flatMap { validation.required($0, .username, trimmed: true) }
        let username = validation.username(typed, length: 1...Username.longest)
        let email = validation.email(validation.required(transfer.entries[.email] ?? .absent, .email, trimmed: true))
        validation.names(username, email, taken: [])
        var account = transfer.account
        validation.details(transfer.entries, required: [], into: &account)
        account.bio = validation.bio(transfer.entries[.bio] ?? .absent).newValue
        try validation.refuseIfAny()
        guard let email else { throw .fault("a violation is missing") }
        return CheckedTransfer(
            account: account, username: username, email: email, passwordHash: transfer.passwordHash,
            columns: transfer.columns)
    }

    /// Makes an account as another system had it, password hash and all.
    package func takeOver(_ transfer: Transfer) throws(AccountsError) -> Account {
        try takeOver(try check(transfer))
    }

    private func takeOver(_ transfer: CheckedTransfer) throws(AccountsError) -> Account {
        var validation = Validation()
        validation.names(
            transfer.username, transfer.email, taken: try takenNames(transfer.username, transfer.email))
        try validation.refuseIfAny()
        let name = if let username = transfer.username { username } else { try freeUsername(for: transfer.email) }
        return try insert(insertion(transfer, name), isNameMade: transfer.username == nil)
    }

    /// What becomes of each of at most `transferBatch` transfers, by the accounts that are here now.
    package func plans(_ batch: [CheckedTransfer]) throws(AccountsError) -> [TransferPlan] {
        guard !batch.isEmpty else { return [] }
        let query = AccountsWithNames(
            usernameKeys: batch.map { $0.usernameKey ?? $0.emailKey }, emailKeys: batch.map(\.emailKey))
        let found = try refusing { () throws(DatabaseError) in try database.rows(query) }
        let byUsername = Dictionary(found.map { ($0.usernameKey, $0.stored) }) { first, _ in first }
        let byEmail = Dictionary(found.map { ($0.emailKey, $0.stored) }) { first, _ in first }
        return batch.map { transfer in
            let withEmail = byEmail[transfer.emailKey]
            // A username that is to be made collides with none.
            guard let key = transfer.usernameKey else {
                return withEmail.map { plan(transfer, $0) } ?? .new
            }
            let withUsername = byUsername[key]
            switch (withUsername?.account.id, withEmail?.account.id) {
            case (nil, nil): return .new
            case (nil, let id?): return .emailTaken(by: id)
            case (let id?, nil): return .usernameTaken(by: id)
            case (let one?, let other?):
                guard one == other, let withEmail else { return .bothTaken(username: one, email: other) }
                return plan(transfer, withEmail)
            }
        }
    }

    private func plan(_ transfer: CheckedTransfer, _ stored: StoredAccount) -> TransferPlan {
        let id = stored.account.id
        guard transfer.account.id == 0 || transfer.account.id == id else { return .otherID(id) }
        var differences = AccountColumn.updatable.filter { column in
            transfer.columns.contains(column.name) && !column.isEqual(in: transfer.account, stored.account)
        }.map(\.name)
        if isPasswordNewer(transfer, stored) { differences.append("password_hash") }
        return .known(KnownAccount(stored: stored, differences: differences))
    }

    /// Whether another system's hash may take the place of the one that is here: whatever sets or checks a password here
    /// leaves an argon2 hash, so that one of another form has only ever been brought over.
    private func isPasswordNewer(_ transfer: CheckedTransfer, _ stored: StoredAccount) -> Bool {
        transfer.columns.contains("password_hash") && transfer.passwordHash != stored.passwordHash
            && !stored.passwordHash.hasPrefix("$argon2")
    }

    /// Makes accounts of transfers that are new, each with a username and an email of its own: many in one transaction, or one
    /// at a time where one of them is refused. Answers with what is wrong with each; empty where the account was made.
    package func takeOver(_ batch: [CheckedTransfer]) throws(AccountsError) -> [[Violation]] {
        var outcomes: [[Violation]] = []
        var rest = batch[...]
        for count in [InsertAccounts.count, InsertFewAccounts.count] {
            while rest.count >= count {
                let some = rest.prefix(count)
                rest = rest.dropFirst(count)
                if try insertAll(some) {
                    outcomes += some.map { _ in [] }
                } else {
                    for transfer in some { outcomes.append(try violations(of: transfer)) }
                }
            }
        }
        for transfer in rest { outcomes.append(try violations(of: transfer)) }
        return outcomes
    }

    private func violations(of transfer: CheckedTransfer) throws(AccountsError) -> [Violation] {
        do throws(AccountsError) {
            _ = try takeOver(transfer)
            return []
        } catch .refused(.invalid(let violations)) {
            return violations
        }
    }

    private func insertion(_ transfer: CheckedTransfer, _ username: Username) -> InsertAccount {
        InsertAccount(
            account: transfer.account, username: username, email: transfer.email,
            passwordHash: transfer.passwordHash, now: now)
    }

    /// Makes accounts of `transferBatch` transfers without a look whether they are new. False, and nothing changed, where
    /// one of them is not, or two would be made one name.
    package func takeOverAtOnce(_ batch: [CheckedTransfer]) throws(AccountsError) -> Bool {
        guard batch.count == InsertAccounts.count else { return false }
        return try insertAll(batch[...])
    }

    private func insertAll(_ batch: ArraySlice<CheckedTransfer>) throws(AccountsError) -> Bool {
        var keys: Set<String> = []
        var insertions: [InsertAccount] = []
        for transfer in batch {
            let name = if let name = transfer.username { name } else { try freeUsername(for: transfer.email) }
            guard keys.insert(name.canonical.key).inserted else { return false }
            insertions.append(insertion(transfer, name))
        }
        let now = self.now
        do throws(DatabaseError) {
            let first = try database.transaction { [insertions] () throws(DatabaseError) in
                // Behind those of the batch before, unless somebody registers meanwhile.
                let rows = insertions.enumerated().map { index, insertion in
                    BlockedAccount(
                        insertion: insertion, block: expectedID.map { ($0 + UInt64(index)) / NextBlock.size })
                }[...]
                let isFull = rows.count == InsertAccounts.count
                let outcome =
                    isFull
                    ? try database.run(InsertAccounts(rows: rows)) : try database.run(InsertFewAccounts(rows: rows))
                try database.run(SetBlocks(keys: insertions.map(\.username.canonical.key)))
                // As in `insert`.
                let reserved = ReservedEmails(keys: insertions.map(\.email.canonical.key), now: now)
                if try database.first(reserved) != nil { throw .duplicate(index: "email_key") }
                return outcome.insertedID
            }
            expectedID = first + UInt64(batch.count)
            return true
        } catch {
            switch error {
            // Two batches at once with the same names lock each other out; one at a time they do not.
            case .duplicate, .contention: return false
            default: throw AccountsError(error)
            }
        }
    }

    /// Brings over to an account that is here already what the transfer has otherwise. False, and nothing changed, where
    /// the account has another name, address or password by now.
    package func update(_ known: KnownAccount, _ transfer: CheckedTransfer) throws(AccountsError) -> Bool {
        let update = UpdateTransferred(known: known, transfer: transfer, now: now)
        return try refusing { () throws(DatabaseError) in
            try database.transaction { () throws(DatabaseError) in
                guard try database.run(update).affectedRows > 0 else { return false }
                if update.endsSessions { try endRest(of: known.id) }
                return true
            }
        }
    }

    /// Hashes a password that was brought in the clear, or was made for the account.
    package func hashNew(_ password: String) throws(AccountsError) -> String { try hash(password) }

    /// Makes an avatar of a picture, for an account that is to name it. Throws what is wrong with it.
    package func publishAvatar(_ upload: Upload) throws(AccountsError) -> String {
        var validation = Validation()
        let picture = try picture(.file(upload), &validation)
        try validation.refuseIfAny()
        guard let picture else { throw .fault("a violation is missing") }
        return try storing { () throws(MediaStore.Failure) in try dependencies.media.publish(picture) }
    }

    /// Gives an account that has none an avatar. False where it has one by now, or is gone.
    package func setAvatar(_ path: String, of known: KnownAccount) throws(AccountsError) -> Bool {
        try refusing { () throws(DatabaseError) in
            try database.run(SetFirstAvatar(id: known.id, avatar: path, now: now)).affectedRows > 0
        }
    }

    /// Removes an avatar that was published and that no account has come to name.
    package func discardAvatar(_ path: String) {
        dependencies.media.remove(path)
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
