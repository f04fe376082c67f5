import CMariaDB
import Glibc
import Synchronization

/// Whether the database answers, as far as the connections of this process have found.
///
/// A server that hangs is worse than none: each statement waits for its time-out, and a thread with it. So the first one
/// that waited in vain tells all, and what is asked from then on fails at once, until a thread of its own has an answer.
package final class Pulse: Sendable {
    private let isLost = Atomic<Bool>(false)

    package init() {}

    /// Whether a statement may be sent.
    var isFelt: Bool { !isLost.load(ordering: .acquiring) }

    /// No answer came in time. Asks until there is one, and says both in the log.
    func miss(at address: DatabaseAddress, _ error: DatabaseError, report: @escaping @Sendable (String) -> Void) {
        guard !isLost.exchange(true, ordering: .acquiringAndReleasing) else { return }
        report("database: no answer; requests are refused until there is one: \(error)")
        let isStarted = Watch.start { [self] in
            Connection.waitForAnswer(from: address)
            isLost.store(false, ordering: .releasing)
            report("database: answers again")
        }
        // Without a thread each connection finds out by itself.
        if !isStarted { isLost.store(false, ordering: .releasing) }
    }
}

/// A thread that nobody waits for.
private final class Watch {
    private let run: @Sendable () -> Void

    private init(_ run: @escaping @Sendable () -> Void) { self.run = run }

    /// False when there can be no thread.
    static func start(_ run: @escaping @Sendable () -> Void) -> Bool {
        let watch = Unmanaged.passRetained(Watch(run))
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { pointer in
                guard let pointer else { return nil }
                Unmanaged<Watch>.fromOpaque(pointer).takeRetainedValue().run()
                return nil
            }, watch.toOpaque())
        guard code == 0 else {
            watch.release()
            return false
        }
        pthread_detach(thread)
        return true
    }
}
