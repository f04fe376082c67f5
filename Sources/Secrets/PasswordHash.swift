/// A stored password hash, in a form of ours or of one of the systems that accounts come from.
///
/// | form | from |
/// |---|---|
/// | `$argon2id$…`, `$argon2i$…`, `$argon2d$…` | here, argon2-cffi, passlib |
/// | `argon2$argon2id$…`, `pbkdf2_sha256$…`, `pbkdf2_sha1$…`, `bcrypt_sha256$$2b$…`, `bcrypt$$2b$…`, `scrypt$…` | Django |
/// | `$2a$…`, `$2b$…`, `$2y$…` | passlib and others |
/// | `$pbkdf2-sha256$…`, `$pbkdf2-sha512$…`, `$pbkdf2$…`, `$bcrypt-sha256$…` | passlib |
///
/// Everything else, and a hash that would cost more than a few seconds, is unusable: it matches no password.
package struct PasswordHash: Sendable {
    /// How many bytes of salt `make` wants.
    package static let saltBytes = Argon2Hash.saltBytes
    /// Bytes; real ones have less than 200.
    private static let longestStored = 1024

    /// What stands behind the form in place of salt and hash, in the lengths that are usual: zeros.
    private static let dummies = [
        String(repeating: "A", count: 22) + "$" + String(repeating: "A", count: 43),
        String(repeating: "A", count: 22) + "$" + String(repeating: "A", count: 43) + "=",
        String(repeating: "A", count: 22) + "$" + String(repeating: "A", count: 27) + "=",
        String(repeating: "A", count: 22) + "$" + String(repeating: "A", count: 27),
        String(repeating: "A", count: 22) + "$" + String(repeating: "A", count: 86),
        String(repeating: ".", count: 53),
        String(repeating: ".", count: 22) + "$" + String(repeating: ".", count: 31),
    ]

    private let scheme: Scheme
    /// Whether it is checked like any other and never matches.
    private var isDecoy = false
    /// Why a hash of a known form is unusable: what it would cost, and how much it may. nil for others.
    package private(set) var excess: String?

    private enum Scheme {
        case argon2(Argon2Hash)
        case djangoArgon2(Argon2Hash)
        case pbkdf2(PBKDF2Hash)
        case bcrypt(BcryptHash)
        case scrypt(ScryptHash)
        case decoy(HashParameters)
        case unusable
    }

    /// Any text is taken; what is no hash is unusable.
    package init(stored: String) {
        guard stored.utf8.count <= Self.longestStored else {
            scheme = .unusable
            return
        }
        let parts = stored.split(separator: "$", omittingEmptySubsequences: false)
        do throws(CostExceeded) {
            scheme = try Self.scheme(parts) ?? .unusable
        } catch {
            scheme = .unusable
            excess = error.text
        }
    }

    private init(_ scheme: Scheme) {
        self.scheme = scheme
    }

    /// Stands in for the hash of an unknown account: costs what a real one costs and matches no password.
    package static func decoy(_ parameters: HashParameters) -> PasswordHash {
        PasswordHash(.decoy(parameters))
    }

    /// Stands in for the hash of an unknown account whose form is `form`: costs what a real one of that form costs and
    /// matches no password. nil when no hash of that form is usable.
    ///
    /// `form` is what `form(of:)` gives: `$argon2id$v=19$m=19456,t=2,p=1`, `pbkdf2_sha256$870000`, `bcrypt$$2b$12`.
    package static func decoy(form: String) -> PasswordHash? {
        for dummy in dummies {
            var hash = PasswordHash(stored: scryptDecoy(form) ?? "\(form)$\(dummy)")
            guard hash.isUsable else { continue }
            hash.isDecoy = true
            return hash
        }
        return nil
    }

    /// A stored hash without its salt and tag: what says how long it takes to check. nil when it is not usable.
    package static func form(of stored: String) -> String? {
        let hash = PasswordHash(stored: stored)
        guard hash.isUsable else { return nil }
        let parts = stored.split(separator: "$", omittingEmptySubsequences: false)
        // Its salt stands among its costs.
        if case .scrypt = hash.scheme { return "\(parts[0])$\(parts[1])$\(parts[3])$\(parts[4])" }
        // bcrypt's own form has no dollar between the two.
        return parts.dropLast(hash.isPlainBcrypt ? 1 : 2).joined(separator: "$")
    }

    /// A hash of the form `scrypt$16384$8$5`; nil for another form.
    private static func scryptDecoy(_ form: String) -> String? {
        let parts = form.split(separator: "$", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0] == "scrypt" else { return nil }
        let (salt, key) = (String(repeating: "A", count: 22), String(repeating: "A", count: 86) + "==")
        return "scrypt$\(parts[1])$\(salt)$\(parts[2])$\(parts[3])$\(key)"
    }

    /// The text to store for a new password, with `saltBytes` fresh random bytes.
    package static func make(
        _ password: String, with parameters: HashParameters, salt: [UInt8]
    ) throws(HashingFailure) -> String {
        try Argon2Hash.text(of: password.utf8.span, parameters, salt: salt)
    }

    /// False when no password can match. `matches` is quick to say so: at a sign-in ask a decoy instead.
    package var isUsable: Bool {
        switch scheme {
        case .argon2, .djangoArgon2, .pbkdf2, .bcrypt, .scrypt: !isDecoy
        case .decoy, .unusable: false
        }
    }

    /// Whether this is the hash of `password`. Heavy: tens of milliseconds and megabytes.
    package func matches(_ password: String) throws(HashingFailure) -> Bool {
        let isFound = try finds(password.utf8.span)
        return isFound && !isDecoy
    }

    private func finds(_ password: Span<UInt8>) throws(HashingFailure) -> Bool {
        switch scheme {
        case .argon2(let hash), .djangoArgon2(let hash):
            return try hash.matches(password)
        case .pbkdf2(let hash):
            return try hash.matches(password)
        case .bcrypt(let hash):
            return try hash.matches(password)
        case .scrypt(let hash):
            return try hash.matches(password)
        case .decoy(let parameters):
            let salt = [UInt8](repeating: 0, count: Self.saltBytes)
            _ = try Argon2Hash.text(of: password, parameters, salt: salt)
            return false
        case .unusable:
            return false
        }
    }

    /// Whether `make` would now write another form or other costs.
    package func needsRehash(_ wanted: HashParameters) -> Bool {
        switch scheme {
        case .argon2(let hash): !hash.isMade(with: wanted)
        case .djangoArgon2, .pbkdf2, .bcrypt, .scrypt, .decoy, .unusable: true
        }
    }

    private var isPlainBcrypt: Bool {
        guard case .bcrypt(let hash) = scheme else { return false }
        return hash.wrapping == .none || hash.wrapping == .hexSHA256
    }

    private static func scheme(_ parts: [Substring]) throws(CostExceeded) -> Scheme? {
        let rest = Array(parts.dropFirst())
        switch parts.first {
        case "": return try modularScheme(rest)
        case "argon2": return try Argon2Hash(rest).map(Scheme.djangoArgon2)
        case "bcrypt", "bcrypt_sha256": return try BcryptHash(django: parts).map(Scheme.bcrypt)
        case "scrypt": return try ScryptHash(django: parts).map(Scheme.scrypt)
        default: return try PBKDF2Hash(django: parts).map(Scheme.pbkdf2)
        }
    }

    /// Of a text that begins with a dollar, the parts behind it.
    private static func modularScheme(_ parts: [Substring]) throws(CostExceeded) -> Scheme? {
        switch parts.first {
        case "argon2id", "argon2i", "argon2d": try Argon2Hash(parts).map(Scheme.argon2)
        case "bcrypt-sha256": try BcryptHash(passlib: parts).map(Scheme.bcrypt)
        case "pbkdf2", "pbkdf2-sha256", "pbkdf2-sha512": try PBKDF2Hash(passlib: parts).map(Scheme.pbkdf2)
        default: try BcryptHash(parts).map(Scheme.bcrypt)
        }
    }
}
