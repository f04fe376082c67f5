import CMariaDB

/// What can go wrong between us and MariaDB.
package enum DatabaseError: Error, Sendable, CustomStringConvertible {
    /// No server, no connection left, or it broke and could not be made anew: the same call may work later.
    case unavailable(code: UInt32, message: String)
    /// A unique index refused the row; `index` is the index's name.
    case duplicate(index: String)
    /// A row that it points to is gone. (InnoDB 1452)
    case missingReference
    /// Deadlock, lock wait, or a row that changed under a snapshot: the transaction was rolled back and may be tried again.
    case contention(code: UInt32)
    /// Our own mistake: a statement that does not fit the schema, a column of another type.
    case failed(code: UInt32, message: String)

    /// For the log and for operators.
    package var description: String {
        switch self {
        case .unavailable(let code, let message): "database: unavailable: \(code) \(message)"
        case .duplicate(let index): "database: duplicate entry for \(index)"
        case .missingReference: "database: a referenced row does not exist"
        case .contention(let code): "database: gave up after repeated lock conflicts: \(code)"
        case .failed(let code, let message): "database: \(code) \(message)"
        }
    }

    /// Sorts a code of the server or the client library (errmsg.h, mysqld_error.h).
    static func from(code: UInt32, message: String) -> DatabaseError {
        switch Int(code) {
        case Int(ER_DUP_ENTRY):
            // "Duplicate entry '…' for key 'name'": the entry is a client's, so look from the end.
            let index = message.split(separator: "'").last.map(String.init) ?? ""
            return .duplicate(index: index)
        case Int(ER_NO_REFERENCED_ROW_2):
            return .missingReference
        case Int(ER_LOCK_DEADLOCK), Int(ER_LOCK_WAIT_TIMEOUT), Int(ER_CHECKREAD):
            return .contention(code: code)
        case clientCodes:
            return .unavailable(code: code, message: message)
        default:
            let isPassing = passing.contains(Int(code))
            return isPassing ? .unavailable(code: code, message: message) : .failed(code: code, message: message)
        }
    }

    /// The client library's own: connecting, sending, receiving.
    private static let clientCodes = 2000..<3000

    /// What the server says of its own state, not of the statement.
    private static let passing: Set<Int> = Set(
        [
            // Too many at a time, or too little memory.
            ER_CON_COUNT_ERROR, ER_TOO_MANY_USER_CONNECTIONS, ER_USER_LIMIT_REACHED, ER_TOO_MANY_CONCURRENT_TRXS,
            ER_MAX_PREPARED_STMT_COUNT_REACHED, ER_LOCK_TABLE_FULL, ER_CANT_LOCK, ER_OUTOFMEMORY, ER_OUT_OF_SORTMEMORY,
            ER_OUT_OF_RESOURCES, ER_CANT_CREATE_THREAD,
            // The disk.
            ER_DISK_FULL, ER_RECORD_FILE_FULL, ER_ERROR_ON_READ, ER_ERROR_ON_WRITE, ER_GET_ERRNO,
            ER_ERROR_DURING_COMMIT, ER_ERROR_DURING_ROLLBACK,
            // Read-only.
            ER_OPTION_PREVENTS_STATEMENT, ER_READ_ONLY_MODE, ER_INNODB_READ_ONLY, ER_READ_ONLY_TRANSACTION,
            ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION, ER_OPEN_AS_READONLY,
            // Cut off, or on its way up or down. A node of a Galera cluster that is not ready knows no command.
            ER_SERVER_SHUTDOWN, ER_CONNECTION_KILLED, ER_QUERY_INTERRUPTED, ER_STATEMENT_TIMEOUT,
            ER_ABORTING_CONNECTION, ER_NEW_ABORTING_CONNECTION, ER_NET_READ_ERROR, ER_NET_READ_INTERRUPTED,
            ER_NET_ERROR_ON_WRITE, ER_NET_WRITE_INTERRUPTED, ER_UNKNOWN_COM_ERROR,
        ].map { Int($0) })

    /// The client library's word, not the server's.
    var isOurs: Bool {
        guard case .unavailable(let code, _) = self else { return false }
        return DatabaseError.clientCodes.contains(Int(code))
    }

    /// The server refused the statement as it would any, and executed nothing of it: a node of a Galera cluster that is not
    /// ready, a server that is read-only.
    var isRefusal: Bool {
        guard case .unavailable(let code, _) = self else { return false }
        return [Int(ER_UNKNOWN_COM_ERROR), Int(ER_OPTION_PREVENTS_STATEMENT), Int(ER_READ_ONLY_MODE)].contains(
            Int(code))
    }

    /// The connection is gone and was so before the statement: nothing of it was executed.
    var isLostConnection: Bool {
        guard case .unavailable(let code, _) = self else { return false }
        return [Int(CR_SERVER_GONE_ERROR), Int(CR_SERVER_LOST), Int(ER_CONNECTION_KILLED), Int(ER_SERVER_SHUTDOWN)]
            .contains(Int(code))
    }
}
