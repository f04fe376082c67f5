import CLinux
import Glibc

/// The unix socket that nginx connects to: made here, or inherited from systemd.
package enum ListeningSocket {
    package enum Failure: Error, CustomStringConvertible {
        case tooLong(path: String, bytes: Int)
        case inUse(path: String)
        case noSocket(path: String)
        case noGroup(String)
        case system(call: String, path: String, code: Int32)

        package var description: String {
            switch self {
            case .tooLong(let path, let bytes):
                "HOMEROOM_SOCKET: \(path): \(bytes) bytes, a unix socket's path can have \(longestPath). Choose a shorter one."
            case .inUse(let path):
                "HOMEROOM_SOCKET: \(path): another homeroom answers there. Stop it first, or choose another path."
            case .noSocket(let path):
                "HOMEROOM_SOCKET: \(path): a file that is no socket is there. Choose another path."
            case .noGroup(let name):
                "HOMEROOM_SOCKET_GROUP: there is no group `\(name)`. Name the group that nginx runs as, e.g. www-data."
            case .system(let call, let path, let code):
                "HOMEROOM_SOCKET: \(call) \(path): \(String(cString: strerror(code)))"
            }
        }
    }

    /// sockaddr_un.sun_path without its final NUL, in bytes. (unix(7))
    private static let longestPath = 107

    /// Listens on `path`, open to our user and the group only (mode 0660).
    package static func open(path: String, group: String?) throws(Failure) -> Int32 {
        if let inherited { return inherited }
        guard path.utf8.count <= longestPath else { throw .tooLong(path: path, bytes: path.utf8.count) }
        let groupID = try group.map(id(ofGroup:))
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw .system(call: "socket", path: path, code: errno) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        do throws(Failure) {
            try replaceStale(path, address)
            let code = withAddress(address) { bind(descriptor, $0, $1) }
            guard code == 0 else { throw .system(call: "bind", path: path, code: errno) }
            // Nobody can connect before `listen`.
            if let groupID, chown(path, uid_t.max, groupID) != 0 {
                throw .system(call: "chown", path: path, code: errno)
            }
            guard chmod(path, 0o660) == 0 else { throw .system(call: "chmod", path: path, code: errno) }
            guard listen(descriptor, 4096) == 0 else { throw .system(call: "listen", path: path, code: errno) }
        } catch {
            close(descriptor)
            throw error
        }
        return descriptor
    }

    /// The first socket that systemd hands over. (sd_listen_fds(3))
    private static var inherited: Int32? {
        guard let pid = getenv("LISTEN_PID"), Int32(String(cString: pid)) == getpid(), getenv("LISTEN_FDS") != nil else {
            return nil
        }
        unsetenv("LISTEN_PID")
        unsetenv("LISTEN_FDS")
        _ = fcntl(3, F_SETFL, fcntl(3, F_GETFL) | O_NONBLOCK)
        return 3
    }

    /// Removes a socket that a killed process left behind. One that answers is somebody's, and so is any other file.
    private static func replaceStale(_ path: String, _ address: sockaddr_un) throws(Failure) {
        // Without O_NONBLOCK a full backlog would hold us up; with it that is EAGAIN.
        let probe = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard probe >= 0 else { throw .system(call: "socket", path: path, code: errno) }
        defer { close(probe) }
        let code = withAddress(address) { connect(probe, $0, $1) } == 0 ? 0 : errno
        if code == 0 || code == EAGAIN { throw .inUse(path: path) }
        var status = stat()
        // Nothing there, or nothing that can be looked at: `bind` says why.
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else { throw .noSocket(path: path) }
        guard code == ECONNREFUSED else { throw .system(call: "connect", path: path, code: code) }
        guard unlink(path) == 0 else { throw .system(call: "unlink", path: path, code: errno) }
    }

    private static func id(ofGroup name: String) throws(Failure) -> gid_t {
        guard let group = getgrnam(name) else { throw .noGroup(name) }
        return group.pointee.gr_gid
    }

    private static func withAddress<T>(_ address: sockaddr_un, _ body: (UnsafePointer<sockaddr>, socklen_t) -> T) -> T {
        withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}
