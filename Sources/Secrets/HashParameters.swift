/// What a new password hash costs. OWASP Password Storage Cheat Sheet: Argon2id, 19 MiB, t=2, p=1.
///
/// Out of bounds, `PasswordHash.make` throws: look at `isInBounds` once at start-up.
package struct HashParameters: Sendable, Equatable {
    /// The raw value is the name in a PHC string.
    package enum Variant: String, Sendable {
        case argon2id
        /// Contract 4's document names this one.
        case argon2i
        /// For imported hashes; open to side channels, so not for new ones.
        case argon2d
    }

    /// 1 GiB. Django, the costliest of the systems that accounts come from, takes 100 MiB.
    static let maxMemoryKiB = 1 << 20
    /// Memory times iterations, what time goes with: two passes over that much, about five seconds.
    static let maxWork = 2 << 20

    /// Which of the three algorithms.
    package var variant: Variant
    /// At least 8 for each unit of parallelism.
    package var memoryKiB: Int
    /// Passes over the memory.
    package var iterations: Int
    /// Lanes of the algorithm. They are always computed one after the other, on the caller's thread.
    package var parallelism: Int

    /// OWASP's values where nothing else is said.
    package init(
        variant: Variant = .argon2id, memoryKiB: Int = 19_456, iterations: Int = 2, parallelism: Int = 1
    ) {
        self.variant = variant
        self.memoryKiB = memoryKiB
        self.iterations = iterations
        self.parallelism = parallelism
    }

    /// Whether such a hash can be made and checked without holding up everyone else.
    package var isInBounds: Bool {
        (1...Self.maxMemoryKiB / 8).contains(parallelism)
            && (8 * parallelism...Self.maxMemoryKiB).contains(memoryKiB)
            && (1...Self.maxWork / memoryKiB).contains(iterations)
    }

    /// `m=19456,t=2,p=1`, as in a PHC string.
    var costs: String {
        "m=\(memoryKiB),t=\(iterations),p=\(parallelism)"
    }
}
