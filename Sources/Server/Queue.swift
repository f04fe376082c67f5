import FastCGI
import Glibc

/// A lane for requests, whose threads and queue are counted.
struct Queue {
    private let lane: Lane<Visit>
    private let counts: Metrics.Lane

    /// - Parameters: as those of `Lane`.
    init(
        _ name: String, threads: Int, capacity: Int, most: Int = 1, pause: Duration = .zero, niceness: Int32 = 0,
        counts: Metrics.Lane,
        makeHandler: @escaping @Sendable () -> ([Visit]) -> Void
    ) {
        self.counts = counts
        counts.threads.add(Int64(threads))
        lane = Lane(name: name, threads: threads, capacity: capacity, most: most, pause: pause, niceness: niceness) {
            let handle = makeHandler()
            return { visits in
                let now = ContinuousClock.now
                counts.queued.add(-Int64(visits.count))
                counts.busy.add(1)
                defer { counts.busy.add(-1) }
                for visit in visits { counts.wait.observe(microseconds: (now - visit.begin).inMicroseconds) }
                handle(visits)
            }
        }
    }

    /// False when the queue is full or closed: the caller keeps the request.
    func submit(_ visit: Visit) -> Bool {
        // Before: a thread may take it at once.
        counts.queued.add(1)
        if lane.submit(visit) { return true }
        counts.queued.add(-1)
        counts.refused.add()
        return false
    }

    func drain() {
        lane.drain()
    }
}
