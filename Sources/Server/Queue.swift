import FastCGI
import Glibc

/// A lane for requests, whose threads and queue are counted.
struct Queue {
    private let lane: Lane<IncomingRequest>
    private let counts: Metrics.Lane

    /// - Parameters: as those of `Lane`, and
    ///   - patience: how long a request may wait; one that comes to a thread later is marked as late.
    init(
        _ name: String, threads: Int, capacity: Int, most: Int = 1, pause: Duration = .zero, niceness: Int32 = 0,
        patience: Duration? = nil, counts: Metrics.Lane,
        makeHandler: @escaping @Sendable () -> ([IncomingRequest]) -> Void
    ) {
        self.counts = counts
        counts.threads.add(Int64(threads))
        lane = Lane(name: name, threads: threads, capacity: capacity, most: most, pause: pause, niceness: niceness) {
            let handle = makeHandler()
            return { requests in
                let now = ContinuousClock.now
                counts.queued.add(-Int64(requests.count))
                counts.busy.add(1)
                defer { counts.busy.add(-1) }
                for request in requests {
                    let wait = now - request.begin
                    counts.wait.observe(microseconds: wait.inMicroseconds)
                    guard let patience, wait > patience else { continue }
                    request.isLate = true
                    counts.refused.add()
                }
                handle(requests)
            }
        }
    }

    /// False when the queue is full or closed: the caller keeps the request.
    func submit(_ request: IncomingRequest) -> Bool {
        // Before: a thread may take it at once.
        counts.queued.add(1)
        if lane.submit(request) { return true }
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
