import Database
import Secrets

/// The proof that an account's owner reads its address: a mailed link, whose page posts the token.
extension Accounts {
    /// How long a mailed link is good, in seconds.
    static let verificationLife: Int64 = 3 * 86_400

    /// Asks for a mail with a link that proves the caller's address. Within a minute of the latest one, beyond `MailLimits`, and
    /// where the address is proven there is none.
    package func requestVerification(for caller: Caller) throws(AccountsError) {
        let (id, now) = (caller.account.id, self.now)
        let isAsked = try refusing { () throws(DatabaseError) in
            try database.transaction { () throws(DatabaseError) in
                // In the order of the other changes: the account first.
                guard let address = try database.first(AddressForUpdate(id: id)), !address.isVerified else {
                    return false
                }
                let latest = try database.first(VerificationRequestedAt(accountID: id))
                if let latest, latest > now - MailLimits.pause, latest <= now + Instant.skew { return false }
                let times = try database.first(MailTimes(subject: MailSubject(id))) ?? []
                guard MailLimits.next(after: times, now: now) <= now else { return false }
                try database.run(ScheduleVerification(accountID: id, now: now, dueAt: now))
                try database.run(AddMail(accountID: id, now: now))
                return true
            }
        }
        if isAsked { report(.verificationRequested, id) }
    }

    /// Puts the mail that asks for proof of an address into the outbox. Runs in the transaction that changed it, after that.
    func scheduleVerification(of id: UInt64, now: Instant) throws(DatabaseError) {
        guard dependencies.settings.sendsMail else { return }
        let times = try database.first(MailTimes(subject: MailSubject(id))) ?? []
        let dueAt = MailLimits.next(after: times, now: now)
        try database.run(DeleteVerificationTokens(accountID: id))
        try database.run(ScheduleVerification(accountID: id, now: now, dueAt: dueAt))
        try database.run(AddMail(accountID: id, now: dueAt))
    }

    /// Proves an account's address with the token of a mailed link, which works once and for that address alone.
    package func verifyEmail(token: Entry) throws(AccountsError) {
        var validation = Validation()
        let token = validation.required(token, .resetToken, trimmed: true)
        try validation.refuseIfAny()
        guard let token else { throw .fault("a violation is missing") }
        let (hash, now) = (sha256(token), self.now)
        let link = try refusing { () throws(DatabaseError) in try database.first(VerificationByToken(hash: hash)) }
        guard let link else { throw .refused(.invalid([Violation(.resetToken, .unknown)])) }
        guard now < link.expiresAt else { throw .refused(.invalid([Violation(.resetToken, .expired)])) }
        let isProven = try refusing { () throws(DatabaseError) in
            try database.transaction { () throws(DatabaseError) in
                // In the order of the other changes: the account first.
                _ = try database.first(AddressForUpdate(id: link.accountID))
                // Whoever deletes the row has spent the token; a second one at the same time finds none.
                guard try database.run(SpendVerificationToken(hash: hash, now: now)).affectedRows == 1,
                    try database.run(SetVerified(link: link)).affectedRows == 1
                else { return false }
                try database.run(DeleteVerificationTokens(accountID: link.accountID))
                return true
            }
        }
        guard isProven else { throw .refused(.invalid([Violation(.resetToken, .unknown)])) }
        report(.emailVerified, link.accountID)
    }
}
