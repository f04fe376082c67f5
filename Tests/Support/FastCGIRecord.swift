/// Records as a web server sends them, byte by byte (FastCGI 1.0 §3.3, §5, §8).
package enum FastCGIRecord {
    package static let beginRequest: UInt8 = 1
    package static let abortRequest: UInt8 = 2
    package static let endRequest: UInt8 = 3
    package static let parameters: UInt8 = 4
    package static let standardInput: UInt8 = 5
    package static let standardOutput: UInt8 = 6

    /// One record. `content` has at most 65,535 bytes.
    package static func of(
        type: UInt8, _ content: [UInt8] = [], padding: UInt8 = 0, id: UInt16 = 1, version: UInt8 = 1
    ) -> [UInt8] {
        let header = [
            version, type, UInt8(id >> 8), UInt8(id & 0xFF), UInt8(content.count >> 8), UInt8(content.count & 0xFF),
            padding, 0,
        ]
        return header + content + [UInt8](repeating: 0xAA, count: Int(padding))
    }

    /// Role 1 is the responder.
    package static func begin(keep: Bool = true, role: UInt8 = 1, id: UInt16 = 1) -> [UInt8] {
        of(type: beginRequest, [0, role, keep ? 1 : 0, 0, 0, 0, 0, 0], id: id)
    }

    /// The stream of variables with its end.
    package static func variables(_ pairs: [(String, String)], id: UInt16 = 1) -> [UInt8] {
        stream(type: parameters, pairs.flatMap { pair(Array($0.utf8), Array($1.utf8)) }, id: id)
    }

    /// The stream of the body with its end.
    package static func body(_ bytes: [UInt8], id: UInt16 = 1) -> [UInt8] {
        stream(type: standardInput, bytes, id: id)
    }

    /// A name and a value, each with its length in one byte or in four.
    package static func pair(_ name: [UInt8], _ value: [UInt8]) -> [UInt8] {
        length(name.count) + length(value.count) + name + value
    }

    /// A whole request with a body of text; `announced` is its CONTENT_LENGTH when that is to differ.
    package static func request(
        _ pairs: [(String, String)] = [], body: String = "", announced: String? = nil, keep: Bool = true, id: UInt16 = 1
    ) -> [UInt8] {
        let length = ("CONTENT_LENGTH", announced ?? "\(body.utf8.count)")
        return begin(keep: keep, id: id) + variables(pairs + [length], id: id)
            + FastCGIRecord.body(Array(body.utf8), id: id)
    }

    private static func length(_ count: Int) -> [UInt8] {
        guard count > 127 else { return [UInt8(count)] }
        return [UInt8(count >> 24) | 0x80, UInt8(count >> 16 & 0xFF), UInt8(count >> 8 & 0xFF), UInt8(count & 0xFF)]
    }

    private static func stream(type: UInt8, _ content: [UInt8], id: UInt16) -> [UInt8] {
        var records: [UInt8] = []
        var rest = content[...]
        while !rest.isEmpty {
            records += of(type: type, Array(rest.prefix(65_535)), id: id)
            rest = rest.dropFirst(65_535)
        }
        return records + of(type: type, id: id)
    }
}
