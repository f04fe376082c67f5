import Database
import Secrets

/// What an operator fills in to make an account.
package struct NewAccount: Sendable {
    package var name: String
    package var email: String
    package var password: String
    package var role = Role.student
    package var isStaff = false
    package var isSuperuser = false

    package init(name: String, email: String, password: String) {
        self.name = name
        self.email = email
        self.password = password
    }
}

/// What an operator does through the `homeroom` command. `name` is a username or an email.
extension Accounts {
    /// Makes an account; with contract 1's rules for passwords, the strictest.
    package func create(_ new: NewAccount, rules: PasswordRules) throws(Refusal) -> Account {
        var findings = Findings()
        let name = findings.required(.text(new.name), .username, trimmed: true)
        let username = findings.username(name, length: 1...150)
        let address = findings.required(.text(new.email), .email, trimmed: true)
        let email = findings.email(address)
        try findings.names(username, email, among: self, except: nil)
        let password = findings.newPassword(
            .text(new.password), confirmation: nil, (.password, .confirmation), rules: rules, username: name,
            email: address)
        try findings.refuseIfAny()
        guard let username, let email, let password else { throw .fault("a finding is missing") }

        let insertion = InsertAccount(
            username: username, email: email, passwordHash: try hash(password), role: new.role, isStaff: new.isStaff,
            isSuperuser: new.isSuperuser, now: now)
        return try insert(insertion, session: nil)
    }

    /// nil when nobody has the name.
    package func account(_ name: String) throws(Refusal) -> Account? {
        try account(named: CanonicalName(name.trimmed))?.account
    }

    /// Also ends the sessions: their tokens name the old role.
    package func setRole(_ role: Role, of account: Account) throws(Refusal) {
        try change(account, SetRole(id: account.id, role: role, now: now))
    }

    /// Also ends the sessions.
    package func setStatus(_ status: Status, of account: Account) throws(Refusal) {
        try change(account, SetStatus(id: account.id, status: status, now: now))
    }

    /// Clears the failed logins of a name, whether or not an account has it.
    package func unlock(_ name: String) throws(Refusal) {
        let canonical = CanonicalName(name.trimmed)
        let account = try account(named: canonical)?.account
        try refusing { () throws(DatabaseError) in
            try database.run(ClearFailures(subject: LoginSubject(account?.id, name: canonical).digest))
        }
    }

    /// Removes what is over: sessions and counts of failures, in small batches. True while there may be more.
    package func sweep() throws(Refusal) -> Bool {
        let now = self.now
        let window = common.settings.lockWindow
        return try refusing { () throws(DatabaseError) in
            let sessions = try database.run(DeleteExpiredSessions(now: now)).affectedRows
            let failures = try database.run(DeleteOldFailures(before: now - window, now: now)).affectedRows
            return sessions + failures > 0
        }
    }

    private func change(_ account: Account, _ command: some Command) throws(Refusal) {
        try refusing { () throws(DatabaseError) in
            try database.transaction { () throws(DatabaseError) in
                try database.run(command)
                try database.run(DeleteOtherSessions(accountID: account.id, kept: 0))
            }
        }
    }
}
