import Database
import Secrets

extension Accounts {
    /// Sets a new password for somebody who knows the old one but is not signed in; ends all sessions.
    package func resetPassword(email: Entry, old: Entry, new: Entry, by policy: Policy) throws(AccountsError) {
        var validation = Validation()
        let address = validation.required(email, .email, trimmed: true)
        let current = validation.required(old, .currentPassword)
        let password = validation.newPassword(
            new, confirmation: nil, (.newPassword, .newConfirmation), rules: policy.passwords, username: nil,
            email: address)
        try validation.refuseIfAny()
        guard let address, let current, let password else { throw .fault("a violation is missing") }
        let name = CanonicalName(address)
        guard name.isAddress, try account(named: name) != nil else { throw .refused(.notFound) }
        let stored = try checked(name: name, field: .email, password: current)
        guard stored.account.status == .active else { throw .refused(.inactive) }
        if stored.account.mustChangePassword, old.isText(password) {
            throw .refused(.invalid([Violation(.newPassword, .unchanged)]))
        }
        let guesses = LoginSubject(stored.account.id, name: nil)
        guard try setPassword(try hash(password), of: stored, guesses: guesses) else {
            try refuseIfLocked(guesses)
            throw .refused(.wrongCredentials)
        }
        report(.passwordChanged, stored.account.id)
    }

    /// Asks for a mail with a link that sets a new password.
    ///
    /// Known and unknown addresses cost the same statements. The token is made when the mail is sent, so that no copy of
    /// it ever lies about. `MailLimits` says how many an account gets.
    package func requestPasswordReset(email: Entry) throws(AccountsError) {
        var validation = Validation()
        let address = validation.email(validation.required(email, .email, trimmed: true))
        try validation.refuseIfAny()
        guard let address else { throw .fault("a violation is missing") }
        let now = self.now
        let id = try refusing { () throws(DatabaseError) -> UInt64? in
            let found = try database.first(AccountForReset(key: address.canonical.key, now: now))?.account
            let id = found.flatMap { $0.status == .active ? $0.id : nil }
            let unknown = MailSubject(unknown: address.canonical)
            do throws(DatabaseError) {
                try database.run(RequestMail(subject: id.map { MailSubject($0) } ?? unknown, now: now))
                return id
            } catch .missingReference {
                // Deleted since it was found: now nobody has the address.
                try database.run(RequestMail(subject: unknown, now: now))
                return nil
            }
        }
        report(.passwordResetRequested, id)
    }

    /// Sets a new password with the token of a mailed link; ends all sessions and every lock.
    package func resetPassword(token: Entry, new: Entry, by policy: Policy) throws(AccountsError) {
        var validation = Validation()
        let token = validation.required(token, .resetToken, trimmed: true)
        let now = self.now
        var stored: StoredAccount?
        let hash = token.map { sha256($0) }
        if let hash {
            stored = try refusing { () throws(DatabaseError) in
                guard let reset = try database.first(ResetByToken(hash: hash, now: now)),
                    let stored = try database.first(AccountByID(id: reset.accountID)), reset.fits(stored),
                    stored.account.status == .active
                else { return nil }
                return stored
            }
        }
        let password = validation.newPassword(
            new, confirmation: nil, (.newPassword, .newConfirmation), rules: policy.passwords,
            username: stored?.account.username, email: stored?.account.email)
        try validation.refuseIfAny()
        guard let stored, let hash, let password else { throw .refused(.badResetToken) }
        if stored.account.mustChangePassword, try matches(PasswordHash(stored: stored.passwordHash), password) {
            throw .refused(.invalid([Violation(.newPassword, .unchanged)]))
        }

        let newHash = try self.hash(password)
        let account = stored.account
        let change = SetPassword(
            id: account.id, passwordVersion: stored.passwordVersion, hash: newHash, mustChange: false,
            guesses: nil, keptSession: 0, now: now, settings: dependencies.settings)
        let isSet = try refusing { () throws(DatabaseError) in
            try database.transaction { () throws(DatabaseError) in
                // A change of the address since then has removed the row; this one waits for a change that is under way.
                guard try database.first(AddressForUpdate(id: account.id)) != nil,
                    // Whoever deletes the row has spent the token; a second one at the same time finds none.
                    try database.run(SpendReset(hash: hash, emailVersion: stored.emailVersion, now: now)).affectedRows
                        == 1
                else { return false }
                guard try database.run(change).affectedRows == 1 else { return false }
                try endRest(of: account.id)
                try database.run(ClearFailures(subject: LoginSubject(account.id, name: nil).digest))
                return true
            }
        }
        guard isSet else { throw .refused(.badResetToken) }
        report(.passwordReset, account.id)
    }
}
