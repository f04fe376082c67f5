import Foundation
import Synchronization

/// Runs `body` on so many threads at once and returns what each returned, in the order of their indices.
///
/// What `prepare` makes is the thread's own; nobody begins before all are prepared.
package func concurrently<Own, Value: Sendable>(
    _ count: Int, prepare: @escaping @Sendable (_ index: Int) -> Own,
    _ body: @escaping @Sendable (_ index: Int, _ own: Own) -> Value
) -> [Value] {
    let values = Values<Value>()
    let ready = DispatchSemaphore(value: 0)
    let go = DispatchSemaphore(value: 0)
    let done = DispatchSemaphore(value: 0)
    for index in 0..<count {
        Thread.detachNewThread {
            let own = prepare(index)
            ready.signal()
            go.wait()
            let value = body(index, own)
            values.byIndex.withLock { $0[index] = value }
            done.signal()
        }
    }
    for _ in 0..<count { ready.wait() }
    for _ in 0..<count { go.signal() }
    for _ in 0..<count { done.wait() }
    return values.byIndex.withLock { found in (0..<count).compactMap { found[$0] } }
}

/// Runs `body` on so many threads at once and returns what each returned, in the order of their indices.
///
/// Throws, when all have ended, the error of the lowest index.
package func concurrently<Value: Sendable>(
    _ count: Int, _ body: @escaping @Sendable (_ index: Int) throws -> Value
) throws -> [Value] {
    let results = concurrently(count) { _ in
    } _: { index, _ in
        Result { try body(index) }
    }
    return try results.map { try $0.get() }
}

/// Runs `body` while another thread does `background`, which ends when the flag is raised.
package func during<Value, Background: Sendable>(
    _ isOver: Flag, _ background: @escaping @Sendable () throws -> Background, _ body: () throws -> Value
) throws -> (Value, Background) {
    let results = Values<Result<Background, any Error>>()
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

private final class Values<Value: Sendable>: Sendable {
    let byIndex = Mutex<[Int: Value]>([:])
}

/// A flag that threads look at.
package final class Flag: Sendable {
    private let value = Atomic<Bool>(false)

    package init() {}

    package var isRaised: Bool { value.load(ordering: .acquiring) }

    package func raise() { value.store(true, ordering: .releasing) }
}
