import FastCGI
import Glibc
import JSON

/// One JSON object a line on standard error; lines of several threads and processes never mix.
///
/// `write` returns when its line is written, until `writeBehind`: from then on a thread of its own writes, and nobody who
/// has something to say waits for whoever reads it.
package final class Log: @unchecked Sendable {
    /// What may wait to be written, in bytes; more is dropped and counted.
    private static let most = 1 << 20
    /// What is written at a time: into so much no other process can write. (pipe(7), PIPE_BUF)
    private static let piece = 4096
    /// Microseconds that the writing thread rests, so that it writes many lines at a time.
    private static let rest: UInt32 = 10_000

    private let descriptor: Int32
    private let now: @Sendable () -> String

    private let lock = Condition()
    private var waiting: [UInt8] = []
    private var dropped = 0
    private var writer: WorkerThread?
    private var isEnding = false

    /// - Parameter now: the time that goes into a line.
    package init(descriptor: Int32 = STDERR_FILENO, now: @escaping @Sendable () -> String) {
        self.descriptor = descriptor
        self.now = now
    }

    /// `{"time": "…", "event": "restart", …}`. Never a body, a password, a token or an email.
    package func write(_ event: String, _ details: [JSON.Member] = []) {
        write(event) { line in
            for detail in details { line.add(detail.name, detail.value) }
        }
    }

    /// The same, written without a value in between.
    package func write(_ event: String, _ fill: (inout Line) -> Void) {
        add(line(event, fill))
    }

    /// The members of an object under construction.
    package struct Line {
        fileprivate var bytes: [UInt8] = []

        fileprivate init() { bytes.reserveCapacity(384) }

        package mutating func add(_ name: StaticString, _ number: Int64?) {
            add(name.description, number.map(JSON.integer) ?? .null)
        }

        package mutating func add(_ name: StaticString, _ text: String) {
            add(name.description, JSON.string(text))
        }

        fileprivate mutating func add(_ name: String, _ value: JSON) {
            bytes.append(UInt8(ascii: bytes.isEmpty ? "{" : ","))
            JSON.string(name).write(to: &bytes)
            bytes.append(UInt8(ascii: ":"))
            value.write(to: &bytes)
        }
    }

    package func write(_ event: String, message: String) {
        write(event, [JSON.Member(name: "message", value: .string(message))])
    }

    /// From now on lines wait for a thread that writes them. What waits when the process is killed is lost.
    ///
    /// - Parameter noteDropped: called with how many lines found no room.
    package func writeBehind(noteDropped: @escaping @Sendable (Int64) -> Void = { _ in }) {
        lock.withLock {
            writer = WorkerThread(name: "log") { [self] in
                while let (lines, dropped) = next() {
                    put(lines)
                    if dropped > 0 {
                        noteDropped(dropped)
                        put(line("log lines dropped") { $0.add("count", dropped) })
                    }
                    usleep(Log.rest)
                }
            }
        }
    }

    /// Writes what waits; lines that come later are written at once.
    package func end() {
        let writer = lock.withLock {
            isEnding = true
            lock.signal()
            return self.writer
        }
        writer?.join()
        lock.withLock { self.writer = nil }
    }

    private func line(_ event: String, _ fill: (inout Line) -> Void) -> [UInt8] {
        var line = Line()
        line.add("time", now())
        line.add("event", event)
        fill(&line)
        line.bytes += "}\n".utf8
        return line.bytes
    }

    private func add(_ line: [UInt8]) {
        lock.withLock {
            // Here, under the lock, lines of several threads do not mix.
            guard writer != nil else { return put(line) }
            guard waiting.count + line.count <= Log.most else {
                dropped += 1
                return
            }
            if waiting.isEmpty { lock.signal() }
            waiting += line
        }
    }

    /// What waits, and how many lines found no room; nil at the end.
    private func next() -> (lines: [UInt8], dropped: Int64)? {
        lock.withLock {
            while waiting.isEmpty, !isEnding { lock.wait() }
            guard !waiting.isEmpty else { return nil }
            defer { (waiting, dropped) = ([], 0) }
            return (waiting, Int64(dropped))
        }
    }

    /// Writes whole lines, as many at a time as fit into a piece.
    private func put(_ lines: [UInt8]) {
        lines.withUnsafeBytes { lines in
            var start = 0
            while start < lines.count {
                var end = min(start + Log.piece, lines.count)
                if let feed = lines[start..<end].lastIndex(of: UInt8(ascii: "\n")) { end = feed + 1 }
                let count = Glibc.write(
                    descriptor, UnsafeRawBufferPointer(rebasing: lines[start..<end]).baseAddress, end - start)
                if count < 0, errno == EINTR { continue }
                // A log that cannot be written must not stop the service.
                guard count > 0 else { return }
                start += count
            }
        }
    }
}
