extension JSON {
    /// Reads one JSON text, strictly by RFC 8259: UTF-8, no byte order mark, nothing after the value.
    ///
    /// `maximumDepth` counts open `[` and `{`; each level is a stack frame. Members with a repeated name are all kept.
    /// Time is linear in the bytes, whatever they are.
    package static func parse(_ bytes: Span<UInt8>, maximumDepth: Int = 32) throws(ParseError) -> JSON {
        var parser = Parser(levelsLeft: maximumDepth)
        let value = try parser.value(in: bytes)
        guard parser.next(in: bytes) == nil else { throw parser.error(.trailingBytes) }
        return value
    }

    /// Reads one JSON value that takes up all of the bytes.
    package static func parse(_ bytes: [UInt8], maximumDepth: Int = 32) throws(ParseError) -> JSON {
        try parse(bytes.span, maximumDepth: maximumDepth)
    }
}

/// How far the bytes are read. They come with every call, because a span cannot be stored.
struct Parser {
    var position = 0
    private var levelsLeft: Int

    init(levelsLeft: Int) {
        self.levelsLeft = levelsLeft
    }

    mutating func value(in bytes: Span<UInt8>) throws(JSON.ParseError) -> JSON {
        guard let byte = next(in: bytes) else { throw error(.valueExpected) }
        return switch byte {
        case UInt8(ascii: "{"): try object(in: bytes)
        case UInt8(ascii: "["): try array(in: bytes)
        case UInt8(ascii: "\""): .string(try string(in: bytes))
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try number(in: bytes)
        case UInt8(ascii: "t"): try word("true", meaning: true, in: bytes)
        case UInt8(ascii: "f"): try word("false", meaning: false, in: bytes)
        case UInt8(ascii: "n"): try word("null", meaning: nil, in: bytes)
        default: throw error(.valueExpected)
        }
    }

    /// The first byte that is not blank, not yet taken; nil at the end.
    mutating func next(in bytes: Span<UInt8>) -> UInt8? {
        while position < bytes.count {
            let byte = bytes[position]
            switch byte {
            case UInt8(ascii: " "), UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: "\t"): position += 1
            default: return byte
            }
        }
        return nil
    }

    func error(_ reason: JSON.ParseError.Reason, at offset: Int? = nil) -> JSON.ParseError {
        JSON.ParseError(reason, at: offset ?? position)
    }

    private mutating func object(in bytes: Span<UInt8>) throws(JSON.ParseError) -> JSON {
        try descend()
        var members: [JSON.Member] = []
        if next(in: bytes) != UInt8(ascii: "}") {
            repeat {
                guard next(in: bytes) == UInt8(ascii: "\"") else { throw error(.nameExpected) }
                let name = try string(in: bytes)
                guard next(in: bytes) == UInt8(ascii: ":") else { throw error(.colonExpected) }
                position += 1
                members.append(JSON.Member(name: name, value: try value(in: bytes)))
            } while try continues(until: UInt8(ascii: "}"), in: bytes)
        }
        ascend()
        return .object(JSON.Object(members))
    }

    private mutating func array(in bytes: Span<UInt8>) throws(JSON.ParseError) -> JSON {
        try descend()
        var elements: [JSON] = []
        if next(in: bytes) != UInt8(ascii: "]") {
            repeat {
                elements.append(try value(in: bytes))
            } while try continues(until: UInt8(ascii: "]"), in: bytes)
        }
        ascend()
        return .array(elements)
    }

    /// Takes the opening bracket.
    private mutating func descend() throws(JSON.ParseError) {
        guard levelsLeft > 0 else { throw error(.tooDeep) }
        levelsLeft -= 1
        position += 1
    }

    /// Takes the closing bracket.
    private mutating func ascend() {
        levelsLeft += 1
        position += 1
    }

    /// Takes a comma; false, and nothing taken, at the closing bracket.
    private mutating func continues(until closing: UInt8, in bytes: Span<UInt8>) throws(JSON.ParseError) -> Bool {
        switch next(in: bytes) {
        case closing:
            return false
        case UInt8(ascii: ","):
            position += 1
            return true
        default:
            throw error(.commaExpected)
        }
    }

    private mutating func word(
        _ word: String, meaning value: JSON, in bytes: Span<UInt8>
    ) throws(JSON.ParseError) -> JSON {
        let start = position
        for byte in word.utf8 {
            guard position < bytes.count, bytes[position] == byte else { throw error(.valueExpected, at: start) }
            position += 1
        }
        return value
    }
}
