import CLinux
import Glibc
import System
import Testing

struct WriteAllTests {
    @Test func `more than a pipe holds is written whole`() throws {
        var ends: [Int32] = [-1, -1]
        try #require(pipe2(&ends, O_CLOEXEC) == 0)
        let (readEnd, writeEnd) = (ends[0], ends[1])
        let bytes = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let read = Guarded<[UInt8]>([])
        let reader = POSIXThread(name: "reader") {
            var buffer = [UInt8](repeating: 0, count: 1000)
            while case let count = Glibc.read(readEnd, &buffer, buffer.count), count > 0 {
                read.withLock { $0 += buffer[..<count] }
            }
        }

        try writeAll(bytes, to: writeEnd)
        close(writeEnd)
        reader.join()
        close(readEnd)

        #expect(read.withLock { $0 } == bytes)
    }

    @Test func `a signal in the middle changes nothing`() throws {
        var ends: [Int32] = [-1, -1]
        try #require(pipe2(&ends, O_CLOEXEC) == 0)
        let (readEnd, writeEnd) = (ends[0], ends[1])
        var action = sigaction()
        action.__sigaction_handler.sa_handler = { _ in }
        sigaction(SIGWINCH, &action, nil)
        let bytes = [UInt8](repeating: 7, count: 200_000)
        let writer = Guarded<pthread_t?>(nil)
        let failure = Guarded<SystemError?>(nil)
        let thread = POSIXThread(name: "writer") {
            writer.withLock { $0 = pthread_self() }
            writer.signal()
            do throws(SystemError) {
                try writeAll(bytes, to: writeEnd)
            } catch {
                failure.withLock { $0 = error }
            }
            close(writeEnd)
        }
        let handle = writer.wait(until: { $0 != nil }) { $0 }
        var read = 0
        var buffer = [UInt8](repeating: 0, count: 1000)

        repeat {
            if let handle, read < 100_000 { pthread_kill(handle, SIGWINCH) }
            let count = Glibc.read(readEnd, &buffer, buffer.count)
            guard count > 0 else { break }
            read += count
        } while true
        thread.join()
        close(readEnd)

        #expect(read == bytes.count)
        #expect(failure.withLock { $0 } == nil)
    }

    @Test func `an error names the file`() throws {
        let full = open("/dev/full", O_WRONLY | O_CLOEXEC)
        try #require(full >= 0)
        defer { close(full) }

        #expect(throws: SystemError("write", "/dev/full", code: ENOSPC)) {
            try writeAll([1, 2, 3], to: full, path: "/dev/full")
        }
    }
}
