import CMariaDB

/// What can go wrong between us and MariaDB.
package enum DatabaseError: Error, Sendable, CustomStringConvertible {
    /// No server, no connection left, or it broke and could not be made anew: the same call may work later.
    case unavailable(code: UInt32, message: String)
    /// A unique index refused the row; `index` is the index's name.
    case duplicate(index: String)
    /// A row that it points to is gone. (InnoDB 1452)
    case missingReference
    /// Deadlock or lock wait: the transaction was rolled back and may be tried again.
    case contention(code: UInt32)
    /// Our own mistake: a statement that does not fit the schema, a column of another type.
    case failed(code: UInt32, message: String)

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
        case Int(ER_LOCK_DEADLOCK), Int(ER_LOCK_WAIT_TIMEOUT):
            return .contention(code: code)
        case Int(ER_CON_COUNT_ERROR), Int(ER_TOO_MANY_USER_CONNECTIONS), Int(ER_SERVER_SHUTDOWN),
            Int(ER_OPTION_PREVENTS_STATEMENT), Int(ER_DISK_FULL), Int(ER_RECORD_FILE_FULL),
            Int(ER_CONNECTION_KILLED), Int(ER_QUERY_INTERRUPTED), Int(ER_CANT_LOCK), Int(ER_READ_ONLY_MODE),
            2000..<3000:
            // 2000 … 2999 are the client library's own: connecting, sending, receiving.
            return .unavailable(code: code, message: message)
        default:
            return .failed(code: code, message: message)
        }
    }

    /// The connection is gone and was so before the statement: nothing of it was executed.
    var isLostConnection: Bool {
        guard case .unavailable(let code, _) = self else { return false }
        return [Int(CR_SERVER_GONE_ERROR), Int(CR_SERVER_LOST), Int(ER_CONNECTION_KILLED), Int(ER_SERVER_SHUTDOWN)]
            .contains(Int(code))
    }
}
