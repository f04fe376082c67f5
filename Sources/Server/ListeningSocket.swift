import CLinux
import Glibc
import System

/// The unix socket that nginx connects to: made here, or inherited from systemd.
package enum ListeningSocket {
    package enum Failure: Error, CustomStringConvertible {
        case tooLong(path: String, bytes: Int)
        case inUse(path: String)
        case noSocket(path: String)
        case noGroup(String)
        /// What systemd hands over is not what it should be.
        case inherited(String)
        case system(SystemError)

        package var description: String {
            switch self {
            case .tooLong(let path, let bytes):
                "HOMEROOM_SOCKET: \(path): \(bytes) bytes, a unix socket's path can have "
                    + "\(SocketAddress.maxPathLength). Choose a shorter one."
            case .inUse(let path):
                "HOMEROOM_SOCKET: \(path): another homeroom answers there. Stop it first, or choose another path."
            case .noSocket(let path):
                "HOMEROOM_SOCKET: \(path): a file that is no socket is there. Choose another path."
            case .noGroup(let name):
                "HOMEROOM_SOCKET_GROUP: there is no group `\(name)`. Name the group that nginx runs as, e.g. www-data."
            case .inherited(let what):
                "homeroom.socket: \(what). It needs one ListenStream=, the path of a unix socket."
            case .system(let error):
                "HOMEROOM_SOCKET: \(error)"
            }
        }
    }

    /// Listens on `path`, open to our user and the group only (mode 0660), unless systemd has handed over a socket.
    package static func open(path: String, group: String?) throws(Failure) -> Int32 {
        if let descriptor = try inherited() { return descriptor }
        guard let address = SocketAddress(path: path) else { throw .tooLong(path: path, bytes: path.utf8.count) }
        let groupID = try group.map(id(ofGroup:))
        let descriptor = socket(
            AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw .system(SystemError("socket", path, code: errno)) }
        do throws(Failure) {
            try replaceStale(path, address)
            try bind(descriptor, to: address)
            // Nobody can connect before `listen`.
            try open(path, to: groupID)
            guard listen(descriptor, 4096) == 0 else { throw .system(SystemError("listen", path, code: errno)) }
        } catch {
            close(descriptor)
            throw error
        }
        return descriptor
    }

    /// Where others may write to the socket's folder, another file may have come into its place: a link is not followed, and
    /// what is no socket is left alone.
    private static func open(_ path: String, to group: gid_t?) throws(Failure) {
        let file = Glibc.open(path, openPath | O_NOFOLLOW | O_CLOEXEC)
        guard file >= 0 else { throw .system(SystemError("open", path, code: errno)) }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFSOCK else { throw .noSocket(path: path) }
        // chmod(2) and chown(2) take no such descriptor, but its name, which leads to this very file.
        let name = "/proc/self/fd/\(file)"
        if let group, chown(name, uid_t.max, group) != 0 { throw .system(SystemError("chown", path, code: errno)) }
        guard chmod(name, 0o660) == 0 else { throw .system(SystemError("chmod", path, code: errno)) }
    }

    private static let openPath: Int32 = 0o10000000  // O_PATH, hidden by the headers without _GNU_SOURCE

    /// The socket that systemd hands over, which always has the number 3. (sd_listen_fds(3))
    private static func inherited() throws(Failure) -> Int32? {
        guard let count = variable("LISTEN_FDS"), variable("LISTEN_PID") == String(getpid()) else { return nil }
        for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] { unsetenv(name) }
        guard count == "1" else { throw .inherited("\(count) sockets were handed over") }
        let descriptor = InheritedDescriptor.listening.rawValue
        guard option(SO_DOMAIN, of: descriptor) == AF_UNIX,
            option(SO_TYPE, of: descriptor) == Int32(SOCK_STREAM.rawValue),
            option(SO_ACCEPTCONN, of: descriptor) == 1
        else {
            throw .inherited("what was handed over is no unix stream socket that listens")
        }
        guard fcntl(descriptor, F_SETFD, FD_CLOEXEC) == 0,
            fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK) == 0
        else {
            throw .inherited("\(SystemError("fcntl", code: errno))")
        }
        return descriptor
    }

    private static func variable(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }

    /// nil when the descriptor is no socket.
    private static func option(_ name: Int32, of descriptor: Int32) -> Int32? {
        var value: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(descriptor, SOL_SOCKET, name, &value, &size) == 0 ? value : nil
    }

    /// Removes a socket that a killed process left behind. One that answers is somebody's, and so is any other file.
    private static func replaceStale(_ path: String, _ address: SocketAddress) throws(Failure) {
        // Without O_NONBLOCK a full backlog would hold us up; with it that is EAGAIN.
        let probe = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard probe >= 0 else { throw .system(SystemError("socket", path, code: errno)) }
        defer { close(probe) }
        let code = code(ofConnecting: probe, to: address)
        if code == 0 || code == EAGAIN { throw .inUse(path: path) }
        var status = stat()
        // Nothing there, or nothing that can be looked at: `bind` says why.
        guard lstat(path, &status) == 0 else { return }
        guard status.st_mode & S_IFMT == S_IFSOCK else { throw .noSocket(path: path) }
        guard code == ECONNREFUSED else { throw .system(SystemError("connect", path, code: code)) }
        guard unlink(path) == 0 else { throw .system(SystemError("unlink", path, code: errno)) }
    }

    private static func id(ofGroup name: String) throws(Failure) -> gid_t {
        guard let group = getgrnam(name) else { throw .noGroup(name) }
        return group.pointee.gr_gid
    }

    private static func bind(_ descriptor: Int32, to address: SocketAddress) throws(Failure) {
        do throws(SystemError) {
            try address.bind(descriptor)
        } catch {
            throw .system(error)
        }
    }

    /// An `errno`; 0 when it is connected.
    private static func code(ofConnecting descriptor: Int32, to address: SocketAddress) -> Int32 {
        do throws(SystemError) {
            try address.connect(descriptor)
            return 0
        } catch {
            return error.code
        }
    }
}
