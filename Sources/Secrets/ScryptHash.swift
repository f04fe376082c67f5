import CCrypto

/// `scrypt$16384$salt$8$5$key`, as Django stores it: N, the salt as text, r and p, the key in padded base64. (RFC 7914)
struct ScryptHash: Sendable {
    /// As much as argon2 may take.
    private static let maxMemoryKiB = HashParameters.maxMemoryKiB
    /// N times r times p, what time goes with; about five seconds. Django 5.2 asks for a twenty-fifth of it.
    private static let maxWork = 1 << 24
    private static let keyBytes = 64

    /// N, r and p: the first is a power of two.
    let cost: Int
    let blockSize: Int
    let parallelism: Int
    let salt: [UInt8]
    let key: [UInt8]

    /// The parts between the dollars, from the name on; nil when they are not such a hash.
    init?(django parts: [Substring]) throws(CostExceeded) {
        guard parts.count == 6, let cost = decimal(parts[1]), cost > 1, cost & (cost - 1) == 0,
            // N is below 2 to the power of 16 times r. (RFC 7914 §6)
            let blockSize = decimal(parts[3]), blockSize > 1 || blockSize == 1 && cost < 65_536,
            let parallelism = decimal(parts[4]), parallelism >= 1,
            // Two `=`: 64 bytes are one more than a multiple of three.
            parts[5].hasSuffix("=="), let key = Base64.standard.bytes(parts[5].dropLast(2)), key.count == Self.keyBytes
        else { return nil }
        // Each is below 10⁹, so that two of them can be multiplied.
        try CostExceeded.check((cost + parallelism) * blockSize / 8, "scrypt: KiB of memory", Self.maxMemoryKiB)
        try CostExceeded.check(parallelism, "scrypt: p", Self.maxWork)
        try CostExceeded.check(cost * blockSize * parallelism, "scrypt: N times r times p", Self.maxWork)
        self.cost = cost
        self.blockSize = blockSize
        self.parallelism = parallelism
        self.salt = Array(parts[2].utf8)
        self.key = key
    }

    /// Whether this is the hash of `password`.
    func matches(_ password: Span<UInt8>) throws(HashingFailure) -> Bool {
        var found = [UInt8](repeating: 0, count: Self.keyBytes)
        // What OpenSSL counts: B, V, and two blocks to work in. It allows 32 MiB where nothing is said.
        let memory = 128 * blockSize * (parallelism + cost + 2)
        let isDone = password.withUnsafeBytes { password in
            EVP_PBE_scrypt(
                password.baseAddress, password.count, salt, salt.count, UInt64(cost), UInt64(blockSize),
                UInt64(parallelism), UInt64(memory), &found, found.count)
        }
        guard isDone == 1 else { throw .scrypt }
        return equal(found, key)
    }
}
