import CLinux
import Glibc
import Synchronization
import System

/// The listening socket and every idle keep-alive connection, watched by one epoll set.
///
/// A connection waits here, on no thread, until something arrives on it; then it is given out and belongs to the caller
/// until it is parked again. Connections do not block: `setBlocking` is for threads that may wait.
package final class Poller: Sendable {
    /// A connection with something to read.
    package struct Ready {
        package let descriptor: Int32
        /// Whether the peer will send no more than what is there.
        package let hasEnded: Bool
    }

    private struct Connection {
        /// Whether it waits here; else it is with a caller, or closed.
        var isParked = false
        /// Whether it has had no request yet.
        var isFresh = false
        /// Whether something arrived while it was with a caller.
        var hasNews = false
    }

    private struct State {
        /// By descriptor.
        var connections: [Connection] = []
        /// Until when the rest of a request must have come. Empty most of the time.
        var deadlines: [Int32: ContinuousClock.Instant] = [:]
        /// Whether no connection is accepted for a moment, for want of descriptors.
        var isFull = false
        /// When to look what has taken too long; nil where nothing can.
        var nextRound: ContinuousClock.Instant?
        var isStopping = false
        /// Stopping, and other workers go on: connections are theirs now.
        var isHandingOver = false

        subscript(descriptor: Int32) -> Connection {
            get { Int(descriptor) < connections.count ? connections[Int(descriptor)] : Connection() }
            set {
                let missing = Int(descriptor) - connections.count + 1
                if missing > 0 { connections += Array(repeating: Connection(), count: missing) }
                connections[Int(descriptor)] = newValue
            }
        }

        /// False, and the connection is marked, when it is with a caller or taken over by `stop`.
        mutating func take(_ descriptor: Int32) -> Bool {
            guard self[descriptor].isParked else {
                self[descriptor].hasNews = true
                return false
            }
            self[descriptor] = Connection()
            return true
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
    ///   - ioTimeout: seconds that a request that has begun may take to come, and that one read or write on a blocking
    ///     connection may wait for the peer.
    package init(listening: Int32, handover: Handover? = nil, ioTimeout: Int = 10) throws(SystemError) {
        self.listening = listening
        self.handover = handover
        self.ioTimeout = ioTimeout
        epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard epoll >= 0 else { throw SystemError("epoll_create1", code: errno) }
        wakeUp = eventfd(0, Int32(EFD_CLOEXEC))
        guard wakeUp >= 0 else { throw SystemError("eventfd", code: errno) }
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

    /// Waits for connections with something to read, which now belong to the caller; false once stopping.
    ///
    /// End of file counts as something to read: the caller finds it when it reads.
    ///
    /// - Parameter ready: emptied, then filled with 0 to 64 connections.
    package func next(into ready: inout [Ready]) -> Bool {
        ready.removeAll(keepingCapacity: true)
        return withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: 64) { events in
            let count = epoll_wait(epoll, events.baseAddress, Int32(events.count), pause)
            guard count >= 0 else { return errno == EINTR }
            tidyUp()
            for event in events[..<Int(count)] where event.data.fd == wakeUp { return false }
            for event in events[..<Int(count)] {
                switch event.data.fd {
                case listening: accept(&ready)
                case handover?.exit: takeOver(&ready)
                case let descriptor:
                    guard state.withLock({ $0.take(descriptor) }) else { continue }
                    let hasEnded = event.events & (EPOLLRDHUP.rawValue | EPOLLHUP.rawValue) != 0
                    ready.append(Ready(descriptor: descriptor, hasEnded: hasEnded))
                }
            }
            return true
        }
    }

    /// Gives a connection back to be watched. Once stopping it is returned when a request waits on it, else closed,
    /// unless another worker takes it.
    package func park(_ descriptor: Int32) -> Int32? {
        park(descriptor, isAwaited: false)
    }

    private func park(_ descriptor: Int32, isAwaited: Bool) -> Int32? {
        let (isParked, hasNews) = state.withLock { state in
            guard !state.isStopping else { return (false, false) }
            let hasNews = state[descriptor].hasNews
            state[descriptor] = Connection(isParked: true)
            return (true, hasNews)
        }
        guard isParked else { return isAwaited ? giveBack(descriptor) : retire(descriptor) }
        if hasNews { remind(descriptor) }
        return nil
    }

    /// Gives a connection back on which only a part of a request has come. It is closed when the rest takes too long. Once
    /// stopping it is returned, unless another worker takes it.
    package func awaitRest(_ descriptor: Int32) -> Int32? {
        state.withLock { state in
            guard state.deadlines[descriptor] == nil else { return }
            state.deadlines[descriptor] = .now + .seconds(ioTimeout)
            if state.nextRound == nil { state.nextRound = .now + .milliseconds(Poller.round) }
        }
        return park(descriptor, isAwaited: true)
    }

    /// The rest has come.
    package func restHasCome(_ descriptor: Int32) {
        state.withLock { state in
            if !state.deadlines.isEmpty { state.deadlines[descriptor] = nil }
        }
    }

    /// Whether reads and writes on a connection wait for the peer, at most `ioTimeout` each.
    package func setBlocking(_ descriptor: Int32, _ isBlocking: Bool) {
        _ = fcntl(descriptor, F_SETFL, isBlocking ? 0 : O_NONBLOCK)
    }

    /// Closes a connection that belongs to the caller.
    package func drop(_ descriptor: Int32) {
        restHasCome(descriptor)
        close(descriptor)
    }

    /// Stops accepting, wakes every thread, and gives back the connections on which a request waits or will come.
    ///
    /// - Parameter handingOver: whether other workers go on: then they get all connections, and no request is lost. Else
    ///   after `SHUT_RD` nginx cannot write any more, and what it wrote before is still in our buffer to be answered. A
    ///   connection without a request yet is new: nginx made it for one that it is about to send. That may still come,
    ///   and the rest of one that has begun.
    package func stop(handingOver: Bool = false) -> [Int32] {
        let (idle, awaited) = state.withLock { state in
            state.isStopping = true
            state.isHandingOver = handingOver
            let parked = state.connections.indices.filter { state.connections[$0].isParked }
            let isAwaited = Set(
                parked.filter { state.connections[$0].isFresh || state.deadlines[Int32($0)] != nil })
            state.connections = []
            state.deadlines = [:]
            return (parked.filter { !isAwaited.contains($0) }.map(Int32.init), isAwaited.map(Int32.init))
        }
        epoll_ctl(epoll, EPOLL_CTL_DEL, listening, nil)
        if let handover { epoll_ctl(epoll, EPOLL_CTL_DEL, handover.exit, nil) }
        var one: UInt64 = 1
        write(wakeUp, &one, MemoryLayout<UInt64>.size)
        return idle.compactMap(retire) + awaited.compactMap(giveBack)
    }

    /// How many connections are idle.
    package var idleCount: Int { state.withLock { $0.connections.count { $0.isParked } } }

    /// Edge-triggered: what has arrived of a request that is not whole must not be told again and again.
    private static let edge = EPOLLIN.rawValue | EPOLLRDHUP.rawValue | EPOLLET.rawValue

    /// Milliseconds until there may be something to tidy up; -1 where there is nothing.
    private var pause: Int32 {
        state.withLock { $0.nextRound == nil ? -1 : Int32(Poller.round) }
    }

    /// Milliseconds between two looks at what takes too long.
    private static let round = 100

    /// One connection at a time; then to the end of the queue, so that other processes get their share: the kernel wakes
    /// the first of those that wait, and that would always be the same. (epoll(7), EPOLLEXCLUSIVE)
    private func accept(_ ready: inout [Ready]) {
        let descriptor = accept4(
            listening, nil, nil, Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue))
        guard descriptor >= 0 else {
            // Out of descriptors: connections stay in the backlog, and are not told about for a moment.
            guard errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS else { return }
            epoll_ctl(epoll, EPOLL_CTL_DEL, listening, nil)
            state.withLock { state in
                state.isFull = true
                state.nextRound = .now + .milliseconds(Poller.round)
            }
            return
        }
        listen(again: true)
        limit(descriptor)
        if let connection = admit(descriptor, isFresh: true) {
            ready.append(Ready(descriptor: connection, hasEnded: false))
        }
    }

    /// Watches the listening socket, unless `stop` has taken it away.
    private func listen(again: Bool = false) {
        state.withLock { state in
            guard !state.isStopping else { return }
            if again { epoll_ctl(epoll, EPOLL_CTL_DEL, listening, nil) }
            _ = try? watch(listening, EPOLLIN.rawValue | EPOLLEXCLUSIVE.rawValue)
        }
    }

    /// Connections that another worker passes on.
    private func takeOver(_ ready: inout [Ready]) {
        while let descriptor = handover?.take() {
            setBlocking(descriptor, false)
            if let connection = admit(descriptor, isFresh: false) {
                ready.append(Ready(descriptor: connection, hasEnded: false))
            }
        }
    }

    /// Watches a connection that is new to us. While stopping it is given back when a request is to be answered on it.
    private func admit(_ descriptor: Int32, isFresh: Bool) -> Int32? {
        let isParked = state.withLock { state in
            guard !state.isStopping else { return false }
            state[descriptor] = Connection(isParked: true, isFresh: isFresh)
            return true
        }
        guard isParked else { return isFresh ? giveBack(descriptor) : retire(descriptor) }
        do throws(SystemError) {
            try watch(descriptor, Poller.edge)
        } catch {
            if state.withLock({ $0.take(descriptor) }) { close(descriptor) }
        }
        return nil
    }

    /// Closes what has taken too long, and accepts again.
    private func tidyUp() {
        let (late, wasFull) = state.withLock { state -> ([Int32], Bool) in
            guard let round = state.nextRound, case let now = ContinuousClock.now, now >= round else {
                return ([], false)
            }
            var ours: [Int32] = []
            for descriptor in state.deadlines.filter({ $0.value <= now }).keys {
                state.deadlines[descriptor] = nil
                if state.take(descriptor) { ours.append(descriptor) }
            }
            defer { state.isFull = false }
            state.nextRound = state.deadlines.isEmpty ? nil : now + .milliseconds(Poller.round)
            return (ours, state.isFull)
        }
        for descriptor in late { close(descriptor) }
        if wasFull { listen() }
    }

    private func limit(_ descriptor: Int32) {
        var limit = timeval(tv_sec: ioTimeout, tv_usec: 0)
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

    private func watch(_ descriptor: Int32, _ events: UInt32) throws(SystemError) {
        var event = epoll_event(events: events, data: epoll_data_t(fd: descriptor))
        guard epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) == 0 else {
            throw SystemError("epoll_ctl", code: errno)
        }
    }

    /// Has epoll tell once more what is there to read.
    private func remind(_ descriptor: Int32) {
        var event = epoll_event(events: Poller.edge, data: epoll_data_t(fd: descriptor))
        epoll_ctl(epoll, EPOLL_CTL_MOD, descriptor, &event)
    }

    /// Passes on a connection on which a request is on its way, or gives it back.
    private func giveBack(_ descriptor: Int32) -> Int32? {
        pass(descriptor) ? nil : descriptor
    }

    private func pass(_ descriptor: Int32) -> Bool {
        guard let handover, state.withLock({ $0.isHandingOver }) else { return false }
        // Another process is to hold it open: it would stay in our set even when we close it. (epoll(7))
        epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, nil)
        return handover.pass(descriptor)
    }
}
