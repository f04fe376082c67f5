import HTTP
import TestSupport
import Testing

/// What a reader found in a part.
private struct ReadPart: Equatable {
    var name: String
    var filename: Part.Filename
    var content: [UInt8]

    init(_ name: String, _ content: String, filename: Part.Filename = .absent) {
        self.init(name, [UInt8](content.utf8), filename: filename)
    }

    init(_ name: String, _ content: [UInt8], filename: Part.Filename = .absent) {
        self.name = name
        self.filename = filename
        self.content = content
    }
}

private struct ConnectionLost: Error, Equatable {}

private typealias Failure = MultipartError<ConnectionLost>

/// Gives a body piece by piece: the first of `sizes`, the second, …, the last for good.
private func pieces(
    of body: [UInt8], sizes: [Int], failing: Bool = false
) -> MultipartReader<ConnectionLost>.Read {
    var rest = body[...]
    var sizes = sizes[...]
    return { buffer throws(ConnectionLost) in
        if rest.isEmpty, failing { throw ConnectionLost() }
        let piece = rest.prefix(min(buffer.count, sizes.first ?? 1))
        if sizes.count > 1 { sizes.removeFirst() }
        buffer.copyBytes(from: piece)
        rest = rest.dropFirst(piece.count)
        return piece.count
    }
}

private func read(
    _ body: [UInt8], boundary: String = "b", sizes: [Int] = [.max], failing: Bool = false
) throws(Failure) -> [ReadPart] {
    var reader = try MultipartReader(boundary: boundary, read: pieces(of: body, sizes: sizes, failing: failing))
    var parts: [ReadPart] = []
    while let part = try reader.nextPart() {
        var content: [UInt8] = []
        while try reader.nextChunk() { reader.withChunk { content += $0 } }
        parts.append(ReadPart(part.name, content, filename: part.filename))
    }
    try reader.readToEnd()
    return parts
}

private func read(_ body: String, boundary: String = "b") throws(Failure) -> [ReadPart] {
    try read([UInt8](body.utf8), boundary: boundary)
}

/// A part `a` with the content, and the end.
private func body(_ content: String) -> String {
    "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\(content)\r\n--b--\r\n"
}

/// An empty part with the header lines, and the end.
private func body(headers: String) -> String {
    "--b\r\n\(headers)\r\n\r\n\r\n--b--\r\n"
}

struct MultipartTests {
    /// Every turn a reader can take, in one message.
    private static let message = [UInt8](
        """
        preamble\r\n--bX\r
        --b \t\r
        Content-Disposition: form-data; name="text"\r
        \r
        one\rtwo\nthree\r\n--bX\r\n--\r\n--b\r--b\n--b--\r\r
        --b\r
        content-disposition: FORM-DATA; NAME=file; filename="a.png"\r
        X-Other: 1\r
        CONTENT-TYPE: Image/PNG\r
        \r
        \u{89}PNG\r\n\u{1A}\n\0\r\n\r\n\r
        --b\r
        Content-Disposition: form-data; name="empty"\r
        \r
        \r
        --b\r
        Content-Disposition: form-data; name="bare"\r
        \r
        --b--epilogue\r\n--b\r\n
        """.utf8)

    private static let parts = [
        ReadPart("text", "one\rtwo\nthree\r\n--bX\r\n--\r\n--b\r--b\n--b--\r"),
        ReadPart("file", "\u{89}PNG\r\n\u{1A}\n\0\r\n\r\n", filename: .given),
        ReadPart("empty", ""),
        ReadPart("bare", ""),
    ]

    @Test(arguments: 1...40)
    func `the pieces in which a body comes do not matter`(size: Int) throws {
        #expect(try read(Self.message, sizes: [size]) == Self.parts)
    }

    @Test func `a body may be split anywhere`() throws {
        for split in 1..<Self.message.count {
            #expect(try read(Self.message, sizes: [split, .max]) == Self.parts, "split at \(split)")
        }
    }

    @Test func `a body may be split anywhere into three`() throws {
        for first in 1..<Self.message.count {
            #expect(try read(Self.message, sizes: [first, 1, .max]) == Self.parts, "split at \(first)")
        }
    }

    @Test func `a body that is cut anywhere before its end is refused`() throws {
        let end = Self.message.count - "epilogue\r\n--b\r\n".utf8.count
        for length in 0..<end {
            #expect(throws: Failure.missingEnd, "cut at \(length)") { try read([UInt8](Self.message[..<length])) }
        }
        #expect(try read([UInt8](Self.message[..<end])) == Self.parts)
    }

    @Test func `a body that cannot be read passes its error on`() {
        let message = Self.message

        #expect(throws: Failure.body(ConnectionLost())) { try read([UInt8](message[..<100]), failing: true) }
        #expect(throws: Failure.body(ConnectionLost())) { try read(message, failing: true) }
    }

    @Test(arguments: ["--b--", "--b--\r\n", "preamble\r\n--b--", "\r\n--b--epilogue"])
    func `a form without fields has no parts`(body: String) throws {
        #expect(try read(body) == [])
    }

    @Test func `parts that nobody reads are skipped`() throws {
        var reader = try MultipartReader(boundary: "b", read: pieces(of: Self.message, sizes: [7]))

        var names: [String] = []
        while let part = try reader.nextPart() { names.append(part.name) }

        #expect(names == ["text", "file", "empty", "bare"])
        #expect(try reader.nextPart() == nil)
        #expect(try !reader.nextChunk())
    }

    @Test func `a part that is half read is skipped`() throws {
        var reader = try MultipartReader(boundary: "b", read: pieces(of: Self.message, sizes: [30]))

        _ = try reader.nextPart()
        _ = try reader.nextChunk()

        #expect(try reader.nextPart()?.name == "file")
    }

    @Test func `nothing shows before the first part`() throws {
        var reader = try MultipartReader(boundary: "b", read: pieces(of: Self.message, sizes: [.max]))

        #expect(try !reader.nextChunk())
        #expect(reader.withChunk { $0.count } == 0)
        #expect(try reader.nextPart()?.name == "text")
    }

    @Test func `the body is read to its end from anywhere`() throws {
        var unread = Self.message[...]
        var reader = try MultipartReader<Never>(boundary: "b") { buffer in
            let piece = unread.prefix(min(buffer.count, 50))
            buffer.copyBytes(from: piece)
            unread = unread.dropFirst(piece.count)
            return piece.count
        }

        _ = try reader.nextPart()
        try reader.readToEnd()

        #expect(unread.isEmpty)
        #expect(try reader.nextPart() == nil)
    }

    @Test(arguments: [
        "\r\n--bX", "\r\n--bX\r\n", "\r\n--b-", "\r\n--b-\r\n", "\r\n--b x\r\n", "\r\n--b \rx", "\r\n-b", "\r\n-",
        "\r\n",
        "\n--b\n", "\n--b--", "\r--b\r\n", "x--b\r\n", "\r\n --b\r\n", "\r\r\n\r\r", "\r\n\r\n", "\r\n--\r\n--",
        "\r\n--b --",
    ])
    func `what only looks like a delimiter is content`(content: String) throws {
        #expect(try read(body("x" + content)) == [ReadPart("a", "x" + content)])
        #expect(try read(body("x" + content + content + "y")) == [ReadPart("a", "x" + content + content + "y")])
    }

    @Test func `64 parts are accepted and 65 refused`() throws {
        let part = "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n"

        #expect(try read(String(repeating: part, count: 64) + "--b--").count == 64)
        #expect(throws: Failure.tooManyParts) { try read(String(repeating: part, count: 65) + "--b--") }
    }

    @Test(arguments: [[1], [3000], [.max]])
    func `8 KiB of headers are accepted and a byte more refused`(sizes: [Int]) throws {
        let disposition = "Content-Disposition: form-data; name=a\r\nX: "
        let filler = String(repeating: "x", count: 8192 - disposition.utf8.count)

        #expect(try read([UInt8](body(headers: disposition + filler).utf8), sizes: sizes) == [ReadPart("a", "")])
        #expect(throws: Failure.headersTooLarge) {
            try read([UInt8](body(headers: disposition + filler + "x").utf8), sizes: sizes)
        }
    }

    @Test func `headers without end are refused before the body ends`() {
        let endless = [UInt8]("--b\r\nX: ".utf8) + [UInt8](repeating: UInt8(ascii: "x"), count: 100_000)

        #expect(throws: Failure.headersTooLarge) { try read(endless, sizes: [100]) }
    }

    @Test(arguments: [
        "b", "'()+_,-./:=? 0aZ", String(repeating: "x", count: 200), "----WebKitFormBoundary7MA4YWxkTrZu0gW", "*****",
        "====================", "gL/9oQx", "a\"b", "a;b", "a\\b", "{~}", " b", "b ", " ", "-", "--",
        String(repeating: "-", count: 80),
    ])
    func `a boundary of 1 to 200 printable characters is accepted`(boundary: String) throws {
        let head = "\r\nContent-Disposition: form-data; name=a\r\n\r\n"
        let content = "x\r\n-\r\n--\r\n--y"

        #expect(try read("--\(boundary)--", boundary: boundary) == [])
        #expect(
            try read("--\(boundary)\(head)\(content)\r\n--\(boundary)--", boundary: boundary)
                == [ReadPart("a", content)])
    }

    @Test(arguments: ["", "a\r\nb", "a\tb", "a\u{7F}", "é", String(repeating: "x", count: 201)])
    func `any other boundary is refused`(boundary: String) {
        #expect(throws: Failure.malformed("the boundary is not 1 to 200 printable characters")) {
            try read("--\(boundary)--", boundary: boundary)
        }
    }

    @Test func `blanks behind a delimiter are padding, up to 128`() throws {
        let headers = "\r\nContent-Disposition: form-data; name=a\r\n\r\n"
        let padding = String(repeating: " \t", count: 64)

        #expect(try read("--b\(padding)\(headers)\r\n--b--") == [ReadPart("a", "")])
        #expect(try read("--b\(headers)x\r\n--b\(padding) \r\n--b--") == [ReadPart("a", "x\r\n--b\(padding) ")])
    }

    @Test func `a text is collected up to its limit`() throws {
        func text(_ content: String, atMost limit: Int) throws(Failure) -> String {
            var reader = try MultipartReader(boundary: "b", read: pieces(of: [UInt8](body(content).utf8), sizes: [2]))
            _ = try reader.nextPart()
            return try reader.text(atMost: limit)
        }

        #expect(try text("注册", atMost: 6) == "注册")
        #expect(try text("", atMost: 0) == "")
        #expect(throws: Failure.fieldTooLarge) { try text("注册!", atMost: 6) }
    }

    @Test func `what nearly is a delimiter, again and again, costs no more than other content`() throws {
        let boundary = String(repeating: "=", count: 200)
        let nearly = "\r\n--" + String(repeating: "=", count: 199)
        let head = "--\(boundary)\r\nContent-Disposition: form-data; name=a; filename=a\r\n\r\n"
        let message = [UInt8](
            (head + String(repeating: nearly, count: 30_000) + "\r\n--\(boundary)--").utf8)
        var reader = try MultipartReader(boundary: boundary, read: pieces(of: message, sizes: [.max]))

        let time = try processorTime {
            _ = try reader.nextPart()
            while try reader.nextChunk() {}
        }

        #expect(time < .seconds(10))
    }

    @Test func `a text that is not UTF-8 is refused`() throws {
        let message = [UInt8](body("é").utf8).filter { $0 != 0xC3 }
        var reader = try MultipartReader(boundary: "b", read: pieces(of: message, sizes: [.max]))

        _ = try reader.nextPart()

        #expect(throws: Failure.malformed("a text field is not UTF-8")) { try reader.text(atMost: 10) }
    }

    @Test func `100 MB go through one buffer of 64 KiB`() throws {
        let block = [UInt8]((0..<65_500).map { UInt8(truncatingIfNeeded: $0 &* 7 ^ $0 >> 8) }) + [UInt8]("\r\n--x".utf8)
        var blocksLeft = 100_000_000 / block.count
        var source = [UInt8]("--xyz\r\nContent-Disposition: form-data; name=f; filename=f\r\n\r\n".utf8)[...]
        var hasEnded = false
        var lowest = UInt.max
        var highest = UInt.min
        var reader = try MultipartReader<Never>(boundary: "xyz") { buffer in
            let start = UInt(bitPattern: buffer.baseAddress)
            lowest = min(lowest, start)
            highest = max(highest, start + UInt(buffer.count))
            if source.isEmpty, !hasEnded {
                hasEnded = blocksLeft == 0
                source = hasEnded ? [UInt8]("\r\n--xyz--".utf8)[...] : block[...]
                blocksLeft -= 1
            }
            let piece = source.prefix(buffer.count)
            buffer.copyBytes(from: piece)
            source = source.dropFirst(piece.count)
            return piece.count
        }

        let part = try reader.nextPart()
        var bytes = 0
        while try reader.nextChunk() { bytes += reader.withChunk { $0.count } }

        #expect(part?.filename == .given)
        #expect(bytes == 99_960_630)
        #expect(try reader.nextPart() == nil)
        #expect(highest - lowest <= 64 << 10)
    }
}
