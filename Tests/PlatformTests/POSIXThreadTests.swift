import Glibc
import System
import Testing

struct POSIXThreadTests {
    /// Its name, as the kernel shows it.
    private static func name() -> String {
        guard let file = fopen("/proc/thread-self/comm", "re") else { return "" }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 32)
        let count = fread(&bytes, 1, bytes.count, file)
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }

    @Test(arguments: [("short", "short"), ("a name that is too long", "a name that is ")])
    func `a thread shows its name`(given: String, shown: String) {
        let seen = Guarded("")

        POSIXThread(name: given) { seen.withLock { $0 = POSIXThreadTests.name() } }.join()

        #expect(seen.withLock { $0 } == shown + "\n")
    }

    @Test func `a detached thread runs`() throws {
        let isDone = Guarded(false)

        try POSIXThread.detach(name: "detached") {
            isDone.withLock { $0 = true }
            isDone.signal()
        }

        isDone.wait(until: { $0 }) { _ in }
    }
}
