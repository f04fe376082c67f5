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

    private let address: SocketAddress?

    /// The one of the environment, from which it is taken: no child of ours speaks for us.
    package static func inherited() -> NotifySocket {
        defer { unsetenv("NOTIFY_SOCKET") }
        return NotifySocket(path: getenv("NOTIFY_SOCKET").map { String(cString: $0) })
    }

    /// - Parameter path: that of a datagram socket, or `@` and an abstract name. (unix(7))
    package init(path: String?) {
        address = path.flatMap { path in
            path.hasPrefix("@") ? SocketAddress(abstractName: String(path.dropFirst())) : SocketAddress(path: path)
        }
    }

    /// - Parameter status: one line for `systemctl status`.
    package func tell(_ state: State, status: String) {
        guard let address else { return }
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        // As long as its queue is full it waits: systemd must not miss that we are ready.
        try? address.send(Array("\(Self.words(for: state))\nSTATUS=\(status)\n".utf8), from: descriptor)
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
