import Synchronization
import System

/// The circuit breaker that all connections of a process share: keeps statements from a database that does not answer.
///
/// A server that hangs is worse than none: each statement waits for its time-out, and a thread with it. So the first
/// time-out opens the breaker, and statements fail at once while it is open. There is no half-open state in which requests
/// try: a thread of its own asks the server until it answers, which closes the breaker.
package final class CircuitBreaker: Sendable {
    private let isOpen = Atomic<Bool>(false)

    /// A closed one: statements are sent.
    package init() {}

    /// Whether statements may be sent.
    var isClosed: Bool { !isOpen.load(ordering: .acquiring) }

    /// Opens the breaker after a time-out and asks until there is an answer. Logs both.
    func trip(at address: DatabaseAddress, _ error: DatabaseError, report: @escaping @Sendable (String) -> Void) {
        guard !isOpen.exchange(true, ordering: .acquiringAndReleasing) else { return }
        report("database: no answer; requests are refused until there is one: \(error)")
        do throws(SystemError) {
            try POSIXThread.detach(name: "database") { [self] in
                Connection.waitForAnswer(from: address)
                isOpen.store(false, ordering: .releasing)
                report("database: answers again")
            }
        } catch {
            // Without a thread each connection finds out by itself.
            isOpen.store(false, ordering: .releasing)
        }
    }
}
