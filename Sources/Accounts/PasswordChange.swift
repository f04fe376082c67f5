import Database
import Secrets

/// What a signed-in person fills in to change the password, as it came.
package struct PasswordChange: Sendable {
    /// The password that the account has.
    package var current: Entry
    /// The password that it is to have.
    package var new: Entry
    /// nil where the contract does not ask for it.
    package var confirmation: Entry?

    /// `confirmation` is nil where the contract does not ask for it.
    package init(current: Entry, new: Entry, confirmation: Entry?) {
        self.current = current
        self.new = new
        self.confirmation = confirmation
    }
}

extension Accounts {
    /// Changes the password, ends every other session of the account and keeps the caller's.
    ///
    /// Wrong current passwords are counted for the session alone: a stolen token must not serve to guess it, and whoever has
    /// locked the account from outside does not keep its owner from changing the password.
    package func changePassword(of caller: Caller, _ form: PasswordChange, by policy: Policy) throws(AccountsError) {
        var validation = Validation()
        let subject = LoginSubject(session: caller.session.id)
        let stored = try proven(form.current, of: caller, &validation)
        let new = validation.newPassword(
            form.new, confirmation: form.confirmation, (.newPassword, .newConfirmation), rules: policy.passwords,
            username: stored.account.username, email: stored.account.email)
        if stored.account.mustChangePassword, let new, form.current.isText(new) {
            validation.add(.newPassword, .unchanged)
        }
        try validation.refuseIfAny()
        guard let new else { throw .fault("a violation is missing") }

        let hash = try hash(new)
        guard try setPassword(hash, of: stored, guesses: subject, keeping: caller.session.id) else {
            try refuseIfLocked(subject)
            // Somebody else changed it in between: what was typed is no longer the current one.
            throw .refused(.invalid([Violation(.currentPassword, .incorrect)]))
        }
        report(.passwordChanged, caller.account.id)
    }

    /// The caller's account, whose password is checked; a missing or wrong one is a violation. Wrong ones are counted for the
    /// session.
    func proven(_ password: Entry, of caller: Caller, _ validation: inout Validation) throws(AccountsError)
        -> StoredAccount
    {
        let current = validation.required(password, .currentPassword)
        let subject = LoginSubject(session: caller.session.id)
        let stored = try refusing { () throws(DatabaseError) in
            try database.first(AccountByID(id: caller.account.id))
        }
        guard let stored else { throw .refused(.badToken) }
        try refuseIfLocked(subject)
        if let current, try !matches(PasswordHash(stored: stored.passwordHash), current) {
            try countFailure(subject, accountID: caller.account.id)
            validation.add(.currentPassword, .incorrect)
        }
        return stored
    }

    /// Ends the sessions that a new epoch does not end, and deletes rows of those that it ended. Runs in the transaction of
    /// the new epoch, after it.
    func endRest(of accountID: UInt64, but kept: UInt64 = 0) throws(DatabaseError) {
        try database.run(EndUncountedSessions(accountID: accountID, kept: kept))
        try database.run(DeleteEndedSessions(accountID: accountID, kept: kept))
    }

    /// Sets a password, ends the sessions but one and forgets the wrong guesses. False, and nothing changed, when the
    /// password was changed since `stored` was read, the session to keep has ended, or the guesses locked meanwhile.
    func setPassword(
        _ hash: String, of stored: StoredAccount, guesses: LoginSubject?, keeping kept: UInt64 = 0,
        mustChange: Bool = false
    ) throws(AccountsError) -> Bool {
        let change = SetPassword(
            id: stored.account.id, passwordVersion: stored.passwordVersion, hash: hash, mustChange: mustChange,
            guesses: guesses, keptSession: kept, now: now, settings: dependencies.settings)
        return try refusing { () throws(DatabaseError) in
            try database.transaction { () throws(DatabaseError) in
                _ = try database.first(LockedAccount(id: change.id))
                guard try database.run(change).affectedRows == 1 else { return false }
                if kept != 0 { try database.run(KeepSession(id: kept)) }
                try endRest(of: change.id, but: kept)
                if let guesses { try database.run(ClearFailures(subject: guesses.digest)) }
                return true
            }
        }
    }
}
