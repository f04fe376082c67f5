import CLinux
import FastCGI
import Glibc

extension FuzzTarget {
    /// All that a web server sends on a connection, FastCGI records, as far as they are let through to libfcgi.
    static let variables = FuzzTarget(name: "variables") { bytes throws(Broken) in
        _ = processIsPrepared
        guard bytes.withUnsafeBytes({ RequestFraming(of: $0, isFull: false) }) == .whole else { return }
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw Broken(description: "no socket pair: \(errno)")
        }
        defer { close(ends[0]) }
        guard send(ends[0], bytes, bytes.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT)) == bytes.count else {
            close(ends[1])
            return
        }
        shutdown(ends[0], Int32(SHUT_WR))

        let exchange = Exchange()
        var length = 0
        if exchange.begin(on: ends[1]) {
            length = try answer(exchange)
            if let open = exchange.finish() { close(open) }
        }

        try require(length <= bytes.count, "\(length) bytes came out of \(bytes.count)")
        try require(fcntl(ends[1], F_GETFD) == -1, "the connection is left open")
    }

    /// How many bytes of variables and body the request had.
    private static func answer(_ exchange: Exchange) throws(Broken) -> Int {
        var length = 0
        for name in ["REQUEST_METHOD", "REQUEST_URI", "HTTP_HOST", "CONTENT_TYPE"] {
            length += exchange.variable(name)?.utf8.count ?? 0
        }
        try require(exchange.contentLength >= 0, "a length of \(exchange.contentLength)")
        var received = 0
        withUnsafeTemporaryAllocation(byteCount: 512, alignment: 1) { buffer in
            while let count = try? exchange.read(into: buffer), count > 0 { received += count }
        }
        try require(received <= exchange.contentLength, "\(received) bytes of \(exchange.contentLength)")
        let said = Array("Status: 200 OK\r\n\r\n".utf8)
        said.withUnsafeBytes { _ = exchange.write($0) }
        return length + received
    }

    /// libfcgi takes over SIGTERM, by which the process must still end.
    private static let processIsPrepared: Bool = {
        Exchange.prepareProcess()
        signal(SIGTERM, SIG_DFL)
        signal(SIGUSR1, SIG_DFL)
        return true
    }()
}
