import Database
import Mail
import Secrets

extension Accounts {
    /// How long a mailed link is good, in seconds.
    static let resetLife: Int64 = 30 * 60

    /// How long the delivery of a mail is retried, in seconds. Whoever still wants it then asks for it again.
    static let mailLife: Int64 = 86_400

    /// Delivers a message with a unique id.
    package typealias Send = (_ message: MailMessage, _ id: String) throws(MailTransport.Failure) -> Void

    /// Sends a mail of each kind that is due, if there is one. False when none is.
    ///
    /// A mail is claimed before it is sent and taken out after it: killed in between, it is sent again. The token is made
    /// here, so it stands nowhere but in the mail.
    ///
    /// - Parameter publicURL: what the link begins with.
    package func deliverNext(publicURL: String, send: Send) throws(AccountsError) -> Bool {
        // In turn, so that many of one kind do not hold up the others.
        let hadNotice = try deliverNotice(publicURL: publicURL, send: send)
        let hadReset = try deliverReset(publicURL: publicURL, send: send)
        let hadVerification = try deliverVerification(publicURL: publicURL, send: send)
        return hadNotice || hadReset || hadVerification
    }

    // MARK: Links that set a password

    private func deliverReset(publicURL: String, send: Send) throws(AccountsError) -> Bool {
        guard let mail = try claimReset() else { return false }
        let now = self.now
        let (stored, address) = try refusing { () throws(DatabaseError) -> (StoredAccount?, String?) in
            guard let id = mail.accountID else { return (nil, nil) }
            return (
                try database.first(AccountByID(id: id)), try database.first(ResetAddress(accountID: id, now: now))
            )
        }
        guard let stored, stored.account.status == .active else {
            try complete(mail)
            return true
        }
        let account = stored.account
        let token = dependencies.random.randomToken()
        let reset = InsertReset(hash: sha256(token), stored: stored, expiresAt: now + Accounts.resetLife)
        try refusing { () throws(DatabaseError) in
            try database.run(reset)
        }
        // Behind `#`: browsers send it to no server, so it stands in no log.
        let message = MailMessage.passwordReset(
            to: address ?? account.email, language: account.language,
            link: "\(publicURL)/reset-password#token=\(token)", minutes: Accounts.resetLife / 60)
        do throws(MailTransport.Failure) {
            try send(message, hex(dependencies.random.bytes(16)))
        } catch {
            let isLast = noteFailure(error, attempts: mail.attempts)
            try refusing { () throws(DatabaseError) in
                try database.run(DeleteReset(hash: reset.hash))
                guard !isLast else { return }
                try database.run(PostponeMail(subject: mail.subject, dueAt: self.now + Accounts.pause(mail.attempts)))
            }
            guard isLast else { return true }
        }
        try complete(mail)
        return true
    }

    private func claimReset() throws(AccountsError) -> DueMail.Row? {
        let now = self.now
        return try refusing { () throws(DatabaseError) in
            try database.transaction { () throws(DatabaseError) in
                guard let mail = try database.first(DueMail(now: now)) else { return nil }
                try database.run(ClaimMail(subject: mail.subject, dueAt: now + Accounts.claimTime))
                return mail
            }
        }
    }

    private func complete(_ mail: DueMail.Row) throws(AccountsError) {
        try noteSent(CompleteMail(subject: mail.subject, now: now))
    }

    // MARK: Notices of a changed address

    private func deliverNotice(publicURL: String, send: Send) throws(AccountsError) -> Bool {
        let now = self.now
        let notice = try refusing { () throws(DatabaseError) in
            try database.transaction { () throws(DatabaseError) -> DueNotice.Row? in
                guard let notice = try database.first(DueNotice(now: now)) else { return nil }
                try database.run(SetNoticeTime(id: notice.id, dueAt: now + Accounts.claimTime))
                return notice
            }
        }
        guard let notice else { return false }
        let token = dependencies.random.randomToken()
        let account = try refusing { () throws(DatabaseError) -> Account? in
            let stored = try database.first(AccountByID(id: notice.accountID))
            if stored != nil { try database.run(InsertUndoToken(hash: sha256(token), changeID: notice.id)) }
            return stored?.account
        }
        var end = SetNoticeTime(id: notice.id, dueAt: nil)
        if let account {
            let message = MailMessage.emailChanged(
                to: notice.email, language: account.language, link: "\(publicURL)/undo-email#token=\(token)",
                hours: max(1, (notice.undoUntil.seconds(since: now) + 1800) / 3600))
            do throws(MailTransport.Failure) {
                try send(message, hex(dependencies.random.bytes(16)))
            } catch {
                if !noteFailure(error, attempts: notice.attempts) {
                    end = SetNoticeTime(id: notice.id, dueAt: self.now + Accounts.pause(notice.attempts), failures: 1)
                }
            }
        }
        try noteSent(end)
        return true
    }

    // MARK: Links that prove an address

    private func deliverVerification(publicURL: String, send: Send) throws(AccountsError) -> Bool {
        let now = self.now
        let claimed = try refusing { () throws(DatabaseError) in
            try database.transaction {
                () throws(DatabaseError) -> (mail: DueVerification.Row, claim: ClaimVerification)? in
                guard let mail = try database.first(DueVerification(now: now)) else { return nil }
                let claim = ClaimVerification(accountID: mail.accountID, dueAt: now + Accounts.claimTime)
                try database.run(claim)
                return (mail, claim)
            }
        }
        guard let (mail, claim) = claimed else { return false }
        let token = dependencies.random.randomToken()
        let hash = sha256(token)
        let account = try refusing { () throws(DatabaseError) -> Account? in
            guard let stored = try database.first(AccountByID(id: mail.accountID)), stored.account.status == .active,
                !stored.account.isEmailVerified
            else { return nil }
            try database.run(
                InsertVerificationToken(hash: hash, stored: stored, expiresAt: now + Accounts.verificationLife))
            return stored.account
        }
        var end = SetVerificationTime(claim: claim, dueAt: nil)
        if let account {
            let message = MailMessage.emailVerification(
                to: account.email, language: account.language, link: "\(publicURL)/verify-email#token=\(token)",
                days: Accounts.verificationLife / 86_400)
            do throws(MailTransport.Failure) {
                try send(message, hex(dependencies.random.bytes(16)))
            } catch {
                let isLast = noteFailure(error, attempts: mail.attempts)
                try refusing { () throws(DatabaseError) in
                    try database.run(DeleteVerificationToken(hash: hash))
                }
                if !isLast {
                    end = SetVerificationTime(
                        claim: claim, dueAt: self.now + Accounts.pause(mail.attempts), failures: 1)
                }
            }
        }
        try noteSent(end)
        return true
    }

    // MARK: What all share

    /// Writes down that a mail was sent: again and again while the database is away, for as long as the mail is claimed. Else
    /// it would be sent a second time.
    private func noteSent(_ command: some Command) throws(AccountsError) {
        for attempt in 1... {
            do throws(DatabaseError) {
                try database.run(command)
                return
            } catch {
                let failure = AccountsError(error)
                guard case .refused(.unavailable) = failure, attempt < Accounts.claimTime * 5 else { throw failure }
                dependencies.pause(.milliseconds(200))
            }
        }
    }

    /// Reports that a mail was not taken; true when it is not tried again.
    private func noteFailure(_ failure: MailTransport.Failure, attempts: Int64) -> Bool {
        let isLast = attempts >= Accounts.maxRepeats
        dependencies.report(isLast ? .mailGivenUp(failure.description) : .mailFailed(failure.description))
        return isLast
    }

    /// Seconds for which a claimed mail is nobody else's: as long as sending can last. Then it is due again.
    private static let claimTime = 2 * Int64(MailTransport.timeout)

    /// Seconds until the next attempt: 5, 10, 20 … 1,800.
    private static func pause(_ attempts: Int64) -> Int64 {
        min(longestPause, 5 << min(attempts, 9))
    }

    static let longestPause: Int64 = 1800

    /// They take `mailLife`.
    private static let maxRepeats = 56
}
