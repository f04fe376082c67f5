import TestSupport

@testable import Database

/// One table with a column of each type, and the statements on it.
enum Box {
    static func connection() throws -> Connection {
        let connection = Connection(try TestEnvironment.emptyDatabase())
        try connection.execute(
            """
            CREATE TABLE box (
                id INT NOT NULL PRIMARY KEY, words LONGTEXT NULL, raw LONGBLOB NULL,
                big BIGINT UNSIGNED NULL, small INT NULL, moment DATETIME(6) NULL
            ) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin
            """)
        return connection
    }
}

struct PutWords: Command {
    static let sql: SQL = "INSERT INTO box (id, words) VALUES (?, ?)"
    var id: Int64 = 1
    let words: String?
    var parameters: [SQLValue] { [.integer(id), .text(orNull: words)] }
}

struct Words: Query {
    static let sql: SQL = "SELECT words FROM box ORDER BY id"
    var parameters: [SQLValue] { [] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> String? { try columns.optionalText() }
}

struct PutBytes: Command {
    static let sql: SQL = "INSERT INTO box (id, raw) VALUES (1, ?)"
    let bytes: [UInt8]
    var parameters: [SQLValue] { [.bytes(bytes)] }
}

struct Bytes: Query {
    static let sql: SQL = "SELECT raw FROM box"
    var parameters: [SQLValue] { [] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> [UInt8] { try columns.bytes() }
}

struct PutNumbers: Command {
    static let sql: SQL = "INSERT INTO box (id, big, small) VALUES (1, ?, ?)"
    let big: UInt64
    let small: Int64
    var parameters: [SQLValue] { [.unsigned(big), .integer(small)] }
}

struct Numbers: Query {
    static let sql: SQL = "SELECT big, small FROM box"
    struct Row: Equatable {
        let big: UInt64
        let small: Int64
    }
    var parameters: [SQLValue] { [] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> Row {
        Row(big: try columns.unsigned(), small: try columns.integer())
    }
}

struct PutMoment: Command {
    static let sql: SQL = "INSERT INTO box (id, moment) VALUES (1, ?)"
    let microseconds: Int64
    var parameters: [SQLValue] { [.time(microseconds)] }
}

struct Moment: Query {
    static let sql: SQL = "SELECT moment, CAST(moment AS CHAR) FROM box"
    struct Row: Equatable {
        let microseconds: Int64
        let text: String
    }
    var parameters: [SQLValue] { [] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> Row {
        Row(microseconds: try columns.time(), text: try columns.text())
    }
}

struct AddToSmall: Command {
    static let sql: SQL = "UPDATE box SET small = small + 1 WHERE id = ?"
    let id: Int64
    var parameters: [SQLValue] { [.integer(id)] }
}

struct SmallNumbers: Query {
    static let sql: SQL = "SELECT small FROM box ORDER BY id"
    var parameters: [SQLValue] { [] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> Int64 { try columns.integer() }
}

struct OwnNumber: Query {
    static let sql: SQL = "SELECT CONNECTION_ID()"
    var parameters: [SQLValue] { [] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> Int64 { try columns.integer() }
}

extension DatabaseError {
    var code: UInt32? {
        switch self {
        case .unavailable(let code, _), .contention(let code), .failed(let code, _): code
        case .duplicate, .missingReference: nil
        }
    }
}

/// What `body` throws; nil when it throws nothing.
func failure<T>(_ body: () throws(DatabaseError) -> T) -> DatabaseError? {
    do throws(DatabaseError) {
        _ = try body()
        return nil
    } catch {
        return error
    }
}
