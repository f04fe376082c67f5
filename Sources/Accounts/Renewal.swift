import Database
import Secrets

extension Accounts {
    /// New tokens for a refresh token; it rotates.
    ///
    /// The current generation begins the next one. Its predecessor is answered with the current one, so that a lost
    /// answer and two tabs do no harm; an older one likewise within 10 s, and after them it ends the session, for
    /// somebody keeps a copy. (OAuth 2.0 Security BCP, RFC 9700 §4.14.2)
    package func refresh(_ refreshToken: Entry, by policy: Policy) throws(AccountsError) -> Credentials {
        var validation = Validation()
        let token = validation.required(refreshToken, .refresh, trimmed: true)
        try validation.refuseIfAny()
        guard let token else { throw .fault("a violation is missing") }
        let claims = try claims(token, .refresh, otherwise: .badRefreshToken)
        while true {
            guard let caller = try livingSession(claims), caller.session.contract == policy.contract,
                let generation = claims.id.generation(of: caller.session), generation <= caller.session.generation
            else { throw .refused(.badRefreshToken) }
            let session = caller.session
            if generation == session.generation {
                guard let rotated = try rotate(session, by: policy) else { continue }
                return credentials(Caller(account: caller.account, session: rotated), by: policy)
            }
            guard generation + 1 == session.generation || session.isWithinGrace(generation, now: now) else {
                try end(session)
                dependencies.report(.replayedRefreshToken(accountID: caller.account.id, sessionID: session.id))
                throw .refused(.badRefreshToken)
            }
            return credentials(caller, by: policy)
        }
    }

    /// A new token for a single one that renews itself; the old one is good for 10 s more and answered alike.
    package func renew(accessToken: String, by policy: Policy) throws(AccountsError) -> Credentials {
        let claims: Claims
        do throws(TokenError) {
            claims = try dependencies.signer.verify(accessToken, now: now.seconds)
        } catch {
            if case .expired(let claims) = error, claims.kind == .access { throw .refused(.staleToken) }
            throw .refused(.badToken)
        }
        guard claims.kind == .access else { throw .refused(.badToken) }
        while true {
            guard let caller = try livingSession(claims) else { throw .refused(.staleToken) }
            let session = caller.session
            guard session.contract == policy.contract, let generation = claims.id.generation(of: session) else {
                throw .refused(.badToken)
            }
            if generation == session.generation {
                guard let rotated = try rotate(session, by: policy) else { continue }
                return credentials(Caller(account: caller.account, session: rotated), by: policy)
            }
            guard session.isWithinGrace(generation, now: now) else { throw .refused(.staleToken) }
            return credentials(caller, by: policy)
        }
    }

    /// The session in its next generation; nil when another request was first or the session has ended.
    func rotate(_ session: Session, by policy: Policy) throws(AccountsError) -> Session? {
        let now = self.now
        let end = min(now + policy.life(remembered: session.isRemembered), absoluteEnd(of: session))
        let rotation = RotateSession(id: session.id, generation: session.generation, now: now, expiresAt: end)
        let outcome = try refusing { () throws(DatabaseError) in try database.run(rotation) }
        guard outcome.affectedRows == 1 else { return nil }
        var rotated = session
        rotated.generation += 1
        rotated.generationTimes.append(now)
        rotated.expiresAt = end
        return rotated
    }
}
