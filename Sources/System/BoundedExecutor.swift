import CLinux
import Glibc

/// What is counted of a bounded executor. Called on its threads and on those that submit.
package protocol ExecutorObserver: Sendable {
    func countThreads(_ started: Int)
    /// How many more jobs wait now; fewer when negative.
    func countQueued(_ change: Int)
    /// How many more threads are at work now; fewer when negative.
    func countBusy(_ change: Int)
    /// How long a job has waited that comes to a thread.
    func countWait(_ time: Duration)
    /// A job was refused, or had waited too long.
    func countRefused()
}

/// Threads of their own for work that would hold others up, fed from a bounded queue.
package final class BoundedExecutor<Job: Sendable>: Sendable {
    private struct Queue {
        var jobs: [(job: Job, since: ContinuousClock.Instant)] = []
        /// The first that waits: those before it were handed out.
        var head = 0
        var isClosed = false
        /// A thread is woken once so many wait.
        var wanted = 1

        var count: Int { jobs.count - head }
    }

    private let capacity: Int
    private let max: Int
    private let gathering: Duration
    private let timeout: Duration?
    private let observer: (any ExecutorObserver)?
    private let queue = Guarded(Queue())
    private let threads = Guarded<[POSIXThread]>([])

    /// - Parameters:
    ///   - name: of the threads, with their numbers behind it.
    ///   - capacity: jobs that may wait; one more is refused.
    ///   - max: how many jobs a thread takes at a time.
    ///   - gathering: how long a thread that is the only one may wait for as many jobs as it has just done: clients whose
    ///     jobs are done may send the next ones.
    ///   - timeout: how long a job may wait; one that comes to a thread later is handled as `late`.
    ///   - niceness: added to the CPU priority of these threads, 0 … 19.
    ///   - makeHandler: called once on each thread; its answer handles that thread's jobs.
    package init(
        name: String, threads count: Int, capacity: Int, max: Int = 1, gathering: Duration = .zero,
        timeout: Duration? = nil, niceness: Int32 = 0,
        observer: (any ExecutorObserver)? = nil,
        makeHandler: @escaping @Sendable () -> (_ jobs: [Job], _ late: [Job]) -> Void
    ) {
        self.capacity = capacity
        self.max = max
        self.gathering = gathering
        self.timeout = timeout
        self.observer = observer
        observer?.countThreads(count)
        let started = (0..<count).map { index in
            POSIXThread(name: "\(name)-\(index)") { [self] in
                if niceness > 0 { homeroom_work_behind_others(niceness) }
                run(makeHandler())
            }
        }
        threads.withLock { $0 = started }
    }

    /// How many jobs wait.
    package var queued: Int { queue.withLock { $0.count } }

    /// False when the queue is full or closed: the caller keeps the job.
    ///
    /// - Parameter begin: since when it waits.
    package func submit(_ job: Job, since begin: ContinuousClock.Instant = .now) -> Bool {
        // Before: a thread may take it at once.
        observer?.countQueued(1)
        let (isTaken, areEnough) = queue.withLock { queue in
            guard !queue.isClosed, queue.count < capacity else { return (false, false) }
            queue.jobs.append((job, begin))
            return (true, queue.count >= queue.wanted)
        }
        if areEnough { queue.signal() }
        if !isTaken {
            observer?.countQueued(-1)
            observer?.countRefused()
        }
        return isTaken
    }

    /// Takes no more jobs, does those that wait, and returns when the last is done.
    package func drain() {
        queue.withLock { $0.isClosed = true }
        queue.broadcast()
        let started = threads.withLock { threads in
            defer { threads = [] }
            return threads
        }
        for thread in started { thread.join() }
    }

    private func run(_ handle: ([Job], [Job]) -> Void) {
        var done = 0
        while case let taken = next(after: done), !taken.isEmpty {
            done = taken.count
            observer?.countQueued(-taken.count)
            observer?.countBusy(1)
            defer { observer?.countBusy(-1) }
            let now = ContinuousClock.now
            var (jobs, late): ([Job], [Job]) = ([], [])
            for (job, begin) in taken {
                observer?.countWait(now - begin)
                if let timeout, now - begin > timeout {
                    observer?.countRefused()
                    late.append(job)
                } else {
                    jobs.append(job)
                }
            }
            handle(jobs, late)
        }
    }

    /// Waits until as many jobs are there as were done together, for as long as gathering may take.
    private func gather(_ done: Int) {
        let wanted = queue.withLock { queue in
            queue.wanted = min(max, done + queue.count)
            return queue.wanted
        }
        if wanted > 1 { queue.wait(atMost: gathering) { $0.count >= wanted || $0.isClosed } }
        queue.withLock { $0.wanted = 1 }
    }

    /// Waits for jobs; empty when it is closed and none waits.
    private func next(after done: Int) -> [(job: Job, since: ContinuousClock.Instant)] {
        if gathering > .zero { gather(done) }
        return queue.wait(until: { $0.count > 0 || $0.isClosed }) { queue in
            let end = min(queue.head + max, queue.jobs.count)
            let taken = Array(queue.jobs[queue.head..<end])
            queue.head = end
            // Now and then drop what was handed out, so that the queue's memory stays bounded by its capacity.
            if queue.head == queue.jobs.count || queue.head > capacity {
                queue.jobs.removeFirst(queue.head)
                queue.head = 0
            }
            return taken
        }
    }
}
