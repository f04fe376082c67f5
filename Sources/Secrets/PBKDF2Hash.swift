import CCrypto

/// `pbkdf2_sha256$1000000$salt$key`, as Django stores it: the salt as text, the key in padded base64.
struct PBKDF2Hash: Sendable {
    enum Digest: String {
        case sha1 = "pbkdf2_sha1"
        case sha256 = "pbkdf2_sha256"

        var keyBytes: Int {
            switch self {
            case .sha1: 20
            case .sha256: 32
            }
        }
    }

    /// Ten times what Django 5.2 asks for; about three seconds.
    private static let mostIterations = 10_000_000

    let digest: Digest
    let iterations: Int32
    let salt: [UInt8]
    let key: [UInt8]

    /// The parts between the dollars, from the name on; nil when they are not such a hash or cost too much.
    init?(_ parts: [Substring]) {
        guard parts.count == 4, let digest = Digest(rawValue: String(parts[0])),
            let iterations = decimal(parts[1]), (1...Self.mostIterations).contains(iterations),
            // One `=`: neither 20 nor 32 bytes are a multiple of three.
            parts[3].last == "=", let key = Base64.standard.bytes(parts[3].dropLast()), key.count == digest.keyBytes
        else { return nil }
        self.digest = digest
        self.iterations = Int32(iterations)
        salt = Array(parts[2].utf8)
        self.key = key
    }

    /// Whether this is the hash of `password`.
    func matches(_ password: Span<UInt8>) throws(HashingFailure) -> Bool {
        guard let passwordBytes = Int32(exactly: password.count) else { return false }
        let function = digest == .sha1 ? EVP_sha1() : EVP_sha256()
        var found = [UInt8](repeating: 0, count: key.count)
        let isDone = password.withUnsafeBytes { password in
            PKCS5_PBKDF2_HMAC(
                password.baseAddress, passwordBytes, salt, Int32(salt.count), iterations,
                function, Int32(key.count), &found)
        }
        guard isDone == 1 else { throw .pbkdf2 }
        return equal(found, key)
    }
}
