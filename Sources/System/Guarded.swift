import CLinux
import Glibc

/// State of several threads, reached under a mutex only, with a condition variable for those that wait for a change of it.
///
/// Where nobody waits, Synchronization's `Mutex` is enough: it has no condition variable.
package final class Guarded<State: Sendable>: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let changed: UnsafeMutablePointer<pthread_cond_t>
    private let state: UnsafeMutablePointer<State>

    package init(_ state: State) {
        mutex = .allocate(capacity: 1)
        changed = .allocate(capacity: 1)
        self.state = .allocate(capacity: 1)
        pthread_mutex_init(mutex, nil)
        // A clock that is set must not make a wait longer.
        var attributes = pthread_condattr_t()
        pthread_condattr_init(&attributes)
        pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
        pthread_cond_init(changed, &attributes)
        pthread_condattr_destroy(&attributes)
        self.state.initialize(to: state)
    }

    deinit {
        pthread_cond_destroy(changed)
        pthread_mutex_destroy(mutex)
        state.deinitialize(count: 1)
        state.deallocate()
        changed.deallocate()
        mutex.deallocate()
    }

    /// Runs `body` while nobody else reaches the state.
    package func withLock<Result, Failure: Error>(
        _ body: (inout State) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&state.pointee)
    }

    /// Waits until `condition` holds, and calls `body` before anybody else changes that.
    ///
    /// `condition` is looked at again at each `signal` and `broadcast`.
    package func wait<Result>(until condition: (State) -> Bool, then body: (inout State) -> Result) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while !condition(state.pointee) { pthread_cond_wait(changed, mutex) }
        return body(&state.pointee)
    }

    /// Waits until `condition` holds, or so long has passed. It may also return earlier.
    package func wait(atMost time: Duration, until condition: (State) -> Bool) {
        var end = timespec()
        clock_gettime(CLOCK_MONOTONIC, &end)
        let (seconds, attoseconds) = time.components
        let nanoseconds = Int64(end.tv_nsec) + attoseconds / 1_000_000_000
        end.tv_sec += Int(seconds + nanoseconds / 1_000_000_000)
        end.tv_nsec = Int(nanoseconds % 1_000_000_000)
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while !condition(state.pointee), pthread_cond_timedwait(changed, mutex, &end) == 0 {}
    }

    /// Wakes one of those that wait.
    package func signal() { pthread_cond_signal(changed) }

    /// Wakes all of those that wait.
    package func broadcast() { pthread_cond_broadcast(changed) }
}
