import FastCGI
import Glibc
import Synchronization
import Testing

struct LaneTests {
    /// What jobs have written down, from whatever thread.
    private final class Notes: Sendable {
        private let numbers = Mutex<[Int]>([])

        func add(_ number: Int) { numbers.withLock { $0.append(number) } }
        var all: [Int] { numbers.withLock { $0 } }
    }

    /// Holds a lane's threads up until it is opened.
    private final class Gate: @unchecked Sendable {
        private let condition = Condition()
        private var isOpen = false
        private var waiting = 0

        func pass() {
            condition.withLock {
                waiting += 1
                condition.broadcast()
                while !isOpen { condition.wait() }
            }
        }

        func open() {
            condition.withLock {
                isOpen = true
                condition.broadcast()
            }
        }

        func wait(untilWaiting count: Int) {
            condition.withLock {
                while waiting < count { condition.wait() }
            }
        }
    }

    private func lane(
        threads: Int = 1, capacity: Int = 100, _ handle: @escaping @Sendable (Int) -> Void
    ) -> Lane<Int> {
        Lane(name: "test", threads: threads, capacity: capacity) { { $0.forEach(handle) } }
    }

    @Test func `jobs are done in the order of their coming`() {
        let notes = Notes()
        let lane = lane(capacity: 1000) { notes.add($0) }

        for number in 0..<1000 { #expect(lane.submit(number)) }
        lane.drain()

        #expect(notes.all == Array(0..<1000))
    }

    @Test func `a full queue refuses the next job`() {
        let gate = Gate()
        let lane = lane(threads: 2, capacity: 3) { _ in gate.pass() }
        #expect(lane.submit(1))
        #expect(lane.submit(2))
        gate.wait(untilWaiting: 2)

        let accepted = (3...6).map { lane.submit($0) }

        #expect(accepted == [true, true, true, false])
        #expect(lane.queued == 3)
        gate.open()
        lane.drain()
    }

    @Test func `a job that was refused is not done`() {
        let gate = Gate()
        let notes = Notes()
        let lane = lane(capacity: 1) {
            gate.pass()
            notes.add($0)
        }
        #expect(lane.submit(1))
        gate.wait(untilWaiting: 1)

        #expect(lane.submit(2))
        #expect(!lane.submit(3))
        gate.open()
        lane.drain()

        #expect(notes.all == [1, 2])
    }

    @Test func `a queue that was full takes jobs again`() {
        let gate = Gate()
        let notes = Notes()
        let lane = lane(capacity: 2) {
            if $0 == 0 { gate.pass() }
            notes.add($0)
        }
        var refused = 0

        for number in 0..<10_000 {
            while !lane.submit(number) {
                refused += 1
                gate.open()
            }
        }
        lane.drain()

        #expect(notes.all == Array(0..<10_000))
        #expect(refused > 0)
    }

    @Test func `draining does all jobs that wait`() {
        let gate = Gate()
        let notes = Notes()
        let lane = lane(threads: 3) {
            gate.pass()
            notes.add($0)
        }
        for number in 0..<50 { #expect(lane.submit(number)) }

        gate.open()
        lane.drain()

        #expect(notes.all.sorted() == Array(0..<50))
        #expect(lane.queued == 0)
    }

    @Test func `a drained lane refuses jobs`() {
        let notes = Notes()
        let lane = lane { notes.add($0) }
        lane.drain()

        #expect(!lane.submit(1))

        #expect(notes.all.isEmpty)
    }

    @Test func `a lane that pauses waits for as many jobs as there were`() {
        let gate = Gate()
        let batches = Mutex<[[Int]]>([])
        let lane = Lane<Int>(name: "test", threads: 1, capacity: 100, most: 4, pause: .seconds(3600)) {
            { jobs in
                batches.withLock { $0.append(jobs) }
                if jobs == [0] { gate.pass() }
            }
        }
        #expect(lane.submit(0))
        gate.wait(untilWaiting: 1)
        for number in 1...3 { #expect(lane.submit(number)) }

        gate.open()
        #expect(lane.submit(4))
        while batches.withLock({ $0.count }) < 2 { sched_yield() }
        // Now it waits for four.
        #expect(lane.submit(5))
        lane.drain()

        #expect(batches.withLock { $0 } == [[0], [1, 2, 3, 4], [5]])
    }

    @Test func `a lane that pauses does what comes alone`() {
        let notes = Notes()
        let lane = Lane<Int>(name: "test", threads: 1, capacity: 100, most: 8, pause: .microseconds(1)) {
            { $0.forEach(notes.add) }
        }

        for number in 0..<100 {
            #expect(lane.submit(number))
            while notes.all.count <= number { sched_yield() }
        }
        lane.drain()

        #expect(notes.all == Array(0..<100))
    }

    @Test func `a lane without work is drained at once`() {
        let lane = lane(threads: 4) { _ in }

        lane.drain()

        #expect(lane.queued == 0)
    }

    @Test func `each thread makes its own handler`() {
        let notes = Notes()
        let made = Atomic<Int>(0)
        let gate = Gate()
        let lane = Lane<Int>(name: "test", threads: 3, capacity: 100, niceness: 0) {
            let maker = made.add(1, ordering: .relaxed).newValue
            return { _ in
                gate.pass()
                notes.add(maker)
            }
        }
        for number in 0..<3 { #expect(lane.submit(number)) }
        gate.wait(untilWaiting: 3)

        gate.open()
        lane.drain()

        #expect(notes.all.sorted() == [1, 2, 3])
    }

    @Test func `jobs of many threads are each done once`() {
        let notes = Notes()
        let lane = lane(threads: 4, capacity: 8) { notes.add($0) }

        let threads = (0..<8).map { thread in
            WorkerThread(name: "client") {
                for number in 0..<500 {
                    while !lane.submit(thread * 500 + number) {}
                }
            }
        }
        for thread in threads { thread.join() }
        lane.drain()

        #expect(notes.all.sorted() == Array(0..<4000))
    }
}
