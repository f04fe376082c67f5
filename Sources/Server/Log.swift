import Glibc
import JSON
import Synchronization

/// One JSON object a line on standard error; lines of several threads never mix.
package struct Log: Sendable {
    // A pipe takes no more than 4 KiB at once; the rest waits until somebody reads. (pipe(7), PIPE_BUF)
    private static let turn = Mutex(())

    private let descriptor: Int32
    private let now: @Sendable () -> String

    /// - Parameter now: the time that goes into a line.
    package init(descriptor: Int32 = STDERR_FILENO, now: @escaping @Sendable () -> String) {
        self.descriptor = descriptor
        self.now = now
    }

    /// `{"time": "…", "event": "restart", …}`. Never a body, a password, a token or an email.
    package func write(_ event: String, _ details: [JSON.Member] = []) {
        let head = [JSON.Member(name: "time", value: .string(now())), JSON.Member(name: "event", value: .string(event))]
        var line = JSON.object(JSON.Object(head + details)).bytes
        line.append(UInt8(ascii: "\n"))
        Log.turn.withLock { _ in line.withUnsafeBytes(writeAll) }
    }

    package func write(_ event: String, message: String) {
        write(event, [JSON.Member(name: "message", value: .string(message))])
    }

    private func writeAll(_ line: UnsafeRawBufferPointer) {
        var rest = line[...]
        while !rest.isEmpty {
            let count = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
            if count < 0, errno == EINTR { continue }
            // A log that cannot be written must not stop the service.
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}
