import CLinux
import Glibc
import Synchronization
import TestSupport
import Testing

@testable import Accounts

@Suite struct SharedSemaphoreTests {
    @Test func `no more hold a permit at a time than there are`() {
        let permits = SharedSemaphore(count: 2)
        let present = Atomic<Int>(0)
        let most = Atomic<Int>(0)

        _ = concurrently(8, prepare: { _ in permits }) { _, permits in
            for _ in 0..<50 {
                permits.withPermit {
                    most.max(present.wrappingAdd(1, ordering: .relaxed).newValue, ordering: .relaxed)
                    sched_yield()
                    present.wrappingSubtract(1, ordering: .relaxed)
                }
            }
            return true
        }

        #expect(most.load(ordering: .relaxed) <= 2)
        #expect(present.load(ordering: .relaxed) == 0)
    }

    @Test func `who waits for a while only goes without when none comes free`() {
        let permits = SharedSemaphore(count: 1)

        let second = permits.withPermit { permits.withPermit(within: .milliseconds(1)) { true } }
        let later = permits.withPermit(within: .milliseconds(1)) { true }

        #expect(second == nil)
        #expect(later == true)
    }

    @Test func `a permit whose holder is gone is free again`() throws {
        let file = try SharedSemaphore.makeFile(count: 1)
        defer { close(file) }
        let permits = SharedSemaphore(file: file, total: 1, range: 0..<1)

        let mapped = try #require(homeroom_map_permits(file, 1))
        var thread = pthread_t()

        pthread_create(&thread, nil, { homeroom_take_permit($0, 0, 1, -1) == 0 ? nil : nil }, mapped)
        pthread_join(thread, nil)

        #expect(permits.withPermit { true })
    }

    @Test func `permits of one file do not take each other's place`() throws {
        let file = try SharedSemaphore.makeFile(count: 2)
        defer { close(file) }
        let hashing = SharedSemaphore(file: file, total: 2, range: 0..<1)
        let pictures = SharedSemaphore(file: file, total: 2, range: 1..<2)

        let both = hashing.withPermit { pictures.withPermit { true } }

        #expect(both)
    }
}
