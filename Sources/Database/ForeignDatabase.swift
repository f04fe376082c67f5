import CMariaDB
import Glibc

/// A connection to the database of another system, MariaDB or MySQL, which is only read.
package final class ForeignDatabase {
    private let handle: UnsafeMutablePointer<MYSQL>
    private var result: UnsafeMutablePointer<MYSQL_RES>?

    /// Connects to the only server of an address.
    package init(_ address: DatabaseAddress) throws(DatabaseError) {
        guard let new = mysql_init(nil) else {
            throw .unavailable(code: UInt32(CR_OUT_OF_MEMORY), message: "mysql_init: out of memory")
        }
        do throws(DatabaseError) {
            // No settings of ours, of which another server may not know all.
            try ServerSession.open(new, address.transports[0], address, .foreign)
        } catch {
            mysql_close(new)
            throw error
        }
        handle = new
        // What is read waits while accounts are written here. (net_write_timeout, 60 s)
        for text in ["SET time_zone = '+00:00'", "SET net_write_timeout = 3600", "SET SESSION TRANSACTION READ ONLY"] {
            try send(text)
        }
    }

    deinit {
        // Not to its end, which may be far: the connection is cut instead.
        if let result {
            shutdown(mysql_get_socket(handle), Int32(SHUT_RDWR))
            mysql_free_result(result)
        }
        mysql_close(handle)
    }

    /// All rows of a short result.
    package func rows(_ text: String) throws(DatabaseError) -> [[String?]] {
        try begin(text)
        var rows: [[String?]] = []
        while let row = try next() { rows.append(row) }
        return rows
    }

    /// Begins a result that comes row by row.
    package func begin(_ text: String) throws(DatabaseError) {
        try send(text)
        result = mysql_use_result(handle)
        guard result != nil else { throw error }
    }

    /// The next row; nil behind the last. A value is nil for NULL; what is no UTF-8 has U+FFFD in its place.
    package func next() throws(DatabaseError) -> [String?]? {
        guard let present = result else { return nil }
        guard let row = mysql_fetch_row(present) else {
            result = nil
            mysql_free_result(present)
            guard mysql_errno(handle) == 0 else { throw error }
            return nil
        }
        let lengths = mysql_fetch_lengths(present)
        return (0..<Int(mysql_num_fields(present))).map { column in
            guard let value = row[column], let lengths else { return nil }
            let bytes = UnsafeRawBufferPointer(start: value, count: Int(lengths[column]))
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    /// A name of a table or column, quoted.
    package static func quoted(_ name: String) -> String { "`" + name.replacing("`", with: "``") + "`" }

    private func send(_ text: String) throws(DatabaseError) {
        guard mysql_real_query(handle, text, UInt(text.utf8.count)) == 0 else { throw error }
    }

    private var error: DatabaseError { .from(code: mysql_errno(handle), message: String(cString: mysql_error(handle))) }
}
