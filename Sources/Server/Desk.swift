import Accounts
import Contracts
import FastCGI
import HTTP
import JSON

/// Where one thread answers requests.
final class Desk {
    private let contracts: Contracts
    private let accounts: Accounts
    private let poller: Poller
    private let log: Log
    private let metrics: Metrics
    private let publicURL: String?

    init(_ contracts: Contracts, accounts: Accounts, poller: Poller, log: Log, metrics: Metrics, publicURL: String?) {
        self.contracts = contracts
        self.accounts = accounts
        self.poller = poller
        self.log = log
        self.metrics = metrics
        self.publicURL = publicURL
    }

    /// What takes longer an operator should know of.
    private static let slow = Duration.seconds(1)

    /// Reads the next request on a connection; nil when the peer has left, and the connection is closed.
    func visit(_ descriptor: Int32) -> Visit? {
        let exchange = Exchange()
        guard exchange.begin(on: descriptor) else { return nil }
        return Visit(exchange, begin: .now, publicURL: publicURL, contracts: contracts)
    }

    /// The same of a request that was taken in.
    func visit(_ spooled: Spool.Spooled) -> Visit? {
        let exchange = Exchange()
        guard exchange.begin(spooled) else { return nil }
        return Visit(exchange, begin: spooled.begin, publicURL: publicURL, contracts: contracts)
    }

    /// Answers a request; once the worker is stopping, also what waits behind it on its connection.
    func answer(_ visit: Visit) {
        guard !visit.isLate else { return refuse(visit) }
        _ = accounts.takeUsage()
        let start = ContinuousClock.now
        let answer = contracts.answer(
            visit.request, at: visit.destination, accounts: accounts, known: visit.known)
        let usage = accounts.takeUsage()
        count(usage)
        send(answer, to: visit, start: start, usage)
    }

    /// Looks up whose requests are with one look at the database, and answers those to `reading` routes.
    ///
    /// - Parameter pass: takes the others.
    func answer(_ visits: [Visit], passing pass: (Visit) -> Void) {
        let start = ContinuousClock.now
        lookUp(visits)
        for visit in visits {
            guard let known = visit.known else { continue }
            guard visit.destination.weight(of: visit.request) == .reading,
                !contracts.mustWrite(known, at: visit.destination, accounts: accounts)
            else {
                pass(visit)
                continue
            }
            let answer = contracts.answer(
                visit.request, at: visit.destination, accounts: accounts, known: known)
            send(answer, to: visit, start: start, Accounts.Usage())
        }
    }

    /// Finds whose requests are, and notes it on each.
    private func lookUp(_ visits: [Visit]) {
        _ = accounts.takeUsage()
        let found: Result<[Caller?], AccountsError>
        do throws(AccountsError) {
            found = .success(try accounts.sessions(of: visits.compactMap(\.proof)))
        } catch {
            found = .failure(error)
        }
        let usage = accounts.takeUsage()
        count(usage)
        for (index, visit) in visits.enumerated() {
            guard let proof = visit.proof else { continue }
            visit.known = Call.Known(proof: proof, found: found.map { $0[index] })
            visit.lookup = usage.database
        }
    }

    /// Keeps what a request shows to say whose it is; false when it was refused for that.
    func prove(_ visit: Visit) -> Bool {
        switch contracts.begin(visit.request, at: visit.destination, accounts: accounts) {
        case .waiting(let proof):
            visit.proof = proof
            return true
        case .answered(let answer):
            send(answer, to: visit, start: visit.begin, Accounts.Usage())
            return false
        }
    }

    /// Answers that too many wait.
    func refuse(_ visit: Visit) {
        send(contracts.busy(visit.request, at: visit.destination), to: visit)
    }

    /// The same where the body may still be coming: the connection is closed.
    func refuse(_ descriptor: Int32) {
        guard let visit = visit(descriptor) else { return }
        visit.exchange.leaveBody()
        refuse(visit)
    }

    /// Answers what nginx sent on a kept connection before it could know that the worker is stopping.
    private func serve(_ descriptor: Int32) {
        switch Arrival.awaited(on: descriptor, until: .now + Desk.grace) {
        case .nothing, .partial, .closed: return poller.drop(descriptor)
        case .long: return refuse(descriptor)
        case .whole: break
        }
        guard let visit = visit(descriptor) else { return }
        guard let question = visit.question else { return answer(visit) }
        // Stopping is not ready.
        send(question.answer(to: visit.request.method) ?? Health.notReady, to: visit)
    }

    /// How long a worker that is stopping waits for what is on its way.
    static let grace = Duration.seconds(1)

    /// Answers what is no matter of the accounts.
    func send(_ reply: Reply, to visit: Visit) {
        send(.init(reply: reply, accountID: nil, fault: nil), to: visit, start: visit.begin, Accounts.Usage())
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
        _ answer: Contracts.Answer, to visit: Visit, start: ContinuousClock.Instant, _ usage: Accounts.Usage
    ) {
        let exchange = visit.exchange
        // Before the answer, behind which its owner may send the next one.
        visit.picture = nil
        let answer = contracts.sendable(answer, to: visit.request, at: visit.destination)
        if let fault = answer.fault {
            log.write(
                "fault",
                [
                    .init(name: "id", value: .string(visit.request.id)),
                    .init(name: "message", value: .string(fault)),
                ])
        }
        // What a socket's buffer may not hold.
        if answer.reply.stream != nil || answer.reply.body.count > 65_536, !visit.isBlocking {
            visit.isBlocking = true
            poller.setBlocking(exchange.descriptor, true)
        }
        let bytes = write(answer.reply, to: exchange)
        let endpoint = visit.question.map { contracts.endpoints.count + $0.index } ?? visit.destination.endpoint
        metrics.request(endpoint, status: answer.reply.status, microseconds: (.now - visit.begin).inMicroseconds)
        if visit.question == nil { note(visit, answer, bytes: bytes, start: start, usage) }
        guard let descriptor = exchange.finish() else { return }
        if visit.isBlocking { poller.setBlocking(descriptor, false) }
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
        _ visit: Visit, _ answer: Contracts.Answer, bytes: Int, start: ContinuousClock.Instant, _ usage: Accounts.Usage
    ) {
        if ContinuousClock.now - visit.begin > Desk.slow {
            log.write("slow request") { line in
                line.add("id", visit.request.id)
                line.add("us", (.now - visit.begin).inMicroseconds)
            }
        }
        log.write("request") { line in
            line.add("id", visit.request.id)
            // Whatever a client makes up: nginx takes a method of some KiB.
            line.add("method", String(visit.request.method.prefix(16)))
            line.add("contract", visit.destination.contractName)
            line.add("route", visit.destination.path)
            line.add("status", Int64(answer.reply.status))
            line.add("bytes", Int64(bytes))
            line.add("us", (.now - visit.begin).inMicroseconds)
            line.add("queue_us", (start - visit.begin + usage.waiting).inMicroseconds)
            line.add("database_us", (visit.lookup + usage.database).inMicroseconds)
            line.add("hash_us", usage.hashing.inMicroseconds)
            line.add("account", answer.accountID.map { Int64($0) })
        }
    }
}

extension Duration {
    var inMicroseconds: Int64 {
        components.seconds * 1_000_000 + components.attoseconds / 1_000_000_000_000
    }
}
