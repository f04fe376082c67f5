import Database
import Secrets

/// What a person fills in to register, as it came.
package struct Registration: Sendable {
    /// nil where the contract asks for none: then it is made from the email.
    package var username: Entry?
    package var email: Entry
    package var password: Entry
    /// nil where the contract does not ask for it.
    package var confirmation: Entry?
    package var details: [Field: Entry] = [:]

    package init(username: Entry?, email: Entry, password: Entry, confirmation: Entry?, details: [Field: Entry] = [:]) {
        self.username = username
        self.email = email
        self.password = password
        self.confirmation = confirmation
        self.details = details
    }
}

/// What an account may do beyond a student: given by an operator or an import, never by a registration.
package struct Privileges: Sendable {
    package var role = Role.student
    package var isStaff = false
    package var isSuperuser = false

    package init(role: Role = .student, isStaff: Bool = false, isSuperuser: Bool = false) {
        self.role = role
        self.isStaff = isStaff
        self.isSuperuser = isSuperuser
    }
}

/// What a person may say of themselves, and how long it may be, in characters.
struct Details: Sendable {
    var fullName: String?
    var firstName: String?
    var lastName: String?
    var phone: String?

    static let limits: [(field: Field, most: Int)] = [
        (.fullName, 100), (.firstName, 100), (.lastName, 100), (.phone, 32),
    ]
}

extension Accounts {
    /// Makes an account.
    package func register(_ form: Registration, by policy: Policy) throws(AccountsError) -> Account {
        let account = try make(form, by: policy, session: nil)
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

    /// - Parameters:
    ///   - session: what the account begins with, if it is signed in at once.
    ///   - privileges: what only an operator can give.
    func make(
        _ form: Registration, by policy: Policy, session: Session?, privileges: Privileges = Privileges()
    ) throws(AccountsError) -> Account {
        var validation = Validation()
        let typed = form.username.flatMap { validation.required($0, .username, trimmed: true) }
        let username = validation.username(typed, length: policy.usernameLength)
        let address = validation.required(form.email, .email, trimmed: true)
        let email = validation.email(address)
        validation.names(username, email, taken: try takenNames(username, email))
        let password = validation.newPassword(
            form.password, confirmation: form.confirmation, (.password, .confirmation), rules: policy.passwords,
            username: typed, email: address)
        let details = validation.details(form.details, required: policy.requiredDetails)
        try validation.refuseIfAny()
        guard let email, let password else { throw .fault("a violation is missing") }

        let name = if let username { username } else { try freeUsername(for: email) }
        let insertion = InsertAccount(
            username: name, email: email, passwordHash: try hash(password), privileges: privileges, details: details,
            now: now)
        return try insert(insertion, isNameMade: username == nil, session: session)
    }

    /// - Parameters:
    ///   - isNameMade: whether the username was made from the email: then the next free one is as good.
    ///   - session: as that of `make`.
    func insert(_ insertion: InsertAccount, isNameMade: Bool, session: Session? = nil) throws(AccountsError) -> Account
    {
        var insertion = insertion
        // Of so many at once with the same local part the last one needs as many.
        var attempts = 100
        while true {
            do throws(AccountsError) {
                return try insert(insertion, session: session)
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

    private func insert(_ insertion: InsertAccount, session: Session?) throws(AccountsError) -> Account {
        let made = try inserting { () throws(DatabaseError) in
            try database.transaction { () throws(DatabaseError) in
                let id = try database.run(insertion).insertedID
                // The index has made us wait for whoever gave the address up meanwhile: now it shows that they can have it back.
                let reserved = ReservedEmail(key: insertion.email.canonical.key, accountID: id, now: insertion.now)
                if try database.first(reserved) != nil { throw .duplicate(index: "email_key") }
                if let session {
                    try database.run(InsertSession(session: session.of(id), cookieHash: nil, now: insertion.now))
                }
                return try database.first(AccountByID(id: id))
            }
        }
        guard let made else { throw .fault("the new account cannot be read") }
        return made.account
    }

    /// Which of a username and an email, `.username` and `.email`, other accounts have or can have back.
    ///
    /// - Parameter own: the account that may have them.
    func takenNames(
        _ username: Username?, _ email: EmailAddress?, except own: UInt64? = nil
    ) throws(AccountsError) -> Set<Field> {
        guard username != nil || email != nil else { return [] }
        let query = TakenNames(
            usernameKey: username?.canonical.key ?? "", emailKey: email?.canonical.key ?? "", now: now)
        let rows = try refusing { () throws(DatabaseError) in try database.rows(query) }.filter { $0.id != own }
        var taken: Set<Field> = []
        if rows.contains(where: \.isUsername) { taken.insert(.username) }
        if rows.contains(where: \.isEmail) { taken.insert(.email) }
        return taken
    }

    /// The first free of `alice`, `alice2`, … `alice64` for `alice@school.example`; one further on when all are taken.
    ///
    /// It costs the same among a million of them as among ten: the 64 with one statement, then one look into the index for
    /// each number. The number is doubled until it is free; then half-way between the last that was taken and the first
    /// that was free, until they are neighbours: some 30 for a million. Numbers that became free in between stay so.
    func freeUsername(for email: EmailAddress) throws(AccountsError) -> Username {
        let base = Username.base(of: email)
        let candidates = NumberedNames(base: CanonicalName(base).key)
        let number = try refusing { () throws(DatabaseError) in
            let near = Set(try database.rows(TakenUsernames(keys: candidates.first)).map { Array($0.utf8) })
            if let index = candidates.first.firstIndex(where: { !near.contains(Array($0.utf8)) }) { return index + 1 }
            var taken = candidates.first.count
            var free = 2 * taken
            while try database.first(UsernameTaken(key: candidates[free])) != nil { (taken, free) = (free, 2 * free) }
            while free - taken > 1 {
                let middle = (taken + free) / 2
                if try database.first(UsernameTaken(key: candidates[middle])) != nil {
                    taken = middle
                } else {
                    free = middle
                }
            }
            return free
        }
        let text = number == 1 ? base : base + String(number)
        do throws(Rejection) {
            return try Username(text, length: 1...Username.longest)
        } catch {
            throw .fault("`\(text)` was made from an email and is no username")
        }
    }

    /// The unique indexes have the last word: of two at once, one gets the row and the other the violation.
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

    /// Heavy: waits for a permit and takes tens of milliseconds.
    func hash(_ password: String) throws(AccountsError) -> String {
        let salt = dependencies.random.bytes(PasswordHash.saltBytes)
        return try hashing { () throws(HashingFailure) in
            try PasswordHash.make(password, with: dependencies.settings.hashing, salt: salt)
        }
    }

    /// Heavy, likewise.
    func matches(_ hash: PasswordHash, _ password: String) throws(AccountsError) -> Bool {
        try hashing { () throws(HashingFailure) in try hash.matches(password) }
    }

    private func hashing<T>(_ body: () throws(HashingFailure) -> T) throws(AccountsError) -> T {
        do throws(HashingFailure) {
            return try withHashingPermit(body)
        } catch {
            throw .fault("hashing: \(error)")
        }
    }
}

extension Validation {
    /// What a person says of themselves; null and absent are the same where it is not required.
    mutating func details(_ entries: [Field: Entry], required: Set<Field>) -> Details {
        var texts: [Field: String] = [:]
        for (field, most) in Details.limits {
            switch entries[field] ?? .absent {
            case .absent: if required.contains(field) { add(field, .required) }
            case .null: if required.contains(field) { add(field, .null) }
            case .notText, .flag: add(field, .notText)
            case .text(let text):
                var text = text.trimmed
                // Copied from elsewhere numbers bring along what turns their direction.
                if field == .phone, text.utf8.count <= 4 * most { text = text.withoutInvisible.trimmed }
                check(text, field, most: most) { !$0.isControl && !$0.isLineBreak }
                texts[field] = text
            }
        }
        return Details(
            fullName: texts[.fullName], firstName: texts[.firstName], lastName: texts[.lastName], phone: texts[.phone])
    }

    /// The length of a text first, in bytes, for it may be very long; then its characters.
    mutating func check(
        _ text: String, _ field: Field, most: Int, isAllowed: (Unicode.Scalar) -> Bool
    ) {
        // A character has at most four bytes.
        guard text.utf8.count <= 4 * most else { return add(field, .tooLong(most)) }
        let scalars = text.unicodeScalars
        if scalars.contains("\0") {
            add(field, .nulCharacter)
        } else if !scalars.allSatisfy(isAllowed) {
            add(field, .controlCharacter)
        }
        if scalars.count > most { add(field, .tooLong(most)) }
    }

    /// A username with `@` must be the account's own email, and no other account may have either.
    ///
    /// - Parameters:
    ///   - taken: which of the two others have: `Accounts.takenNames`.
    ///   - present: the account's email, where it may stay.
    mutating func names(
        _ username: Username?, _ email: EmailAddress?, taken: Set<Field>, present: CanonicalName? = nil
    ) {
        if let username, username.isAddress, username.canonical != email?.canonical ?? present {
            add(.username, .foreignAddress, before: .email)
        }
        if taken.contains(.username) { add(.username, .taken, before: .email) }
        if taken.contains(.email) { add(.email, .taken) }
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

/// The keys `alice`, `alice2`, `alice3`, …: no digit changes with what stands before it.
private struct NumberedNames {
    let base: String

    subscript(number: Int) -> String { number == 1 ? base : base + String(number) }

    /// As many as one statement asks for.
    var first: [String] { (1...TakenUsernames.count).map { self[$0] } }
}

extension Unicode.Scalar {
    /// A control character, or one that turns the direction of the text behind it. (UAX #9 §2)
    var isControl: Bool { properties.generalCategory == .control || properties.isBidiControl }

    var isLineBreak: Bool {
        switch self {
        case "\n", "\r", "\u{2028}", "\u{2029}": true
        default: false
        }
    }
}

extension String {
    /// Without what has no shape of its own, such as marks of direction, and without the control characters of C1.
    fileprivate var withoutInvisible: String {
        String(
            String.UnicodeScalarView(
                unicodeScalars.filter {
                    !$0.properties.isDefaultIgnorableCodePoint && !(0x80...0x9F).contains($0.value)
                }))
    }
}
