import TestSupport

/// A kept FastCGI connection as nginx makes it, one request at a time. (FastCGI 1.0, §3 and §5)
final class FastCGIClient {
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
        return FastCGIRecord.begin(keep: isKept) + FastCGIRecord.variables(variables) + FastCGIRecord.body(body)
    }

    func answer() throws -> Answer {
        var output: [UInt8] = []
        while true {
            let head = try stream.read(8)
            let content = try stream.read(Int(head[4]) << 8 | Int(head[5]))
            _ = try stream.read(Int(head[6]))
            if head[1] == FastCGIRecord.standardOutput { output += content }
            if head[1] == FastCGIRecord.endRequest { return Self.parsed(output) }
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
}
