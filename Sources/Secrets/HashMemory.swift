import CArgon2
import Glibc
import Synchronization

/// The memory that libargon2 hashes in: given out again instead of being asked of the system anew, which would fill it
/// with zeros page by page. libargon2 wipes it before it gives it back. On a busy machine that takes a hash of 19 MiB and two
/// passes from 32 to 29 ms of a core, in the mean.
///
/// There is as much as was in use at a time, and only blocks of the latest size are kept.
enum HashMemory {
    private struct Block: @unchecked Sendable {
        let start: UnsafeMutablePointer<UInt8>
        let bytes: Int
    }

    private static let unused = Mutex<[Block]>([])
    /// Blocks below are left to malloc.
    private static let minBytes = 1 << 20
    /// The size of a huge page: a hash that reads all over its memory looks up fewer of them. (madvise(2))
    private static let page = 2 << 20

    /// An `allocate_fptr`: 0 on success.
    static func take(_ memory: UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>?, bytes: Int) -> Int32 {
        let kept = unused.withLock { blocks in
            blocks.lastIndex { $0.bytes == bytes }.map { blocks.remove(at: $0) }
        }
        memory?.pointee = kept?.start ?? made(bytes)
        return memory?.pointee == nil ? ARGON2_MEMORY_ALLOCATION_ERROR.rawValue : ARGON2_OK.rawValue
    }

    /// A `deallocate_fptr`.
    static func give(_ memory: UnsafeMutablePointer<UInt8>?, bytes: Int) {
        guard let memory else { return }
        guard bytes >= minBytes else { return free(memory) }
        let others = unused.withLock { blocks in
            defer { blocks = blocks.filter { $0.bytes == bytes } + [Block(start: memory, bytes: bytes)] }
            return blocks.filter { $0.bytes != bytes }
        }
        for block in others { free(block.start) }
    }

    private static func made(_ bytes: Int) -> UnsafeMutablePointer<UInt8>? {
        var memory: UnsafeMutableRawPointer?
        guard posix_memalign(&memory, bytes < minBytes ? 64 : page, bytes) == 0 else { return nil }
        if bytes >= minBytes { madvise(memory, bytes, MADV_HUGEPAGE) }
        return memory?.assumingMemoryBound(to: UInt8.self)
    }
}
