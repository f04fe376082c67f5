import Glibc

/// Where a socket is bound or connects to.
package struct SocketAddress: Sendable {
    /// `sun_path` has 108 bytes, the last is a zero. (unix(7))
    package static let maxPathLength = 107

    /// What errors call it.
    private let name: String
    private var storage = sockaddr_storage()
    private let length: socklen_t

    /// A unix socket with a file; nil when the path is longer than `maxPathLength` bytes.
    package init?(path: String) {
        guard path.utf8.count <= SocketAddress.maxPathLength else { return nil }
        self.init(path, Array(path.utf8), length: MemoryLayout<sockaddr_un>.size)
    }

    /// A unix socket without a file; nil when its name is longer than `maxPathLength` bytes.
    package init?(abstractName name: String) {
        guard name.utf8.count <= SocketAddress.maxPathLength else { return nil }
        // Such a name begins with a zero, and has no end but its length.
        let bytes = [0] + Array(name.utf8)
        self.init("@\(name)", bytes, length: MemoryLayout<sa_family_t>.size + bytes.count)
    }

    private init(_ name: String, _ bytes: [UInt8], length: Int) {
        self.name = name
        self.length = socklen_t(length)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        withUnsafeMutableBytes(of: &storage) { storage in
            withUnsafeBytes(of: address) { storage.copyMemory(from: $0) }
        }
    }

    /// A port on 127.0.0.1; 0 for one that the kernel chooses.
    package init(localPort: UInt16) {
        name = "127.0.0.1:\(localPort)"
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = localPort.bigEndian
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        length = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutableBytes(of: &storage) { storage in
            withUnsafeBytes(of: address) { storage.copyMemory(from: $0) }
        }
    }

    /// Gives a socket this address. (bind(2))
    package func bind(_ socket: Int32) throws(SystemError) {
        guard withPointer({ Glibc.bind(socket, $0, length) }) == 0 else { throw SystemError("bind", name, code: errno) }
    }

    /// Connects a socket to whoever listens here. (connect(2))
    package func connect(_ socket: Int32) throws(SystemError) {
        guard withPointer({ Glibc.connect(socket, $0, length) }) == 0 else {
            throw SystemError("connect", name, code: errno)
        }
    }

    /// Sends one datagram, waiting while the receiver's queue is full.
    package func send(_ bytes: [UInt8], from socket: Int32) throws(SystemError) {
        let count = withPointer { sendto(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL), $0, length) }
        guard count >= 0 else { throw SystemError("sendto", name, code: errno) }
    }

    /// The port on which a socket of this machine is bound; nil when it is no TCP socket.
    package static func port(of socket: Int32) -> UInt16? {
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(socket, $0, &length) }
        }
        guard code == 0, address.sin_family == sa_family_t(AF_INET) else { return nil }
        return UInt16(bigEndian: address.sin_port)
    }

    private func withPointer<Result>(_ body: (UnsafePointer<sockaddr>) -> Result) -> Result {
        withUnsafePointer(to: storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1, body)
        }
    }
}
