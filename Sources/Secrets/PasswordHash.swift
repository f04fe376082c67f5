/// A stored password hash, in a form of ours or of one of the systems that accounts come from.
///
/// | form | from |
/// |---|---|
/// | `$argon2id$…`, `$argon2i$…`, `$argon2d$…` | here, argon2-cffi, passlib |
/// | `argon2$argon2id$…`, `pbkdf2_sha256$…`, `pbkdf2_sha1$…`, `bcrypt_sha256$$2b$…`, `bcrypt$$2b$…` | Django |
/// | `$2a$…`, `$2b$…`, `$2y$…` | passlib and others |
///
/// Everything else, and a hash that would cost more than a few seconds, is unusable: it matches no password.
package struct PasswordHash: Sendable {
    /// How many bytes of salt `make` wants.
    package static let saltBytes = Argon2Hash.saltBytes
    /// Bytes; real ones have less than 200.
    private static let longestStored = 1024

    private let scheme: Scheme

    private enum Scheme {
        case argon2(Argon2Hash)
        case djangoArgon2(Argon2Hash)
        case pbkdf2(PBKDF2Hash)
        case bcrypt(BcryptHash)
        case decoy(HashParameters)
        case unusable
    }

    package init(stored: String) {
        guard stored.utf8.count <= Self.longestStored else {
            scheme = .unusable
            return
        }
        let parts = stored.split(separator: "$", omittingEmptySubsequences: false)
        scheme = Self.scheme(parts) ?? .unusable
    }

    private init(_ scheme: Scheme) {
        self.scheme = scheme
    }

    /// Stands in for the hash of an unknown account: costs what a real one costs and matches no password.
    package static func decoy(_ parameters: HashParameters) -> PasswordHash {
        PasswordHash(.decoy(parameters))
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
        case .argon2, .djangoArgon2, .pbkdf2, .bcrypt: true
        case .decoy, .unusable: false
        }
    }

    /// Whether this is the hash of `password`. Heavy: tens of milliseconds and megabytes.
    package func matches(_ password: String) throws(HashingFailure) -> Bool {
        let password = password.utf8.span
        switch scheme {
        case .argon2(let hash), .djangoArgon2(let hash):
            return try hash.matches(password)
        case .pbkdf2(let hash):
            return try hash.matches(password)
        case .bcrypt(let hash):
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
        case .djangoArgon2, .pbkdf2, .bcrypt, .decoy, .unusable: true
        }
    }

    private static func scheme(_ parts: [Substring]) -> Scheme? {
        switch parts.first {
        case "":
            Argon2Hash(Array(parts.dropFirst())).map(Scheme.argon2) ?? BcryptHash(parts).map(Scheme.bcrypt)
        case "argon2":
            Argon2Hash(Array(parts.dropFirst())).map(Scheme.djangoArgon2)
        case "bcrypt", "bcrypt_sha256":
            BcryptHash(parts).map(Scheme.bcrypt)
        default:
            PBKDF2Hash(parts).map(Scheme.pbkdf2)
        }
    }
}
