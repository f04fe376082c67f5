import Database
import Secrets

/// A changed address can be taken back: whoever steals a session must not become the account's owner by changing the address
/// and resetting the password.
extension Accounts {
    /// How long the old address can take a change back, and nobody else can register it, in seconds.
    static let undoLife: Int64 = 3 * 86_400
    /// How long mails that reset the password go to the old address instead of the new one, in seconds.
    static let resetRedirect: Int64 = 86_400
    /// Addresses that an account can have back at a time. More are not kept: the first of them can take all back.
    private static let maxEmailChanges = 20

    /// Stores the address that an account had before a change, with a notice to it. Runs in the transaction of the change,
    /// after it.
    func keep(_ old: AddressForUpdate.Row, of id: UInt64, changedTo new: CanonicalName, now: Instant)
        throws(DatabaseError)
    {
        // The index has made us wait for whoever gave the address up meanwhile: now it shows that they can have it back.
        if try database.first(ReservedEmail(key: new.key, accountID: id, now: now)) != nil {
            throw .duplicate(index: "email_key")
        }
        try database.run(ForgetEmailChanges(accountID: id, now: now))
        let changes = try database.rows(EmailChangesOfAccount(accountID: id, now: now))
        if let returned = changes.first(where: { $0.key == new.key }) {
            // Back at an earlier address: those since then, perhaps a thief's, must not be able to take that back.
            try database.run(DeleteEmailChanges(accountID: id, id: returned.id + 1))
            return
        }
        // Of several changes one after the other mails go to the address before the first.
        let isFirst = !changes.contains(where: \.getsResets)
        let until = now + Accounts.resetRedirect
        if !isFirst { try database.run(KeepResetAddress(accountID: id, until: until, now: now)) }
        let isKnown = changes.contains { $0.key == old.key }
        guard isKnown || changes.count < Accounts.maxEmailChanges else { return }

        let times = try database.first(MailTimes(subject: MailSubject(id))) ?? []
        let mailTime = isFirst ? now : MailLimits.next(after: times, now: now)
        // Whoever knows has a link, which stays good: more than the limits allow need not be told again.
        let isTold = !isKnown || mailTime <= now
        // A later address, perhaps a thief's, has no longer than the one before it, which can take that back.
        let undoUntil = min(now + Accounts.undoLife, changes.first { $0.key != old.key }?.undoUntil ?? .distantFuture)
        try database.run(
            KeepEmail(
                accountID: id, address: old, undoUntil: undoUntil, resetsUntil: isFirst ? until : nil,
                dueAt: isTold ? mailTime : nil))
        if isTold { try database.run(AddMail(accountID: id, now: mailTime)) }
    }

    /// Gives an account its old address back with the token of a mailed link, ends all sessions and mails the address a link
    /// that sets a new password. Later addresses of the account can no longer be had back.
    package func undoEmailChange(token: Entry) throws(AccountsError) {
        var validation = Validation()
        let token = validation.required(token, .resetToken, trimmed: true)
        try validation.refuseIfAny()
        guard let token else { throw .fault("a violation is missing") }
        let hash = sha256(token)
        let change = try refusing { () throws(DatabaseError) in try database.first(EmailChangeByToken(hash: hash)) }
        let now = self.now
        guard let change else { throw .refused(.invalid([Violation(.resetToken, .unknown)])) }
        guard now < change.undoUntil else { throw .refused(.invalid([Violation(.resetToken, .expired)])) }
        let id = change.accountID
        let username = try usernameAfterUndo(change)
        let isUndone = try inserting { () throws(DatabaseError) in
            try database.transaction { () throws(DatabaseError) in
                // In the order of the other changes: the account first.
                _ = try database.first(AddressForUpdate(id: id))
                // Whoever deletes the row has spent the token; a second one at the same time finds none.
                let deletion = DeleteEmailChanges(accountID: id, id: change.id)
                guard try database.first(EmailChangeByToken(hash: hash)) != nil else { return false }
                let earlier = try database.rows(EmailChangesOfAccount(accountID: id, now: now)).first {
                    $0.id < change.id
                }
                guard try database.run(deletion).affectedRows > 0 else { return false }
                try database.run(RestoreEmail(id: id, address: change.address, username: username, now: now))
                try database.run(SetUndoTime(accountID: id))
                try database.run(DeleteVerificationTokens(accountID: id))
                try endRest(of: id)
                try database.run(DeleteResetsOfAccount(accountID: id))
                // Where an earlier address can take this back too, the new password is its owner's to set.
                if let earlier {
                    try database.run(RedirectResets(changeID: earlier.id, until: earlier.undoUntil))
                }
                try database.run(AddMail(accountID: id, isReset: true, now: now))
                return true
            }
        }
        guard isUndone else { throw .refused(.invalid([Violation(.resetToken, .unknown)])) }
        report(.emailChangeUndone, id)
    }

    /// What becomes of a username that is the address: it follows it, or is made from it where it would be too long.
    private func usernameAfterUndo(_ change: EmailChangeByToken.Row) throws(AccountsError) -> Username {
        let email: EmailAddress
        do throws(Rejection) {
            email = try EmailAddress(change.address.email)
            if email.fitsUsername { return try Username(email.text, length: 1...Username.longest) }
        } catch {
            throw .fault("the address of change \(change.id) is none: \(error.rule)")
        }
        return try freeUsername(for: email)
    }
}
