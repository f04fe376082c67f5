import Accounts
import Contracts
import FastCGI
import HTTP
import JSON

/// Answers requests on one thread, with that thread's connection to the database; logs and counts them.
final class RequestHandler {
    private let router: Router
    private let accounts: Accounts
    private let poller: Poller
    private let log: Log
    private let metrics: Metrics
    private let publicURL: String?

    init(_ router: Router, accounts: Accounts, poller: Poller, log: Log, metrics: Metrics, publicURL: String?) {
        self.router = router
        self.accounts = accounts
        self.poller = poller
        self.log = log
        self.metrics = metrics
        self.publicURL = publicURL
    }

    /// What takes longer an operator should know of.
    private static let slow = Duration.seconds(1)
    /// How long a worker that is stopping waits for what is on its way.
    static let grace = Duration.seconds(1)

    /// Reads the next request on a connection; nil when the peer has left, and the connection is closed.
    func request(_ descriptor: Int32) -> IncomingRequest? {
        let exchange = Exchange()
        guard exchange.begin(on: descriptor) else { return nil }
        return IncomingRequest(exchange, begin: .now, publicURL: publicURL, router: router)
    }

    /// Reads a request that the spool has taken in.
    func request(_ spooled: Spool.Spooled) -> IncomingRequest? {
        let exchange = Exchange()
        guard exchange.begin(spooled) else { return nil }
        return IncomingRequest(exchange, begin: spooled.begin, publicURL: publicURL, router: router)
    }

    /// Answers a request; once the worker is stopping, also what waits behind it on its connection.
    func answer(_ request: IncomingRequest) {
        _ = accounts.takeUsage()
        let start = ContinuousClock.now
        let reply = router.answer(request.context, accounts)
        let usage = accounts.takeUsage()
        count(usage)
        send(reply, to: request, start: start, usage)
    }

    /// Looks up the sessions of requests with one look at the database, and answers those to `reading` routes.
    ///
    /// - Parameter pass: takes the others.
    func answer(_ requests: [IncomingRequest], passing pass: (IncomingRequest) -> Void) {
        let start = ContinuousClock.now
        lookUpSessions(of: requests)
        for request in requests {
            guard request.context.executor == .reading, !request.context.mustWrite(accounts) else {
                pass(request)
                continue
            }
            send(router.answer(request.context, accounts), to: request, start: start, Accounts.Usage())
        }
    }

    /// Looks up the sessions of requests with one look at the database, and answers those that change texts of a profile
    /// after one commit.
    ///
    /// - Parameter pass: takes the others.
    func write(_ requests: [IncomingRequest], passing pass: (IncomingRequest) -> Void) {
        let start = ContinuousClock.now
        lookUpSessions(of: requests)
        var together: [(request: IncomingRequest, change: TextChange)] = []
        for request in requests {
            if let change = router.textChange(request.context, accounts) {
                together.append((request, change))
            } else {
                pass(request)
            }
        }
        guard !together.isEmpty else { return }
        let written = accounts.write(together.map(\.change))
        let usage = accounts.takeUsage()
        count(usage)
        for ((request, _), result) in zip(together, written) {
            request.lookupTime += usage.database
            guard let result else {
                pass(request)
                continue
            }
            request.context.written = result
            send(router.answer(request.context, accounts), to: request, start: start, Accounts.Usage())
        }
    }

    private func lookUpSessions(of requests: [IncomingRequest]) {
        _ = accounts.takeUsage()
        router.lookUpSessions(of: requests.map(\.context), accounts)
        let usage = accounts.takeUsage()
        count(usage)
        for request in requests { request.lookupTime = usage.database }
    }

    /// Reads what a request shows to say whose it is; false when it was refused for that.
    func authenticate(_ request: IncomingRequest) -> Bool {
        guard let refusal = router.authenticate(request.context, accounts) else { return true }
        send(refusal, to: request)
        return false
    }

    /// Answers that too many wait.
    func refuse(_ request: IncomingRequest) {
        send(router.busy(request.context), to: request)
    }

    /// Answers that too many wait where the body may still be coming: the connection is closed.
    func refuse(_ descriptor: Int32) {
        guard let request = request(descriptor) else { return }
        request.exchange.leaveBody()
        refuse(request)
    }

    /// Answers what nginx sent on a kept connection before it could know that the worker is stopping.
    private func serve(_ descriptor: Int32) {
        switch RequestFraming.awaited(on: descriptor, until: .now + RequestHandler.grace) {
        case .nothing, .partial, .closed: poller.drop(descriptor)
        case .whole: request(descriptor).map(answer)
        case .long:
            // The spool may have ended by now.
            guard let spooled = Spool.takeIn(descriptor) else { return poller.drop(descriptor) }
            request(spooled).map(answer)
        }
    }

    private func send(_ reply: Reply, to request: IncomingRequest) {
        send(reply, to: request, start: request.begin, Accounts.Usage())
    }

    private func count(_ usage: Accounts.Usage) {
        metrics.databaseTrips.add(UInt64(usage.roundTrips))
        metrics.databaseTime.add(UInt64(usage.database.inMicroseconds))
        if usage.hashing > .zero { metrics.passwordHashes.observe(microseconds: usage.hashing.inMicroseconds) }
        if usage.decoding > .zero { metrics.pictures.observe(microseconds: usage.decoding.inMicroseconds) }
        if usage.losses > 0 { metrics.databaseLosses.add(UInt64(usage.losses)) }
        if usage.picturesRefused > 0 { metrics.picturesRefused.add(UInt64(usage.picturesRefused)) }
    }

    private func send(
        _ reply: Reply, to request: IncomingRequest, start: ContinuousClock.Instant, _ usage: Accounts.Usage
    ) {
        let exchange = request.exchange
        // Before the answer, behind which its owner may send the next one.
        request.picturePermit = nil
        if let fault = request.context.fault {
            log.write(
                "fault",
                [
                    .init(name: "id", value: .string(request.context.request.id)),
                    .init(name: "message", value: .string(fault)),
                ])
        }
        // What a socket's buffer may not hold.
        if reply.stream != nil || reply.body.count > 65_536, !request.isBlocking {
            request.isBlocking = true
            poller.setBlocking(exchange.descriptor, true)
        }
        let bytes = write(reply, to: exchange)
        metrics.request(
            request.context.destination.target, status: reply.status,
            microseconds: (.now - request.begin).inMicroseconds)
        if !request.context.destination.isProbe { note(request, reply, bytes: bytes, start: start, usage) }
        guard let descriptor = exchange.finish() else { return }
        if request.isBlocking { poller.setBlocking(descriptor, false) }
        if let waiting = poller.park(descriptor) { serve(waiting) }
    }

    /// Writes the answer; how many bytes its body had.
    private func write(_ reply: Reply, to exchange: Exchange) -> Int {
        reply.message.withUnsafeBytes { _ = exchange.write($0) }
        guard let stream = reply.stream else { return reply.body.count }
        var bytes = 0
        let isWhole = stream { piece in
            bytes += piece.count
            return piece.withUnsafeBytes { exchange.write($0) }
        }
        if !isWhole { exchange.abort() }
        return bytes
    }

    private func note(
        _ incoming: IncomingRequest, _ reply: Reply, bytes: Int, start: ContinuousClock.Instant, _ usage: Accounts.Usage
    ) {
        let (request, destination) = (incoming.context.request, incoming.context.destination)
        if ContinuousClock.now - incoming.begin > RequestHandler.slow {
            log.write("slow request") { line in
                line.add("id", request.id)
                line.add("us", (.now - incoming.begin).inMicroseconds)
            }
        }
        log.write("request") { line in
            line.add("id", request.id)
            // Whatever a client makes up: nginx takes a method of some KiB.
            line.add("method", String(request.method.prefix(16)))
            line.add("contract", destination.contractName)
            line.add("route", destination.path)
            line.add("status", Int64(reply.status))
            line.add("bytes", Int64(bytes))
            line.add("us", (.now - incoming.begin).inMicroseconds)
            line.add("queue_us", (start - incoming.begin + usage.waiting).inMicroseconds)
            line.add("database_us", (incoming.lookupTime + usage.database).inMicroseconds)
            line.add("hash_us", usage.hashing.inMicroseconds)
            line.add("account", incoming.context.accountID.map { Int64($0) })
        }
    }
}

extension Duration {
    var inMicroseconds: Int64 {
        components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000
    }
}
