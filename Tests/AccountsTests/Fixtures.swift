import Secrets
import TestSupport

@testable import Accounts

/// Any sign-in of these tests, where the test is not about the password.
let goodPassword = "correct horse battery"
let otherPassword = "another staple entirely"

extension Policy {
    /// As contract 1 has it: an access token for an hour, a refresh token for a day.
    static let pair = Policy(
        contract: 1, renewal: .pair(access: 3600, refresh: 86_400),
        passwords: PasswordRules(
            shortest: 8, refusesCommon: true, refusesNumeric: true, dissimilarTo: [.username, .email]))
}

extension Accounts {
    /// Registers `anna` with `anna@school.example` and signs in, which is no login.
    @discardableResult
    func register(
        _ name: String, email: String? = nil, password: String = goodPassword
    ) throws(AccountsError) -> Credentials {
        let form = Registration(
            username: .text(name), email: .text(email ?? "\(name)@school.example"), password: .text(password),
            confirmation: .text(password))
        return try registerSignedIn(form, by: .pair)
    }

    @discardableResult
    func signIn(_ name: String, _ password: String = goodPassword) throws(AccountsError) -> Credentials {
        try signIn(SignIn(name: .text(name), password: .text(password)), by: .pair)
    }

    func refresh(_ token: String?) throws(AccountsError) -> Credentials {
        try refresh(token.map(Entry.text) ?? .absent, by: .pair)
    }

    func caller(_ credentials: Credentials) throws(AccountsError) -> Caller {
        try caller(accessToken: credentials.access)
    }

    func changePassword(
        _ credentials: Credentials, from old: String = goodPassword, to new: String = otherPassword
    ) throws(AccountsError) {
        let form = PasswordChange(current: .text(old), new: .text(new), confirmation: .text(new))
        try changePassword(of: caller(credentials), form, by: .pair)
    }

    @discardableResult
    func update(
        _ credentials: Credentials, email: Entry = .absent, bio: Entry = .absent, avatar: AvatarEntry = .absent
    ) throws(AccountsError) -> Account {
        try updateProfile(
            of: caller(credentials), ProfileChange(email: email, bio: bio, avatar: avatar), by: .pair)
    }

    /// An upload that holds these bytes.
    func upload(_ bytes: [UInt8]) throws(AccountsError) -> AvatarEntry {
        let upload = try beginUpload()
        bytes.withUnsafeBytes { upload.write($0) }
        return .file(upload)
    }
}

extension AccountsFixture {
    /// Makes a name's sign-ins fail so many times.
    func fail(_ name: String, times: Int) throws {
        let accounts = accounts()
        for _ in 0..<times {
            guard refusal({ try accounts.signIn(name, "wrong") }) == "wrongCredentials" else {
                throw Surprise("a failed sign-in of \(name) was not answered as one")
            }
        }
    }
}

struct Surprise: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// The refusal that `body` ends with, by its name: `locked(retryAfter: 900)`; `none` without one.
func refusal<T>(_ body: () throws -> T) -> String {
    do {
        _ = try body()
        return "none"
    } catch {
        return "\(error)"
    }
}

/// What was wrong with the fields; empty when nothing was or when it was something else.
func violations<T>(_ body: () throws -> T) -> [Violation] {
    do {
        _ = try body()
    } catch {
        if case .refused(.invalid(let violations)) = error as? AccountsError { return violations }
    }
    return []
}
