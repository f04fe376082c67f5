import CLinux
import Glibc
import Synchronization
import System

/// Takes in the requests that are too long to be waited for in their sockets: one thread copies what comes into files in
/// memory. Whoever reads such a body then waits for nobody.
///
/// It stands against slow senders: a request that is longer than a socket's buffer would keep a thread waiting for its
/// body, and a few such clients all of them.
package final class Spool: Sendable {
    /// A request that was taken in.
    package final class Spooled: Sendable {
        package let connection: Int32
        package let begin: ContinuousClock.Instant
        /// Its records from the first byte on.
        let file: Int32
        /// Whether they are all there; else the peer sent more than the limit.
        let isWhole: Bool
        /// Where it holds a place; nil when it was taken in at once.
        private let spool: Spool?

        fileprivate init(_ intake: Intake, of spool: Spool?) {
            connection = intake.connection
            begin = intake.begin
            file = intake.file
            isWhole = intake.isWhole
            self.spool = spool
        }

        deinit {
            close(file)
            spool?.release()
        }
    }

    private typealias Waiting = (connection: Int32, begin: ContinuousClock.Instant)

    private struct Admission {
        let new: [Waiting]
        let late: [Waiting]
        /// When the first of those that stay will have waited too long.
        let next: ContinuousClock.Instant?
    }

    private struct State {
        var waiting: [Waiting] = []
        /// Requests whose files exist.
        var held = 0
        var isClosed = false
        var thread: POSIXThread?
    }

    /// Bytes that are taken of a request.
    package static let limit = 8 << 20

    private let max: Int
    private let capacity: Int
    private let limit: Int
    private let timeout: Duration
    private let longestWait: Duration
    /// An eventfd that is written to when there is something to look at.
    private let wakeUp: Int32
    private let state = Mutex(State())

    /// - Parameters:
    ///   - max: how many requests may be held at a time.
    ///   - capacity: how many more may wait in their sockets; one more is refused.
    ///   - limit: bytes that are taken of a request, which bounds the memory to `max` times that.
    ///   - timeout: how long a request may take to come.
    ///   - longestWait: how long it may wait in its socket before that.
    ///   - makeHandler: called once on the spool's thread; its answer takes each connection back with what has come on it,
    ///     or with nil where there is no memory or descriptor to take it in, or it has waited too long.
    package init(
        max: Int = 8, capacity: Int, limit: Int = Spool.limit, timeout: Duration = .seconds(30),
        longestWait: Duration = .seconds(20),
        makeHandler: @escaping @Sendable () -> (_ connection: Int32, Spooled?) -> Void
    ) {
        self.max = max
        self.capacity = capacity
        self.limit = limit
        self.timeout = timeout
        self.longestWait = longestWait
        wakeUp = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
        precondition(wakeUp >= 0, "eventfd: \(errno)")
        let thread = POSIXThread(name: "spool") { [self] in run(makeHandler()) }
        state.withLock { $0.thread = thread }
    }

    deinit { close(wakeUp) }

    /// Takes in a request of which all that will ever come is there, waiting for nobody: its peer can send no more. nil when
    /// that is not the whole request, or there is no memory or descriptor to take it in: the caller keeps the connection.
    package static func takeIn(_ connection: Int32) -> Spooled? {
        guard let file = try? MemoryFile.make("homeroom-request") else { return nil }
        let now = ContinuousClock.now
        var intake = Intake(connection: connection, file: file, begin: now, end: now)
        let progress = withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 16) { buffer in
            while true {
                let size = intake.size
                let progress = intake.advance(buffer, limit: limit)
                guard progress == .more, intake.size > size else { return progress }
            }
        }
        guard progress == .whole || progress == .tooLong else {
            close(file)
            return nil
        }
        lseek(file, 0, SEEK_SET)
        return Spooled(intake, of: nil)
    }

    /// Takes over a connection on which a request has begun to come. False when too many wait, or once closed: the caller
    /// keeps it.
    package func submit(_ connection: Int32) -> Bool {
        state.withLock { state in
            guard !state.isClosed, state.waiting.count < capacity else { return false }
            state.waiting.append((connection, .now))
            wake()
            return true
        }
    }

    /// Takes no more requests, and returns when those it has have come or taken too long.
    package func drain() {
        let thread = state.withLock { state in
            state.isClosed = true
            wake()
            defer { state.thread = nil }
            return state.thread
        }
        thread?.join()
    }

    private func release() {
        state.withLock { state in
            state.held -= 1
            wake()
        }
    }

    private func wake() {
        var one: UInt64 = 1
        write(wakeUp, &one, MemoryLayout<UInt64>.size)
    }

    /// Those for which there is room now, and those that have waited too long for it; nil when no more will come.
    private func admit(besides count: Int) -> Admission? {
        state.withLock { state in
            guard !state.isClosed || !state.waiting.isEmpty || count > 0 else { return nil }
            let now = ContinuousClock.now
            let late = Array(state.waiting.prefix { $0.begin + longestWait <= now })
            state.waiting.removeFirst(late.count)
            let new = Array(state.waiting.prefix(max - state.held))
            state.waiting.removeFirst(new.count)
            state.held += new.count
            return Admission(new: new, late: late, next: state.waiting.first.map { $0.begin + longestWait })
        }
    }

    private func run(_ handle: (Int32, Spooled?) -> Void) {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)
        defer { buffer.deallocate() }
        var intakes: [Intake] = []
        while let admission = admit(besides: intakes.count) {
            for request in admission.late { handle(request.connection, nil) }
            for (connection, begin) in admission.new {
                do throws(SystemError) {
                    let file = try MemoryFile.make("homeroom-request")
                    intakes.append(Intake(connection: connection, file: file, begin: begin, end: .now + timeout))
                } catch {
                    release()
                    handle(connection, nil)
                }
            }
            let ready = wait(for: intakes, until: admission.next)
            var rest: [Intake] = []
            for (var intake, isReady) in zip(intakes, ready) {
                switch isReady ? intake.advance(buffer, limit: limit) : .more {
                case .more where intake.end > .now: rest.append(intake)
                case .more, .broken:
                    close(intake.connection)
                    close(intake.file)
                    release()
                case .whole, .tooLong:
                    lseek(intake.file, 0, SEEK_SET)
                    handle(intake.connection, Spooled(intake, of: self))
                }
            }
            intakes = rest
        }
    }

    /// Which of them have something to read, once one has, or time is up for one, or there is something else to look at.
    ///
    /// - Parameter next: when time is up for one that is not among them.
    private func wait(for intakes: [Intake], until next: ContinuousClock.Instant?) -> [Bool] {
        let wakeUp = pollfd(fd: wakeUp, events: Int16(POLLIN), revents: 0)
        var all = [wakeUp] + intakes.map { pollfd(fd: $0.connection, events: Int16(POLLIN), revents: 0) }
        let rest = (intakes.map(\.end) + [next].compactMap(\.self)).min().map { Swift.max(.zero, $0 - .now) }
        poll(&all, nfds_t(all.count), rest.map { Int32($0 / .milliseconds(1)) + 1 } ?? -1)
        var count: UInt64 = 0
        if all[0].revents != 0 { read(wakeUp.fd, &count, MemoryLayout<UInt64>.size) }
        return all.dropFirst().map { $0.revents != 0 }
    }
}

/// A request on its way into a file.
private struct Intake {
    enum Progress {
        case more, whole
        /// The peer left, or sent what is no request.
        case broken
        case tooLong
    }

    let connection: Int32
    let file: Int32
    let begin: ContinuousClock.Instant
    let end: ContinuousClock.Instant
    var order = RecordOrder()
    /// The header that is coming, as far as it has come.
    var header: [UInt8] = []
    /// Bytes of the present record that are still to come behind its header.
    var rest = 0
    var size = 0

    /// The header of the last record is all of it.
    var isWhole: Bool { order.isEnded }

    /// Takes what has come, at most a MiB, so that the others get their turn; nothing of what follows the request.
    mutating func advance(_ buffer: UnsafeMutableRawBufferPointer, limit: Int) -> Progress {
        for _ in 0..<16 {
            if isWhole { return .whole }
            if size >= limit { return .tooLong }
            let isHeader = rest == 0
            let wanted = min(isHeader ? RecordHeader.length - header.count : rest, buffer.count)
            let count = recv(connection, buffer.baseAddress, wanted, Int32(MSG_DONTWAIT))
            guard count > 0 else { return count < 0 && (errno == EAGAIN || errno == EINTR) ? .more : .broken }
            guard write(file, buffer.baseAddress, count) == count else { return .broken }
            size += count
            guard isHeader else {
                rest -= count
                continue
            }
            header += buffer[..<count]
            guard header.count == RecordHeader.length else { continue }
            let record = header.withUnsafeBytes { RecordHeader($0) }
            guard order.admit(record) else { return .broken }
            rest = record.recordLength - RecordHeader.length
            header = []
        }
        return isWhole ? .whole : .more
    }
}
