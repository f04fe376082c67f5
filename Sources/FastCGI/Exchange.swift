import CFastCGI
import CLinux
import Glibc

/// One request on a connection that was handed over, read and answered through libfcgi. Belongs to one thread at a time.
package final class Exchange: @unchecked Sendable {
    /// The body ended before its announced length, or the peer stopped sending.
    package struct CutShort: Error {}

    // On the heap: libfcgi's streams point back at it.
    private let request: UnsafeMutablePointer<FCGX_Request>
    private var announced = 0
    private var received = 0
    private var isBroken = false
    /// Where the request is read from, if it was taken in beforehand.
    private var spooled: Spool.Spooled?

    package init() {
        request = .allocate(capacity: 1)
        FCGX_InitRequest(request, -1, 0)
    }

    deinit {
        turnToConnection()
        if request.pointee.ipcFd >= 0 { FCGX_Free(request, 1) }
        request.deallocate()
    }

    /// Once in a process, before the first exchange. Takes over SIGTERM, SIGUSR1 and SIGPIPE unless they are blocked.
    package static func prepareProcess() {
        FCGX_Init()
    }

    /// Reads the variables of the next request on the connection. False: the peer left or fell silent before their end;
    /// the connection is closed.
    package func begin(on descriptor: Int32) -> Bool {
        begin(reading: descriptor)
    }

    /// Reads the variables of a request that was taken in. False: what was taken in is no request; the connection is closed.
    package func begin(_ spooled: Spool.Spooled) -> Bool {
        // libfcgi closes what it cannot read.
        guard begin(reading: fcntl(spooled.file, F_DUPFD_CLOEXEC, 0)) else {
            close(spooled.connection)
            return false
        }
        self.spooled = spooled
        return true
    }

    private func begin(reading descriptor: Int32) -> Bool {
        request.pointee.ipcFd = descriptor
        // Until the request says otherwise; with `detached` a close does not linger for up to 2 s.
        // (fcgiapp.c, os_unix.c OS_IpcClose, 2.4.2)
        request.pointee.keepConnection = 1
        request.pointee.detached = 1
        received = 0
        isBroken = false
        guard FCGX_Accept_r(request) == 0 else { return false }
        // A connection that ends among the variables passes for the end of the variables. (fcgiapp.c ReadParams, 2.4.2)
        guard FCGX_GetError(request.pointee.in) == 0 else {
            FCGX_Free(request, 1)
            return false
        }
        announced = max(0, variable("CONTENT_LENGTH").flatMap { Int($0) } ?? 0)
        return true
    }

    /// libfcgi answers where it has read: once there is something to answer, that is the connection.
    private func turnToConnection() {
        guard let spooled, request.pointee.ipcFd != spooled.connection else { return }
        close(request.pointee.ipcFd)
        request.pointee.ipcFd = spooled.connection
    }

    /// The connection; -1 when it was closed or given back.
    package var descriptor: Int32 { spooled?.connection ?? request.pointee.ipcFd }

    /// The announced length of the body in bytes.
    package var contentLength: Int { announced }

    /// The value of a FastCGI variable; nil when it was not sent. Broken UTF-8 is repaired.
    package func variable(_ name: String) -> String? {
        FCGX_GetParam(name, request.pointee.envp).map { String(cString: $0) }
    }

    /// The values of a variable that was sent more than once.
    package func variables(_ name: String) -> [String] {
        var values: [String] = []
        let head = name + "="
        var next = request.pointee.envp
        while let entry = next?.pointee {
            if strncmp(entry, head, head.utf8.count) == 0 {
                values.append(String(cString: entry.advanced(by: head.utf8.count)))
            }
            next = next?.advanced(by: 1)
        }
        return values
    }

    /// Reads up to `buffer.count` bytes of the body; 0 at its end.
    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(CutShort) -> Int {
        let wanted = min(buffer.count, announced - received)
        guard wanted > 0 else { return 0 }
        guard !isBroken, request.pointee.ipcFd != spooled?.connection else { throw CutShort() }
        let count = Int(
            FCGX_GetStr(buffer.baseAddress?.assumingMemoryBound(to: CChar.self), Int32(wanted), request.pointee.in))
        // A short read is the end or an error; either way the body is not whole. (fcgiapp.c FCGX_GetStr, 2.4.2)
        guard count == wanted, FCGX_GetError(request.pointee.in) == 0 else {
            isBroken = true
            throw CutShort()
        }
        received += count
        return count
    }

    /// Appends bytes to the answer; libfcgi sends them in records of 8 KiB. False when the peer is gone.
    @discardableResult
    package func write(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard !bytes.isEmpty else { return true }
        turnToConnection()
        let start = bytes.baseAddress?.assumingMemoryBound(to: CChar.self)
        return FCGX_PutStr(start, Int32(bytes.count), request.pointee.out) == Int32(bytes.count)
    }

    /// Breaks the connection off, so that an answer that was begun cannot look complete.
    package func abort() {
        isBroken = true
        shutdown(descriptor, Int32(SHUT_RDWR))
    }

    /// Has `finish` close the connection instead of reading the rest of the body.
    package func leaveBody() {
        isBroken = true
    }

    /// Ends the request. The connection if it stays open, to be parked; nil when it is closed.
    ///
    /// A body left unread is read to its end: else the next request on the connection would be lost.
    package func finish() -> Int32? {
        turnToConnection()
        let isRead = spooled.map(\.isWhole) ?? (isBroken || discardBody())
        if !isRead { isBroken = true }
        if isBroken { request.pointee.keepConnection = 0 }
        FCGX_Finish_r(request)
        spooled = nil
        let descriptor = request.pointee.ipcFd
        request.pointee.ipcFd = -1
        return descriptor >= 0 ? descriptor : nil
    }

    /// More than nginx lets through is not worth reading: then the connection is closed.
    private static let discardLimit = 16 << 20

    private func discardBody() -> Bool {
        var discarded = 0
        return withUnsafeTemporaryAllocation(byteCount: 16_384, alignment: 1) { buffer in
            let start = buffer.baseAddress?.assumingMemoryBound(to: CChar.self)
            while discarded <= Exchange.discardLimit {
                let count = Int(FCGX_GetStr(start, Int32(buffer.count), request.pointee.in))
                discarded += count
                if count < buffer.count { return FCGX_GetError(request.pointee.in) == 0 }
            }
            return false
        }
    }
}
