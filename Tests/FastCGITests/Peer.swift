import CLinux
import FastCGI
import Glibc
import TestSupport
import Testing

typealias Record = FastCGIRecord

/// What a web server got for one request.
struct Answer: Equatable {
    var content: [UInt8] = []
    var id: UInt16 = 0
    var outputIsEnded = false
    /// Of END_REQUEST: the application's status and the protocol's (0: complete).
    var status: [UInt8] = []
}

/// The web server's end of a connection; closed when it goes out of use.
final class Peer: @unchecked Sendable {
    private var descriptor: Int32

    init(_ descriptor: Int32) {
        self.descriptor = descriptor
        // A test that waits in vain fails instead of hanging.
        limitWaiting(of: descriptor, toMilliseconds: 60_000)
    }

    deinit { close() }

    /// A connection: the web server's end, and ours.
    static func connected() throws -> (peer: Peer, end: Int32) {
        var ends: [Int32] = [-1, -1]
        let code = socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends)
        try #require(code == 0)
        return (Peer(ends[0]), ends[1])
    }

    /// Sends all of it; an errno when that fails.
    @discardableResult
    func send(_ bytes: [UInt8]) -> Int32 {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return errno }
            rest = rest.dropFirst(count)
        }
        return 0
    }

    /// Reads one answer to its END_REQUEST; nil when the connection ends or falls silent before.
    func answer() -> Answer? {
        var answer = Answer()
        while let header = read(8) {
            guard let content = read(Int(header[4]) << 8 | Int(header[5])), read(Int(header[6])) != nil else {
                return nil
            }
            answer.id = UInt16(header[2]) << 8 | UInt16(header[3])
            switch header[1] {
            case Record.standardOutput:
                answer.content += content
                answer.outputIsEnded = content.isEmpty
            case Record.endRequest:
                answer.status = Array(content.prefix(5))
                return answer
            default:
                return nil
            }
        }
        return nil
    }

    /// The next byte that comes; nil when the connection ends or falls silent.
    func byte() -> UInt8? { read(1)?.first }

    /// Whether the other side has closed; waits for it.
    var isClosedByService: Bool {
        var byte: UInt8 = 0
        let count = recv(descriptor, &byte, 1, 0)
        return count == 0 || count < 0 && errno == ECONNRESET
    }

    func close() {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
    }

    private func read(_ count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let read = bytes.withUnsafeMutableBytes {
                recv(descriptor, $0.baseAddress?.advanced(by: done), count - done, 0)
            }
            guard read > 0 else { return nil }
            done += read
        }
        return bytes
    }
}

func limitWaiting(of descriptor: Int32, toMilliseconds milliseconds: Int) {
    var limit = timeval(tv_sec: milliseconds / 1000, tv_usec: milliseconds % 1000 * 1000)
    let size = socklen_t(MemoryLayout<timeval>.size)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
}

extension Exchange {
    /// Reads the body to its end, `size` bytes at a time.
    func body(inPiecesOf size: Int = 4096) throws -> [[UInt8]] {
        var pieces: [[UInt8]] = []
        while true {
            var buffer = [UInt8](repeating: 0, count: size)
            let count = try buffer.withUnsafeMutableBytes { try read(into: $0) }
            if count == 0 { return pieces }
            pieces.append(Array(buffer.prefix(count)))
        }
    }

    @discardableResult
    func write(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { write($0) }
    }
}

/// Once in the test process. A test run must still end by SIGTERM, which libfcgi takes over.
let processIsPrepared: Bool = {
    Exchange.prepareProcess()
    signal(SIGTERM, SIG_DFL)
    signal(SIGUSR1, SIG_DFL)
    return true
}()
