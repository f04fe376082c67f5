import Glibc

/// A lock on a file, held until the last reference goes; the kernel takes it back from a process that dies. (flock(2))
///
/// Each has a descriptor of its own, so threads of one process exclude each other too. On NFS it holds between machines.
package final class FileLock: Sendable {
    package enum Kind: Sendable {
        /// Several may have it at a time.
        case shared
        /// Only one.
        case exclusive
    }

    private let descriptor: Int32

    private init(_ descriptor: Int32) {
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// Takes a lock; nil when others have it and `waits` is false.
    ///
    /// - Parameter descriptor: of the file, for writing; closed with the lock.
    package static func take(_ descriptor: Int32, _ kind: Kind, waits: Bool) throws(SystemError) -> FileLock? {
        let lock = FileLock(descriptor)
        let operation = (kind == .shared ? LOCK_SH : LOCK_EX) | (waits ? 0 : LOCK_NB)
        while flock(descriptor, operation) != 0 {
            if errno == EINTR { continue }
            if errno == EWOULDBLOCK { return nil }
            throw SystemError("flock", code: errno)
        }
        return lock
    }
}
