import CLinux
import Glibc

/// Files in memory that have no name in any folder; processes share one by its descriptor. (memfd_create(2))
package enum MemoryFile {
    /// A new file of `size` zero bytes, closed on exec.
    ///
    /// - Parameter name: shows in `/proc/…/fd`.
    package static func make(_ name: String, size: Int = 0) throws(SystemError) -> Int32 {
        let file = homeroom_make_memory(name, size)
        guard file >= 0 else { throw SystemError("memfd_create", name, code: errno) }
        return file
    }

    /// The first `size` bytes of a file, shared with all who have it, or of this process alone when `file` is negative; nil
    /// when it has fewer or cannot be mapped. Stays mapped.
    package static func map(_ file: Int32, size: Int) -> UnsafeMutableRawPointer? {
        homeroom_map_memory(file, size)
    }
}
