import Glibc
import System
import Testing

struct MemoryFileTests {
    @Test func `what is written through one mapping is seen through another`() throws {
        let file = try MemoryFile.make("test", size: 4096)
        defer { close(file) }
        let first = try #require(MemoryFile.map(file, size: 4096))
        let second = try #require(MemoryFile.map(file, size: 4096))

        first.storeBytes(of: 42, as: UInt64.self)

        #expect(second.load(as: UInt64.self) == 42)
        munmap(first, 4096)
        munmap(second, 4096)
    }

    @Test func `a file that is too small is not mapped`() throws {
        let file = try MemoryFile.make("test", size: 100)
        defer { close(file) }

        #expect(MemoryFile.map(file, size: 101) == nil)
    }
}
