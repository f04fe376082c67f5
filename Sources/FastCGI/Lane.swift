import CLinux
import Glibc

/// Threads of their own for work that would hold others up, fed from a bounded queue.
package final class Lane<Job: Sendable>: @unchecked Sendable {
    private let capacity: Int
    private let most: Int
    private let pause: Duration
    private let lock = Condition()
    private var waiting: [Job] = []
    private var head = 0
    /// Threads that wait for a job.
    private var idle = 0
    /// How many jobs are worth waking one of them.
    private var wanted = 1
    private var isClosed = false
    private var threads: [WorkerThread] = []

    /// - Parameters:
    ///   - capacity: jobs that may wait; one more is refused.
    ///   - most: how many jobs a thread takes at a time.
    ///   - pause: how long it may wait for as many as the last time.
    ///   - niceness: added to the CPU priority of these threads, 0 … 19.
    ///   - makeHandler: called once on each thread; its answer handles that thread's jobs.
    package init(
        name: String, threads count: Int, capacity: Int, most: Int = 1, pause: Duration = .zero, niceness: Int32 = 0,
        makeHandler: @escaping @Sendable () -> ([Job]) -> Void
    ) {
        self.capacity = capacity
        self.most = most
        self.pause = pause
        for index in 0..<count {
            threads.append(
                WorkerThread(name: "\(name)-\(index)") { [self] in
                    if niceness > 0 { homeroom_work_behind_others(niceness) }
                    let handle = makeHandler()
                    var done = 0
                    while case let jobs = next(after: done), !jobs.isEmpty {
                        handle(jobs)
                        done = jobs.count
                    }
                })
        }
    }

    /// How many jobs wait.
    package var queued: Int { lock.withLock { waiting.count - head } }

    /// False when the queue is full or closed: the caller keeps the job.
    package func submit(_ job: Job) -> Bool {
        lock.withLock {
            guard !isClosed, waiting.count - head < capacity else { return false }
            waiting.append(job)
            if idle > 0, waiting.count - head >= wanted { lock.signal() }
            return true
        }
    }

    /// Takes no more jobs, does those that wait, and returns when the last is done.
    package func drain() {
        lock.withLock {
            isClosed = true
            lock.broadcast()
        }
        for thread in threads { thread.join() }
        threads = []
    }

    /// Waits for as many jobs as there were a moment ago: clients whose jobs are done may send the next ones.
    ///
    /// - Parameter count: how many this thread has just done.
    private func gather(after count: Int) {
        wanted = min(most, count + waiting.count - head)
        defer { wanted = 1 }
        guard pause > .zero, wanted > 1 else { return }
        let end = ContinuousClock.now + pause
        while waiting.count - head < wanted, !isClosed, case let rest = end - .now, rest > .zero {
            lock.wait(atMost: rest)
        }
    }

    /// Empty when the lane is closed and nothing waits.
    private func next(after count: Int) -> [Job] {
        lock.withLock {
            idle += 1
            defer { idle -= 1 }
            gather(after: count)
            while head == waiting.count {
                if isClosed { return [] }
                lock.wait()
            }
            let end = min(head + most, waiting.count)
            let jobs = Array(waiting[head..<end])
            head = end
            // Now and then drop what was handed out, so that the queue's memory stays bounded by its capacity.
            if head == waiting.count || head > capacity {
                waiting.removeFirst(head)
                head = 0
            }
            return jobs
        }
    }
}
