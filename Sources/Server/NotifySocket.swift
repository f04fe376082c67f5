import CLinux
import Glibc
import System

/// Where systemd wants to hear how the service is; does nothing where nobody does. (sd_notify(3), without libsystemd)
package struct NotifySocket: Sendable {
    package enum State: Sendable {
        case ready
        /// To be followed by `ready`, whether or not the reload succeeds.
        case reloading
        case stopping
    }

    private let path: [UInt8]?

    /// The one of the environment, from which it is taken: no child of ours speaks for us.
    package static func inherited() -> NotifySocket {
        defer { unsetenv("NOTIFY_SOCKET") }
        return NotifySocket(path: getenv("NOTIFY_SOCKET").map { String(cString: $0) })
    }

    /// - Parameter path: that of a datagram socket, or `@` and an abstract name. (unix(7))
    package init(path: String?) {
        self.path = path.map { $0.hasPrefix("@") ? [0] + $0.utf8.dropFirst() : Array($0.utf8) }
    }

    /// - Parameter status: one line for `systemctl status`.
    package func tell(_ state: State, status: String) {
        guard let path, !path.isEmpty, path.count <= 108 else { return }
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
        // An abstract name has no end but its length.
        let length = socklen_t(MemoryLayout<sa_family_t>.size + path.count)
        let text = Array("\(Self.words(for: state))\nSTATUS=\(status)\n".utf8)
        _ = withUnsafePointer(to: address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                // As long as its queue is full it waits: systemd must not miss that we are ready.
                sendto(descriptor, text, text.count, Int32(MSG_NOSIGNAL), $0, length)
            }
        }
    }

    private static func words(for state: State) -> String {
        switch state {
        case .ready: return "READY=1"
        case .stopping: return "STOPPING=1"
        case .reloading:
            return "RELOADING=1\nMONOTONIC_USEC=\(SystemClock.monotonic.microseconds)"
        }
    }
}
