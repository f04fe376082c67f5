import Foundation
import Synchronization

/// Runs `body` on so many threads at once and gives what each answered, in the order of their numbers.
///
/// What `prepare` makes is the thread's own; nobody begins before all are prepared.
package func atOnce<Own, Answer: Sendable>(
    _ count: Int, prepare: @escaping @Sendable (Int) -> Own, _ body: @escaping @Sendable (Int, Own) -> Answer
) -> [Answer] {
    let answers = Answers<Answer>()
    let ready = DispatchSemaphore(value: 0)
    let go = DispatchSemaphore(value: 0)
    let done = DispatchSemaphore(value: 0)
    for number in 0..<count {
        Thread.detachNewThread {
            let own = prepare(number)
            ready.signal()
            go.wait()
            let answer = body(number, own)
            answers.byNumber.withLock { $0[number] = answer }
            done.signal()
        }
    }
    for _ in 0..<count { ready.wait() }
    for _ in 0..<count { go.signal() }
    for _ in 0..<count { done.wait() }
    return answers.byNumber.withLock { found in (0..<count).compactMap { found[$0] } }
}

private final class Answers<Answer: Sendable>: Sendable {
    let byNumber = Mutex<[Int: Answer]>([:])
}
