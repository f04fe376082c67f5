import Database
import Secrets

/// What a person fills in to register, as it came.
package struct Registration: Sendable {
    package var username: Entry
    package var email: Entry
    package var password: Entry
    package var confirmation: Entry

    package init(username: Entry, email: Entry, password: Entry, confirmation: Entry) {
        self.username = username
        self.email = email
        self.password = password
        self.confirmation = confirmation
    }
}

extension Accounts {
    /// Makes an account.
    package func register(_ form: Registration, by policy: Policy) throws(Refusal) -> Account {
        try make(form, by: policy, session: nil)
    }

    /// Makes an account and signs it in at once, which is not counted as a login.
    package func registerSignedIn(_ form: Registration, by policy: Policy) throws(Refusal) -> Credentials {
        let session = newSession(for: policy, remembered: false, now: now)
        let account = try make(form, by: policy, session: session)
        return credentials(Caller(account: account, session: session.of(account.id)), by: policy)
    }

    private func make(_ form: Registration, by policy: Policy, session: Session?) throws(Refusal) -> Account {
        var findings = Findings()
        let name = findings.required(form.username, .username, trimmed: true)
        let username = findings.username(name, length: policy.usernameLength)
        let address = findings.required(form.email, .email, trimmed: true)
        let email = findings.email(address)
        try findings.names(username, email, among: self, except: nil)
        let password = findings.newPassword(
            form.password, confirmation: form.confirmation, (.password, .confirmation), rules: policy.passwords,
            username: name, email: address)
        try findings.refuseIfAny()
        guard let username, let email, let password else { throw .fault("a finding is missing") }

        let hash = try hash(password)
        let now = self.now
        let made = try inserting { () throws(DatabaseError) in
            try database.transaction { () throws(DatabaseError) in
                let id = try database.run(
                    InsertAccount(
                        username: username, email: email, passwordHash: hash, role: .student, isStaff: false,
                        isSuperuser: false, now: now)
                ).insertedID
                if let session { try database.run(InsertSession(session: session.of(id), cookieHash: nil, now: now)) }
                return try database.first(AccountByID(id: id))
            }
        }
        guard let made else { throw .fault("the new account cannot be read") }
        return made.account
    }

    /// The unique indexes have the last word: of two at once, one gets the row and the other the finding.
    func inserting<T>(_ body: () throws(DatabaseError) -> T) throws(Refusal) -> T {
        do throws(DatabaseError) {
            return try body()
        } catch .duplicate(index: "username_key") {
            throw .invalid([Violation(.username, .taken)])
        } catch .duplicate(index: "email_key") {
            throw .invalid([Violation(.email, .taken)])
        } catch {
            return try refusing { () throws(DatabaseError) in throw error }
        }
    }

    /// Heavy: waits for a permit and takes tens of milliseconds.
    func hash(_ password: String) throws(Refusal) -> String {
        let salt = common.random.bytes(PasswordHash.saltBytes)
        return try hashing { () throws(HashingFailure) in
            try PasswordHash.make(password, with: common.settings.hashing, salt: salt)
        }
    }

    /// Heavy, likewise.
    func matches(_ hash: PasswordHash, _ password: String) throws(Refusal) -> Bool {
        try hashing { () throws(HashingFailure) in try hash.matches(password) }
    }

    private func hashing<T>(_ body: () throws(HashingFailure) -> T) throws(Refusal) -> T {
        do throws(HashingFailure) {
            return try common.hashing.withPermit(body)
        } catch {
            throw .fault("hashing: \(error)")
        }
    }
}

extension Findings {
    /// A username with `@` must be the account's own email, and no other account may have either.
    mutating func names(
        _ username: Username?, _ email: EmailAddress?, among accounts: Accounts, except own: UInt64?
    ) throws(Refusal) {
        if let username, username.isAddress, username.canonical != email?.canonical {
            add(.username, .foreignAddress)
        }
        guard username != nil || email != nil else { return }
        let query = TakenNames(usernameKey: username?.canonical.key ?? "", emailKey: email?.canonical.key ?? "")
        let taken = try accounts.refusing { () throws(DatabaseError) in try accounts.database.rows(query) }
            .filter { $0.id != own }
        if taken.contains(where: \.isUsername) { add(.username, .taken) }
        if taken.contains(where: \.isEmail) { add(.email, .taken) }
    }

    mutating func username(_ text: String?, length: ClosedRange<Int>) -> Username? {
        guard let text else { return nil }
        do throws(Rejection) {
            return try Username(text, length: length)
        } catch {
            add(.username, error.rule)
            return nil
        }
    }

    mutating func email(_ text: String?) -> EmailAddress? {
        guard let text else { return nil }
        do throws(Rejection) {
            return try EmailAddress(text)
        } catch {
            add(.email, error.rule)
            return nil
        }
    }

    /// A new password that keeps the rules and, where the contract asks for it, was typed twice.
    mutating func newPassword(
        _ entry: Entry, confirmation: Entry?, _ fields: (password: Field, confirmation: Field), rules: PasswordRules,
        username: String?, email: String?
    ) -> String? {
        let password = required(entry, fields.password)
        if let password {
            for rule in rules.violations(of: password, username: username, email: email) { add(fields.password, rule) }
        }
        if let confirmation {
            let repeated = required(confirmation, fields.confirmation)
            if let repeated, let password, !repeated.utf8.elementsEqual(password.utf8) {
                add(fields.confirmation, .mismatch)
            }
        }
        return password
    }
}
