import CCrypto
import Glibc

/// `$2b$12$` with 22 letters of salt and 31 of hash; also in Django's and passlib's wrappings.
struct BcryptHash: Sendable {
    /// What bcrypt is given in place of the password.
    enum Wrapping {
        /// The password itself, of which it reads 72 bytes. Django's `bcrypt$$2b$…` is the same.
        case none
        /// Django's `bcrypt_sha256$$2b$…`: the digest in lower-case hex.
        case hexSHA256
        /// passlib's `$bcrypt-sha256$2a,12$…`: the digest in padded base64.
        case base64SHA256
        /// passlib's `$bcrypt-sha256$v=2,t=2b,r=12$…`: the HMAC, keyed with the letters of the salt, in padded base64.
        case base64HMAC
    }

    /// The binary logarithm of the rounds; about three seconds.
    private static let maxCost = 16
    private static let saltLetters = 22
    private static let hashLetters = 31
    /// How much of the password bcrypt reads.
    private static let readBytes = 72

    let wrapping: Wrapping
    /// From `$2` on: libcrypt reads its setting from it.
    let text: String

    /// `2b`, `12` and 53 letters; nil when they are not such a hash.
    init?(_ parts: [Substring]) throws(CostExceeded) {
        guard parts.count == 3, parts[1].utf8.count == 2, let cost = decimal(parts[1]) else { return nil }
        try self.init(.none, parts[0], cost: cost, parts[2])
    }

    /// The parts between the dollars, from Django's name on; nil when they are not such a hash.
    init?(django parts: [Substring]) throws(CostExceeded) {
        guard parts.count == 5, parts[1].isEmpty, let hash = try BcryptHash(Array(parts[2...])) else { return nil }
        wrapping = parts[0] == "bcrypt_sha256" ? .hexSHA256 : .none
        text = hash.text
    }

    /// The parts between the dollars, from passlib's `bcrypt-sha256` on; nil when they are not such a hash.
    init?(passlib parts: [Substring]) throws(CostExceeded) {
        guard parts.count == 4, parts[2].utf8.count == Self.saltLetters else { return nil }
        let costs = parts[1].split(separator: ",", omittingEmptySubsequences: false)
        let letters = parts[2] + parts[3]
        if costs.count == 3, costs[0] == "v=2", costs[1] == "t=2b", let cost = decimal(costs[2], after: "r=") {
            try self.init(.base64HMAC, "2b", cost: cost, letters)
        } else if costs.count == 2, costs[0] != "2y", let cost = decimal(costs[1]) {
            try self.init(.base64SHA256, costs[0], cost: cost, letters)
        } else {
            return nil
        }
    }

    private init?(_ wrapping: Wrapping, _ variant: Substring, cost: Int, _ letters: Substring) throws(CostExceeded) {
        guard ["2a", "2b", "2y"].contains(variant), (4...31).contains(cost),
            letters.utf8.count == Self.saltLetters + Self.hashLetters, letters.utf8.allSatisfy(Self.isLetter)
        else { return nil }
        try CostExceeded.check(cost, "bcrypt: the binary logarithm of the rounds", Self.maxCost)
        self.wrapping = wrapping
        text = "$\(variant)$\(cost < 10 ? "0" : "")\(cost)$\(letters)"
    }

    /// Whether this is the hash of `password`.
    func matches(_ password: Span<UInt8>) throws(HashingFailure) -> Bool {
        guard var phrase = phrase(password) else { return false }
        defer { wipe(&phrase) }
        let found = try Self.crypt(phrase, text)
        // The hash only: some libraries set bits in the last letter of the salt that mean nothing.
        return equal(Array(found.utf8.suffix(Self.hashLetters)), Array(text.utf8.suffix(Self.hashLetters)))
    }

    /// The password in C's form; nil when it has a zero byte, where C would end it.
    private func phrase(_ password: Span<UInt8>) -> [UInt8]? {
        var phrase: [UInt8] = []
        phrase.reserveCapacity(Self.readBytes + 1)
        switch wrapping {
        case .none:
            // crypt_rn refuses more than 512 bytes, of which it would read only these.
            for index in 0..<min(password.count, Self.readBytes) {
                phrase.append(password[index])
            }
        case .hexSHA256:
            appendHex(SHA256State(password).digest.span, to: &phrase)
        case .base64SHA256:
            Base64.standard.append(SHA256State(password).digest.span, to: &phrase)
            phrase.append(UInt8(ascii: "="))
        case .base64HMAC:
            Base64.standard.append(HMACKey(saltText).code(of: password).span, to: &phrase)
            phrase.append(UInt8(ascii: "="))
        }
        guard !phrase.contains(0) else {
            wipe(&phrase)
            return nil
        }
        phrase.append(0)
        return phrase
    }

    private var saltText: [UInt8] {
        Array(text.utf8.suffix(Self.saltLetters + Self.hashLetters).prefix(Self.saltLetters))
    }

    private static func crypt(_ phrase: [UInt8], _ setting: String) throws(HashingFailure) -> String {
        let size = MemoryLayout<crypt_data>.size
        let workspace = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16)
        workspace.initializeMemory(as: UInt8.self, repeating: 0, count: size)
        defer {
            OPENSSL_cleanse(workspace, size)
            workspace.deallocate()
        }
        let found = phrase.withUnsafeBytes { phrase in
            crypt_rn(phrase.baseAddress, setting, workspace, Int32(size))
        }
        guard let found else { throw .bcrypt(errno) }
        return String(cString: found)
    }

    /// bcrypt's own base64: `./A-Za-z0-9`.
    private static func isLetter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "."), UInt8(ascii: "/"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default:
            false
        }
    }
}
