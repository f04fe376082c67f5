import CLinux
import Glibc
import System

/// Questions to a unix socket that another program listens on.
package enum UnixSocket {
    /// Whether somebody accepts connections at `path`.
    package static func accepts(_ path: String) -> Bool {
        guard let connection = connection(to: path) else { return false }
        close(connection)
        return true
    }

    /// The first byte of what the server at `path` says of itself; nil when nothing comes within `seconds`.
    static func firstByte(from path: String, skipping: Int, within seconds: Int) -> UInt8? {
        guard let connection = connection(to: path) else { return nil }
        defer { close(connection) }
        var limit = timeval(tv_sec: seconds, tv_usec: 0)
        setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var bytes = [UInt8](repeating: 0, count: skipping + 1)
        guard recv(connection, &bytes, bytes.count, Int32(MSG_WAITALL)) == bytes.count else { return nil }
        return bytes[skipping]
    }

    private static func connection(to path: String) -> Int32? {
        guard let address = SocketAddress(path: path) else { return nil }
        let number = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { return nil }
        do throws(SystemError) {
            try address.connect(number)
            return number
        } catch {
            close(number)
            return nil
        }
    }
}
