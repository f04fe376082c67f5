import Database

/// What a person fills in to register, as it came.
package struct Registration: Sendable {
    /// nil where the contract asks for none: then it is made from the email.
    package var username: Entry?
    /// Must be there in every contract.
    package var email: Entry
    /// Must keep the rules of the contract.
    package var password: Entry
    /// nil where the contract does not ask for it.
    package var confirmation: Entry?
    /// Texts such as `.fullName` and `.phone`.
    package var details: [Field: Entry] = [:]
    /// The `User-Agent` of the client, for the list of sessions.
    package var userAgent: String?

    /// A form as it came; nothing is checked yet.
    package init(username: Entry?, email: Entry, password: Entry, confirmation: Entry?, details: [Field: Entry] = [:]) {
        self.username = username
        self.email = email
        self.password = password
        self.confirmation = confirmation
        self.details = details
    }
}

extension Accounts {
    /// Makes an account.
    package func register(_ form: Registration, by policy: Policy) throws(AccountsError) -> Account {
        let account = try make(form, by: policy)
        report(.registered, account.id)
        return account
    }

    /// Makes an account and signs it in at once, which is not counted as a login.
    package func registerSignedIn(_ form: Registration, by policy: Policy) throws(AccountsError) -> Credentials {
        let session = newSession(for: policy, remembered: false, now: now)
        let account = try make(form, by: policy, session: session)
        report(.registered, account.id)
        return credentials(Caller(account: account, session: session.of(account.id)), by: policy)
    }

    private func make(
        _ form: Registration, by policy: Policy, session: Session? = nil
    ) throws(AccountsError) -> Account {
        try make(
            form, passwords: policy.passwords, usernameLength: policy.usernameLength,
            requiredDetails: policy.requiredDetails, session: session, isVerificationSent: true)
    }

    /// Validates a form and stores the account.
    ///
    /// - Parameters:
    ///   - usernameLength: in characters.
    ///   - session: what the account begins with, if it is signed in at once.
    ///   - isVerificationSent: whether a mail asks for proof of the address.
    ///   - privileges: what only an operator can give.
    func make(
        _ form: Registration, passwords: PasswordRules, usernameLength: ClosedRange<Int> = 1...Username.longest,
        requiredDetails: Set<Field> = [], session: Session?, isVerificationSent: Bool = false,
        privileges: Privileges = Privileges(), mustChange: Bool = false
    ) throws(AccountsError) -> Account {
        var validation = Validation()
        let typed = form.username.flatMap { validation.required($0, .username, trimmed: true) }
        let username = validation.username(typed, length: usernameLength)
        let address = validation.required(form.email, .email, trimmed: true)
        let email = validation.email(address)
        validation.names(username, email, taken: try takenNames(username, email))
        let password = validation.newPassword(
            form.password, confirmation: form.confirmation, (.password, .confirmation), rules: passwords,
            username: typed, email: address)
        var account = Account(createdAt: now)
        account.role = privileges.role
        account.isStaff = privileges.isStaff
        account.isSuperuser = privileges.isSuperuser
        account.mustChangePassword = mustChange
        validation.details(form.details, required: requiredDetails, into: &account)
        try validation.refuseIfAny()
        guard let email, let password else { throw .fault("a violation is missing") }

        let name = if let username { username } else { try freeUsername(for: email) }
        let insertion = InsertAccount(
            account: account, username: name, email: email, passwordHash: try hash(password), now: now)
        let beginning = session.map {
            InsertSession(
                session: $0, address: actor.address, client: form.userAgent.flatMap(ClientName.of), cookieHash: nil,
                now: now)
        }
        return try insert(
            insertion, isNameMade: username == nil, beginning: beginning, isVerificationSent: isVerificationSent)
    }

    /// Stores an account, under the next free username where it was made and is taken meanwhile.
    ///
    /// - Parameters:
    ///   - isNameMade: whether the username was made from the email: then the next free one is as good.
    ///   - beginning: the session that the account begins with, if it is signed in at once.
    ///   - isVerificationSent: as that of `make`.
    func insert(
        _ insertion: InsertAccount, isNameMade: Bool, beginning: InsertSession? = nil, isVerificationSent: Bool = false
    ) throws(AccountsError) -> Account {
        var insertion = insertion
        // Of so many at once with the same local part the last one needs as many.
        var attempts = 100
        while true {
            do throws(AccountsError) {
                return try insert(insertion, beginning: beginning, isVerificationSent: isVerificationSent)
            } catch .refused(.invalid(let violations))
                where isNameMade && attempts > 0 && violations == [Violation(.username, .taken)]
            {
                // Somebody else took the name that was free just now; with the same email, if it was sent twice.
                attempts -= 1
                var validation = Validation()
                validation.names(nil, insertion.email, taken: try takenNames(nil, insertion.email))
                try validation.refuseIfAny()
                insertion.username = try freeUsername(for: insertion.email)
            }
        }
    }

    private func insert(
        _ insertion: InsertAccount, beginning: InsertSession?, isVerificationSent: Bool
    ) throws(AccountsError) -> Account {
        let made = try inserting { () throws(DatabaseError) in
            try database.transaction { () throws(DatabaseError) in
                let id = try database.run(insertion).insertedID
                try database.run(SetBlock(id: id))
                // The index has made us wait for whoever gave the address up meanwhile: now it shows that they can have it back.
                let reserved = ReservedEmail(key: insertion.email.canonical.key, accountID: id, now: insertion.now)
                if try database.first(reserved) != nil { throw .duplicate(index: "email_key") }
                if var beginning {
                    beginning.session = beginning.session.of(id)
                    try database.run(beginning)
                }
                if isVerificationSent, dependencies.settings.sendsMail {
                    try database.run(ScheduleVerification(accountID: id, now: insertion.now, dueAt: insertion.now))
                }
                return try database.first(AccountByID(id: id))
            }
        }
        guard let made else { throw .fault("the new account cannot be read") }
        return made.account
    }

    /// Translates what unique indexes refuse to violations of fields: of two at once, one gets the row and the other the
    /// violation.
    func inserting<T>(_ body: () throws(DatabaseError) -> T) throws(AccountsError) -> T {
        do throws(DatabaseError) {
            return try body()
        } catch .duplicate(index: "username_key") {
            throw .refused(.invalid([Violation(.username, .taken)]))
        } catch .duplicate(index: "email_key") {
            throw .refused(.invalid([Violation(.email, .taken)]))
        } catch .duplicate(index: "PRIMARY") {
            throw .refused(.invalid([Violation(.id, .taken)]))
        } catch .duplicate(index: "avatar") {
            throw .refused(.invalid([Violation(.avatar, .taken)]))
        } catch {
            return try refusing { () throws(DatabaseError) in throw error }
        }
    }
}
