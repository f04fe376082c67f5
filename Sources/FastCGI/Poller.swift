import CLinux
import Glibc
import Synchronization

/// The listening socket and every idle keep-alive connection, watched by one epoll set.
///
/// Worker threads call `next()` side by side: the kernel hands each event to one of them, so a request costs no
/// hand-over between threads and an idle connection costs no thread.
package final class Poller: Sendable {
    package enum Failure: Error {
        case system(call: StaticString, code: Int32)
    }

    private struct State {
        var parked: Set<Int32> = []
        /// Those of them that have had no request yet.
        var fresh: Set<Int32> = []
        var isStopping = false
        /// Stopping, and other workers go on: connections are theirs now.
        var isHandingOver = false

        /// False when `stop` has taken it over.
        mutating func take(_ descriptor: Int32) -> Bool {
            fresh.remove(descriptor)
            return parked.remove(descriptor) != nil
        }
    }

    private let epoll: Int32
    private let listening: Int32
    private let wakeUp: Int32
    private let handover: Handover?
    private let ioTimeout: Int
    private let state = Mutex(State())

    /// - Parameters:
    ///   - listening: a listening, non-blocking unix socket; stays the caller's to close.
    ///   - handover: shared with the workers that pass their connections on; nil when there are none.
    ///   - ioTimeout: seconds that one read or write on a connection may wait for the peer.
    package init(listening: Int32, handover: Handover? = nil, ioTimeout: Int = 10) throws(Failure) {
        self.listening = listening
        self.handover = handover
        self.ioTimeout = ioTimeout
        epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard epoll >= 0 else { throw .system(call: "epoll_create1", code: errno) }
        wakeUp = eventfd(0, Int32(EFD_CLOEXEC))
        guard wakeUp >= 0 else { throw .system(call: "eventfd", code: errno) }
        // Level-triggered and never read: once written it wakes every thread, now and later.
        try watch(wakeUp, EPOLLIN.rawValue)
        // Several processes watch one socket: wake one of them for a new connection, not all.
        try watch(listening, EPOLLIN.rawValue | EPOLLEXCLUSIVE.rawValue)
        if let handover { try watch(handover.exit, EPOLLIN.rawValue | EPOLLEXCLUSIVE.rawValue) }
    }

    deinit {
        close(epoll)
        close(wakeUp)
    }

    /// The next connection with something to read, which now belongs to the caller; nil once stopping.
    ///
    /// End of file counts as something to read: the caller finds it when it reads.
    package func next() -> Int32? {
        var event = epoll_event()
        while true {
            let count = epoll_wait(epoll, &event, 1, -1)
            if count < 0, errno == EINTR { continue }
            guard count == 1 else { return nil }
            let descriptor = event.data.fd
            if descriptor == wakeUp { return nil }
            if descriptor == listening {
                if let connection = acceptAll() { return connection }
                continue
            }
            if descriptor == handover?.exit {
                if let connection = takeOver() { return connection }
                continue
            }
            if state.withLock({ $0.take(descriptor) }) { return descriptor }
        }
    }

    /// Gives an idle connection back to be watched. Once stopping it is returned when a request waits on it, else closed,
    /// unless another worker takes it.
    package func park(_ descriptor: Int32) -> Int32? {
        let isParked = state.withLock { state in
            guard !state.isStopping else { return false }
            state.parked.insert(descriptor)
            return true
        }
        guard isParked else { return retire(descriptor) }
        var event = epoll_event(events: Poller.oneShot, data: epoll_data_t(fd: descriptor))
        if epoll_ctl(epoll, EPOLL_CTL_MOD, descriptor, &event) != 0 {
            if state.withLock({ $0.take(descriptor) }) { close(descriptor) }
        }
        return nil
    }

    /// Stops accepting, wakes every thread, and gives back the connections on which a request waits or will come.
    ///
    /// - Parameter handingOver: whether other workers go on: then they get all connections, and no request is lost. Else
    ///   after `SHUT_RD` nginx cannot write any more, and what it wrote before is still in our buffer to be answered. A
    ///   connection without a request yet is new: nginx made it for one that it is about to send.
    package func stop(handingOver: Bool = false) -> [Int32] {
        let (idle, fresh) = state.withLock { state in
            state.isStopping = true
            state.isHandingOver = handingOver
            defer { (state.parked, state.fresh) = ([], []) }
            return (state.parked.subtracting(state.fresh), state.fresh)
        }
        epoll_ctl(epoll, EPOLL_CTL_DEL, listening, nil)
        if let handover { epoll_ctl(epoll, EPOLL_CTL_DEL, handover.exit, nil) }
        var one: UInt64 = 1
        write(wakeUp, &one, MemoryLayout<UInt64>.size)
        return idle.compactMap(retire) + fresh.compactMap(retireFresh)
    }

    /// How many connections are idle.
    package var idleCount: Int { state.withLock { $0.parked.count } }

    private static let oneShot = EPOLLIN.rawValue | EPOLLRDHUP.rawValue | EPOLLONESHOT.rawValue

    /// A connection that was accepted while `stop` ran, which now belongs to the caller.
    private func acceptAll() -> Int32? {
        while true {
            let descriptor = accept4(listening, nil, nil, Int32(SOCK_CLOEXEC.rawValue))
            if descriptor < 0 {
                // Out of descriptors: the connection stays in the backlog. Wait a little instead of spinning on it.
                if errno == EMFILE || errno == ENFILE { usleep(10_000) }
                if errno == EINTR || errno == ECONNABORTED { continue }
                return nil
            }
            limit(descriptor, toSeconds: ioTimeout)
            if let connection = admit(descriptor, isFresh: true) { return connection }
        }
    }

    /// A connection that another worker passed on while `stop` ran here, which now belongs to the caller.
    private func takeOver() -> Int32? {
        while let descriptor = handover?.take() {
            if let connection = admit(descriptor, isFresh: false) { return connection }
        }
        return nil
    }

    /// Watches a connection that is new to us. While stopping it is given back when a request is to be answered on it.
    private func admit(_ descriptor: Int32, isFresh: Bool) -> Int32? {
        let isParked = state.withLock { state in
            guard !state.isStopping else { return false }
            state.parked.insert(descriptor)
            if isFresh { state.fresh.insert(descriptor) }
            return true
        }
        guard isParked else { return isFresh ? retireFresh(descriptor) : retire(descriptor) }
        do throws(Failure) {
            try watch(descriptor, Poller.oneShot)
        } catch {
            if state.withLock({ $0.take(descriptor) }) { close(descriptor) }
        }
        return nil
    }

    private func limit(_ descriptor: Int32, toSeconds seconds: Int) {
        var limit = timeval(tv_sec: seconds, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
    }

    /// Passes a connection on, or closes it unless a request already waits on it.
    private func retire(_ descriptor: Int32) -> Int32? {
        if pass(descriptor) { return nil }
        shutdown(descriptor, Int32(SHUT_RD))
        var byte: UInt8 = 0
        if recv(descriptor, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT)) == 1 { return descriptor }
        close(descriptor)
        return nil
    }

    private func watch(_ descriptor: Int32, _ events: UInt32) throws(Failure) {
        var event = epoll_event(events: events, data: epoll_data_t(fd: descriptor))
        guard epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) == 0 else {
            throw .system(call: "epoll_ctl", code: errno)
        }
    }

    /// Passes on a connection that has had no request yet, or gives it back to wait for one, a second at most.
    private func retireFresh(_ descriptor: Int32) -> Int32? {
        if pass(descriptor) { return nil }
        limit(descriptor, toSeconds: 1)
        return descriptor
    }

    private func pass(_ descriptor: Int32) -> Bool {
        guard let handover, state.withLock({ $0.isHandingOver }) else { return false }
        // Another process is to hold it open: it would stay in our set even when we close it. (epoll(7))
        epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, nil)
        return handover.pass(descriptor)
    }
}
