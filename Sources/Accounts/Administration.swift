import Database
import Secrets

/// What an operator does through the `homeroom` command. `name` is a username or an email.
extension Accounts {
    /// Makes an account.
    ///
    /// - Parameter mustChange: whether its owner has to change the password before anything else.
    package func create(
        _ name: String, email: String, password: String, privileges: Privileges, mustChange: Bool = false,
        rules: PasswordRules
    ) throws(AccountsError) -> Account {
        let form = Registration(
            username: .text(name), email: .text(email), password: .text(password), confirmation: nil)
        let account = try make(form, passwords: rules, session: nil, privileges: privileges, mustChange: mustChange)
        report(.created, account.id)
        return account
    }

    /// Looks up an account by username or email; nil when there is none.
    package func account(_ name: String) throws(AccountsError) -> Account? {
        try account(named: CanonicalName(name.trimmed))?.account
    }

    /// Sets the role and ends the sessions, whose tokens name the old role.
    package func setRole(_ role: Role, of account: Account) throws(AccountsError) {
        try change(account, SetRole(id: account.id, role: role, now: now))
        report(.roleSet, account.id)
    }

    /// Sets the status and ends the sessions.
    package func setStatus(_ status: Status, of account: Account) throws(AccountsError) {
        try change(account, SetStatus(id: account.id, status: status, now: now))
        report(.statusSet, account.id)
    }

    /// Sets a password and ends the sessions.
    ///
    /// - Parameter mustChange: whether its owner has to change it before anything else.
    package func setPassword(
        _ password: String, of account: Account, mustChange: Bool = false, rules: PasswordRules
    ) throws(AccountsError) {
        var validation = Validation()
        _ = validation.newPassword(
            .text(password), confirmation: nil, (.password, .confirmation), rules: rules, username: account.username,
            email: account.email)
        try validation.refuseIfAny()
        let hash = try hash(password)
        while true {
            let stored = try refusing { () throws(DatabaseError) in try database.first(AccountByID(id: account.id)) }
            guard let stored else { throw .refused(.notFound) }
            if try setPassword(hash, of: stored, guesses: nil, mustChange: mustChange) { break }
        }
        report(.passwordSet, account.id)
    }

    /// The living sessions of an account.
    package func sessions(of account: Account) throws(AccountsError) -> [SessionSummary] {
        let now = self.now
        let query = SessionsOfAccount(
            accountID: account.id, now: now, earliest: now - dependencies.settings.longestSession)
        return try refusing { () throws(DatabaseError) in try database.rows(query) }
    }

    /// Ends all sessions of an account.
    package func endSessions(of account: Account) throws(AccountsError) {
        try change(account, EndSessions(accountID: account.id))
        report(.sessionsEnded, account.id)
    }

    /// Removes the account with its avatar, sessions, tokens and mails, and whatever else holds something of the person.
    package func delete(_ account: Account) throws(AccountsError) {
        // Before, and in pieces: with the account they would go in one, however many they are.
        try refusing { () throws(DatabaseError) in
            try database.run(EndSessions(accountID: account.id))
            // Also here, for whose sessions are known.
            try database.run(ForgetFailures(accountID: account.id))
            let deletion = DeleteEndedSessions(accountID: account.id, kept: 0)
            while try database.run(deletion).affectedRows == DeleteEndedSessions.maxRows {}
        }
        let avatar = try refusing { () throws(DatabaseError) in
            try database.transaction { () throws(DatabaseError) in
                let avatar = try database.first(LockedAccount(id: account.id)) ?? nil
                try database.run(ForgetFailures(accountID: account.id))
                try database.run(DeleteAccount(id: account.id))
                return avatar
            }
        }
        if let avatar { dependencies.media.remove(avatar, waits: true) }
        report(.deleted, account.id)
    }

    /// Clears the failed logins of a name, whether or not an account has it.
    package func unlock(_ name: String) throws(AccountsError) {
        let canonical = CanonicalName(name.trimmed)
        let account = try account(named: canonical)?.account
        try refusing { () throws(DatabaseError) in
            try database.run(ClearFailures(subject: LoginSubject(account?.id, name: canonical).digest))
        }
        report(.unlocked, account?.id)
    }

    /// Deletes expired rows in small batches: sessions, counts of failures, links, mails. True while there may be more.
    package func sweep() throws(AccountsError) -> Bool {
        let now = self.now
        let window = dependencies.settings.lockWindow
        return try refusing { () throws(DatabaseError) in
            let sessions = try database.run(DeleteExpiredSessions(now: now)).affectedRows
            let failures = try database.run(DeleteOldFailures(before: now - window, now: now)).affectedRows
            let resets = try database.run(DeleteExpiredResets(now: now)).affectedRows
            let mails = try database.run(DeleteOldMail(before: now - Accounts.mailLife)).affectedRows
            let unsent = try database.run(DeleteUnsentMail(before: now - Accounts.mailLife)).affectedRows
            let notices = try database.run(DropUnsentNotices(before: now - Accounts.mailLife)).affectedRows
            let tokens = try database.run(DeleteOldVerificationTokens(before: now - Accounts.mailLife)).affectedRows
            let proofs = try database.run(DropUnsentVerifications(before: now - Accounts.mailLife)).affectedRows
            let changes = try database.run(DeleteOldEmailChanges(before: now - Accounts.mailLife)).affectedRows
            return sessions + failures + resets + mails + unsent + notices + tokens + proofs + changes > 0
        }
    }

    /// Starts the process that decodes pictures ahead of time, so that no upload waits for it.
    package func prepareDecoder() {
        dependencies.media.prepare()
    }

    /// Deletes the files of avatars that no account has, and uploads that killed processes left behind. Returns how many
    /// avatars and uploads that were.
    ///
    /// A file is left alone for an hour: a request in flight may be about to name it.
    package func cleanMedia() throws(AccountsError) -> Int {
        let limit = now.seconds - MediaStore.youth
        var removed = dependencies.media.removeOldUploads(before: limit)
        try dependencies.media.oldAvatars(before: limit) { paths throws(AccountsError) in
            for path in paths {
                let isNamed = try refusing { () throws(DatabaseError) in
                    try database.first(AccountByAvatar(avatar: path)) != nil
                }
                guard !isNamed else { continue }
                if dependencies.media.remove(path) { removed += 1 }
            }
        }
        return removed
    }

    /// Runs a command that ends all sessions of an account.
    private func change(_ account: Account, _ command: some Command) throws(AccountsError) {
        try refusing { () throws(DatabaseError) in
            try database.transaction { () throws(DatabaseError) in
                try database.run(command)
                try endRest(of: account.id)
            }
        }
    }
}
