/// Where unpredictable numbers come from.
///
/// `.system` in service; tests hand in a counted one, to know every token and salt in advance.
package struct RandomSource: RandomNumberGenerator, Sendable {
    /// The kernel's getrandom, which does not fail once the machine has started.
    package static let system = RandomSource {
        var kernel = SystemRandomNumberGenerator()
        return kernel.next()
    }

    private let number: @Sendable () -> UInt64

    /// A source that takes its numbers from `number`.
    package init(_ number: @escaping @Sendable () -> UInt64) {
        self.number = number
    }

    /// 64 random bits.
    package func next() -> UInt64 {
        number()
    }

    /// So many random bytes.
    package func bytes(_ count: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        while bytes.count < count {
            let number = next()
            for shift in stride(from: 56, through: 0, by: -8) where bytes.count < count {
                bytes.append(UInt8(truncatingIfNeeded: number >> UInt64(shift)))
            }
        }
        return bytes
    }

    /// An opaque secret for a cookie or a mailed link: 32 bytes as 43 letters of base64url.
    ///
    /// Store its `sha256`, never itself.
    package func randomToken() -> String {
        Base64.url.text(bytes(32))
    }
}
