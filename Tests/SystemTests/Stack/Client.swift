import CLinux
import Glibc
import JSON
import TestSupport
import Testing

/// What a server answered.
struct Answer: Sendable {
    let status: Int
    let headers: [(name: String, value: String)]
    let body: [UInt8]

    /// The value of a header by its name in any case; nil when it was not sent.
    subscript(name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    var text: String { String(decoding: body, as: UTF8.self) }

    /// The body as JSON; nil when it is none.
    var json: JSON? { try? JSON.parse(body) }

    /// What stands at a path of names in the body: `answer["tokens", "access"]`.
    subscript(names: [String]) -> JSON? {
        names.reduce(json) { value, name in
            guard case .object(let object)? = value else { return nil }
            return object[name]
        }
    }

    /// The text at a path of names in the body.
    func string(_ names: String...) -> String? {
        guard case .string(let text)? = self[names] else { return nil }
        return text
    }
}

/// Where a client connects to.
enum Address: Sendable {
    /// On 127.0.0.1.
    case port(UInt16)
    case unix(String)
}

/// A stream socket whose reads and writes end after 60 s.
final class Stream {
    enum Failure: Error, Equatable {
        case system(call: String, code: Int32)
        /// The peer closed before all was here that had to come.
        case closed
        case notHTTP(String)
    }

    private var descriptor: Int32
    private var buffer: [UInt8] = []

    init(_ address: Address) throws {
        let family = if case .port = address { AF_INET } else { AF_UNIX }
        descriptor = socket(family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Failure.system(call: "socket", code: errno) }
        var limit = timeval(tv_sec: 60, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
        guard Stream.connected(descriptor, address) == 0 else {
            throw Failure.system(call: "connect", code: errno)
        }
    }

    deinit { close() }

    func close() {
        if descriptor >= 0 { Glibc.close(descriptor) }
        descriptor = -1
    }

    /// Whether the peer has closed, as far as one knows without waiting; what it sent before is not looked at.
    var isAtEnd: Bool {
        var chunk = [UInt8](repeating: 0, count: 16_384)
        while true {
            let count = recv(descriptor, &chunk, chunk.count, Int32(MSG_DONTWAIT))
            if count <= 0 { return count == 0 || errno != EAGAIN }
        }
    }

    /// Ends our direction: the peer reads what was written and then the end.
    func finishWriting() {
        shutdown(descriptor, Int32(SHUT_WR))
    }

    func write(_ bytes: some Sequence<UInt8>) throws {
        var rest = Array(bytes)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { throw Failure.system(call: "send", code: errno) }
            rest = rest.dropFirst(count)
        }
    }

    /// Exactly so many bytes.
    func read(_ count: Int) throws -> [UInt8] {
        while buffer.count < count {
            guard try receive() else { throw Failure.closed }
        }
        defer { buffer.removeFirst(count) }
        return Array(buffer[..<count])
    }

    /// The bytes up to CRLF, which is taken too.
    func readLine() throws -> String {
        while true {
            if let end = buffer.firstIndex(of: 0x0A) {
                let line = buffer[..<end].last == 0x0D ? buffer[..<(end - 1)] : buffer[..<end]
                defer { buffer.removeFirst(end + 1) }
                return String(decoding: line, as: UTF8.self)
            }
            guard try receive() else { throw Failure.closed }
        }
    }

    /// All until the peer closes.
    func readToEnd() throws -> [UInt8] {
        while try receive() {}
        defer { buffer = [] }
        return buffer
    }

    /// False at the end.
    private func receive() throws -> Bool {
        var chunk = [UInt8](repeating: 0, count: 16_384)
        let count = recv(descriptor, &chunk, chunk.count, 0)
        guard count >= 0 else {
            if errno == ECONNRESET { return false }
            throw Failure.system(call: "recv", code: errno)
        }
        buffer += chunk[..<count]
        return count > 0
    }

    private static func connected(_ descriptor: Int32, _ address: Address) -> Int32 {
        switch address {
        case .port(let port):
            var name = sockaddr_in()
            name.sin_family = sa_family_t(AF_INET)
            name.sin_port = port.bigEndian
            name.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
            return withUnsafePointer(to: &name) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        case .unix(let path):
            var name = sockaddr_un()
            name.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: path.utf8) }
            return withUnsafePointer(to: &name) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
                }
            }
        }
    }
}

/// A kept HTTP/1.1 connection.
final class Client {
    let stream: Stream

    init(_ address: Address) throws {
        stream = try Stream(address)
    }

    func send(
        _ method: String, _ path: String, headers: [(String, String)] = [], body: [UInt8]? = nil
    ) throws -> Answer {
        // A server that refuses a large body answers before it has read it, and may close.
        do {
            try write(method, path, headers: headers, body: body)
        } catch Stream.Failure.system(call: "send", _) {}
        let answer = try answer(isToHead: method == "HEAD")
        let mismatches = DescribedAnswers.mismatches(
            method, path, status: answer.status, type: answer["Content-Type"], body: answer.body)
        if !mismatches.isEmpty { Issue.record("\(mismatches)") }
        return answer
    }

    func write(_ method: String, _ path: String, headers: [(String, String)] = [], body: [UInt8]? = nil) throws {
        var text = "\(method) \(path) HTTP/1.1\r\n"
        if !headers.contains(where: { $0.0 == "Host" }) { text += "Host: localhost\r\n" }
        for (name, value) in headers { text += "\(name): \(value)\r\n" }
        if let body { text += "Content-Length: \(body.count)\r\n" }
        try stream.write(Array((text + "\r\n").utf8) + (body ?? []))
    }

    func answer(isToHead: Bool = false) throws -> Answer {
        let first = try stream.readLine()
        let words = first.split(separator: " ", maxSplits: 2)
        guard words.count >= 2, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else {
            throw Stream.Failure.notHTTP(first)
        }
        var headers: [(name: String, value: String)] = []
        while case let line = try stream.readLine(), !line.isEmpty {
            let halves = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            headers.append((String(halves[0]), String(halves[1].drop { $0 == " " })))
        }
        let answer = Answer(status: status, headers: headers, body: [])
        if isToHead || status == 204 || status == 304 { return answer }
        return Answer(status: status, headers: headers, body: try body(answer))
    }

    private func body(_ answer: Answer) throws -> [UInt8] {
        if let length = answer["Content-Length"].flatMap({ Int($0) }) { return try stream.read(length) }
        guard answer["Transfer-Encoding"] == "chunked" else { return try stream.readToEnd() }
        var body: [UInt8] = []
        while let length = Int(try stream.readLine(), radix: 16), length > 0 {
            body += try stream.read(length)
            _ = try stream.readLine()
        }
        _ = try stream.readLine()
        return body
    }
}

/// Sends one request on a connection of its own.
func send(
    _ address: Address, _ method: String, _ path: String, headers: [(String, String)] = [], body: [UInt8]? = nil
) throws -> Answer {
    try Client(address).send(method, path, headers: headers, body: body)
}
