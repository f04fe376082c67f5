import Secrets

extension Accounts {
    /// Hashes a new password. Heavy: waits for a permit and takes tens of milliseconds.
    func hash(_ password: String) throws(AccountsError) -> String {
        let salt = dependencies.random.bytes(PasswordHash.saltBytes)
        return try hashing { () throws(HashingFailure) in
            try PasswordHash.make(password, with: dependencies.settings.hashing, salt: salt)
        }
    }

    /// Whether a password is that of a hash. Heavy: waits for a permit and takes tens of milliseconds.
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
