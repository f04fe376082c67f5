import Secrets
import Synchronization
import Testing

@Suite struct RandomTests {
    @Test func `bytes come from the numbers, highest first`() {
        let random = counted()

        #expect(random.bytes(10) == [0, 0, 0, 0, 0, 0, 0, 1, 0, 0])
        #expect(random.bytes(0) == [])
        #expect(random.bytes(8) == [0, 0, 0, 0, 0, 0, 0, 3])
    }

    @Test func `a random token is 32 bytes in base64url`() {
        #expect(counted().randomToken() == "AAAAAAAAAAEAAAAAAAAAAgAAAAAAAAADAAAAAAAAAAQ")
    }

    @Test func `a token id is two numbers`() {
        #expect(TokenID(counted()) == TokenID(high: 1, low: 2))
    }

    @Test func `the system never gives the same token twice`() {
        let tokens = Set((0..<1000).map { _ in RandomSource.system.randomToken() })

        #expect(tokens.count == 1000)
    }

    /// 1, 2, 3, …
    private func counted() -> RandomSource {
        let counter = Counter()
        return RandomSource { counter.next() }
    }

    private final class Counter: Sendable {
        private let last = Atomic<UInt64>(0)

        func next() -> UInt64 {
            last.add(1, ordering: .relaxed).newValue
        }
    }
}
