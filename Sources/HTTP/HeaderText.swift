/// The bytes that header fields are made of (RFC 9110 §5.6).
package enum HeaderText {
    /// §5.6.2.
    static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "!"), UInt8(ascii: "#")...UInt8(ascii: "'"),
            UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."),
            UInt8(ascii: "^")...UInt8(ascii: "`"), UInt8(ascii: "|"), UInt8(ascii: "~"):
            true
        default: false
        }
    }

    static func isToken(_ text: some Collection<UInt8>) -> Bool {
        !text.isEmpty && text.allSatisfy(isTokenByte)
    }

    /// The members of a list such as `authorization, content-type`; nil where one is no token. Empty ones are passed over.
    /// §5.6.1.
    package static func tokens(in list: String) -> [Substring]? {
        var tokens: [Substring] = []
        for member in list.utf8.split(separator: UInt8(ascii: ",")) {
            let token = trimmed(member)
            if token.isEmpty { continue }
            guard isToken(token) else { return nil }
            tokens.append(Substring(token))
        }
        return tokens
    }

    /// A letter, digit, sign or space of ASCII.
    static func isPrintable(_ byte: UInt8) -> Bool {
        0x20...0x7E ~= byte
    }

    static func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
    }

    /// Without blanks at both ends.
    static func trimmed<Bytes: BidirectionalCollection<UInt8>>(_ text: Bytes) -> Bytes.SubSequence {
        let start = text.firstIndex { !isBlank($0) } ?? text.endIndex
        let end = text[start...].lastIndex { !isBlank($0) }.map { text.index(after: $0) } ?? start
        return text[start..<end]
    }
}

/// A header's `name=value`; the name in lower case, the value without quotes and escapes.
struct Parameter: Sendable, Equatable {
    let name: String
    let value: [UInt8]

    /// Where a value in quotes ends.
    enum Quoting {
        /// At the next quote without a backslash before it. RFC 9110 §5.6.4.
        case escaped
        /// At the next quote that a semicolon or the end follows. File names come with quotes that nothing escapes, and
        /// with backslashes that escape nothing: `"C:\new\a "b" c.png"`.
        case loose
    }

    /// All that stands behind a header's first semicolon, `name=value; name="value"`, read as web frameworks read it: what
    /// is no `name=` is passed over, and a value without quotes goes on to the next semicolon. Time is linear.
    static func all(in text: ArraySlice<UInt8>, _ quoting: Quoting) -> [Parameter] {
        var parameters: [Parameter] = []
        var rest = text
        // Where one quote has no other to end it, no later one has.
        var isQuoteOpen = false
        while !rest.isEmpty {
            let stop = rest.firstIndex { $0 == UInt8(ascii: ";") || $0 == UInt8(ascii: "=") } ?? rest.endIndex
            let name = HeaderText.trimmed(rest[..<stop])
            guard stop < rest.endIndex, rest[stop] == UInt8(ascii: "=") else {
                rest = rest[stop...].dropFirst()
                continue
            }
            rest = rest[stop...].dropFirst().drop(while: HeaderText.isBlank)
            var quoted: ArraySlice<UInt8>?
            if rest.first == UInt8(ascii: "\""), !isQuoteOpen {
                if let quote = closingQuote(of: rest, quoting) {
                    quoted = rest[..<quote].dropFirst()
                    rest = rest[quote...]
                } else {
                    isQuoteOpen = true
                }
            }
            let end = rest.firstIndex(of: UInt8(ascii: ";")) ?? rest.endIndex
            let value = quoted.map { unescaped($0, quoting) } ?? Array(HeaderText.trimmed(rest[..<end]))
            if !name.isEmpty {
                parameters.append(Parameter(name: String(decoding: name, as: UTF8.self).lowercased(), value: value))
            }
            rest = rest[end...].dropFirst()
        }
        return parameters
    }

    /// nil when nothing ends the value, which begins with a quote.
    private static func closingQuote(of value: ArraySlice<UInt8>, _ quoting: Quoting) -> Int? {
        var index = value.startIndex + 1
        while index < value.endIndex {
            switch (value[index], quoting) {
            case (UInt8(ascii: "\\"), .escaped):
                index += 1
            case (UInt8(ascii: "\""), .escaped):
                return index
            case (UInt8(ascii: "\""), .loose):
                let next = value[index...].dropFirst().first { !HeaderText.isBlank($0) }
                if next == nil || next == UInt8(ascii: ";") { return index }
            default: break
            }
            index += 1
        }
        return nil
    }

    /// Without the backslash before each byte, or, where file names come, before quotes and backslashes alone.
    private static func unescaped(_ text: ArraySlice<UInt8>, _ quoting: Quoting) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = text
        while let byte = rest.popFirst() {
            let isEscape =
                byte == UInt8(ascii: "\\")
                && (quoting == .escaped || rest.first == byte || rest.first == UInt8(ascii: "\""))
            bytes.append(isEscape ? rest.popFirst() ?? byte : byte)
        }
        return bytes
    }
}
