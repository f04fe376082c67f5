import Glibc
import JSON

/// One JSON object a line on standard error, each written at once so that lines of several threads never mix.
package struct Log: Sendable {
    private let now: @Sendable () -> String

    /// - Parameter now: the time that goes into a line.
    package init(now: @escaping @Sendable () -> String) {
        self.now = now
    }

    /// `{"time": "…", "event": "restart", …}`. Never a body, a password, a token or an email.
    package func write(_ event: String, _ details: [JSON.Member] = []) {
        let head = [JSON.Member(name: "time", value: .string(now())), JSON.Member(name: "event", value: .string(event))]
        var line = JSON.object(JSON.Object(head + details)).bytes
        line.append(UInt8(ascii: "\n"))
        // A log that cannot be written must not stop the service.
        _ = line.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    package func write(_ event: String, message: String) {
        write(event, [JSON.Member(name: "message", value: .string(message))])
    }
}
