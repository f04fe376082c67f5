import CLinux
import Glibc
import System

/// How the workers of a service pass open connections on: a socket pair whose ends all of them hold.
///
/// A worker that is replaced must not close a connection that nginx keeps: nginx may be writing a request to it, and
/// sends no POST twice. So the connection itself goes to whichever worker looks first. (unix(7), SCM_RIGHTS)
package struct Handover: Sendable {
    /// Where connections are put in; blocks for at most 5 s while nobody takes any out.
    package let entrance: Int32
    /// Where they come out; readable while one waits.
    package let exit: Int32

    /// The ends as they were inherited.
    package init(entrance: Int32, exit: Int32) {
        self.entrance = entrance
        self.exit = exit
    }

    /// A new pair, closed on exec.
    package init() throws(SystemError) {
        var pair: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue | SOCK_CLOEXEC.rawValue), 0, &pair) == 0 else {
            throw SystemError("socketpair", code: errno)
        }
        (entrance, exit) = (pair[0], pair[1])
        var limit = timeval(tv_sec: 5, tv_usec: 0)
        setsockopt(entrance, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    }

    /// Puts a connection in and closes our descriptor of it; false, and it stays open, when nobody takes it.
    func pass(_ descriptor: Int32) -> Bool {
        guard homeroom_send_descriptors(entrance, [descriptor], 1) == 0 else { return false }
        close(descriptor)
        return true
    }

    /// Takes a connection out; nil when none waits.
    func take() -> Int32? {
        var descriptor: Int32 = -1
        return homeroom_receive_descriptors(exit, &descriptor, 1, Int32(MSG_DONTWAIT)) == 1 ? descriptor : nil
    }
}
