import Glibc
import JSON
import System

/// One JSON object a line on standard error; lines of several threads and processes never mix.
///
/// `write` returns when its line is written, until `writeBehind`: from then on a thread of its own writes, and nobody who
/// has something to say waits for whoever reads it.
package final class Log: Sendable {
    /// What may wait to be written, in bytes; more is dropped and counted.
    private static let max = 1 << 20
    /// What is written at a time: into so much no other process can write. (pipe(7), PIPE_BUF)
    private static let piece = 4096
    /// Microseconds that the writing thread rests, so that it writes many lines at a time.
    private static let rest: UInt32 = 10_000

    private let descriptor: Int32
    private let now: @Sendable () -> String

    private struct Lines {
        var waiting: [UInt8] = []
        /// How many found no room.
        var dropped: Int64 = 0
        /// nil where whoever has something to say writes it.
        var writer: POSIXThread?
        var isEnding = false
    }

    private let lines = Guarded(Lines())

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

    /// Writes a line whose members `fill` adds, without a value in between.
    package func write(_ event: String, _ fill: (inout Line) -> Void) {
        add(line(event, fill))
    }

    /// The members of an object under construction.
    package struct Line {
        fileprivate var bytes: [UInt8] = []

        fileprivate init() { bytes.reserveCapacity(384) }

        /// Adds a number, or `null`.
        package mutating func add(_ name: StaticString, _ number: Int64?) {
            add(name.description, number.map(JSON.integer) ?? .null)
        }

        /// Adds a text.
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

    /// Writes a line with one text of ours.
    package func write(_ event: String, message: String) {
        write(event, [JSON.Member(name: "message", value: .string(message))])
    }

    /// From now on lines wait for a thread that writes them. What waits when the process is killed is lost.
    ///
    /// - Parameter noteDropped: called with how many lines found no room.
    package func writeBehind(noteDropped: @escaping @Sendable (Int64) -> Void = { _ in }) {
        lines.withLock {
            $0.writer = POSIXThread(name: "log") { [self] in
                while let (text, dropped) = next() {
                    put(text)
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
        let writer = lines.withLock { lines in
            lines.isEnding = true
            return lines.writer
        }
        lines.signal()
        writer?.join()
        lines.withLock { $0.writer = nil }
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
        lines.withLock { lines in
            // Here, under the lock, lines of several threads do not mix.
            guard lines.writer != nil else { return put(line) }
            guard lines.waiting.count + line.count <= Log.max else {
                lines.dropped += 1
                return
            }
            if lines.waiting.isEmpty { self.lines.signal() }
            lines.waiting += line
        }
    }

    /// What waits, and how many lines found no room; nil at the end.
    private func next() -> (text: [UInt8], dropped: Int64)? {
        lines.wait(until: { !$0.waiting.isEmpty || $0.isEnding }) { lines in
            guard !lines.waiting.isEmpty else { return nil }
            defer { (lines.waiting, lines.dropped) = ([], 0) }
            return (lines.waiting, lines.dropped)
        }
    }

    /// Writes whole lines, as many at a time as fit into a piece.
    private func put(_ lines: [UInt8]) {
        lines.withUnsafeBytes { lines in
            var start = 0
            while start < lines.count {
                var end = min(start + Log.piece, lines.count)
                if let feed = lines[start..<end].lastIndex(of: UInt8(ascii: "\n")) { end = feed + 1 }
                do throws(SystemError) {
                    try writeAll(UnsafeRawBufferPointer(rebasing: lines[start..<end]), to: descriptor)
                } catch {
                    // A log that cannot be written must not stop the service.
                    return
                }
                start = end
            }
        }
    }
}
