import Database
import Secrets

/// What a person fills in to sign in, as it came.
package struct SignIn: Sendable {
    /// A username or an email.
    package var name: Entry
    /// `.username` where the name may also be an email, `.email` where it must be one.
    package var nameField: Field
    /// Checked against the account's hash as it came.
    package var password: Entry
    /// The role chosen in the form; nil where the contract knows none.
    package var role: Entry?
    /// Contract 5's `remember_me`.
    package var remembered: Entry
    /// The cookies that the client still holds: their sessions end when the new one begins.
    package var replacedCookies: [String]
    /// The `User-Agent` of the client, for the list of sessions.
    package var userAgent: String?

    /// A form as it came; nothing is checked yet.
    package init(
        name: Entry, as nameField: Field = .username, password: Entry, role: Entry? = nil, remembered: Entry = .absent,
        replacedCookies: [String] = [], userAgent: String? = nil
    ) {
        self.userAgent = userAgent
        self.nameField = nameField
        self.replacedCookies = replacedCookies
        self.name = name
        self.password = password
        self.role = role
        self.remembered = remembered
    }
}

extension Accounts {
    /// Checks name and password and begins a session.
    ///
    /// Known and unknown names cost the same statements and the same hashing, and are locked alike.
    package func signIn(_ form: SignIn, by policy: Policy) throws(AccountsError) -> Credentials {
        var validation = Validation()
        let name = validation.required(form.name, form.nameField, trimmed: true)
        let password = validation.required(form.password, .password)
        let role = validation.role(form.role)
        let isRemembered = validation.flag(form.remembered, .remembered)
        try validation.refuseIfAny()
        guard let name, let password else { throw .fault("a violation is missing") }

        let stored = try checked(name: CanonicalName(name), field: form.nameField, password: password)
        guard stored.account.status == .active else {
            report(.signInRefused, stored.account.id)
            throw .refused(.inactive)
        }
        if let role, role != stored.account.role {
            report(.signInRefused, stored.account.id)
            throw .refused(.invalid([Violation(.role, .otherRole)]))
        }
        let session = newSession(for: policy, remembered: isRemembered, now: now).of(stored.account.id)
        return try begin(session, of: stored, form, password: password, by: policy)
    }

    /// Checks the password of the account of a name; counts a failure.
    ///
    /// Which field the name came in decides whether it can sign in, never whose failures it counts for: a username in an
    /// email's field is checked like any wrong password of its account.
    func checked(name: CanonicalName, field: Field, password: String) throws(AccountsError) -> StoredAccount {
        let stored = try account(named: name)
        let subject = LoginSubject(stored?.account.id, name: name)
        do throws(AccountsError) {
            try refuseIfLocked(subject)
        } catch {
            if case .refused(.locked) = error { report(.signInRefused, stored?.account.id) }
            throw error
        }
        let hash = stored.map { PasswordHash(stored: $0.passwordHash) }
        // Hash anyway: the time must not tell whether the account exists.
        let usable: PasswordHash
        if let hash, hash.isUsable { usable = hash } else { usable = decoy(for: name) }
        let isRight = try matches(usable, password)
        guard isRight, let stored, field != .email || name.isAddress else {
            try countFailure(subject, accountID: stored?.account.id)
            throw .refused(.wrongCredentials)
        }
        return stored
    }

    /// The account whose username or email is `name`: only an email can hold an `@`.
    func account(named name: CanonicalName) throws(AccountsError) -> StoredAccount? {
        try refusing { () throws(DatabaseError) in
            name.isAddress
                ? try database.first(AccountByEmail(key: name.key))
                : try database.first(AccountByUsername(key: name.key))
        }
    }

    /// The hash that is checked in place of that of an account that does not exist.
    ///
    /// A keyed hash of the name chooses among the forms that accounts have, weighted by their numbers: so an unknown name
    /// costs what a known one may cost, and always the same.
    private func decoy(for name: CanonicalName) -> PasswordHash {
        let usual = PasswordHash.decoy(dependencies.settings.hashing)
        do throws(AccountsError) {
            let forms = try dependencies.passwordForms.current { () throws(AccountsError) in try countPasswordForms() }
            let form = forms.form(at: dependencies.signer.keyedHash(of: "password form of \(name.key)"))
            return form.flatMap { PasswordHash.decoy(form: $0) } ?? usual
        } catch {
            // A login must not fail because they cannot be counted now.
            return usual
        }
    }

    /// Counts again which forms of password hashes accounts have: about 0.2 s for a million. Called now and then, outside of
    /// requests.
    package func refreshPasswordForms() throws(AccountsError) {
        dependencies.passwordForms.replace(with: try countPasswordForms())
    }

    private func countPasswordForms() throws(AccountsError) -> PasswordForms.Counts {
        let counts = try refusing { () throws(DatabaseError) in try database.rows(CountPasswordForms()) }
        return PasswordForms.Counts(counts)
    }

    private func begin(
        _ session: Session, of stored: StoredAccount, _ form: SignIn, password: String, by policy: Policy
    ) throws(AccountsError) -> Credentials {
        var newHash: String?
        if PasswordHash(stored: stored.passwordHash).needsRehash(dependencies.settings.hashing) {
            newHash = try hash(password)
        }
        let now = self.now
        var account = stored.account
        let cookie = policy.isCookie ? dependencies.random.randomToken() : nil
        let subject = LoginSubject(account.id, name: nil)
        let beginning = BeginSession(
            insertion: InsertSession(
                session: session, address: actor.address, client: form.userAgent.flatMap(ClientName.of),
                cookieHash: cookie.map { sha256($0) }, now: now),
            passwordVersion: stored.passwordVersion, newHash: newHash, subject: subject,
            replacedCookieHashes: form.replacedCookies.map { sha256($0) }, settings: dependencies.settings)
        let isBegun = try refusing { () throws(DatabaseError) in try database.run(beginning).affectedRows > 0 }
        guard isBegun else {
            // Since the password was checked the account was locked, changed its password or was disabled.
            try refuseIfLocked(subject)
            throw .refused(.wrongCredentials)
        }
        report(.signedIn, account.id)
        account.lastLoginAt = now
        account.loginCount += 1
        return credentials(Caller(account: account, session: session), cookie: cookie, by: policy)
    }

    // MARK: Login throttling

    func refuseIfLocked(_ subject: LoginSubject) throws(AccountsError) {
        let now = self.now
        let lock = try refusing { () throws(DatabaseError) in
            try database.first(LockOf(subject: subject.digest, now: now, settings: dependencies.settings))
        }
        if let lock { throw .refused(.locked(retryAfter: lock.seconds(since: now))) }
    }

    func countFailure(_ subject: LoginSubject, accountID: UInt64?) throws(AccountsError) {
        let now = self.now
        let isLocked = try refusing { () throws(DatabaseError) in
            try database.run(CountFailure(subject: subject.digest, now: now, settings: dependencies.settings))
            return try database.first(LockOf(subject: subject.digest, now: now, settings: dependencies.settings)) != nil
        }
        report(.signInFailed, accountID)
        if isLocked { dependencies.report(.locked(accountID: accountID)) }
        noteFailure(of: subject)
    }
}

/// Whose failures are counted: an account's, whichever of its names was used, a name's that no account has, or those of a
/// signed-in session that guesses its account's password.
struct LoginSubject {
    let digest: [UInt8]

    init(_ accountID: UInt64?, name: CanonicalName?) {
        digest = sha256(accountID.map { "account:\($0)" } ?? "name:\(name?.key ?? "")")
    }

    init(session id: UInt64) {
        digest = sha256("session:\(id)")
    }
}

extension Validation {
    mutating func role(_ entry: Entry?) -> Role? {
        guard let entry, let word = required(entry, .role) else { return nil }
        // Far longer than the longest of them.
        guard word.utf8.count <= 16, let role = Role(rawValue: word) else {
            add(.role, .unknownRole)
            return nil
        }
        return role
    }
}
