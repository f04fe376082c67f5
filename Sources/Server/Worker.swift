import Accounts
import CLinux
import Contracts
import FastCGI
import Glibc
import HTTP
import JSON

/// One worker process: a thread in front takes requests in and knows where they go, lanes answer them.
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
    private static let patience = Duration.seconds(20)
    /// Added to the CPU priority of the threads for them.
    private static let niceness: Int32 = 3

    private let options: Options
    private let contracts: Contracts
    private let log: Log
    private let poller: Poller
    private let metrics: Metrics
    private let permits: AccountPermits
    private let makeAccounts: @Sendable () -> Accounts
    private let makeLook: @Sendable () -> () -> Checkup

    /// - Parameters:
    ///   - metrics: with the `endpoints` of the same contracts.
    ///   - permits: how many pictures one account may have waiting or in work.
    ///   - makeAccounts: makes a core for a thread of its own.
    ///   - makeLook: makes what finds whether the service is ready, for a thread of its own.
    package init(
        listening: Int32, handover: Handover? = nil, options: Options, contracts: Contracts, log: Log,
        metrics: Metrics, permits: AccountPermits, makeAccounts: @escaping @Sendable () -> Accounts,
        makeLook: @escaping @Sendable () -> () -> Checkup
    ) throws(Poller.Failure) {
        self.options = options
        self.contracts = contracts
        self.log = log
        self.metrics = metrics
        self.permits = permits
        self.makeAccounts = makeAccounts
        self.makeLook = makeLook
        poller = try Poller(listening: listening, handover: handover)
    }

    /// What requests are counted as: the endpoints of the contracts, then those of questions.
    package static func endpoints(of contracts: Contracts) -> [Metrics.Endpoint] {
        contracts.endpoints.map { Metrics.Endpoint(contract: $0.contract, method: $0.method, route: $0.path) }
            + Health.Question.allCases.map(\.endpoint)
    }

    /// Answers requests until `waitForEnd` returns; then answers what is in hand and comes back.
    package func run(waitForEnd: () -> Ending) {
        let makeDesk: @Sendable () -> Desk = { [self] in
            Desk(
                contracts, accounts: makeAccounts(), poller: poller, log: log, metrics: metrics,
                publicURL: options.publicURL)
        }
        // Each its own: unlike work that waited in one queue would hold the others up.
        let passwords = bounded("passwords", threads: options.passwordThreads, counts: metrics.heavy, makeDesk)
        let pictures = bounded("pictures", threads: options.pictureThreads, counts: metrics.pictureLane, makeDesk)
        let lists = bounded("lists", threads: options.listThreads, counts: metrics.listLane, makeDesk)
        let light = Queue(
            "light", threads: options.threads, capacity: Worker.lightQueue, counts: metrics.light
        ) {
            let desk = makeDesk()
            return { visits in for visit in visits { desk.answer(visit) } }
        }
        // One thread: the longer it takes, the more requests its next round trip answers.
        let reading = Queue(
            "reading", threads: 1, capacity: Worker.lightQueue, most: 16, counts: metrics.reading
        ) { [self] in
            let desk = makeDesk()
            return { visits in
                desk.answer(visits) { visit in
                    guard let account = self.account(withPicture: visit) else {
                        if !light.submit(visit) { desk.refuse(visit) }
                        return
                    }
                    visit.picture = self.permits.take(for: account)
                    if visit.picture == nil { pictures.refused() }
                    // Whose it is, is looked up again when its turn comes.
                    visit.known = nil
                    if visit.picture == nil || !pictures.submit(visit) { desk.refuse(visit) }
                }
            }
        }
        // A thread of its own, which may hang with the database: one look answers all who wait for it.
        let health = Queue("health", threads: 1, capacity: 64, most: 64, counts: metrics.health) { [self] in
            let desk = makeDesk()
            let health = Health(metrics: metrics, log: log, look: makeLook())
            return { visits in
                health.lookAgain()
                for visit in visits {
                    guard let question = visit.question else { continue }
                    desk.send(health.answer(question, method: visit.request.method), to: visit)
                }
            }
        }
        let lanes = Lanes(
            reading: reading, light: light, passwords: passwords, pictures: pictures, lists: lists, health: health)
        let spool = Spool(capacity: options.queue, longestWait: Worker.patience) {
            let desk = makeDesk()
            return { connection, spooled in
                guard let spooled else { return desk.refuse(connection) }
                desk.visit(spooled).map { lanes.take($0, from: desk) }
            }
        }
        let door = Door(makeDesk(), poller: poller, lanes: lanes, spool: spool)
        let front = WorkerThread(name: "front") { door.run() }
        Janitor(makeAccounts: makeAccounts, log: log).start()

        let waiting = poller.stop(handingOver: waitForEnd() == .replaced)
        front.join()
        door.finish(waiting)
        spool.drain()
        for lane in [reading, light, passwords, pictures, lists, health] { lane.drain() }
    }

    /// A queue for work that takes long, answered by threads behind the others.
    private func bounded(
        _ name: String, threads: Int, counts: Metrics.Lane, _ makeDesk: @escaping @Sendable () -> Desk
    ) -> Queue {
        Queue(
            name, threads: threads, capacity: options.queue, niceness: Worker.niceness, patience: Worker.patience,
            counts: counts
        ) {
            let desk = makeDesk()
            return { visits in for visit in visits { desk.answer(visit) } }
        }
    }

    /// Whose a request with a picture is, once that was found; nil for any other.
    private func account(withPicture visit: Visit) -> UInt64? {
        guard visit.destination.weight(of: visit.request) == .pictures,
            case .success(let caller?)? = visit.known?.found
        else { return nil }
        return caller.account.id
    }
}
