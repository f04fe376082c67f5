import CLinux
import Glibc
import System

/// A TCP port on 127.0.0.1.
package enum Port {
    /// Whether somebody accepts connections there.
    static func accepts(_ port: UInt16) -> Bool {
        succeeds { socket throws(SystemError) in try SocketAddress(localPort: port).connect(socket) }
    }

    /// Whether nginx could listen there.
    package static func isFree(_ port: UInt16) -> Bool {
        succeeds { socket throws(SystemError) in try SocketAddress(localPort: port).bind(socket) }
    }

    /// One that nobody uses now. Nobody keeps it for us: another program may be faster.
    static func free() throws(StackError) -> UInt16 {
        do throws(SystemError) {
            return try withSocket { socket throws(SystemError) in
                try SocketAddress(localPort: 0).bind(socket)
                guard let port = SocketAddress.port(of: socket) else {
                    throw SystemError("getsockname", "127.0.0.1:0", code: errno)
                }
                return port
            }
        } catch {
            throw .system(error)
        }
    }

    /// So many below those that the kernel gives to clients (ip_local_port_range), so that none of them takes one while
    /// the program that listens there is started again.
    static func lasting(_ count: Int) -> [UInt16] {
        var ports: [UInt16] = []
        while ports.count < count {
            let port = UInt16.random(in: 10_240..<32_768)
            if !ports.contains(port), isFree(port) { ports.append(port) }
        }
        return ports
    }

    private static func succeeds(_ body: (Int32) throws(SystemError) -> Void) -> Bool {
        do throws(SystemError) {
            try withSocket(body)
            return true
        } catch {
            return false
        }
    }

    private static func withSocket<Result>(
        _ body: (Int32) throws(SystemError) -> Result
    ) throws(SystemError) -> Result {
        let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { throw SystemError("socket", code: errno) }
        defer { close(number) }
        // As nginx does: a port with only finished connections is free.
        var yes: Int32 = 1
        setsockopt(number, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        return try body(number)
    }
}
