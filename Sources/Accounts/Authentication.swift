import Database
import Secrets

/// The credential of a request, verified as far as that needs no database.
package enum PresentedCredential: Sendable {
    /// The claims of an access token whose signature and expiry are verified.
    case token(Claims)
    /// The SHA-256 of each cookie that came, of which the first with a living session counts.
    case cookie(hashes: [[UInt8]])
}

extension Accounts {
    /// Verifies the signature and the expiry of an access token, without the database.
    package func credential(accessToken: String) throws(AccountsError) -> PresentedCredential {
        .token(try claims(accessToken, .access, otherwise: .badToken))
    }

    /// The credential that session cookies make, without the database.
    package func credential(cookies: [String]) -> PresentedCredential { .cookie(hashes: cookies.map { sha256($0) }) }

    /// Looks up the sessions of credentials, each in its place; nil where there is none. Sixteen tokens cost one round trip,
    /// sixteen cookies another.
    package func sessions(of credentials: [PresentedCredential]) throws(AccountsError) -> [Caller?] {
        var ids: [UInt64] = []
        var hashes: [[UInt8]] = []
        for credential in credentials {
            switch credential {
            case .token(let claims): ids.append(claims.sessionID)
            case .cookie(let found): hashes += found
            }
        }
        var found: [UInt64: Caller] = [:]
        var holders: [[UInt8]: Caller] = [:]
        try refusing { () throws(DatabaseError) in
            for ids in ids.parts(max: SessionsByID.maxCount) {
                for caller in try database.rows(SessionsByID(ids: ids)) { found[caller.session.id] = caller }
            }
            for hashes in hashes.parts(max: SessionsByCookie.maxCount) {
                for caller in try database.rows(SessionsByCookie(hashes: hashes)) {
                    if let hash = caller.cookieHash { holders[hash] = caller }
                }
            }
        }
        return credentials.map { credential in
            switch credential {
            case .token(let claims): found[claims.sessionID]
            case .cookie(let hashes): hashes.lazy.compactMap { holders[$0] }.first { living($0) != nil }
            }
        }
    }

    /// The caller of a request, if the session that was looked up for its credential is valid.
    package func caller(_ credential: PresentedCredential, _ found: Caller?) throws(AccountsError) -> Caller {
        guard let found, var caller = living(found) else { throw .refused(.badToken) }
        if case .token(let claims) = credential {
            guard caller.account.id == claims.accountID, caller.acceptsBearer(claims, now: now) else {
                throw .refused(.badToken)
            }
        }
        caller.account.forgetUndo(before: now)
        return caller
    }

    /// The new lifetime of a cookie's session, in seconds from now; nil where it was extended within the last hour.
    package func slides(_ caller: Caller, by policy: Policy) -> Int64? {
        let now = self.now
        let end = min(now + policy.life(remembered: false), absoluteEnd(of: caller.session))
        return caller.session.expiresAt + Accounts.slide < end ? end.seconds(since: now) : nil
    }

    /// Looks up the session of an access token.
    package func caller(accessToken: String) throws(AccountsError) -> Caller {
        let credential = try credential(accessToken: accessToken)
        return try caller(credential, try sessions(of: [credential])[0])
    }

    /// Looks up the session of a cookie and extends it, at most once an hour.
    package func caller(cookie: String, by policy: Policy) throws(AccountsError) -> Caller {
        let credential = credential(cookies: [cookie])
        return try sliding(try caller(credential, try sessions(of: [credential])[0]), by: policy)
    }

    /// Extends a cookie's session, unless that was done within the last hour.
    package func sliding(_ caller: Caller, by policy: Policy) throws(AccountsError) -> Caller {
        guard let life = slides(caller, by: policy) else { return caller }
        let now = self.now
        try refusing { () throws(DatabaseError) in
            try database.run(SlideSession(id: caller.session.id, expiresAt: now + life, now: now))
        }
        var caller = caller
        caller.renewedCookieLife = life
        return caller
    }

    /// Whether the time of a session's latest use is to be written again: five minutes after it was.
    package func isUseStale(_ session: Session) -> Bool {
        guard let usedAt = session.usedAt else { return true }
        let now = self.now
        return usedAt <= now - Accounts.usePause || usedAt > now + Instant.skew
    }

    /// Notes that a session is used, where that is due. A request does not fail for it.
    package func noteUse(of session: Session) {
        guard isUseStale(session) else { return }
        let now = self.now
        _ = try? database.run(NoteUse(id: session.id, before: now - Accounts.usePause, now: now))
    }

    /// Seconds between two notes of a session's use.
    private static let usePause: Int64 = 300

    private func living(_ found: Caller) -> Caller? {
        let session = found.session
        let isAlive = session.isCurrent && now < session.expiresAt && now < absoluteEnd(of: session)
        return isAlive && found.account.status == .active ? found : nil
    }

    /// When a session expires for good, however often it is renewed.
    func absoluteEnd(of session: Session) -> Instant { session.createdAt + dependencies.settings.longestSession }

    /// Seconds between two extensions of a session.
    private static let slide: Int64 = 3600

    /// Ends the session of a refresh token, for clients that hold nothing else.
    package func signOut(refresh: Entry, by policy: Policy) throws(AccountsError) {
        var validation = Validation()
        let token = validation.required(refresh, .refresh, trimmed: true)
        try validation.refuseIfAny()
        guard let token else { throw .fault("a violation is missing") }
        let claims = try claims(token, .refresh, otherwise: .badRefreshToken)
        guard let caller = try livingSession(claims), caller.session.contract == policy.contract else {
            throw .refused(.badRefreshToken)
        }
        try signOut(caller)
    }

    /// Ends the caller's session.
    package func signOut(_ caller: Caller) throws(AccountsError) {
        try end(caller.session)
        report(.signedOut, caller.account.id)
    }

    func end(_ session: Session) throws(AccountsError) {
        try refusing { () throws(DatabaseError) in
            try database.run(DeleteSession(id: session.id))
        }
    }

    /// Ends the caller's session if `refresh` is a refresh token of the same one.
    package func signOut(_ caller: Caller, refresh: Entry) throws(AccountsError) {
        guard case .text(let token) = refresh.trimmed else { throw .refused(.foreignRefreshToken) }
        let claims = try claims(token, .refresh, otherwise: .foreignRefreshToken)
        guard claims.sessionID == caller.session.id, claims.accountID == caller.account.id else {
            throw .refused(.foreignRefreshToken)
        }
        try signOut(caller)
    }

    /// The claims of a token that is signed by us, of this kind and not expired.
    func claims(_ token: String, _ kind: Claims.Kind, otherwise refusal: Refusal) throws(AccountsError) -> Claims {
        do throws(TokenError) {
            let claims = try dependencies.signer.verify(token, now: now.seconds)
            if claims.kind == kind { return claims }
        } catch {}
        throw .refused(refusal)
    }

    /// The session of a token, if it is valid and its account is active.
    func livingSession(_ claims: Claims) throws(AccountsError) -> Caller? {
        guard let found = try sessions(of: [.token(claims)])[0], found.account.id == claims.accountID else {
            return nil
        }
        return living(found)
    }

    /// A new session that is not stored yet and has no account.
    func newSession(for policy: Policy, remembered: Bool, now: Instant) -> Session {
        Session(
            id: max(1, dependencies.random.next()), accountID: 0, contract: policy.contract, isRemembered: remembered,
            generation: 1, generationTimes: [now], createdAt: now,
            expiresAt: now + min(policy.life(remembered: remembered), dependencies.settings.longestSession),
            usedAt: now, isCurrent: true)
    }

    /// The tokens of a session's current generation. The same row always gives the same refresh or single token.
    func credentials(_ caller: Caller, cookie: String? = nil, by policy: Policy) -> Credentials {
        let session = caller.session
        switch policy.renewal {
        case .pair(let life, _):
            let now = self.now
            // An access token must not outlive its session.
            let end = min((now + life).seconds, session.expiresAt.seconds)
            let access = token(.access, caller, TokenID(dependencies.random), from: now, until: end)
            let refresh = token(
                .refresh, caller, session.tokenID, from: session.renewedAt, until: session.expiresAt.seconds)
            return Credentials(account: caller.account, access: access, refresh: refresh, life: life)
        case .single:
            let access = token(
                .access, caller, session.tokenID, from: session.renewedAt, until: session.expiresAt.seconds)
            return Credentials(
                account: caller.account, access: access, life: session.expiresAt.seconds - session.renewedAt.seconds)
        case .cookie:
            return Credentials(
                account: caller.account, cookie: cookie, life: session.expiresAt.seconds - session.renewedAt.seconds)
        }
    }

    private func token(
        _ kind: Claims.Kind, _ caller: Caller, _ id: TokenID, from start: Instant, until end: Int64
    ) -> String {
        dependencies.signer.sign(
            Claims(
                kind: kind, issuedAt: start.seconds, expiresAt: end, accountID: caller.account.id,
                sessionID: caller.session.id, id: id, role: caller.account.role.rawValue))
    }
}

extension Session {
    func of(_ accountID: UInt64) -> Session {
        Session(
            id: id, accountID: accountID, contract: contract, isRemembered: isRemembered, generation: generation,
            generationTimes: generationTimes, createdAt: createdAt, expiresAt: expiresAt, usedAt: usedAt,
            isCurrent: isCurrent)
    }

    /// The `jti` of a token that counts generations: session, then generation.
    var tokenID: TokenID { TokenID(high: id, low: UInt64(generation)) }
}

extension TokenID {
    /// The generation that a refresh or single token belongs to; nil for another `jti`.
    func generation(of session: Session) -> UInt32? {
        high == session.id ? UInt32(exactly: low) : nil
    }
}

extension Caller {
    /// A single token is superseded by its renewal; an access token beside a refresh token is good until its own end.
    fileprivate func acceptsBearer(_ claims: Claims, now: Instant) -> Bool {
        guard let generation = claims.id.generation(of: session) else { return true }
        return generation == session.generation || session.isWithinGrace(generation, now: now)
    }
}

extension Array {
    /// Cut into pieces of at most `max` elements.
    fileprivate func parts(max: Int) -> [ArraySlice<Element>] {
        stride(from: 0, to: count, by: max).map { self[$0..<Swift.min($0 + max, count)] }
    }
}
