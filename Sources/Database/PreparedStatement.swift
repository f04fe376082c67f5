import CMariaDB
import System

/// A statement prepared on one connection, with the buffers for its result kept between executions.
final class PreparedStatement {
    private let handle: UnsafeMutablePointer<MYSQL_STMT>
    private let connection: UnsafeMutablePointer<MYSQL>
    private let parameterCount: Int
    private let columnCount: Int
    private let binds: UnsafeMutablePointer<MYSQL_BIND>
    private let lengths: UnsafeMutablePointer<UInt>
    private let nulls: UnsafeMutablePointer<my_bool>
    private var buffers: [UnsafeMutableRawBufferPointer] = []

    /// A column longer than this is fetched in a second step.
    private static let largestBuffer = 65_536

    init(_ sql: SQL, on connection: UnsafeMutablePointer<MYSQL>) throws(DatabaseError) {
        guard let handle = mysql_stmt_init(connection) else {
            throw .unavailable(code: UInt32(CR_OUT_OF_MEMORY), message: "mysql_stmt_init: out of memory")
        }
        guard mysql_stmt_prepare(handle, sql.text, UInt(sql.text.utf8.count)) == 0 else {
            let error = PreparedStatement.error(handle, connection)
            mysql_stmt_close(handle)
            throw error
        }
        self.handle = handle
        self.connection = connection
        parameterCount = Int(mysql_stmt_param_count(handle))
        columnCount = Int(mysql_stmt_field_count(handle))
        binds = .allocate(capacity: max(columnCount, 1))
        binds.initialize(repeating: MYSQL_BIND(), count: max(columnCount, 1))
        lengths = .allocate(capacity: max(columnCount, 1))
        nulls = .allocate(capacity: max(columnCount, 1))
        if columnCount > 0 { try bindColumns() }
    }

    deinit {
        mysql_stmt_close(handle)
        for buffer in buffers { buffer.deallocate() }
        nulls.deallocate()
        lengths.deallocate()
        binds.deallocate()
    }

    func execute(_ parameters: [SQLValue]) throws(DatabaseError) -> Outcome {
        guard parameters.count == parameterCount else {
            throw .failed(code: 0, message: "\(parameters.count) parameters for \(parameterCount) question marks")
        }
        try bindAndExecute(parameters)
        return Outcome(
            affectedRows: UInt64(mysql_stmt_affected_rows(handle)), insertedID: UInt64(mysql_stmt_insert_id(handle)))
    }

    /// Fetches the next row into the buffers; false after the last one.
    func fetch() throws(DatabaseError) -> Bool {
        switch mysql_stmt_fetch(handle) {
        case 0, Int32(MYSQL_DATA_TRUNCATED): return true
        case Int32(MYSQL_NO_DATA): return false
        default: throw PreparedStatement.error(handle, connection)
        }
    }

    /// Gives up the rest of the result, so that the connection is free for the next statement.
    func reset() {
        mysql_stmt_free_result(handle)
    }

    /// The value of a column of the fetched row, valid until the next fetch; nil for NULL.
    func column(_ index: Int) throws(DatabaseError) -> UnsafeRawBufferPointer? {
        guard index < columnCount else {
            throw .failed(code: 0, message: "column \(index) of \(columnCount)")
        }
        guard nulls[index] == 0 else { return nil }
        let length = Int(lengths[index])
        if length > buffers[index].count { try growColumn(index, to: length) }
        return UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffers[index])[..<length])
    }

    // MARK: Binding

    private func bindColumns() throws(DatabaseError) {
        guard let metadata = mysql_stmt_result_metadata(handle), let fields = mysql_fetch_fields(metadata) else {
            throw PreparedStatement.error(handle, connection)
        }
        defer { mysql_free_result(metadata) }
        for index in 0..<columnCount {
            let size: Int
            switch fields[index].type {
            case MYSQL_TYPE_TINY, MYSQL_TYPE_SHORT, MYSQL_TYPE_LONG, MYSQL_TYPE_LONGLONG, MYSQL_TYPE_INT24:
                binds[index].buffer_type = MYSQL_TYPE_LONGLONG
                binds[index].is_unsigned = fields[index].flags & UInt32(UNSIGNED_FLAG) != 0 ? 1 : 0
                size = MemoryLayout<Int64>.size
            case MYSQL_TYPE_DATETIME, MYSQL_TYPE_TIMESTAMP:
                binds[index].buffer_type = MYSQL_TYPE_DATETIME
                size = MemoryLayout<MYSQL_TIME>.size
            default:
                binds[index].buffer_type = MYSQL_TYPE_STRING
                size = min(Int(fields[index].length) + 1, PreparedStatement.largestBuffer)
            }
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 16)
            buffers.append(buffer)
            binds[index].buffer = buffer.baseAddress
            binds[index].buffer_length = UInt(size)
            binds[index].length = lengths + index
            binds[index].is_null = nulls + index
        }
        guard mysql_stmt_bind_result(handle, binds) == 0 else { throw PreparedStatement.error(handle, connection) }
    }

    private func growColumn(_ index: Int, to length: Int) throws(DatabaseError) {
        buffers[index].deallocate()
        buffers[index] = .allocate(byteCount: length, alignment: 16)
        binds[index].buffer = buffers[index].baseAddress
        binds[index].buffer_length = UInt(length)
        guard mysql_stmt_fetch_column(handle, binds + index, UInt32(index), 0) == 0,
            mysql_stmt_bind_result(handle, binds) == 0
        else { throw PreparedStatement.error(handle, connection) }
    }

    private func bindAndExecute(_ parameters: [SQLValue]) throws(DatabaseError) {
        guard !parameters.isEmpty else {
            guard mysql_stmt_execute(handle) == 0 else { throw PreparedStatement.error(handle, connection) }
            return
        }
        // All values stand in one block while the library sends them: 64 bytes a fixed one, else its own length.
        let size = parameters.reduce(0) { $0 + $1.storedSize }
        let isExecuted = withUnsafeTemporaryAllocation(byteCount: size, alignment: 16) { storage in
            withUnsafeTemporaryAllocation(of: MYSQL_BIND.self, capacity: parameters.count) { binds in
                binds.initialize(repeating: MYSQL_BIND())
                var offset = 0
                for (index, parameter) in parameters.enumerated() {
                    let slot = UnsafeMutableRawBufferPointer(rebasing: storage[offset..<offset + parameter.storedSize])
                    parameter.store(in: slot, &binds[index])
                    offset += parameter.storedSize
                }
                return mysql_stmt_bind_param(handle, binds.baseAddress) == 0 && mysql_stmt_execute(handle) == 0
            }
        }
        guard isExecuted else { throw PreparedStatement.error(handle, connection) }
    }

    /// In place of a row an error can come without a code at the statement, and then it stands at the connection.
    private static func error(
        _ handle: UnsafeMutablePointer<MYSQL_STMT>, _ connection: UnsafeMutablePointer<MYSQL>
    ) -> DatabaseError {
        let code = mysql_stmt_errno(handle)
        guard code == 0 else { return .from(code: code, message: String(cString: mysql_stmt_error(handle))) }
        guard mysql_errno(connection) == 0 else {
            return .from(code: mysql_errno(connection), message: String(cString: mysql_error(connection)))
        }
        return .unavailable(code: UInt32(CR_SERVER_LOST), message: "the answer broke off")
    }
}

extension SQLValue {
    /// Bytes in the parameter block, a multiple of 16 for alignment.
    fileprivate var storedSize: Int {
        switch self {
        case .null, .integer, .unsigned: 16
        case .time: 64
        case .text(let value): value.utf8.count / 16 * 16 + 16
        case .bytes(let value): value.count / 16 * 16 + 16
        }
    }

    fileprivate func store(in slot: UnsafeMutableRawBufferPointer, _ bind: inout MYSQL_BIND) {
        bind.buffer = slot.baseAddress
        switch self {
        case .null:
            bind.buffer_type = MYSQL_TYPE_NULL
        case .integer(let value):
            bind.buffer_type = MYSQL_TYPE_LONGLONG
            slot.storeBytes(of: value, as: Int64.self)
        case .unsigned(let value):
            bind.buffer_type = MYSQL_TYPE_LONGLONG
            bind.is_unsigned = 1
            slot.storeBytes(of: value, as: UInt64.self)
        case .time(let value):
            bind.buffer_type = MYSQL_TYPE_DATETIME
            slot.storeBytes(of: CivilTime(microseconds: value).inDatabase, as: MYSQL_TIME.self)
        case .text(let value):
            bind.buffer_type = MYSQL_TYPE_STRING
            var copy = value
            copy.withUTF8 { slot.copyMemory(from: UnsafeRawBufferPointer($0)) }
            bind.buffer_length = UInt(value.utf8.count)
        case .bytes(let value):
            bind.buffer_type = MYSQL_TYPE_BLOB
            slot.copyBytes(from: value)
            bind.buffer_length = UInt(value.count)
        }
    }
}
