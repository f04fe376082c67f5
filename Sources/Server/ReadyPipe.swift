import CLinux
import FastCGI
import Glibc
import System

/// How a worker tells its parent that it has started: a pipe into which each writes its process id as a line.
package struct ReadyPipe: Sendable {
    /// Where a worker writes.
    let entrance: Int32
    private let exit: Int32

    /// Closed on exec. From now on this process gets SIGIO when somebody has told.
    init() throws(SystemError) {
        var pair: [Int32] = [-1, -1]
        guard pipe2(&pair, O_CLOEXEC | O_NONBLOCK) == 0 else { throw SystemError("pipe2", code: errno) }
        (exit, entrance) = (pair[0], pair[1])
        guard fcntl(exit, F_SETOWN, getpid()) == 0, fcntl(exit, F_SETFL, O_NONBLOCK | O_ASYNC) == 0 else {
            throw SystemError("fcntl", code: errno)
        }
    }

    /// Says on an inherited descriptor that this process has started.
    package static func report(on descriptor: Int32) {
        let line = Array("\(getpid())\n".utf8)
        // Nobody reads where the parent is gone: then so are we.
        _ = line.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
        close(descriptor)
    }

    /// Who has told since the last time.
    func take() -> [pid_t] {
        var text: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while case let count = read(exit, &chunk, chunk.count), count > 0 { text += chunk[..<count] }
        return text.split(separator: UInt8(ascii: "\n")).compactMap { pid_t(String(decoding: $0, as: UTF8.self)) }
    }
}
