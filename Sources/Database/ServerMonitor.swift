import Glibc
import Synchronization
import System

/// Decides for all connections of a process which of its database servers they use: the first in the order of the setting
/// that can serve.
///
/// With several servers a thread for each asks how it is, some times a second. One that does not answer, or says that it
/// cannot serve, is lost: what waits for its answer is cut off at once, and the next server is used. An earlier one is used
/// again once it was well for a second. A statement's own time-out could not tell a server that hangs from a cluster that
/// makes up its mind about a lost node, for which its members wait.
///
/// A single server is not watched: what connections find out themselves is enough (`CircuitBreaker`).
package final class ServerMonitor: Sendable {
    private let address: DatabaseAddress
    private let report: @Sendable (String) -> Void
    private let breaker = CircuitBreaker()
    private let state: Guarded<State>
    /// The index of the server to use; `none` while there is none.
    private let selected = Atomic<Int>(none)
    private static let none = -1

    /// How one server is, as far as it is known.
    struct Server: Sendable {
        enum Health: Sendable {
            /// Not known yet.
            case unknown
            /// It can serve, without a break since then.
            case serving(since: ContinuousClock.Instant)
            /// It cannot, for that reason.
            case lost(String)
        }

        /// Where it is.
        let name: String
        var health = Health.unknown
        /// What it last said; nil before, and while it does not answer.
        var state: ServerState?
        /// How long it must be well before it is used in place of a later one.
        var settling = ServerMonitor.settling
        /// Of this process, by their descriptors.
        fileprivate var connections: Set<Int32> = []

        init(name: String) { self.name = name }
    }

    private struct State: Sendable {
        var servers: [Server]
        var begin: ContinuousClock.Instant?
        var selected: Int?
    }

    /// The times between questions and verdicts.
    private static let interval = Duration.milliseconds(150)
    /// How long an earlier server must be well before it is used again.
    static let settling = Duration.seconds(1)
    /// How long at most, for one that was lost soon after it was well: twice as long each time.
    static let longestSettling = Duration.seconds(60)
    /// How long the first request waits for the first answers. A server that is slower is found later.
    static let firstLook = Duration.milliseconds(1500)

    /// - Parameter report: gets a line when a server is lost or well again.
    package init(_ address: DatabaseAddress, report: @escaping @Sendable (String) -> Void = { _ in }) {
        self.address = address
        self.report = report
        state = Guarded(State(servers: address.transports.map { Server(name: $0.description) }))
    }

    /// Whether there is another server to go to.
    var isWatching: Bool { address.transports.count > 1 }

    /// How each server is, as it was found some tenths of a second ago.
    var reports: [ServerReport] {
        state.withLock { state in
            state.servers.enumerated().map { index, server in
                let fault: String? =
                    switch server.health {
                    case .unknown: "no answer"
                    case .serving: nil
                    case .lost(let reason): reason
                    }
                return ServerReport(
                    name: server.name, isUsed: index == state.selected, fault: fault, state: server.state)
            }
        }
    }

    // MARK: What connections ask and tell

    /// The index of the server to use now. With several, the first call waits for the first answers.
    func server() throws(DatabaseError) -> Int {
        guard isWatching else {
            guard breaker.isClosed else { throw ServerMonitor.notAsked("no answer; not asked again yet") }
            return 0
        }
        let known = selected.load(ordering: .acquiring)
        if known != ServerMonitor.none { return known }
        start()
        state.wait(atMost: ServerMonitor.firstLook) { $0.selected != nil || $0.servers.allSatisfy(\.isKnown) }
        let selected = state.withLock { state in
            select(&state)
            return state.selected
        }
        if let selected { return selected }
        let faults = reports.compactMap { report in report.fault.map { "\(report.name): \($0)" } }
        throw ServerMonitor.notAsked("no server can serve: " + faults.joined(separator: "; "))
    }

    private static func notAsked(_ message: String) -> DatabaseError {
        // No code of the server or the client library.
        .unavailable(code: 0, message: message)
    }

    /// A server refused a connection, or what it was asked, for the whole of it.
    func lose(_ server: Int, _ error: DatabaseError) {
        guard isWatching else { return }
        note(server, nil, "\(error)", isGone: error.isOurs)
    }

    /// A single server did not answer in time.
    func noteSilence(_ error: DatabaseError) {
        guard !isWatching else { return }
        breaker.trip(at: address, error, report: report)
    }

    /// A connection to a server is there; it is cut off when the server is lost.
    func enter(_ connection: Int32, to server: Int) {
        state.withLock { state in
            state.servers[server].connections.insert(connection)
            if case .lost = state.servers[server].health { shutdown(connection, Int32(SHUT_RDWR)) }
        }
    }

    /// It is about to be closed, and its descriptor to be somebody else's.
    func leave(_ connection: Int32, to server: Int) {
        state.withLock { _ = $0.servers[server].connections.remove(connection) }
    }

    // MARK: Watching

    private func start() {
        let isFirst = state.withLock { state in
            defer { state.begin = state.begin ?? .now }
            return state.begin == nil
        }
        guard isFirst else { return }
        for (index, transport) in address.transports.enumerated() {
            do throws(SystemError) {
                try POSIXThread.detach(name: "database \(index + 1)") { [weak self] in
                    var session: ServerSession?
                    while let self {
                        self.ask(index, transport, &session)
                        usleep(UInt32(ServerMonitor.interval / .microseconds(1)))
                    }
                }
            } catch {
                note(index, nil, "no thread to watch it: \(error)")
            }
        }
    }

    private func ask(_ index: Int, _ transport: DatabaseAddress.Transport, _ session: inout ServerSession?) {
        let begin = ContinuousClock.now
        do throws(DatabaseError) {
            let open: ServerSession
            if let session {
                open = session
            } else {
                // A wait for the cluster would hide how the node is.
                open = try ServerSession(transport, of: address, timeouts: .probe, isCausal: false)
                session = open
            }
            let said = try open.state()
            note(index, said, said.fault)
        } catch {
            let wasOpen = session != nil
            session = nil
            // An old connection may have been closed for a reason of its own; but who hangs is not asked again.
            guard wasOpen, error.isLostConnection, ContinuousClock.now - begin < .milliseconds(500) else {
                return note(index, nil, "\(error)")
            }
            ask(index, transport, &session)
        }
    }

    /// Takes a verdict: what the server said, and why it cannot serve.
    ///
    /// - Parameter isGone: false where it refuses what comes, with an answer, and what it already has goes on.
    private func note(_ index: Int, _ said: ServerState?, _ fault: String?, isGone: Bool = true) {
        let lines = state.withLock { state in
            var fault = fault
            if fault == nil, let said, let other = state.selected, other != index,
                let identity = state.servers[other].state?.identity, identity != said.identity
            {
                fault =
                    "another database than \(state.servers[other].name): \(said.identity), not \(identity)"
            }
            var lines: [String] = []
            let name = state.servers[index].name
            switch (state.servers[index].health, fault) {
            case (.serving, nil): break
            case (let old, nil):
                state.servers[index].health = .serving(since: .now)
                if case .lost = old { lines.append("database: \(name): well again") }
            case (.lost, let fault?): state.servers[index].health = .lost(fault)
            case (_, let fault?):
                state.servers[index].lose(fault, now: .now)
                lines.append("database: \(name): lost: \(fault)")
            }
            state.servers[index].state = said
            if isGone, case .lost = state.servers[index].health {
                // Under the lock: none of them can be closed, and become somebody else's, meanwhile.
                for connection in state.servers[index].connections { shutdown(connection, Int32(SHUT_RDWR)) }
            }
            let old = state.selected
            select(&state)
            if state.selected != old, let new = state.selected, old != nil || !lines.isEmpty {
                lines.append("database: uses \(state.servers[new].name)")
            } else if state.selected == nil, old != nil {
                lines.append("database: no server can serve; requests are refused until one can")
            }
            return lines
        }
        state.broadcast()
        for line in lines { report(line) }
    }

    private func select(_ state: inout State) {
        let waited = state.begin.map { ContinuousClock.now - $0 } ?? .zero
        state.selected = ServerMonitor.choice(
            among: state.servers, current: state.selected, now: .now, waitsForUnknown: waited < ServerMonitor.firstLook)
        selected.store(state.selected ?? ServerMonitor.none, ordering: .releasing)
    }

    /// The index of the server to use; nil where none can serve, or an earlier one is not known yet.
    static func choice(
        among servers: [Server], current: Int?, now: ContinuousClock.Instant, waitsForUnknown: Bool
    ) -> Int? {
        // One that gives its data to another node only where there is no other.
        let serving = servers.indices.filter { servers[$0].servingSince != nil }
        let synced = serving.filter { servers[$0].state?.isFullyServing != false }
        let usable = synced.isEmpty ? serving : synced
        if let current, usable.contains(current) {
            return usable.first { index in
                index < current && servers[index].servingSince.map { now - $0 >= servers[index].settling } == true
            } ?? current
        }
        guard let first = usable.first else { return nil }
        let isOpen = waitsForUnknown && servers[..<first].contains { !$0.isKnown }
        return isOpen ? nil : first
    }
}

extension ServerMonitor.Server {
    var isKnown: Bool { if case .unknown = health { false } else { true } }

    /// It cannot serve any more. One that comes and goes, e.g. because it takes too few connections, would otherwise be
    /// gone to and left once a second, and each time cost what is in flight.
    mutating func lose(_ reason: String, now: ContinuousClock.Instant) {
        if let since = servingSince {
            let isEarly = now - since < settling * 10
            settling = isEarly ? min(settling * 2, ServerMonitor.longestSettling) : ServerMonitor.settling
        }
        health = .lost(reason)
    }

    fileprivate var servingSince: ContinuousClock.Instant? {
        if case .serving(let since) = health { since } else { nil }
    }
}
