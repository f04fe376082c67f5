import Database
import Mail
import Secrets

extension Accounts {
    /// How long a mailed link is good, in seconds.
    static let resetLife: Int64 = 30 * 60

    /// Sends the mail that is due, if there is one. False when none is.
    ///
    /// A mail is claimed before it is sent and taken out after it: killed in between, it is sent again. The token is made
    /// here, so it stands nowhere but in the mail.
    ///
    /// - Parameters:
    ///   - publicURL: what the link begins with.
    ///   - post: hands a letter over, under an id of its own.
    package func deliverNext(
        publicURL: String, post: (_ letter: Letter, _ id: String) throws(Post.Failure) -> Void
    ) throws(Refusal) -> Bool {
        guard let mail = try claim() else { return false }
        let stored = try refusing { () throws(DatabaseError) in
            try mail.accountID.flatMap { id throws(DatabaseError) in try database.first(AccountByID(id: id)) }
        }
        guard let stored, stored.account.status == .active else {
            try complete(mail)
            return true
        }
        let account = stored.account
        let token = common.random.randomToken()
        let reset = InsertReset(
            hash: sha256(token), accountID: account.id, passwordVersion: stored.passwordVersion,
            expiresAt: now + Accounts.resetLife)
        try refusing { () throws(DatabaseError) in
            try database.run(reset)
        }
        // Behind `#`: browsers send it to no server, so it stands in no log.
        let letter = Letter.passwordReset(
            to: account.email, username: account.username, language: account.language,
            link: "\(publicURL)/reset-password#token=\(token)", minutes: Accounts.resetLife / 60)
        do throws(Post.Failure) {
            try post(letter, hex(common.random.bytes(16)))
        } catch {
            let isLast = mail.attempts >= Accounts.mostRepeats
            common.report(isLast ? .mailGivenUp(error.description) : .mailFailed(error.description))
            try refusing { () throws(DatabaseError) in
                try database.run(DeleteReset(hash: reset.hash))
                guard !isLast else { return }
                try database.run(PostponeMail(subject: mail.subject, dueAt: now + Accounts.pause(mail.attempts)))
            }
            guard isLast else { return true }
        }
        try complete(mail)
        return true
    }

    /// Nobody else takes it for as long as sending can last; then it is due again.
    private func claim() throws(Refusal) -> DueMail.Row? {
        let now = self.now
        return try refusing { () throws(DatabaseError) in
            try database.transaction { () throws(DatabaseError) in
                guard let mail = try database.first(DueMail(now: now)) else { return nil }
                let end = now + 2 * Int64(Post.timeout)
                try database.run(ClaimMail(subject: mail.subject, dueAt: end))
                return mail
            }
        }
    }

    private func complete(_ mail: DueMail.Row) throws(Refusal) {
        let completion = CompleteMail(subject: mail.subject, now: now)
        try refusing { () throws(DatabaseError) in
            try database.run(completion)
        }
    }

    /// Seconds until the next attempt: 5, 10, 20 … 1,800.
    private static func pause(_ attempts: Int64) -> Int64 {
        min(longestPause, 5 << min(attempts, 9))
    }

    static let longestPause: Int64 = 1800

    /// They take a day. Whoever still wants the mail then asks for it again.
    private static let mostRepeats = 56
}
