import CCrypto
import Glibc

/// `$2b$12$` with 22 letters of salt and 31 of hash; also in Django's wrappings.
struct BcryptHash: Sendable {
    /// What bcrypt is given in place of the password.
    enum Wrapping: String {
        /// The password itself, of which it reads 72 bytes.
        case none = ""
        /// Django's `bcrypt$$2b$…`: the same.
        case django = "bcrypt"
        /// Django's `bcrypt_sha256$$2b$…`: the digest in lower-case hex.
        case djangoSHA256 = "bcrypt_sha256"
    }

    /// The binary logarithm of the rounds; about three seconds.
    private static let mostCost = 16
    private static let saltLetters = 22
    private static let hashLetters = 31
    /// How much of the password bcrypt reads.
    private static let readBytes = 72

    let wrapping: Wrapping
    /// From `$2` on: libcrypt reads its setting from it.
    let text: String

    /// The parts between the dollars, from the wrapping on; nil when they are not such a hash or cost too much.
    init?(_ parts: [Substring]) {
        guard let wrapping = parts.first.flatMap({ Wrapping(rawValue: String($0)) }) else { return nil }
        var parts = parts.dropFirst()
        if wrapping != .none {
            guard parts.popFirst() == "" else { return nil }
        }
        guard parts.count == 3, let variant = parts.popFirst(), ["2a", "2b", "2y"].contains(variant),
            let costText = parts.popFirst(), costText.utf8.count == 2,
            let cost = decimal(costText), (4...Self.mostCost).contains(cost),
            let rest = parts.popFirst(), rest.utf8.count == Self.saltLetters + Self.hashLetters,
            rest.utf8.allSatisfy(Self.isLetter)
        else { return nil }
        self.wrapping = wrapping
        text = "$\(variant)$\(costText)$\(rest)"
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
        case .none, .django:
            // crypt_rn refuses more than 512 bytes, of which it would read only these.
            for index in 0..<min(password.count, Self.readBytes) {
                phrase.append(password[index])
            }
        case .djangoSHA256:
            appendHex(SHA256State(password).digest.span, to: &phrase)
        }
        guard !phrase.contains(0) else {
            wipe(&phrase)
            return nil
        }
        phrase.append(0)
        return phrase
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
