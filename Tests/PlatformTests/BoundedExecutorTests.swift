import Synchronization
import System
import Testing

struct BoundedExecutorTests {
    /// What jobs have written down, from whatever thread.
    private final class Notes: Sendable {
        private let numbers = Mutex<[Int]>([])

        func add(_ number: Int) { numbers.withLock { $0.append(number) } }
        var all: [Int] { numbers.withLock { $0 } }
    }

    /// Holds an executor's threads up until it is opened.
    private final class Gate: Sendable {
        private let state = Guarded((isOpen: false, waiting: 0))

        func pass() {
            state.withLock { $0.waiting += 1 }
            state.broadcast()
            state.wait(until: \.isOpen) { _ in }
        }

        func open() {
            state.withLock { $0.isOpen = true }
            state.broadcast()
        }

        func wait(untilWaiting count: Int) {
            state.wait(until: { $0.waiting >= count }) { _ in }
        }
    }

    /// Keeps what an executor tells of itself.
    private final class Counts: ExecutorObserver {
        struct Numbers: Equatable {
            var threads = 0
            var queued = 0
            var maxQueued = 0
            var busy = 0
            var waits = 0
            var refused = 0
        }

        private let numbers = Mutex(Numbers())

        var all: Numbers { numbers.withLock { $0 } }

        func countThreads(_ started: Int) { numbers.withLock { $0.threads += started } }
        func countQueued(_ change: Int) {
            numbers.withLock {
                $0.queued += change
                $0.maxQueued = max($0.maxQueued, $0.queued)
            }
        }
        func countBusy(_ change: Int) { numbers.withLock { $0.busy += change } }
        func countWait(_ time: Duration) { numbers.withLock { $0.waits += 1 } }
        func countRefused() { numbers.withLock { $0.refused += 1 } }
    }

    private func executor(
        threads: Int = 1, capacity: Int = 100, _ handle: @escaping @Sendable (Int) -> Void
    ) -> BoundedExecutor<Int> {
        BoundedExecutor(name: "test", threads: threads, capacity: capacity) { { jobs, _ in jobs.forEach(handle) } }
    }

    @Test func `jobs are done in the order of their coming`() {
        let notes = Notes()
        let executor = executor(capacity: 1000) { notes.add($0) }

        for number in 0..<1000 { #expect(executor.submit(number)) }
        executor.drain()

        #expect(notes.all == Array(0..<1000))
    }

    @Test func `a full queue refuses the next job`() {
        let gate = Gate()
        let executor = executor(threads: 2, capacity: 3) { _ in gate.pass() }
        #expect(executor.submit(1))
        #expect(executor.submit(2))
        gate.wait(untilWaiting: 2)

        let accepted = (3...6).map { executor.submit($0) }

        #expect(accepted == [true, true, true, false])
        #expect(executor.queued == 3)
        gate.open()
        executor.drain()
    }

    @Test func `a job that was refused is not done`() {
        let gate = Gate()
        let notes = Notes()
        let executor = executor(capacity: 1) {
            gate.pass()
            notes.add($0)
        }
        #expect(executor.submit(1))
        gate.wait(untilWaiting: 1)

        #expect(executor.submit(2))
        #expect(!executor.submit(3))
        gate.open()
        executor.drain()

        #expect(notes.all == [1, 2])
    }

    @Test func `a queue that was full takes jobs again`() {
        let gate = Gate()
        let notes = Notes()
        let executor = executor(capacity: 2) {
            if $0 == 0 { gate.pass() }
            notes.add($0)
        }
        var refused = 0

        for number in 0..<10_000 {
            while !executor.submit(number) {
                refused += 1
                gate.open()
            }
        }
        executor.drain()

        #expect(notes.all == Array(0..<10_000))
        #expect(refused > 0)
    }

    @Test func `draining does all jobs that wait`() {
        let gate = Gate()
        let notes = Notes()
        let executor = executor(threads: 3) {
            gate.pass()
            notes.add($0)
        }
        for number in 0..<50 { #expect(executor.submit(number)) }

        gate.open()
        executor.drain()

        #expect(notes.all.sorted() == Array(0..<50))
        #expect(executor.queued == 0)
    }

    @Test func `a drained executor refuses jobs`() {
        let notes = Notes()
        let executor = executor { notes.add($0) }
        executor.drain()

        #expect(!executor.submit(1))

        #expect(notes.all.isEmpty)
    }

    @Test func `a thread takes no more than its share of what waits`() {
        let gate = Gate()
        let batches = Mutex<[[Int]]>([])
        let executor = BoundedExecutor<Int>(name: "test", threads: 1, capacity: 100, max: 4) {
            { jobs, _ in
                batches.withLock { $0.append(jobs) }
                if jobs == [0] { gate.pass() }
            }
        }
        #expect(executor.submit(0))
        gate.wait(untilWaiting: 1)
        for number in 1...5 { #expect(executor.submit(number)) }

        gate.open()
        executor.drain()

        #expect(batches.withLock { $0 } == [[0], [1, 2, 3, 4], [5]])
    }

    @Test func `a thread that gathers does together what comes while it waits for as many jobs as before`() {
        let gate = Gate()
        let batches = Mutex<[[Int]]>([])
        // Long enough that it never ends here: three jobs are there before.
        let executor = BoundedExecutor<Int>(
            name: "test", threads: 1, capacity: 100, max: 4, gathering: .seconds(600)
        ) {
            { jobs, _ in
                batches.withLock { $0.append(jobs) }
                if jobs.contains(0) { gate.pass() }
            }
        }
        #expect(executor.submit(0))
        gate.wait(untilWaiting: 1)
        for number in 1...3 { #expect(executor.submit(number)) }
        gate.open()
        // Four are wanted now: the one that was done, and those that wait.
        for number in 4...6 { #expect(executor.submit(number)) }

        executor.drain()

        let all = batches.withLock { $0 }
        #expect(all.joined().elementsEqual(0...6))
        #expect(all.prefix(2).map(\.count) == [1, 4])
    }

    @Test func `a thread that gathers in vain does what there is`() {
        let done = Notes()
        let executor = BoundedExecutor<Int>(
            name: "test", threads: 1, capacity: 100, max: 4, gathering: .milliseconds(1)
        ) {
            { jobs, _ in jobs.forEach(done.add) }
        }

        for number in 0..<50 { #expect(executor.submit(number)) }
        executor.drain()

        #expect(done.all == Array(0..<50))
    }

    @Test func `a job that has waited longer than the timeout is late`() {
        let late = Notes()
        let done = Notes()
        let executor = BoundedExecutor<Int>(name: "test", threads: 1, capacity: 100, timeout: .seconds(3600)) {
            { jobs, tooLate in
                jobs.forEach(done.add)
                tooLate.forEach(late.add)
            }
        }

        #expect(executor.submit(1, since: .now - .seconds(3601)))
        #expect(executor.submit(2))
        executor.drain()

        #expect(late.all == [1])
        #expect(done.all == [2])
    }

    @Test func `an observer is told of all that happens`() {
        let counts = Counts()
        let gate = Gate()
        let executor = BoundedExecutor<Int>(
            name: "test", threads: 1, capacity: 2, timeout: .seconds(3600), observer: counts
        ) {
            { _, _ in gate.pass() }
        }
        #expect(executor.submit(1))
        gate.wait(untilWaiting: 1)
        #expect(executor.submit(2))
        #expect(executor.submit(3, since: .now - .seconds(3601)))

        #expect(!executor.submit(4))
        #expect(counts.all.queued == 2)
        #expect(counts.all.busy == 1)
        gate.open()
        executor.drain()

        #expect(counts.all == Counts.Numbers(threads: 1, queued: 0, maxQueued: 3, busy: 0, waits: 3, refused: 2))
    }

    @Test func `an executor without work is drained at once`() {
        let executor = executor(threads: 4) { _ in }

        executor.drain()

        #expect(executor.queued == 0)
    }

    @Test func `each thread makes its own handler`() {
        let notes = Notes()
        let made = Atomic<Int>(0)
        let gate = Gate()
        let executor = BoundedExecutor<Int>(name: "test", threads: 3, capacity: 100, niceness: 1) {
            let maker = made.add(1, ordering: .relaxed).newValue
            return { _, _ in
                gate.pass()
                notes.add(maker)
            }
        }
        for number in 0..<3 { #expect(executor.submit(number)) }
        gate.wait(untilWaiting: 3)

        gate.open()
        executor.drain()

        #expect(notes.all.sorted() == [1, 2, 3])
    }

    @Test func `jobs of many threads are each done once`() {
        let notes = Notes()
        let executor = executor(threads: 4, capacity: 8) { notes.add($0) }

        let threads = (0..<8).map { thread in
            POSIXThread(name: "client") {
                for number in 0..<500 {
                    while !executor.submit(thread * 500 + number) {}
                }
            }
        }
        for thread in threads { thread.join() }
        executor.drain()

        #expect(notes.all.sorted() == Array(0..<4000))
    }
}
