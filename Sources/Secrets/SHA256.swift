import CCrypto

/// The SHA-256 digest of `bytes`, 32 bytes.
package func sha256(_ bytes: [UInt8]) -> [UInt8] {
    SHA256State(bytes.span).digest
}

/// The SHA-256 digest of the UTF-8 bytes of `text`, 32 bytes.
package func sha256(_ text: String) -> [UInt8] {
    SHA256State(text.utf8.span).digest
}

/// A SHA-256 under way; a copy of it continues from the same point.
///
/// OpenSSL's older SHA256_… functions, because their state is a plain value: nothing to free or to share between
/// threads, and nothing that can fail. If one fails all the same, the process ends: what was not digested would be
/// equal. An HMAC over a token's 330 bytes takes 0.3 µs; `HMAC()` takes 1.5 µs, and with copied EVP_MD_CTX it takes
/// 0.4 µs.
package struct SHA256State: Sendable {
    private var state = SHA256_CTX()

    /// Of nothing yet.
    package init() {
        let initialised = SHA256_Init(&state)
        precondition(initialised == 1, "OpenSSL cannot digest")
    }

    init(_ bytes: Span<UInt8>) {
        self.init()
        add(bytes)
    }

    /// Goes on with these bytes.
    package mutating func add(_ bytes: Span<UInt8>) {
        let added = bytes.withUnsafeBytes { SHA256_Update(&state, $0.baseAddress, $0.count) }
        precondition(added == 1, "OpenSSL cannot digest")
    }

    /// The digest of everything added so far.
    package var digest: [UInt8] {
        var ended = state
        var digest = [UInt8](repeating: 0, count: 32)
        let finished = SHA256_Final(&digest, &ended)
        precondition(finished == 1, "OpenSSL cannot digest")
        return digest
    }
}

/// A key for HMAC-SHA-256, its two halves already hashed.
struct HMACKey: Sendable {
    private let inner: SHA256State
    private let outer: SHA256State

    /// Any length; more than 64 bytes are hashed first. RFC 2104 §2.
    init(_ key: [UInt8]) {
        let block = 64
        var padded = key.count > block ? sha256(key) : key
        padded += Array(repeating: 0, count: block - padded.count)
        var innerPadded = padded.map { $0 ^ 0x36 }
        var outerPadded = padded.map { $0 ^ 0x5c }
        inner = SHA256State(innerPadded.span)
        outer = SHA256State(outerPadded.span)
        wipe(&padded)
        wipe(&innerPadded)
        wipe(&outerPadded)
    }

    /// The message authentication code of `message`.
    func code(of message: Span<UInt8>) -> [UInt8] {
        var inside = inner
        inside.add(message)
        var outside = outer
        outside.add(inside.digest.span)
        return outside.digest
    }
}
