import HTTP

extension FuzzTarget {
    /// One byte less than how many come at a time, then a body with the boundary `X`.
    static let multipart = FuzzTarget(name: "multipart") { bytes throws(Broken) in
        let body = Array(bytes.dropFirst())

        let whole = Outcome(body, pieces: body.count + 1)
        // A broken byte of a name becomes a character of three.
        try require(whole.length <= 3 * body.count, "\(whole.length) bytes came out of \(body.count)")
        let cut = Outcome(body, pieces: Int(bytes.first ?? 0) + 1)
        try require(cut == whole, "cut into pieces it reads as \(cut), whole as \(whole)")
        let skipped = Outcome(body, pieces: body.count + 1, skipping: true)
        try require(skipped.parts == whole.parts, "skipping contents shows \(skipped.parts), not \(whole.parts)")
        try require(skipped.failure == whole.failure, "skipping contents ends otherwise")
    }

    /// The value of a part's Content-Disposition.
    static let disposition = FuzzTarget(name: "disposition") { bytes throws(Broken) in
        guard let part = part(disposition: bytes) else { return }

        // A broken byte becomes a character of three.
        try require(part.name.utf8.count <= 3 * bytes.count, "\(part.name.utf8.count) bytes came out of \(bytes.count)")
        let written = #"form-data; name="\#(escaped(part.name))""#
        let filename =
            switch part.filename {
            case .absent: ""
            case .empty: #"; filename="""#
            case .given: #"; filename="a""#
            }
        let again = FuzzTarget.part(disposition: Array((written + filename).utf8))
        try require(again?.name == part.name && again?.filename == part.filename, "as a browser writes it, it differs")
    }

    /// nil when the header is not taken.
    private static func part(disposition: [UInt8]) -> Part? {
        let head = Array("--X\r\nContent-Disposition: ".utf8)
        return Outcome(head + disposition + Array("\r\n\r\n\r\n--X--".utf8), pieces: Int.max).parts.first
    }

    private static func escaped(_ text: String) -> String {
        text.unicodeScalars.map { scalar in
            switch scalar {
            case "\"": "%22"
            case "\r": "%0D"
            case "\n": "%0A"
            case "\\": #"\\"#
            default: String(scalar)
            }
        }.joined()
    }
}

/// What a reader makes of a body.
private struct Outcome: Equatable {
    var parts: [Part] = []
    var contents: [[UInt8]] = []
    var failure: MultipartError<Never>?

    init(_ body: [UInt8], pieces: Int, skipping: Bool = false) {
        var rest = body[...]
        do throws(MultipartError<Never>) {
            var reader = try MultipartReader(boundary: "X") { (buffer: UnsafeMutableRawBufferPointer) throws(Never) in
                let piece = rest.prefix(min(buffer.count, pieces))
                buffer.copyBytes(from: piece)
                rest = rest.dropFirst(piece.count)
                return piece.count
            }
            while let part = try reader.nextPart() {
                parts.append(part)
                guard !skipping else { continue }
                contents.append([])
                while try reader.nextChunk() { reader.withChunk { contents[contents.count - 1] += $0 } }
            }
            try reader.readToEnd()
        } catch {
            failure = error
        }
    }

    /// Of all that came out, in bytes.
    var length: Int {
        contents.reduce(0) { $0 + $1.count }
            + parts.reduce(0) { $0 + $1.name.utf8.count }
    }
}
