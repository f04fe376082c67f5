import CLinux
import Glibc
import JSON

/// A pipe whose ends no started program inherits by accident; lines are read from it one by one.
final class Pipe: @unchecked Sendable {
    let readEnd: Int32
    private(set) var writeEnd: Int32
    private var unread: [UInt8] = []

    init() {
        var ends: [Int32] = [-1, -1]
        precondition(pipe2(&ends, O_CLOEXEC) == 0, "pipe2: \(errno)")
        (readEnd, writeEnd) = (ends[0], ends[1])
    }

    deinit {
        close(readEnd)
        closeWriteEnd()
    }

    func closeWriteEnd() {
        if writeEnd >= 0 { close(writeEnd) }
        writeEnd = -1
    }

    /// The next line; nil at the end, or when none comes within 60 seconds.
    func line() -> [UInt8]? {
        while true {
            if let end = unread.firstIndex(of: UInt8(ascii: "\n")) {
                defer { unread.removeFirst(end + 1) }
                return Array(unread[..<end])
            }
            var descriptor = pollfd(fd: readEnd, events: Int16(POLLIN), revents: 0)
            guard poll(&descriptor, 1, 60_000) == 1 else { return nil }
            var buffer = [UInt8](repeating: 0, count: 65_536)
            let count = read(readEnd, &buffer, buffer.count)
            guard count > 0 else { return nil }
            unread += buffer.prefix(count)
        }
    }

    /// The next line as JSON; without members when it is no object.
    func object() -> JSON.Object? {
        line().map { line in
            guard case .object(let object)? = try? JSON.parse(line) else { return [:] }
            return object
        }
    }
}
