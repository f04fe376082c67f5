import CLinux
import Glibc
import Testing

/// A listening unix socket without a file: the kernel gives it an abstract name (unix(7), autobind).
final class Listener: Sendable {
    let descriptor: Int32
    private let address: sockaddr_un
    private let addressLength: socklen_t

    init() throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var length = socklen_t(MemoryLayout<sockaddr_un>.size)
        let descriptor = descriptor
        let code = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(descriptor, generic, socklen_t(MemoryLayout<sa_family_t>.size)) == 0
                    && listen(descriptor, 4096) == 0 && getsockname(descriptor, generic, &length) == 0
            }
        }
        self.address = address
        addressLength = length
        try #require(code)
    }

    deinit { close(descriptor) }

    /// The web server's end of a new connection.
    func connected() throws -> Peer {
        let end = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        let code = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(end, $0, addressLength) }
        }
        try #require(code == 0)
        return Peer(end)
    }

    /// A connection that nobody has accepted; nil when there is none.
    func accepted() -> Int32? {
        let end = accept4(descriptor, nil, nil, Int32(SOCK_CLOEXEC.rawValue))
        return end >= 0 ? end : nil
    }
}
