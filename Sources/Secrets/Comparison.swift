import CCrypto

/// Whether two secrets are the same, in a time that does not tell where they differ.
///
/// Their lengths are no secret.
package func equal(_ a: [UInt8], _ b: [UInt8]) -> Bool {
    equal(a.span, b.span)
}

func equal(_ a: Span<UInt8>, _ b: Span<UInt8>) -> Bool {
    guard a.count == b.count else { return false }
    return a.withUnsafeBytes { a in
        b.withUnsafeBytes { b in CRYPTO_memcmp(a.baseAddress, b.baseAddress, a.count) == 0 }
    }
}

/// Overwrites a secret with zeros, which the compiler may not leave out.
func wipe(_ secret: inout [UInt8]) {
    secret.withUnsafeMutableBytes { OPENSSL_cleanse($0.baseAddress, $0.count) }
}
