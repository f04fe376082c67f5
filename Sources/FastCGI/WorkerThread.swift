import CLinux
import Glibc

/// A POSIX thread that runs one closure.
package final class WorkerThread: @unchecked Sendable {
    private final class Body {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    private var thread = pthread_t()

    /// Starts at once. `name` shows in `top -H`; 15 bytes of it.
    package init(name: String, _ run: @escaping @Sendable () -> Void) {
        let body = Unmanaged.passRetained(Body(run))
        let code = pthread_create(
            &thread, nil,
            { pointer in
                guard let pointer else { return nil }
                Unmanaged<Body>.fromOpaque(pointer).takeRetainedValue().run()
                return nil
            }, body.toOpaque())
        precondition(code == 0, "pthread_create: \(code)")
        pthread_setname_np(thread, String(name.prefix(15)))
    }

    /// Waits for its end; once.
    package func join() {
        pthread_join(thread, nil)
    }
}

/// A mutex with a condition variable: Synchronization's `Mutex` has none.
package final class Condition: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>

    package init() {
        mutex = .allocate(capacity: 1)
        condition = .allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
        var kind = pthread_condattr_t()
        pthread_condattr_init(&kind)
        pthread_condattr_setclock(&kind, CLOCK_MONOTONIC)
        pthread_cond_init(condition, &kind)
        pthread_condattr_destroy(&kind)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    package func withLock<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body()
    }

    /// Inside `withLock` only.
    package func wait() { pthread_cond_wait(condition, mutex) }
    package func wait(atMost time: Duration) {
        var end = timespec()
        clock_gettime(CLOCK_MONOTONIC, &end)
        let (seconds, attoseconds) = time.components
        end.tv_nsec += Int(attoseconds / 1_000_000_000)
        end.tv_sec += Int(seconds) + end.tv_nsec / 1_000_000_000
        end.tv_nsec %= 1_000_000_000
        pthread_cond_timedwait(condition, mutex, &end)
    }
    package func signal() { pthread_cond_signal(condition) }
    package func broadcast() { pthread_cond_broadcast(condition) }
}
