import Accounts
import CLinux
import Contracts
import FastCGI
import Glibc
import HTTP
import JSON

/// One worker process: the fast lane answers, the heavy lane hashes and takes files.
package final class Worker: Sendable {
    package struct Options: Sendable {
        /// Threads that answer; each has a database connection.
        package var fastThreads = 4
        /// Threads for heavy work; each has a database connection. More than may hash at a time, so that the cores hash
        /// while others wait for the database.
        package var heavyThreads = 4
        /// Heavy requests that may wait.
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

    private let options: Options
    private let contracts: Contracts
    private let log: Log
    private let poller: Poller
    private let makeAccounts: @Sendable () -> Accounts

    package init(
        listening: Int32, handover: Handover? = nil, options: Options, contracts: Contracts, log: Log,
        makeAccounts: @escaping @Sendable () -> Accounts
    ) throws(Poller.Failure) {
        self.options = options
        self.contracts = contracts
        self.log = log
        self.makeAccounts = makeAccounts
        poller = try Poller(listening: listening, handover: handover)
    }

    /// Answers requests until `waitForEnd` returns; then answers what is in hand and comes back.
    package func run(waitForEnd: () -> Ending) {
        let heavy = Lane<Job>(name: "heavy", threads: options.heavyThreads, capacity: options.queue, niceness: 5) {
            [self] in
            let handler = Handler(self, accounts: makeAccounts(), lane: nil)
            return { handler.finish($0) }
        }
        let fast = (0..<options.fastThreads).map { index in
            WorkerThread(name: "fast-\(index)") { [self] in
                let handler = Handler(self, accounts: makeAccounts(), lane: heavy)
                while let descriptor = poller.next() { handler.serve(descriptor) }
            }
        }
        let janitor = Janitor(makeAccounts: makeAccounts, log: log)
        janitor.start()
        let waiting = poller.stop(handingOver: waitForEnd() == .replaced)
        for thread in fast { thread.join() }
        heavy.drain()
        let last = Handler(self, accounts: makeAccounts(), lane: nil)
        for descriptor in waiting { last.serve(descriptor) }
    }

    /// A request on its way to the heavy lane, with the connection it came on.
    private struct Job: @unchecked Sendable {
        let exchange: Exchange
        let request: Request
        let destination: Contracts.Destination
        let begin: ContinuousClock.Instant
    }

    /// What one thread answers with.
    private final class Handler {
        private let worker: Worker
        private let accounts: Accounts
        private let lane: Lane<Job>?
        private var exchange = Exchange()

        init(_ worker: Worker, accounts: Accounts, lane: Lane<Job>?) {
            self.worker = worker
            self.accounts = accounts
            self.lane = lane
        }

        /// Answers the request on a connection, or hands it to the heavy lane.
        func serve(_ descriptor: Int32) {
            var next: Int32? = descriptor
            while let descriptor = next {
                next = nil
                guard exchange.begin(on: descriptor) else { return }
                let request = Request(exchange, publicURL: worker.options.publicURL)
                let destination = worker.contracts.destination(of: request)
                let job = Job(exchange: exchange, request: request, destination: destination, begin: .now)
                guard destination.isHeavy(request), let lane else {
                    next = answer(job)
                    continue
                }
                if lane.submit(job) {
                    exchange = Exchange()
                } else {
                    next = send(worker.contracts.busy(destination), for: job, accountID: nil)
                }
            }
        }

        /// Does a handed-over job; once stopping, also what waits behind it on its connection.
        func finish(_ job: Job) {
            if let descriptor = answer(job) { serve(descriptor) }
        }

        private func answer(_ job: Job) -> Int32? {
            let answer = worker.contracts.answer(job.request, at: job.destination, accounts: accounts)
            if let fault = answer.fault {
                worker.log.write("fault", [.init(name: "id", value: .string(job.request.id)), .init(name: "message", value: .string(fault))])
            }
            return send(answer.reply, for: job, accountID: answer.accountID)
        }

        /// Sends the answer and parks the connection; gives it back when stopping and another request waits on it.
        private func send(_ reply: Reply, for job: Job, accountID: UInt64?) -> Int32? {
            let message = reply.message
            message.withUnsafeBytes { _ = job.exchange.write($0) }
            var bytes = reply.body.count
            if let stream = reply.stream {
                let isWhole = stream { piece in
                    bytes += piece.count
                    return piece.withUnsafeBytes { job.exchange.write($0) }
                }
                if !isWhole { job.exchange.abort() }
            }
            worker.log.write(
                "request",
                [
                    .init(name: "id", value: .string(job.request.id)),
                    // Whatever a client makes up: nginx takes a method of some KiB.
                    .init(name: "method", value: .string(String(job.request.method.prefix(16)))),
                    .init(name: "route", value: .string(job.destination.name)),
                    .init(name: "status", value: .integer(Int64(reply.status))),
                    .init(name: "bytes", value: .integer(Int64(bytes))),
                    .init(name: "us", value: .integer((ContinuousClock.now - job.begin).inMicroseconds)),
                    .init(name: "account", value: accountID.map { .integer(Int64($0)) } ?? .null),
                ])
            guard let descriptor = job.exchange.finish() else { return nil }
            return worker.poller.park(descriptor)
        }
    }
}

extension Duration {
    fileprivate var inMicroseconds: Int64 {
        components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000
    }
}
