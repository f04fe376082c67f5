import Foundation
import Synchronization

/// Runs `body` on so many threads at once, and gives what they returned in order.
func atOnce<Value: Sendable>(
    _ count: Int, _ body: @escaping @Sendable (_ index: Int) throws -> Value
) throws -> [Value] {
    let results = Results<Value>()
    let start = DispatchSemaphore(value: 0)
    let ended = DispatchGroup()
    for index in 0..<count {
        ended.enter()
        Thread.detachNewThread {
            start.wait()
            let result = Result { try body(index) }
            results.byIndex.withLock { $0[index] = result }
            ended.leave()
        }
    }
    for _ in 0..<count { start.signal() }
    ended.wait()
    let byIndex = results.byIndex.withLock { $0 }
    return try (0..<count).compactMap { try byIndex[$0]?.get() }
}

/// Runs `body` while another thread does `background`, which ends when the flag is raised.
func during<Value, Background: Sendable>(
    _ isOver: Flag, _ background: @escaping @Sendable () throws -> Background, _ body: () throws -> Value
) throws -> (Value, Background) {
    let results = Results<Background>()
    let ended = DispatchSemaphore(value: 0)
    Thread.detachNewThread {
        let result = Result { try background() }
        results.byIndex.withLock { $0[0] = result }
        ended.signal()
    }
    let value = Result { try body() }
    isOver.raise()
    ended.wait()
    guard let result = results.byIndex.withLock({ $0[0] }) else { preconditionFailure("no result") }
    return (try value.get(), try result.get())
}

private final class Results<Value: Sendable>: Sendable {
    let byIndex = Mutex<[Int: Result<Value, any Error>]>([:])
}

/// Waits until `condition` holds; false when it does not within `seconds`.
func eventually(within seconds: Double = 30, _ condition: () throws -> Bool) rethrows -> Bool {
    let end = ContinuousClock.now + .seconds(seconds)
    while try !condition() {
        guard ContinuousClock.now < end else { return false }
        usleep(5000)
    }
    return true
}

/// A flag that threads look at.
final class Flag: Sendable {
    private let value = Atomic<Bool>(false)

    var isRaised: Bool { value.load(ordering: .acquiring) }

    func raise() { value.store(true, ordering: .releasing) }
}
