import System
import Testing

struct GuardedTests {
    @Test func `changes of many threads are all kept`() {
        let count = Guarded(0)

        let threads = (0..<4).map { _ in
            POSIXThread(name: "counter") { for _ in 0..<10_000 { count.withLock { $0 += 1 } } }
        }
        for thread in threads { thread.join() }

        #expect(count.withLock { $0 } == 40_000)
    }

    @Test func `who waits goes on when its condition holds`() {
        let number = Guarded(0)
        let thread = POSIXThread(name: "counter") {
            for _ in 0..<100 {
                number.withLock { $0 += 1 }
                number.signal()
            }
        }

        let seen = number.wait(until: { $0 == 100 }) { number in
            defer { number = -1 }
            return number
        }
        thread.join()

        #expect(seen == 100)
        #expect(number.withLock { $0 } == -1)
    }

    @Test func `a wait with an end ends though its condition never holds`() {
        let number = Guarded(0)

        number.wait(atMost: .milliseconds(1)) { $0 == 1 }

        #expect(number.withLock { $0 } == 0)
    }

    @Test func `a wait with an end ends when its condition holds`() {
        let number = Guarded(0)
        let thread = POSIXThread(name: "counter") {
            number.withLock { $0 = 1 }
            number.signal()
        }

        number.wait(atMost: .seconds(600)) { $0 == 1 }
        thread.join()

        #expect(number.withLock { $0 } == 1)
    }

    @Test func `a broadcast wakes all who wait`() {
        let gate = Guarded((isOpen: false, passed: 0))
        let threads = (0..<8).map { _ in
            POSIXThread(name: "waiter") { gate.wait(until: \.isOpen) { $0.passed += 1 } }
        }

        gate.withLock { $0.isOpen = true }
        gate.broadcast()
        for thread in threads { thread.join() }

        #expect(gate.withLock { $0.passed } == 8)
    }

    @Test func `what it guards is given up with it`() {
        final class Witness: Sendable {}
        weak var witness: Witness?

        do {
            let guarded = Guarded(Witness())
            witness = guarded.withLock { $0 }
            #expect(witness != nil)
        }

        #expect(witness == nil)
    }
}
