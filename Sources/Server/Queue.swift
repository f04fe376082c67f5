import FastCGI
import Glibc

/// A lane for requests, whose threads and queue are counted.
struct Queue {
    private let lane: Lane<Visit>
    private let counts: Metrics.Lane

    /// - Parameters: as those of `Lane`, and
    ///   - patience: how long a request may wait; one that comes to a thread later is marked as late.
    init(
        _ name: String, threads: Int, capacity: Int, most: Int = 1, pause: Duration = .zero, niceness: Int32 = 0,
        patience: Duration? = nil, counts: Metrics.Lane,
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
                for visit in visits {
                    let wait = now - visit.begin
                    counts.wait.observe(microseconds: wait.inMicroseconds)
                    guard let patience, wait > patience else { continue }
                    visit.isLate = true
                    counts.refused.add()
                }
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
        refused()
        return false
    }

    /// Counts a request that was refused before it got here.
    func refused() {
        counts.refused.add()
    }

    func drain() {
        lane.drain()
    }
}
