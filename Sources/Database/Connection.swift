import CMariaDB
import Glibc

/// One connection to MariaDB, used by one thread.
///
/// Statements are prepared at their first use and kept. The connection is made at the first use and made anew once when
/// it turns out to be lost before anything of the present unit of work was executed. Between units of work it moves to the
/// server that `ServerMonitor` names.
package final class Connection {
    let address: DatabaseAddress
    private var session: ServerSession?
    /// The index of its server.
    private var server = 0
    /// A second descriptor of its socket, with which the monitor cuts it off.
    private var cutting: Int32?
    private var statements: [ObjectIdentifier: PreparedStatement] = [:]
    private var isInTransaction = false
    /// Called with one line when the connection was lost or found again.
    private let report: @Sendable (String) -> Void
    private var isKnownLost = false
    private var isKnownOld = false
    private let monitor: ServerMonitor

    private let isMigrating: Bool
    private let isCausal: Bool
    private let timeouts: Timeouts
    /// How often and how long this connection has waited for the server so far.
    package private(set) var waits = Waits()

    /// What was spent waiting for the server.
    package struct Waits: Sendable {
        /// Statements that were sent.
        package var roundTrips = 0
        /// Until all the answers had come.
        package var time = Duration.zero
        /// Connections that were lost or could not be made.
        package var losses = 0
    }

    /// How long the server may take, in seconds.
    package struct Timeouts: Sendable {
        /// For a connection.
        package var connect: UInt32
        /// For each answer.
        package var answer: UInt32
        /// Until a row's lock comes; less than `answer`: a statement that nobody waits for any longer must not be executed
        /// when the lock comes at last.
        package var rowLock: UInt32
        /// Until a table's lock comes, which only an operator takes.
        package var tableLock: UInt32

        /// All in seconds.
        package init(connect: UInt32, answer: UInt32, rowLock: UInt32, tableLock: UInt32) {
            self.connect = connect
            self.answer = answer
            self.rowLock = rowLock
            self.tableLock = tableLock
        }

        /// What requests can wait.
        package static let request = Timeouts(connect: 3, answer: 5, rowLock: 3, tableLock: 1)
        /// For a look whether the database answers.
        package static let probe = Timeouts(connect: 1, answer: 1, rowLock: 1, tableLock: 1)
        /// One statement may take an hour.
        package static let migration = Timeouts(connect: 3, answer: 3600, rowLock: 3600, tableLock: 3600)
        /// For another system's database, of which all rows of a table are asked for at once.
        static let foreign = Timeouts(connect: 5, answer: 600, rowLock: 3, tableLock: 3)
    }

    /// - Parameters:
    ///   - isMigrating: one text may hold several statements, with the time-outs of `migration` whatever is given.
    ///   - isCausal: on a node of a cluster each statement sees what any node had acknowledged before it. False for a look
    ///     that must not wait, as the nodes do for a second when one of them is lost.
    ///   - timeouts: how long the server may take.
    ///   - monitor: what the connections of a process share, so that not each of them waits for a server that hangs; nil
    ///     makes one.
    package init(
        _ address: DatabaseAddress, isMigrating: Bool = false, isCausal: Bool = true, timeouts: Timeouts = .request,
        monitor: ServerMonitor? = nil, report: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.address = address
        self.isMigrating = isMigrating
        self.isCausal = isCausal
        self.timeouts = isMigrating ? .migration : timeouts
        self.monitor = monitor ?? ServerMonitor(address, report: report)
        self.report = report
    }

    deinit {
        disconnect()
    }

    /// All rows of a query.
    package func rows<Q: Query>(_ query: Q) throws(DatabaseError) -> [Q.Row] {
        try reconnecting(isRepeatable: true) { () throws(DatabaseError) in
            var rows: [Q.Row] = []
            try stream(query) { rows.append($0) }
            return rows
        }
    }

    /// The first row of a query, nil without one.
    package func first<Q: Query>(_ query: Q) throws(DatabaseError) -> Q.Row? {
        try rows(query).first
    }

    /// Runs a statement that changes rows. Outside a transaction it commits by itself, and a deadlock repeats it.
    @discardableResult
    package func run(_ command: some Command) throws(DatabaseError) -> Outcome {
        guard !isInTransaction else { return try execute(command) }
        return try repeating { () throws(DatabaseError) in
            dropIfCut()
            return try execute(command)
        }
    }

    /// Runs `body` in a transaction and commits it. A deadlock rolls back and repeats it.
    ///
    /// `body` can throw nothing but a `DatabaseError`: a refusal is a value it returns, so that it cannot roll back what
    /// was counted. It may run more than once and must change nothing but rows.
    package func transaction<T>(_ body: () throws(DatabaseError) -> T) throws(DatabaseError) -> T {
        precondition(!isInTransaction, "a transaction inside a transaction")
        return try repeating { () throws(DatabaseError) in
            do throws(DatabaseError) {
                try reconnecting(isRepeatable: true) { () throws(DatabaseError) in try execute("START TRANSACTION") }
                isInTransaction = true
                defer { isInTransaction = false }
                let result = try body()
                try execute("COMMIT")
                return result
            } catch {
                // A connection that cannot even roll back is closed: the server then rolls back.
                if session != nil, (try? execute("ROLLBACK")) == nil { disconnect() }
                throw error
            }
        }
    }

    /// Repeats `body` after a deadlock, for which the server has rolled it back. In a cluster that is also how it says that
    /// another node's transaction came first.
    func repeating<T>(_ body: () throws(DatabaseError) -> T) throws(DatabaseError) -> T {
        var attempt = 0
        while true {
            attempt += 1
            let begin = ContinuousClock.now
            do throws(DatabaseError) {
                return try body()
            } catch {
                guard case .contention(let code) = error else { throw error }
                let isRepeated = code != ER_LOCK_WAIT_TIMEOUT && attempt < Connection.maxAttempts
                // Who does not want to wait for a lock is told at once that it is taken.
                let isAsked = code == ER_LOCK_WAIT_TIMEOUT && ContinuousClock.now - begin < .milliseconds(500)
                if let session, session.isClustered, !isAsked {
                    report("database: \(place): \(code), rolled back" + (isRepeated ? " and tried again" : ""))
                }
                guard isRepeated else { throw error }
                // Not all victims at the same moment again.
                usleep(UInt32.random(in: 0..<(1000 << UInt32(min(attempt, 5)))))
            }
        }
    }

    /// A deadlock is told at once, and among many who want one name there are many. A lock that does not come has taken
    /// its whole time-out, and a thread with it, which others need.
    private static let maxAttempts = 10

    /// Prepares a statement and throws when it does not fit the schema.
    package func check<Q: Query>(_ type: Q.Type) throws(DatabaseError) {
        _ = try PreparedStatement(Q.sql, on: connected().handle)
    }

    /// A connection that answers.
    package func ping() throws(DatabaseError) {
        try reconnecting(isRepeatable: true) { () throws(DatabaseError) in try execute("DO 0") }
    }

    /// Runs a text with one or several statements, of a connection that is migrating or with one; never with input in it.
    package func execute(_ text: String) throws(DatabaseError) {
        let session = try connected()
        try measured { () throws(DatabaseError) in try session.execute(text) }
    }

    /// The cipher that protects the connection; nil where none does.
    package func cipher() throws(DatabaseError) -> String? {
        try ping()
        return mysql_get_ssl_cipher(try connected().handle).map { String(cString: $0) }
    }

    /// How the servers are: each of several, or the only one where it is a node of a cluster.
    package func servers() -> [ServerReport] {
        if monitor.isWatching { return monitor.reports }
        guard let session, session.isClustered, let state = try? session.state() else { return [] }
        return [ServerReport(name: place, isUsed: true, fault: state.fault, state: state)]
    }

    /// What the server says of itself.
    package func state() throws(DatabaseError) -> ServerState {
        try connected().state()
    }

    // MARK: Statements

    private func execute(_ command: some Command) throws(DatabaseError) -> Outcome {
        try reconnecting(isRepeatable: false) { () throws(DatabaseError) in
            let statement = try prepared(command)
            return try measured { () throws(DatabaseError) in try statement.execute(command.parameters) }
        }
    }

    private func stream<Q: Query>(_ query: Q, _ each: (Q.Row) -> Void) throws(DatabaseError) {
        let statement = try prepared(query)
        _ = try measured { () throws(DatabaseError) in try statement.execute(query.parameters) }
        defer { statement.reset() }
        while try statement.fetch() {
            var columns = Columns(statement)
            each(try Q.row(&columns))
        }
        if isInTransaction { try requireTransaction() }
    }

    /// The session of the present transaction. Throws when the server has ended that: a Galera node may do so for another
    /// node's without an error, at a SELECT that then finds nothing, and what came next would be executed by itself.
    @discardableResult
    private func requireTransaction() throws(DatabaseError) -> ServerSession {
        guard let session else {
            throw .unavailable(code: UInt32(CR_SERVER_LOST), message: "lost in a transaction")
        }
        guard session.isInTransaction else { throw .contention(code: UInt32(ER_LOCK_DEADLOCK)) }
        return session
    }

    private func prepared<Q: Query>(_ query: Q) throws(DatabaseError) -> PreparedStatement {
        let session = try connected()
        if let statement = statements[ObjectIdentifier(Q.self)] { return statement }
        let statement: PreparedStatement
        do throws(DatabaseError) {
            statement = try PreparedStatement(Q.sql, on: session.handle)
        } catch .failed(let code, let message) where [ER_BAD_FIELD_ERROR, ER_NO_SUCH_TABLE].contains(Int32(code)) {
            let error = DatabaseError.unavailable(
                code: code, message: "\(message): the schema is older than this program. Run: homeroom migrate")
            if !isKnownOld { report("\(error)") }
            isKnownOld = true
            throw error
        }
        statements[ObjectIdentifier(Q.self)] = statement
        return statement
    }

    private func measured<T, Failure: Error>(_ body: () throws(Failure) -> T) throws(Failure) -> T {
        let begin = ContinuousClock.now
        defer {
            waits.roundTrips += 1
            waits.time += ContinuousClock.now - begin
        }
        return try body()
    }

    // MARK: The connection

    /// Repeats `body` once on a new connection when the old one is gone, or its server no longer serves, and nothing can have
    /// been executed twice.
    private func reconnecting<T>(isRepeatable: Bool, _ body: () throws(DatabaseError) -> T) throws(DatabaseError) -> T {
        do throws(DatabaseError) {
            return try listening(body)
        } catch {
            guard error.isLostConnection || error.isRefusal && monitor.isWatching else { throw error }
            waits.losses += 1
            report("database: connection lost: \(place): \(error)")
            if error.isRefusal { monitor.lose(server, error) }
            disconnect()
            guard isRepeatable, !isInTransaction else { throw error }
            return try listening(body)
        }
    }

    /// Runs `body` unless the server is known to hang; notes when it does.
    private func listening<T>(_ body: () throws(DatabaseError) -> T) throws(DatabaseError) -> T {
        let begin = ContinuousClock.now
        do throws(DatabaseError) {
            return try body()
        } catch {
            guard Connection.isSilence(error, since: begin) else { throw error }
            disconnect()
            monitor.noteSilence(error)
            throw .unavailable(code: Connection.hanging, message: "\(error)")
        }
    }

    /// Returns when the server answers, or is gone: then that is told at once.
    static func waitForAnswer(from address: DatabaseAddress) {
        while true {
            let begin = ContinuousClock.now
            do throws(DatabaseError) {
                return try Connection(address).execute("DO 0")
            } catch {
                guard isSilence(error, since: begin) else { return }
            }
        }
    }

    /// Whether an error is the end of a time-out.
    private static func isSilence(_ error: DatabaseError, since begin: ContinuousClock.Instant) -> Bool {
        error.isOurs && ContinuousClock.now - begin >= .seconds(Timeouts.request.connect)
    }

    /// No code of the server or the client library.
    private static let hanging: UInt32 = 0

    /// The server's address, for the log.
    private var place: String { address.transports[server].description }

    /// The session on the server to use, which is another one than before where the monitor says so.
    private func connected() throws(DatabaseError) -> ServerSession {
        if isInTransaction { return try requireTransaction() }
        let wanted = try monitor.server()
        if let session, server == wanted { return session }
        disconnect()
        do throws(DatabaseError) {
            return try connect(to: wanted)
        } catch {
            // Another one may be there at once.
            monitor.lose(wanted, error)
            guard monitor.isWatching, let next = try? monitor.server(), next != wanted else { throw error }
            return try connect(to: next)
        }
    }

    private func connect(to wanted: Int) throws(DatabaseError) -> ServerSession {
        server = wanted
        let new: ServerSession
        do throws(DatabaseError) {
            new = try ServerSession(
                address.transports[wanted], of: address, timeouts: timeouts, isMigrating: isMigrating,
                isCausal: isCausal)
        } catch {
            throw refusedConnection(error)
        }
        if isKnownLost { report("database: connected again to \(address.each[server].description)") }
        isKnownLost = false
        session = new
        if monitor.isWatching {
            // The library closes its own descriptor at an error, and that number may then be anybody's.
            let descriptor = fcntl(new.socket, F_DUPFD_CLOEXEC, 0)
            if descriptor >= 0 {
                cutting = descriptor
                monitor.enter(descriptor, to: wanted)
            }
        }
        return new
    }

    private func refusedConnection(_ error: DatabaseError) -> DatabaseError {
        waits.losses += 1
        if !isKnownLost {
            let place = address.each[server].description
            report("database: cannot connect to \(place): \(error); is mariadbd running?")
        }
        isKnownLost = true
        // A wrong password or a missing database is also "not now" for a request; the log line names it.
        if case .failed(let code, let message) = error { return .unavailable(code: code, message: message) }
        return error
    }

    /// Closes a connection that the server has closed while nothing was asked: what is sent now goes over a new one, where
    /// a write that breaks off on the way could not be repeated.
    private func dropIfCut() {
        guard let session, session.isCut else { return }
        waits.losses += 1
        report("database: connection lost: \(place): closed by the server")
        disconnect()
    }

    private func disconnect() {
        statements = [:]
        session = nil
        guard let cutting else { return }
        monitor.leave(cutting, to: server)
        close(cutting)
        self.cutting = nil
    }
}
