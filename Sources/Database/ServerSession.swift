import CMariaDB
import Glibc

/// An open session on one server, with the settings that all of ours have. Used by one thread.
final class ServerSession {
    let handle: UnsafeMutablePointer<MYSQL>
    /// Whether the server is a node of a Galera cluster.
    let isClustered: Bool

    /// Connects.
    ///
    /// - Parameter isCausal: on a node of a cluster each statement sees what any node had acknowledged before it, and waits
    ///   for that.
    init(
        _ transport: DatabaseAddress.Transport, of address: DatabaseAddress, timeouts: Connection.Timeouts,
        isMigrating: Bool = false, isCausal: Bool = true
    ) throws(DatabaseError) {
        guard let new = mysql_init(nil) else {
            throw .unavailable(code: UInt32(CR_OUT_OF_MEMORY), message: "mysql_init: out of memory")
        }
        do throws(DatabaseError) {
            try ServerSession.connect(new, transport, address, timeouts, isMigrating)
            let provider = try ServerSession.pairs("SHOW GLOBAL VARIABLES LIKE 'wsrep_provider'", on: new)
            isClustered = !["", "none", nil].contains(provider["wsrep_provider"])
            // 1 | 2 | 4: before reads, updates and deletes, inserts and replaces; an INSERT ... SELECT reads too.
            // (Galera, wsrep_sync_wait)
            if isClustered, isCausal { _ = try ServerSession.pairs("SET SESSION wsrep_sync_wait = 7", on: new) }
        } catch {
            mysql_close(new)
            throw error
        }
        handle = new
    }

    deinit {
        mysql_close(handle)
    }

    /// What a server says of itself, also while it can serve nobody: SHOW needs no rights, and a node answers it in any state.
    func state() throws(DatabaseError) -> ServerState {
        let variables = try ServerSession.pairs(
            "SHOW GLOBAL VARIABLES WHERE Variable_name IN ('read_only', 'hostname', 'datadir')", on: handle)
        let status = try ServerSession.pairs(
            """
            SHOW GLOBAL STATUS WHERE Variable_name IN ('wsrep_ready', 'wsrep_cluster_status', 'wsrep_local_state', \
            'wsrep_local_state_comment', 'wsrep_cluster_size', 'wsrep_cluster_state_uuid', 'wsrep_local_recv_queue', \
            'wsrep_flow_control_paused_ns')
            """, on: handle)
        return ServerState(variables: variables, status: isClustered ? status : nil)
    }

    /// Runs a text with one or several statements.
    func execute(_ text: String) throws(DatabaseError) {
        guard mysql_real_query(handle, text, UInt(text.utf8.count)) == 0 else { throw ServerSession.error(handle) }
        while true {
            if let result = mysql_store_result(handle) { mysql_free_result(result) }
            let next = mysql_next_result(handle)
            if next < 0 { return }
            if next > 0 { throw ServerSession.error(handle) }
        }
    }

    /// Whether the server's last answer was given in a transaction.
    var isInTransaction: Bool { handle.pointee.server_status & UInt32(SERVER_STATUS_IN_TRANS) != 0 }

    /// Its descriptor.
    var socket: Int32 { mysql_get_socket(handle) }

    /// Whether the server has said something unasked: it says nothing but that it closes.
    var isCut: Bool {
        var socket = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
        return poll(&socket, 1, 0) > 0
    }

    // MARK: Connecting

    private static func connect(
        _ new: UnsafeMutablePointer<MYSQL>, _ transport: DatabaseAddress.Transport, _ address: DatabaseAddress,
        _ timeouts: Connection.Timeouts, _ isMigrating: Bool
    ) throws(DatabaseError) {
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
        try open(new, transport, address, timeouts, flags: flags)
    }

    /// Connects, without settings of ours in the session.
    static func open(
        _ new: UnsafeMutablePointer<MYSQL>, _ transport: DatabaseAddress.Transport, _ address: DatabaseAddress,
        _ timeouts: Connection.Timeouts, flags: UInt = 0
    ) throws(DatabaseError) {
        var seconds = timeouts.connect
        mysql_options(new, MYSQL_OPT_CONNECT_TIMEOUT, &seconds)
        seconds = timeouts.answer
        mysql_options(new, MYSQL_OPT_READ_TIMEOUT, &seconds)
        mysql_options(new, MYSQL_OPT_WRITE_TIMEOUT, &seconds)
        mysql_options(new, MYSQL_SET_CHARSET_NAME, "utf8mb4")
        // The server may ask for any file that we can read, in answer to any statement.
        var noFiles: UInt32 = 0
        mysql_options(new, MYSQL_OPT_LOCAL_INFILE, &noFiles)
        let made =
            switch transport {
            case .socket(let path):
                mysql_real_connect(new, nil, address.user, address.password, address.database, 0, path, flags)
            case .network(let host, let port, let encryption):
                ServerSession.protect(new, by: encryption)
                    ? mysql_real_connect(
                        new, host, address.user, address.password, address.database, UInt32(port), nil, flags) : nil
            }
        if made == nil { throw ServerSession.withWayOut(ServerSession.error(new), transport) }
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

    /// Says of a connection that could not be protected what it needs.
    private static func withWayOut(
        _ error: DatabaseError, _ transport: DatabaseAddress.Transport
    ) -> DatabaseError {
        guard case .unavailable(let code, let message) = error, Int(code) == Int(CR_SSL_CONNECTION_ERROR),
            case .network(let host, _, .required(let authorities)) = transport
        else { return error }
        let source = authorities ?? "one of the system's authorities (another: HOMEROOM_DATABASE_CA)"
        let needs =
            "HOMEROOM_DATABASE_TLS=required needs a server with TLS and a certificate for `\(host)` from \(source)"
        return .unavailable(code: code, message: "\(message). \(needs)")
    }

    // MARK: Asking

    /// The names and values of a SHOW, or nothing of a SET.
    private static func pairs(
        _ text: String, on handle: UnsafeMutablePointer<MYSQL>
    ) throws(DatabaseError) -> [String: String] {
        guard mysql_real_query(handle, text, UInt(text.utf8.count)) == 0 else { throw error(handle) }
        guard let result = mysql_store_result(handle) else {
            guard mysql_errno(handle) == 0 else { throw error(handle) }
            return [:]
        }
        defer { mysql_free_result(result) }
        var pairs: [String: String] = [:]
        while let row = mysql_fetch_row(result), mysql_num_fields(result) == 2, let name = row[0] {
            pairs[String(cString: name)] = row[1].map { String(cString: $0) } ?? ""
        }
        return pairs
    }

    private static func error(_ handle: UnsafeMutablePointer<MYSQL>) -> DatabaseError {
        .from(code: mysql_errno(handle), message: String(cString: mysql_error(handle)))
    }
}
