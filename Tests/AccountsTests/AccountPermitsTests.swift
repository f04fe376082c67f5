import CLinux
import DevStack
import Glibc
import TestSupport
import Testing

@testable import Accounts

@Suite struct AccountPermitsTests {
    private let file: Int32
    private let permits: AccountPermits

    init() throws {
        file = try SharedSemaphore.makeFile(count: 1)
        permits = AccountPermits(file: file)
    }

    @Test func `an account gets two, and its third when one is given back`() {
        var first = permits.take(for: 7)
        let second = permits.take(for: 7)
        let third = permits.take(for: 7)

        first = nil
        let later = permits.take(for: 7)

        #expect(first == nil && second != nil && third == nil && later != nil)
        close(file)
    }

    @Test(arguments: [(1, 2), (7, 8), (1 << 40, 1 << 40 + 1)] as [(UInt64, UInt64)])
    func `an account that has its share takes none of another's`(one: UInt64, other: UInt64) {
        let all = [one, one, other, other].map { permits.take(for: $0) }

        #expect(all.allSatisfy { $0 != nil })
        close(file)
    }

    @Test func `what another process holds is not given, and is free when that ends`() throws {
        // The descriptor is inherited, and the two bytes of account 7 are locked as a worker does.
        let python = "import fcntl, time; fcntl.lockf(3, fcntl.LOCK_EX, 2, 14); time.sleep(600)"
        var program = try Program("/usr/bin/python3", ["-c", python])
        program.kept = file
        let other = try Child(program, log: TestEnvironment.scratch("permits") + "/log")
        while permits.take(for: 7) != nil { sched_yield() }

        let others = permits.take(for: 8)
        other.kill()

        #expect(others != nil)
        #expect(permits.take(for: 7) != nil)
        close(file)
    }

    @Test func `of many threads at once two get one`() {
        let shared = permits

        let got = concurrently(8, prepare: { _ in shared }) { _, permits in permits.take(for: 7) }

        #expect(got.count { $0 != nil } == 2)
        close(file)
    }
}
