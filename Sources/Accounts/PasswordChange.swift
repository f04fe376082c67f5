import Database
import Secrets

/// What a signed-in person fills in to change the password, as it came.
package struct PasswordChange: Sendable {
    package var current: Entry
    package var new: Entry
    /// nil where the contract does not ask for it.
    package var confirmation: Entry?

    package init(current: Entry, new: Entry, confirmation: Entry?) {
        self.current = current
        self.new = new
        self.confirmation = confirmation
    }
}

extension Accounts {
    /// Changes the password, ends every other session of the account and keeps the caller's.
    ///
    /// A wrong current password counts as a failed login: a stolen token must not serve to guess it.
    package func changePassword(of caller: Caller, _ form: PasswordChange, by policy: Policy) throws(Refusal) {
        var findings = Findings()
        let current = findings.required(form.current, .currentPassword)
        let subject = LoginSubject(caller.account.id, name: nil)
        let stored = try refusing { () throws(DatabaseError) in
            try database.first(AccountByID(id: caller.account.id))
        }
        guard let stored else { throw .badToken }
        if let current {
            try refuseIfLocked(subject)
            if try !matches(PasswordHash(stored: stored.passwordHash), current) {
                try countFailure(subject, accountID: caller.account.id)
                findings.add(.currentPassword, .incorrect)
            }
        }
        let new = findings.newPassword(
            form.new, confirmation: form.confirmation, (.newPassword, .newConfirmation), rules: policy.passwords,
            username: stored.account.username, email: stored.account.email)
        try findings.refuseIfAny()
        guard let new else { throw .fault("a finding is missing") }

        let hash = try hash(new)
        guard try setPassword(hash, of: stored, keeping: caller.session.id) else {
            // Somebody else changed it in between: what was typed is no longer the current one.
            throw .invalid([Violation(.currentPassword, .incorrect)])
        }
    }

    /// Sets a password and ends the sessions but one. False when the password was changed since `stored` was read.
    func setPassword(_ hash: String, of stored: StoredAccount, keeping kept: UInt64) throws(Refusal) -> Bool {
        let account = stored.account
        let now = self.now
        return try refusing { () throws(DatabaseError) in
            try database.transaction { () throws(DatabaseError) in
                let outcome = try database.run(
                    SetPassword(id: account.id, passwordVersion: stored.passwordVersion, hash: hash, now: now))
                guard outcome.affectedRows == 1 else { return false }
                try database.run(DeleteOtherSessions(accountID: account.id, kept: kept))
                return true
            }
        }
    }
}
