import CSQLite
import Glibc

/// A database of SQLite: another system's file, which is only read, or a scratch one that goes away with this.
final class SQLite {
    private let handle: OpaquePointer
    private let name: String

    /// Opens a file for reading. It may hold anything, so nothing that its schema calls is trusted.
    init(file path: String) throws(CommandError) {
        name = path
        var opened: OpaquePointer?
        let code = sqlite3_open_v2(path, &opened, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOFOLLOW, nil)
        guard code == SQLITE_OK, let opened else {
            let reason = String(cString: sqlite3_errstr(code))
            sqlite3_close(opened)
            throw .refused("\(path): \(reason)")
        }
        handle = opened
        sqlite3_limit(handle, SQLITE_LIMIT_LENGTH, 1 << 20)
        try run("PRAGMA trusted_schema = OFF")
        try run("PRAGMA cell_size_check = ON")
    }

    /// A database in a file without a name, below TMPDIR or /var/tmp, with a few megabytes of memory.
    init() throws(CommandError) {
        name = "temporary file"
        var opened: OpaquePointer?
        guard sqlite3_open_v2("", &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nil) == SQLITE_OK, let opened
        else {
            sqlite3_close(opened)
            throw .refused("a temporary file cannot be made. Is there space in /var/tmp? TMPDIR names another folder")
        }
        handle = opened
        try run("PRAGMA synchronous = OFF")
        try run("PRAGMA journal_mode = OFF")
    }

    deinit { sqlite3_close_v2(handle) }

    func run(_ text: String) throws(CommandError) {
        guard sqlite3_exec(handle, text, nil, nil, nil) == SQLITE_OK else { throw failure }
    }

    func statement(_ text: String) throws(CommandError) -> Statement {
        var statement: OpaquePointer?
        guard sqlite3_prepare_v2(handle, text, -1, &statement, nil) == SQLITE_OK, let statement else { throw failure }
        return Statement(statement, of: self)
    }

    fileprivate var failure: CommandError { .refused("\(name): \(String(cString: sqlite3_errmsg(handle)))") }

    /// A prepared statement, with one set of values at a time.
    final class Statement {
        private let handle: OpaquePointer
        private let database: SQLite

        fileprivate init(_ handle: OpaquePointer, of database: SQLite) {
            self.handle = handle
            self.database = database
        }

        deinit { sqlite3_finalize(handle) }

        /// Begins anew, with these for the question marks.
        func bind(_ values: [String]) throws(CommandError) {
            sqlite3_reset(handle)
            for (index, value) in values.enumerated() {
                // -1: SQLite makes a copy. (sqlite3.h, SQLITE_TRANSIENT)
                let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
                guard
                    sqlite3_bind_text(handle, Int32(index + 1), value, Int32(value.utf8.count), copied) == SQLITE_OK
                else { throw database.failure }
            }
        }

        /// The next row: its values as texts, nil for NULL; what is no UTF-8 has U+FFFD in its place. nil behind
        /// the last.
        func next() throws(CommandError) -> [String?]? {
            switch sqlite3_step(handle) {
            case SQLITE_ROW:
                return (0..<sqlite3_column_count(handle)).map { column in
                    guard let text = sqlite3_column_text(handle, column) else { return nil }
                    let count = Int(sqlite3_column_bytes(handle, column))
                    return String(decoding: UnsafeBufferPointer(start: text, count: count), as: UTF8.self)
                }
            case SQLITE_DONE: return nil
            default: throw database.failure
            }
        }

        /// Runs it for these values.
        func run(_ values: [String]) throws(CommandError) {
            try bind(values)
            while try next() != nil {}
        }

        /// The first row for these values.
        func first(_ values: [String]) throws(CommandError) -> [String?]? {
            try bind(values)
            defer { sqlite3_reset(handle) }
            return try next()
        }
    }
}
