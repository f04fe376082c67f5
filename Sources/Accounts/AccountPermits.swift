import CLinux
import Glibc
import Synchronization

/// Bounds how many pictures one account has waiting or in work at a time, in all processes together.
///
/// A permit is a lock on one byte of a file that the processes share, at a place that the account's number gives. So
/// nothing is stored, and the kernel takes back what a process held that was killed. (fcntl(2), F_SETLK)
package final class AccountPermits: Sendable {
    /// Pictures of one account.
    private static let max: Int64 = 2

    private let file: Int32
    /// The kernel's locks are a process's: what this one has, it would get again.
    private let held = Mutex<Set<Int64>>([])

    /// - Parameter file: of `SharedSemaphore.makeFile`, whose content is not looked at. It stays open, and no other descriptor
    ///   of it may be closed in this process: that would give all permits back.
    package init(file: Int32) {
        self.file = file
    }

    /// A share of what an account may have in work; nil when it has that already.
    package func take(for accountID: UInt64) -> Permit? {
        let first = Int64(accountID & (1 << 60 - 1)) * AccountPermits.max
        return held.withLock { held in
            for place in first..<first + AccountPermits.max where !held.contains(place) {
                guard lock(place, F_WRLCK) else { continue }
                held.insert(place)
                return Permit(place, of: self)
            }
            return nil
        }
    }

    /// Is given back with its last reference, by whatever thread.
    package final class Permit: Sendable {
        private let place: Int64
        private let permits: AccountPermits

        fileprivate init(_ place: Int64, of permits: AccountPermits) {
            self.place = place
            self.permits = permits
        }

        deinit { permits.giveBack(place) }
    }

    private func giveBack(_ place: Int64) {
        held.withLock { held in
            _ = lock(place, F_UNLCK)
            held.remove(place)
        }
    }

    private func lock(_ place: Int64, _ kind: Int32) -> Bool {
        var lock = flock()
        lock.l_type = Int16(kind)
        lock.l_whence = Int16(SEEK_SET)
        lock.l_start = off_t(place)
        lock.l_len = 1
        return fcntl(file, F_SETLK, &lock) == 0
    }
}
