import Accounts
import CLinux
import Contracts
import FastCGI
import Glibc
import HTTP
import JSON
import System

/// One worker process: a thread in front takes requests in and knows where they go, executors answer them.
package final class Worker: Sendable {
    package struct Options: Sendable {
        /// Threads for requests that read or write rows; each has a database connection.
        package var threads = 4
        /// Threads for passwords; each has a database connection. More than may hash at a time, so that the cores hash
        /// while others wait for the database.
        package var passwordThreads = 4
        /// Threads for pictures; each has a database connection. More than may decode at a time, likewise.
        package var pictureThreads = 2
        /// Threads for lists; each has a database connection. One is taken for as long as its client reads.
        package var listThreads = 2
        /// Requests that may wait for each of these three.
        package var queue = 128
        package var publicURL: String?

        package init() {}
    }

    /// Why a worker ends.
    package enum Ending: Sendable {
        case stop
        /// Other workers go on: they get the open connections.
        case replaced
    }

    /// Requests that are not heavy and may wait; more than nginx has connections to us.
    private static let lightQueue = 4096

    /// How long passwords, pictures and lists may wait for a thread: nginx gives up after 30 s, with pictures after 60 s.
    private static let timeout = Duration.seconds(20)
    /// Added to the CPU priority of the threads for them.
    private static let niceness: Int32 = 3

    private let options: Options
    private let router: Router
    private let log: Log
    private let poller: Poller
    private let metrics: Metrics
    private let permits: AccountPermits
    private let makeAccounts: @Sendable () -> Accounts
    private let makeCheck: @Sendable () -> () -> HealthReport

    /// - Parameters:
    ///   - metrics: with the targets of the same router.
    ///   - permits: how many pictures one account may have waiting or in work.
    ///   - makeAccounts: makes a core for a thread of its own.
    ///   - makeCheck: makes what finds whether the service is ready, for a thread of its own.
    package init(
        listening: Int32, handover: Handover? = nil, options: Options, router: Router, log: Log,
        metrics: Metrics, permits: AccountPermits, makeAccounts: @escaping @Sendable () -> Accounts,
        makeCheck: @escaping @Sendable () -> () -> HealthReport
    ) throws(SystemError) {
        self.options = options
        self.router = router
        self.log = log
        self.metrics = metrics
        self.permits = permits
        self.makeAccounts = makeAccounts
        self.makeCheck = makeCheck
        poller = try Poller(listening: listening, handover: handover)
    }

    /// Answers requests until `waitForEnd` returns; then answers what is in hand and comes back.
    package func run(waitForEnd: () -> Ending) {
        let makeHandler: @Sendable () -> RequestHandler = { [self] in
            RequestHandler(
                router, accounts: makeAccounts(), poller: poller, log: log, metrics: metrics,
                publicURL: options.publicURL)
        }
        // Each its own: unlike work that waited in one queue would hold the others up.
        let passwords = bounded("passwords", threads: options.passwordThreads, counts: metrics.heavy, makeHandler)
        let pictures = bounded(
            "pictures", threads: options.pictureThreads, counts: metrics.pictureExecutor, makeHandler)
        let lists = bounded("lists", threads: options.listThreads, counts: metrics.listExecutor, makeHandler)
        // Several threads, so that a row that is locked or slow holds up one request and not all.
        let light = BoundedExecutor<IncomingRequest>(
            name: "light", threads: options.threads, capacity: Worker.lightQueue, observer: metrics.light
        ) {
            let handler = makeHandler()
            return { requests, _ in for request in requests { handler.answer(request) } }
        }
        // One thread: the longer it takes, the more requests its next round trip answers.
        let reading = BoundedExecutor<IncomingRequest>(
            name: "reading", threads: 1, capacity: Worker.lightQueue, max: 16, observer: metrics.reading
        ) { [self] in
            let handler = makeHandler()
            return { requests, _ in
                handler.answer(requests) { request in
                    guard let account = self.account(withPicture: request) else {
                        if !light.submit(request, since: request.begin) { handler.refuse(request) }
                        return
                    }
                    request.picturePermit = self.permits.take(for: account)
                    if request.picturePermit == nil { self.metrics.pictureExecutor.countRefused() }
                    // It may wait for long: its session is looked up again when its turn comes.
                    request.context.session = nil
                    if request.picturePermit == nil || !pictures.submit(request, since: request.begin) {
                        handler.refuse(request)
                    }
                }
            }
        }
        // One thread, likewise: the more its next commit writes, which costs a write to the disk and is worth a pause.
        let writing = BoundedExecutor<IncomingRequest>(
            name: "writing", threads: 1, capacity: Worker.lightQueue, max: 16, gathering: .microseconds(500),
            observer: metrics.writing
        ) {
            let handler = makeHandler()
            return { requests, _ in
                handler.write(requests) { request in
                    let isHashing = request.context.destination.route?.executor == .passwords
                    // It may wait for long: its session is looked up again when its turn comes.
                    if isHashing { request.context.session = nil }
                    if !(isHashing ? passwords : light).submit(request, since: request.begin) {
                        handler.refuse(request)
                    }
                }
            }
        }
        // A thread of its own, which may hang with the database: one check answers all who wait for it.
        let health = BoundedExecutor<IncomingRequest>(
            name: "health", threads: 1, capacity: 64, max: 64, observer: metrics.health
        ) { [self] in
            let handler = makeHandler()
            let monitor = HealthMonitor(metrics: metrics, log: log, check: makeCheck())
            return { requests, _ in
                let report = monitor.report()
                for request in requests {
                    request.context.report = report
                    handler.answer(request)
                }
            }
        }
        let executors = Executors(
            reading: reading, writing: writing, light: light, passwords: passwords, pictures: pictures, lists: lists,
            health: health)
        let spool = Spool(capacity: options.queue, longestWait: Worker.timeout) {
            let handler = makeHandler()
            return { connection, spooled in
                guard let spooled else { return handler.refuse(connection) }
                handler.request(spooled).map { executors.take($0, from: handler) }
            }
        }
        let loop = AcceptLoop(makeHandler(), poller: poller, executors: executors, spool: spool)
        let front = POSIXThread(name: "front") { loop.run() }
        Janitor(makeAccounts: makeAccounts, log: log).start()

        let waiting = poller.stop(handingOver: waitForEnd() == .replaced)
        front.join()
        loop.finish(waiting)
        spool.drain()
        for executor in [reading, writing, light, passwords, pictures, lists, health] { executor.drain() }
    }

    /// An executor for work that takes long, answered by threads behind the others.
    private func bounded(
        _ name: String, threads: Int, counts: Metrics.ExecutorMetrics,
        _ makeHandler: @escaping @Sendable () -> RequestHandler
    ) -> BoundedExecutor<IncomingRequest> {
        BoundedExecutor(
            name: name, threads: threads, capacity: options.queue, timeout: Worker.timeout, niceness: Worker.niceness,
            observer: counts
        ) {
            let handler = makeHandler()
            return { requests, late in
                for request in late { handler.refuse(request) }
                for request in requests { handler.answer(request) }
            }
        }
    }

    /// Whose a request with a picture is, once that was found; nil for any other.
    private func account(withPicture request: IncomingRequest) -> UInt64? {
        guard request.context.executor == .pictures, case .success(let caller?)? = request.context.session else {
            return nil
        }
        return caller.account.id
    }
}
