import CLinux
import Glibc
import System

/// A TCP port on 127.0.0.1.
enum Port {
    /// Whether somebody accepts connections there.
    static func accepts(_ port: UInt16) -> Bool {
        use(port) { connect($0, $1, $2) == 0 } ?? false
    }

    /// Whether nginx could listen there.
    static func isFree(_ port: UInt16) -> Bool {
        use(port) { bind($0, $1, $2) == 0 } ?? false
    }

    /// One that nobody uses now. Nobody keeps it for us: another program may be faster.
    static func free() throws(StackError) -> UInt16 {
        let chosen = use(0) { number, address, length -> UInt16? in
            var answer = sockaddr_in()
            var size = length
            guard bind(number, address, length) == 0 else { return nil }
            let result = withUnsafeMutablePointer(to: &answer) { answer in
                answer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(number, $0, &size) }
            }
            return result == 0 ? UInt16(bigEndian: answer.sin_port) : nil
        }
        guard let chosen = chosen ?? nil else { throw .system(SystemError("bind", "127.0.0.1:0", code: errno)) }
        return chosen
    }

    private static func use<Result>(
        _ port: UInt16, _ body: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result? {
        let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard number >= 0 else { return nil }
        defer { close(number) }
        // As nginx does: a port with only finished connections is free.
        var yes: Int32 = 1
        setsockopt(number, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        return withUnsafePointer(to: &address) { address in
            address.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body(number, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    }
}
