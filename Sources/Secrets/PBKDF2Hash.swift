import CCrypto

/// `pbkdf2_sha256$1000000$salt$key`, as Django stores it: the salt as text, the key in padded base64.
///
/// Or `$pbkdf2-sha256$29000$salt$key`, as passlib does: both in base64 without padding, `.` in place of `+`.
struct PBKDF2Hash: Sendable {
    enum Digest {
        case sha1
        case sha256
        case sha512

        var keyBytes: Int {
            switch self {
            case .sha1: 20
            case .sha256: 32
            case .sha512: 64
            }
        }

        /// About three seconds: ten times what Django 5.2 asks for, eighty times what passlib 1.7 does.
        var maxIterations: Int {
            switch self {
            case .sha1, .sha256: 10_000_000
            case .sha512: 2_000_000
            }
        }
    }

    let digest: Digest
    let iterations: Int32
    let salt: [UInt8]
    let key: [UInt8]

    /// The parts between the dollars, from the name on; nil when they are not such a hash.
    init?(django parts: [Substring]) throws(CostExceeded) {
        guard parts.count == 4, let digest = Self.djangoDigest(parts[0]),
            // One `=`: neither 20 nor 32 bytes are a multiple of three.
            parts[3].utf8.last == UInt8(ascii: "="), let key = Base64.standard.bytes(parts[3].dropLast())
        else { return nil }
        try self.init(digest, parts[1], salt: Array(parts[2].utf8), key: key)
    }

    /// The parts between the dollars, from the name on; nil when they are not such a hash.
    init?(passlib parts: [Substring]) throws(CostExceeded) {
        guard parts.count == 4, let digest = Self.passlibDigest(parts[0]),
            let salt = Base64.passlib.bytes(parts[2]), let key = Base64.passlib.bytes(parts[3])
        else { return nil }
        try self.init(digest, parts[1], salt: salt, key: key)
    }

    private init?(_ digest: Digest, _ iterations: Substring, salt: [UInt8], key: [UInt8]) throws(CostExceeded) {
        guard let iterations = decimal(iterations), iterations >= 1, key.count == digest.keyBytes else { return nil }
        try CostExceeded.check(iterations, "pbkdf2: iterations", digest.maxIterations)
        self.digest = digest
        self.iterations = Int32(iterations)
        self.salt = salt
        self.key = key
    }

    /// Whether this is the hash of `password`.
    func matches(_ password: Span<UInt8>) throws(HashingFailure) -> Bool {
        guard let passwordBytes = Int32(exactly: password.count) else { return false }
        let function =
            switch digest {
            case .sha1: EVP_sha1()
            case .sha256: EVP_sha256()
            case .sha512: EVP_sha512()
            }
        var found = [UInt8](repeating: 0, count: key.count)
        let isDone = password.withUnsafeBytes { password in
            PKCS5_PBKDF2_HMAC(
                password.baseAddress, passwordBytes, salt, Int32(salt.count), iterations,
                function, Int32(key.count), &found)
        }
        guard isDone == 1 else { throw .pbkdf2 }
        return equal(found, key)
    }

    private static func djangoDigest(_ name: Substring) -> Digest? {
        switch name {
        case "pbkdf2_sha1": .sha1
        case "pbkdf2_sha256": .sha256
        default: nil
        }
    }

    private static func passlibDigest(_ name: Substring) -> Digest? {
        switch name {
        case "pbkdf2": .sha1
        case "pbkdf2-sha256": .sha256
        case "pbkdf2-sha512": .sha512
        default: nil
        }
    }
}
