import Glibc
import TestSupport
import Testing

@testable import Database

/// A server that takes connections and says nothing.
final class MuteServer {
    let address: DatabaseAddress
    private let descriptor: Int32

    init() throws {
        let path = try TestEnvironment.scratch("mute") + "/s"
        address = DatabaseAddress(transport: .socket(path: path), database: "school", user: "homeroom", password: "")
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: path.utf8) }
        let code = withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(code == 0 && listen(descriptor, 64) == 0)
    }

    /// Refuses connections from now on.
    func end() { shutdown(descriptor, Int32(SHUT_RDWR)) }

    deinit { close(descriptor) }
}
