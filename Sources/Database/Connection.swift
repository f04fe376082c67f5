import CMariaDB
import Glibc

/// One connection to MariaDB, used by one thread.
///
/// Statements are prepared at their first use and kept. The connection is made at the first use and made anew once when
/// it turns out to be lost before anything of the present unit of work was executed.
package final class Connection {
    let address: DatabaseAddress
    private var handle: UnsafeMutablePointer<MYSQL>?
    private var statements: [ObjectIdentifier: PreparedStatement] = [:]
    private var isInTransaction = false
    /// Called with one line when the connection was lost or found again.
    private let report: @Sendable (String) -> Void
    private var isKnownLost = false
    private let breaker: CircuitBreaker

    private let isMigrating: Bool
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
    }

    /// - Parameters:
    ///   - isMigrating: one text may hold several statements, with the time-outs of `migration` whatever is given.
    ///   - timeouts: how long the server may take.
    ///   - breaker: what the connections of a process share, so that not each of them waits for a server that hangs.
    package init(
        _ address: DatabaseAddress, isMigrating: Bool = false, timeouts: Timeouts = .request,
        breaker: CircuitBreaker = CircuitBreaker(),
        report: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.address = address
        self.isMigrating = isMigrating
        self.timeouts = isMigrating ? .migration : timeouts
        self.breaker = breaker
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
                if handle != nil, (try? execute("ROLLBACK")) == nil { disconnect() }
                throw error
            }
        }
    }

    /// Repeats `body` after a deadlock, for which the server has rolled it back.
    private func repeating<T>(_ body: () throws(DatabaseError) -> T) throws(DatabaseError) -> T {
        var attempt = 0
        while true {
            attempt += 1
            do throws(DatabaseError) {
                return try body()
            } catch {
                guard case .contention(let code) = error, code != ER_LOCK_WAIT_TIMEOUT,
                    attempt < Connection.maxAttempts
                else { throw error }
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
        _ = try PreparedStatement(Q.sql, on: connected())
    }

    /// A connection that answers.
    package func ping() throws(DatabaseError) {
        try reconnecting(isRepeatable: true) { () throws(DatabaseError) in try execute("DO 0") }
    }

    /// Runs a text with one or several statements; for migrations and session settings only.
    func execute(_ text: String) throws(DatabaseError) {
        let handle = try connected()
        guard measured({ mysql_real_query(handle, text, UInt(text.utf8.count)) == 0 }) else { throw error(handle) }
        while true {
            if let result = mysql_store_result(handle) { mysql_free_result(result) }
            let next = mysql_next_result(handle)
            if next < 0 { return }
            if next > 0 { throw error(handle) }
        }
    }

    /// The cipher that protects the connection; nil where none does.
    package func cipher() throws(DatabaseError) -> String? {
        try ping()
        return mysql_get_ssl_cipher(try connected()).map { String(cString: $0) }
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
    }

    private func prepared<Q: Query>(_ query: Q) throws(DatabaseError) -> PreparedStatement {
        let handle = try connected()
        if let statement = statements[ObjectIdentifier(Q.self)] { return statement }
        let statement = try PreparedStatement(Q.sql, on: handle)
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

    /// Repeats `body` once on a new connection when the old one is gone and nothing can have been executed twice.
    private func reconnecting<T>(isRepeatable: Bool, _ body: () throws(DatabaseError) -> T) throws(DatabaseError) -> T {
        do throws(DatabaseError) {
            return try listening(body)
        } catch {
            guard error.isLostConnection else { throw error }
            waits.losses += 1
            report("database: connection lost: \(error)")
            disconnect()
            guard isRepeatable, !isInTransaction else { throw error }
            return try listening(body)
        }
    }

    /// Runs `body` unless the server is known to hang; notes when it does.
    private func listening<T>(_ body: () throws(DatabaseError) -> T) throws(DatabaseError) -> T {
        guard isInTransaction || breaker.isClosed else {
            throw .unavailable(code: Connection.hanging, message: "no answer; not asked again yet")
        }
        let begin = ContinuousClock.now
        do throws(DatabaseError) {
            return try body()
        } catch {
            guard Connection.isSilence(error, since: begin) else { throw error }
            disconnect()
            breaker.trip(at: address, error, report: report)
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

    private func connected() throws(DatabaseError) -> UnsafeMutablePointer<MYSQL> {
        if let handle { return handle }
        if isInTransaction { throw .unavailable(code: UInt32(CR_SERVER_LOST), message: "lost in a transaction") }
        guard let new = mysql_init(nil) else {
            throw .unavailable(code: UInt32(CR_OUT_OF_MEMORY), message: "mysql_init: out of memory")
        }
        var seconds = timeouts.connect
        mysql_options(new, MYSQL_OPT_CONNECT_TIMEOUT, &seconds)
        seconds = timeouts.answer
        mysql_options(new, MYSQL_OPT_READ_TIMEOUT, &seconds)
        mysql_options(new, MYSQL_OPT_WRITE_TIMEOUT, &seconds)
        mysql_options(new, MYSQL_SET_CHARSET_NAME, "utf8mb4")
        // The server may ask for any file that we can read, in answer to any statement.
        var noFiles: UInt32 = 0
        mysql_options(new, MYSQL_OPT_LOCAL_INFILE, &noFiles)
        // READ COMMITTED: no gap locks, so fewer deadlocks. Strict: a value that does not fit is an error, never cut.
        mysql_options(
            new, MYSQL_INIT_COMMAND,
            """
            SET time_zone = '+00:00', sql_mode = 'TRADITIONAL,NO_ENGINE_SUBSTITUTION', \
            tx_isolation = 'READ-COMMITTED', innodb_lock_wait_timeout = \(timeouts.rowLock), \
            lock_wait_timeout = \(timeouts.tableLock)
            """)
        // FOUND_ROWS: an UPDATE counts the rows it found, also where it leaves them as they were.
        let flags = UInt(CLIENT_FOUND_ROWS) | (isMigrating ? UInt(CLIENT_MULTI_STATEMENTS) : 0)
        let made =
            switch address.transport {
            case .socket(let path):
                mysql_real_connect(new, nil, address.user, address.password, address.database, 0, path, flags)
            case .network(let host, let port, let encryption):
                Connection.protect(new, by: encryption)
                    ? mysql_real_connect(
                        new, host, address.user, address.password, address.database, UInt32(port), nil, flags) : nil
            }
        guard made != nil else {
            defer { mysql_close(new) }
            throw refusedConnection(error(new))
        }
        if isKnownLost { report("database: connected again to \(address.description)") }
        isKnownLost = false
        handle = new
        return new
    }

    /// False when it could not be set: then there must be no connection.
    private static func protect(
        _ handle: UnsafeMutablePointer<MYSQL>, by encryption: DatabaseAddress.Encryption
    ) -> Bool {
        // Otherwise `localhost` would be a unix socket. (mariadb_lib.c mthd_my_real_connect, 3.3)
        var network = MYSQL_PROTOCOL_TCP.rawValue
        guard mysql_options(handle, MYSQL_OPT_PROTOCOL, &network) == 0 else { return false }
        guard case .required(let authorities) = encryption else { return true }
        // ENFORCE alone connects in the clear to a server that offers no TLS: only a certificate that must be checked makes
        // it an error, before anything is sent. (my_auth.c send_client_reply_packet, 3.3)
        var yes: CChar = 1
        return mysql_options(handle, MYSQL_OPT_SSL_ENFORCE, &yes) == 0
            && mysql_options(handle, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &yes) == 0
            && (authorities == nil || mysql_options(handle, MYSQL_OPT_SSL_CA, authorities) == 0)
    }

    private func refusedConnection(_ error: DatabaseError) -> DatabaseError {
        waits.losses += 1
        let error = withWayOut(error)
        if !isKnownLost { report("database: cannot connect to \(address.description): \(error); is mariadbd running?") }
        isKnownLost = true
        // A wrong password or a missing database is also "not now" for a request; the log line names it.
        if case .failed(let code, let message) = error { return .unavailable(code: code, message: message) }
        return error
    }

    /// Says of a connection that could not be protected what it needs.
    private func withWayOut(_ error: DatabaseError) -> DatabaseError {
        guard case .unavailable(let code, let message) = error, Int(code) == Int(CR_SSL_CONNECTION_ERROR),
            case .network(let host, _, .required(let authorities)) = address.transport
        else { return error }
        let source = authorities ?? "one of the system's authorities (another: HOMEROOM_DATABASE_CA)"
        let needs =
            "HOMEROOM_DATABASE_TLS=required needs a server with TLS and a certificate for `\(host)` from \(source)"
        return .unavailable(code: code, message: "\(message). \(needs)")
    }

    /// Closes a connection that the server has closed while nothing was asked: what is sent now goes over a new one, where
    /// a write that breaks off on the way could not be repeated.
    private func dropIfCut() {
        guard let handle else { return }
        var socket = pollfd(fd: mysql_get_socket(handle), events: Int16(POLLIN), revents: 0)
        // The server says nothing unasked, but that it closes.
        guard poll(&socket, 1, 0) > 0 else { return }
        waits.losses += 1
        report("database: connection lost: closed by the server")
        disconnect()
    }

    private func disconnect() {
        statements = [:]
        if let handle { mysql_close(handle) }
        handle = nil
    }

    private func error(_ handle: UnsafeMutablePointer<MYSQL>) -> DatabaseError {
        .from(code: mysql_errno(handle), message: String(cString: mysql_error(handle)))
    }
}
