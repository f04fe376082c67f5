import JSON

/// A kept FastCGI connection as nginx makes it, one request at a time. (FastCGI 1.0, §3 and §5)
final class FastCGIClient {
    private enum RecordType: UInt8 {
        case begin = 1
        case end = 3
        case parameters = 4
        case input = 5
        case output = 6
    }

    let stream: Stream

    init(_ path: String) throws {
        stream = try Stream(.unix(path))
    }

    func send(
        _ method: String, _ path: String, headers: [(String, String)] = [], body: [UInt8] = [], isKept: Bool = true
    ) throws -> Answer {
        try write(method, path, headers: headers, body: body, isKept: isKept)
        return try answer()
    }

    func write(
        _ method: String, _ path: String, headers: [(String, String)] = [], body: [UInt8] = [], isKept: Bool = true
    ) throws {
        try stream.write(Self.request(method, path, headers: headers, body: body, isKept: isKept))
    }

    /// All records of a request.
    static func request(
        _ method: String, _ path: String, headers: [(String, String)] = [], body: [UInt8] = [], isKept: Bool = true
    ) -> [UInt8] {
        var variables = [
            ("REQUEST_METHOD", method), ("REQUEST_URI", path), ("CONTENT_LENGTH", body.isEmpty ? "" : "\(body.count)"),
            ("REQUEST_SCHEME", "http"), ("HTTP_HOST", "localhost"), ("REQUEST_ID", "0123456789abcdef0123456789abcdef"),
        ]
        for (name, value) in headers {
            let name = name.uppercased().replacing("-", with: "_")
            variables.append((name == "CONTENT_TYPE" ? name : "HTTP_" + name, value))
        }
        // Role 1 is the responder, flag 1 keeps the connection.
        var bytes = record(.begin, [0, 1, isKept ? 1 : 0, 0, 0, 0, 0, 0])
        bytes += stream(.parameters, variables.flatMap(pair))
        bytes += stream(.input, body)
        return bytes
    }

    func answer() throws -> Answer {
        var output: [UInt8] = []
        while true {
            let head = try stream.read(8)
            let content = try stream.read(Int(head[4]) << 8 | Int(head[5]))
            _ = try stream.read(Int(head[6]))
            if head[1] == RecordType.output.rawValue { output += content }
            if head[1] == RecordType.end.rawValue { return Self.parsed(output) }
        }
    }

    /// Header lines, an empty line, the body. (RFC 3875 §6)
    private static func parsed(_ output: [UInt8]) -> Answer {
        let end = output.indices.first { output[$0...].starts(with: [13, 10, 13, 10]) } ?? output.endIndex
        let lines = String(decoding: output[..<end], as: UTF8.self).split(separator: "\r\n")
        let headers = lines.map { line in
            let halves = line.split(separator: ":", maxSplits: 1)
            return (name: String(halves[0]), value: String((halves.last ?? "").drop { $0 == " " }))
        }
        let status = headers.first { $0.name == "Status" }.flatMap { Int($0.value.prefix(3)) }
        return Answer(status: status ?? 0, headers: headers, body: Array(output[end...].dropFirst(4)))
    }

    /// The records of a stream, the empty one at its end included.
    private static func stream(_ type: RecordType, _ content: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = content[...]
        while !rest.isEmpty {
            bytes += record(type, Array(rest.prefix(32_768)))
            rest = rest.dropFirst(32_768)
        }
        return bytes + record(type, [])
    }

    private static func record(_ type: RecordType, _ content: [UInt8]) -> [UInt8] {
        [1, type.rawValue, 0, 1, UInt8(content.count >> 8), UInt8(content.count & 0xFF), 0, 0] + content
    }

    private static func pair(_ name: String, _ value: String) -> [UInt8] {
        length(name.utf8.count) + length(value.utf8.count) + Array(name.utf8) + Array(value.utf8)
    }

    private static func length(_ count: Int) -> [UInt8] {
        if count < 128 { return [UInt8(count)] }
        return [UInt8(count >> 24) | 0x80, UInt8(count >> 16 & 0xFF), UInt8(count >> 8 & 0xFF), UInt8(count & 0xFF)]
    }
}
