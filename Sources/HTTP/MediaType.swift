/// A Content-Type, such as `multipart/form-data; boundary=x` (RFC 9110 §8.3.1).
package struct MediaType: Sendable, Equatable {
    /// Type and subtype in lower case: `application/json`.
    package let essence: String
    private let parameters: [Parameter]

    /// nil when the value is malformed.
    package init?(_ value: String) {
        var scanner = HeaderScanner(value)
        guard let type = scanner.token(), scanner.take(UInt8(ascii: "/")), let subtype = scanner.token(),
            let parameters = scanner.parameters(escapes: .anyCharacter)
        else { return nil }
        essence = "\(type)/\(subtype)".lowercased()
        self.parameters = parameters
    }

    /// The value of the first parameter of that name, which is given in lower case.
    package func parameter(_ name: String) -> String? {
        parameters.first { $0.name == name }?.value
    }
}

/// A header's `name=value`; the name in lower case, the value without quotes and escapes.
struct Parameter: Sendable, Equatable {
    let name: String
    let value: String
}

/// Reads the grammar that header values share (RFC 9110 §5.6).
struct HeaderScanner {
    /// What a backslash in a quoted string may stand before.
    enum Escapes {
        /// RFC 9110 §5.6.4.
        case anyCharacter
        /// Browsers send a backslash in a file's name as it is, older ones a whole path: `"C:\new\a.png"`.
        case quoteAndBackslash
    }

    private var rest: Substring.UTF8View

    init(_ value: String) {
        rest = value[...].utf8
        skipBlanks()
    }

    /// The next token; nil when there is none.
    mutating func token() -> String? {
        let token = rest.prefix(while: Self.isTokenByte)
        guard !token.isEmpty else { return nil }
        rest = rest[token.endIndex...]
        return String(Substring(token))
    }

    /// False, and nothing taken, when another byte is next.
    mutating func take(_ byte: UInt8) -> Bool {
        guard rest.first == byte else { return false }
        rest.removeFirst()
        return true
    }

    /// Everything to the end, as `; name=value; name="value"` (RFC 9110 §5.6.6); nil when it is not that.
    mutating func parameters(escapes: Escapes) -> [Parameter]? {
        var parameters: [Parameter] = []
        skipBlanks()
        while take(UInt8(ascii: ";")) {
            skipBlanks()
            // `;;` and a last `;` are allowed.
            guard let name = token() else { continue }
            guard take(UInt8(ascii: "=")), let value = token() ?? quotedString(escapes) else { return nil }
            parameters.append(Parameter(name: name.lowercased(), value: value))
            skipBlanks()
        }
        return rest.isEmpty ? parameters : nil
    }

    /// RFC 9110 §5.6.2.
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

    private mutating func skipBlanks() {
        rest = rest.drop(while: Self.isBlank)
    }

    private mutating func quotedString(_ escapes: Escapes) -> String? {
        guard take(UInt8(ascii: "\"")) else { return nil }
        var value: [UInt8] = []
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "\""):
                return String(validating: value, as: UTF8.self)
            case UInt8(ascii: "\\"):
                guard let next = rest.first, !Self.isControl(next) else { return nil }
                let isEscape = escapes == .anyCharacter || next == byte || next == UInt8(ascii: "\"")
                value.append(isEscape ? rest.removeFirst() : byte)
            case _ where Self.isControl(byte):
                return nil
            default:
                value.append(byte)
            }
        }
        return nil
    }

    static func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
    }

    /// What no header value may hold.
    static func isControl(_ byte: UInt8) -> Bool {
        byte == 0x7F || byte < 0x20 && byte != UInt8(ascii: "\t")
    }
}
