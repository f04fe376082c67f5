import Secrets
import Synchronization

/// Which forms the password hashes of the accounts have, such as `pbkdf2_sha256$870000`, and how many accounts each.
///
/// What a password check costs depends on the form. An unknown name is given one of them as well.
package final class PasswordForms: Sendable {
    struct Count: Sendable {
        let form: String
        let accounts: UInt64
    }

    /// The forms that a password can be checked against, in the order of their names.
    struct Counts: Sendable {
        private let counts: [Count]
        private let total: UInt64

        init(_ counts: [Count]) {
            self.counts = counts.filter { $0.accounts > 0 && PasswordHash.decoy(form: $0.form) != nil }
                .sorted { $0.form.utf8.lexicographicallyPrecedes($1.form.utf8) }
            total = self.counts.reduce(0) { $0 &+ $1.accounts }
        }

        /// The form for a random number, which is drawn as often as accounts have it; nil where there is none.
        func form(at number: UInt64) -> String? {
            guard total > 0 else { return nil }
            // By its size, not by what a division leaves: with another total only numbers near a boundary go elsewhere.
            var rest = number.multipliedFullWidth(by: total).high
            for count in counts {
                if rest < count.accounts { return count.form }
                rest -= count.accounts
            }
            return nil
        }
    }

    private let counts = Mutex<Counts?>(nil)

    /// Nothing counted yet.
    package init() {}

    func replace(with new: Counts) {
        counts.withLock { $0 = new }
    }

    /// What was counted last; `count` does it the first time.
    func current(_ count: () throws(AccountsError) -> Counts) throws(AccountsError) -> Counts {
        if let counts = counts.withLock({ $0 }) { return counts }
        let new = try count()
        replace(with: new)
        return new
    }
}
