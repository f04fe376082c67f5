import CLinux
import Glibc

/// Threads of their own for work that would hold others up, fed from a bounded queue.
package final class Lane<Job: Sendable>: @unchecked Sendable {
    private let capacity: Int
    private let lock = Condition()
    private var waiting: [Job] = []
    private var head = 0
    private var isClosed = false
    private var threads: [WorkerThread] = []

    /// - Parameters:
    ///   - capacity: jobs that may wait; one more is refused.
    ///   - niceness: added to the CPU priority of these threads, 0 … 19.
    ///   - makeHandler: called once on each thread; its answer handles that thread's jobs.
    package init(
        name: String, threads count: Int, capacity: Int, niceness: Int32,
        makeHandler: @escaping @Sendable () -> (Job) -> Void
    ) {
        self.capacity = capacity
        for index in 0..<count {
            threads.append(
                WorkerThread(name: "\(name)-\(index)") { [self] in
                    if niceness > 0 { _ = homeroom_nice_this_thread(niceness) }
                    let handle = makeHandler()
                    while let job = next() { handle(job) }
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
            lock.signal()
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

    private func next() -> Job? {
        lock.withLock {
            while head == waiting.count {
                if isClosed { return nil }
                lock.wait()
            }
            let job = waiting[head]
            head += 1
            // Now and then drop what was handed out, so that the queue's memory stays bounded by its capacity.
            if head == waiting.count || head > capacity {
                waiting.removeFirst(head)
                head = 0
            }
            return job
        }
    }
}
