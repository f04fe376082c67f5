import CLinux
import Glibc
import System

/// A counting semaphore of several processes: bounds how many passwords are hashed, or pictures decoded, at a time. That
/// also bounds their memory: 19 MiB for each hash.
///
/// The permits lie in memory that the processes share. One whose holder was killed is free again at once.
package final class SharedSemaphore: @unchecked Sendable {
    private let permits: UnsafeMutableRawPointer
    private let range: Range<Int>

    /// A file in memory for `count` permits, to be handed to every process.
    package static func makeFile(count: Int) throws(SystemError) -> Int32 {
        let file = homeroom_make_permits(Int32(count))
        guard file >= 0 else { throw SystemError("memfd_create", "homeroom-permits", code: errno) }
        return file
    }

    /// Some of the permits of a file that holds `total`.
    package init(file: Int32, total: Int, range: Range<Int>) {
        guard let permits = homeroom_map_permits(file, Int32(total)) else {
            preconditionFailure("permits cannot be mapped: \(errno)")
        }
        self.permits = permits
        self.range = range
    }

    /// Permits of this process alone.
    package convenience init(count: Int) {
        do throws(SystemError) {
            let file = try SharedSemaphore.makeFile(count: count)
            defer { close(file) }
            self.init(file: file, total: count, range: 0..<count)
        } catch {
            preconditionFailure("no memory for \(count) permits: \(error)")
        }
    }

    /// Waits for a permit and holds it while `body` runs.
    func withPermit<T, Failure: Error>(_ body: () throws(Failure) -> T) throws(Failure) -> T {
        let first = Int32(range.lowerBound)
        let index = homeroom_take_permit(permits, first, Int32(range.count), -1)
        defer { homeroom_give_permit(permits, first, index) }
        return try body()
    }

    /// Waits for a permit for at most `timeout`; nil, and `body` is not called, when none was free.
    func withPermit<T, Failure: Error>(
        within timeout: Duration, _ body: () throws(Failure) -> T
    ) throws(Failure) -> T? {
        let first = Int32(range.lowerBound)
        let index = homeroom_take_permit(permits, first, Int32(range.count), timeout / .seconds(1))
        guard index >= 0 else { return nil }
        defer { homeroom_give_permit(permits, first, index) }
        return try body()
    }
}
