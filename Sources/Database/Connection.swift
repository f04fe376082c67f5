import CMariaDB
import Glibc

/// Where the database is and as whom to connect.
package struct DatabaseAddress: Sendable {
    /// A unix socket, or a host and port over TLS where the server offers it.
    package enum Endpoint: Sendable {
        case socket(path: String)
        case network(host: String, port: UInt16)
    }

    package let endpoint: Endpoint
    package let database: String
    package let user: String
    package let password: String

    package init(endpoint: Endpoint, database: String, user: String, password: String) {
        self.endpoint = endpoint
        self.database = database
        self.user = user
        self.password = password
    }

    package var description: String {
        switch endpoint {
        case .socket(let path): "`\(database)` at \(path) as \(user)"
        case .network(let host, let port): "`\(database)` at \(host):\(port) as \(user)"
        }
    }
}

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
    private let report: (String) -> Void
    private var isKnownLost = false

    private let isMigrating: Bool

    /// - Parameter isMigrating: one text may hold several statements, and one statement may take an hour.
    package init(
        _ address: DatabaseAddress, isMigrating: Bool = false, report: @escaping (String) -> Void = { _ in }
    ) {
        self.address = address
        self.isMigrating = isMigrating
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

    /// Runs a statement that changes rows. Outside a transaction it commits by itself.
    @discardableResult
    package func run(_ command: some Command) throws(DatabaseError) -> Outcome {
        try reconnecting(isRepeatable: false) { () throws(DatabaseError) in
            try prepared(command).execute(command.parameters)
        }
    }

    /// Runs `body` in a transaction and commits it. A deadlock or lock wait rolls back and repeats it.
    ///
    /// `body` can throw nothing but a `DatabaseError`: a refusal is a value it returns, so that it cannot roll back what
    /// was counted. It may run more than once and must change nothing but rows.
    package func transaction<T>(_ body: () throws(DatabaseError) -> T) throws(DatabaseError) -> T {
        precondition(!isInTransaction, "a transaction inside a transaction")
        var attempt = 0
        while true {
            attempt += 1
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
                if case .contention(let code) = error, attempt < Connection.mostAttempts(code) {
                    // Not all victims at the same moment again.
                    usleep(UInt32.random(in: 0..<(1000 << UInt32(min(attempt, 5)))))
                    continue
                }
                throw error
            }
        }
    }

    /// A deadlock is told at once, and among many who want one name there are many; a lock that does not come takes the
    /// whole time-out.
    private static func mostAttempts(_ code: UInt32) -> Int {
        code == UInt32(ER_LOCK_DEADLOCK) ? 10 : 3
    }

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
        guard mysql_real_query(handle, text, UInt(text.utf8.count)) == 0 else { throw error(handle) }
        while true {
            if let result = mysql_store_result(handle) { mysql_free_result(result) }
            let next = mysql_next_result(handle)
            if next < 0 { return }
            if next > 0 { throw error(handle) }
        }
    }

    // MARK: Statements

    private func stream<Q: Query>(_ query: Q, _ each: (Q.Row) -> Void) throws(DatabaseError) {
        let statement = try prepared(query)
        _ = try statement.execute(query.parameters)
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

    // MARK: The connection

    /// Repeats `body` once on a new connection when the old one is gone and nothing can have been executed twice.
    private func reconnecting<T>(isRepeatable: Bool, _ body: () throws(DatabaseError) -> T) throws(DatabaseError) -> T {
        do throws(DatabaseError) {
            return try body()
        } catch {
            guard error.isLostConnection else { throw error }
            report("database: connection lost: \(error)")
            disconnect()
            guard isRepeatable, !isInTransaction else { throw error }
            return try body()
        }
    }

    private func connected() throws(DatabaseError) -> UnsafeMutablePointer<MYSQL> {
        if let handle { return handle }
        if isInTransaction { throw .unavailable(code: UInt32(CR_SERVER_LOST), message: "lost in a transaction") }
        guard let new = mysql_init(nil) else {
            throw .unavailable(code: UInt32(CR_OUT_OF_MEMORY), message: "mysql_init: out of memory")
        }
        var seconds: UInt32 = 3
        mysql_options(new, MYSQL_OPT_CONNECT_TIMEOUT, &seconds)
        seconds = isMigrating ? 3600 : 10
        mysql_options(new, MYSQL_OPT_READ_TIMEOUT, &seconds)
        mysql_options(new, MYSQL_OPT_WRITE_TIMEOUT, &seconds)
        mysql_options(new, MYSQL_SET_CHARSET_NAME, "utf8mb4")
        // READ COMMITTED: no gap locks, so fewer deadlocks. Strict: a value that does not fit is an error, never cut.
        mysql_options(
            new, MYSQL_INIT_COMMAND,
            """
            SET time_zone = '+00:00', sql_mode = 'TRADITIONAL,NO_ENGINE_SUBSTITUTION', \
            tx_isolation = 'READ-COMMITTED', innodb_lock_wait_timeout = \(isMigrating ? 3600 : 3)
            """)
        // FOUND_ROWS: an UPDATE counts the rows it found, also where it leaves them as they were.
        let flags = UInt(CLIENT_FOUND_ROWS) | (isMigrating ? UInt(CLIENT_MULTI_STATEMENTS) : 0)
        let made =
            switch address.endpoint {
            case .socket(let path):
                mysql_real_connect(new, nil, address.user, address.password, address.database, 0, path, flags)
            case .network(let host, let port):
                mysql_real_connect(
                    new, host, address.user, address.password, address.database, UInt32(port), nil, flags)
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

    private func refusedConnection(_ error: DatabaseError) -> DatabaseError {
        if !isKnownLost { report("database: cannot connect to \(address.description): \(error); is mariadbd running?") }
        isKnownLost = true
        // A wrong password or a missing database is also "not now" for a request; the log line names it.
        if case .failed(let code, let message) = error { return .unavailable(code: code, message: message) }
        return error
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
