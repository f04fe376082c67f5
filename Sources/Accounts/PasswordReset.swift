import Database
import Secrets

extension Accounts {
    /// Sets a new password for somebody who knows the old one but is not signed in; ends all sessions.
    package func resetPassword(email: Entry, old: Entry, new: Entry, by policy: Policy) throws(Refusal) {
        var findings = Findings()
        let address = findings.required(email, .email, trimmed: true)
        let current = findings.required(old, .currentPassword)
        let password = findings.newPassword(
            new, confirmation: nil, (.newPassword, .newConfirmation), rules: policy.passwords, username: nil,
            email: address)
        try findings.refuseIfAny()
        guard let address, let current, let password else { throw .fault("a finding is missing") }
        let name = CanonicalName(address)
        guard try account(named: name, field: .email) != nil else { throw .unknownAccount }
        let stored = try checked(name: name, field: .email, password: current)
        guard stored.account.status == .active else { throw .inactive }
        guard try setPassword(try hash(password), of: stored, keeping: 0) else { throw .wrongCredentials }
    }

    /// Asks for a mail with a link that sets a new password.
    ///
    /// Known and unknown addresses cost the same statements. The token is made when the mail is sent, so that no copy of
    /// it ever lies about; one mail a minute for an address.
    package func requestPasswordReset(email: Entry) throws(Refusal) {
        var findings = Findings()
        let address = findings.email(findings.required(email, .email, trimmed: true))
        try findings.refuseIfAny()
        guard let address else { throw .fault("a finding is missing") }
        let account = try account(named: address.canonical, field: .email)?.account
        let request = RequestMail(
            subject: sha256("mail:\(address.canonical.key)"),
            accountID: account.flatMap { $0.status == .active ? $0.id : nil }, now: now)
        try refusing { () throws(DatabaseError) in
            try database.run(request)
        }
    }

    /// Sets a new password with the token of a mailed link; ends all sessions and every lock.
    package func resetPassword(token: Entry, new: Entry, by policy: Policy) throws(Refusal) {
        var findings = Findings()
        let token = findings.required(token, .resetToken, trimmed: true)
        let now = self.now
        var stored: StoredAccount?
        let hash = token.map { sha256($0) }
        if let hash {
            stored = try refusing { () throws(DatabaseError) in
                guard let reset = try database.first(ResetByToken(hash: hash, now: now)),
                    let stored = try database.first(AccountByID(id: reset.accountID)),
                    stored.passwordVersion == reset.passwordVersion, stored.account.status == .active
                else { return nil }
                return stored
            }
        }
        let password = findings.newPassword(
            new, confirmation: nil, (.newPassword, .newConfirmation), rules: policy.passwords,
            username: stored?.account.username, email: stored?.account.email)
        try findings.refuseIfAny()
        guard let stored, let hash, let password else { throw .badResetToken }

        let newHash = try self.hash(password)
        let account = stored.account
        let isSet = try refusing { () throws(DatabaseError) in
            try database.transaction { () throws(DatabaseError) in
                // Whoever deletes the row has spent the token; a second one at the same time finds none.
                guard try database.run(SpendReset(hash: hash, now: now)).affectedRows == 1 else { return false }
                let outcome = try database.run(
                    SetPassword(id: account.id, passwordVersion: stored.passwordVersion, hash: newHash, now: now))
                guard outcome.affectedRows == 1 else { return false }
                try database.run(DeleteOtherSessions(accountID: account.id, kept: 0))
                try database.run(ClearFailures(subject: LoginSubject(account.id, name: nil).digest))
                return true
            }
        }
        guard isSet else { throw .badResetToken }
    }
}
