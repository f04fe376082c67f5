/// A cookie for the browser to keep, and the reading of those it sends (RFC 6265).
package struct Cookie: Sendable, Equatable {
    package let name: String
    package let value: String
    /// Seconds; 0 removes the cookie, nil keeps it until the browser closes.
    package let maxAge: Int?
    package let path: String
    /// Only sent over https.
    package let isSecure: Bool
    /// Hidden from scripts.
    package let isHTTPOnly: Bool
    package let sameSite: SameSite

    package enum SameSite: String, Sendable {
        case strict = "Strict"
        case lax = "Lax"
        case none = "None"
    }

    /// nil unless the name is a token, and value and path are free of what ends them (RFC 6265 §4.1.1).
    package init?(
        name: String, value: String, maxAge: Int? = nil, path: String = "/", isSecure: Bool = true,
        isHTTPOnly: Bool = true, sameSite: SameSite = .lax
    ) {
        guard HeaderText.isToken(name.utf8), value.utf8.allSatisfy(Self.isValueByte),
            path.utf8.allSatisfy({ HeaderText.isPrintable($0) && $0 != UInt8(ascii: ";") })
        else { return nil }
        self.name = name
        self.value = value
        self.maxAge = maxAge
        self.path = path
        self.isSecure = isSecure
        self.isHTTPOnly = isHTTPOnly
        self.sameSite = sameSite
    }

    /// The value of Set-Cookie: `session=abc; Max-Age=60; Path=/; Secure; HttpOnly; SameSite=Lax`
    package var header: String {
        var header = "\(name)=\(value)"
        if let maxAge { header += "; Max-Age=\(maxAge)" }
        header += "; Path=\(path)"
        if isSecure { header += "; Secure" }
        if isHTTPOnly { header += "; HttpOnly" }
        return header + "; SameSite=\(sameSite.rawValue)"
    }

    /// How many values of a name are looked at.
    package static let most = 8

    /// The values of that name in the request's Cookie header, each once and without quotes around it, in their order, and
    /// at most `most` of them (RFC 6265 §5.4). Those that no cookie of ours can have are passed over.
    package static func values(named name: String, in header: String) -> [String] {
        var values: [String] = []
        for pair in header.utf8.split(separator: UInt8(ascii: ";")) where values.count < most {
            guard let equals = pair.firstIndex(of: UInt8(ascii: "=")),
                HeaderText.trimmed(pair[..<equals]).elementsEqual(name.utf8)
            else { continue }
            let bytes = unquoted(HeaderText.trimmed(pair[pair.index(after: equals)...]))
            guard !bytes.isEmpty, bytes.allSatisfy(isValueByte) else { continue }
            let value = String(Substring(bytes))
            if !values.contains(value) { values.append(value) }
        }
        return values
    }

    private static func unquoted(_ text: Substring.UTF8View) -> Substring.UTF8View {
        let quote = UInt8(ascii: "\"")
        guard text.count >= 2, text.first == quote, text.last == quote else { return text }
        return text.dropFirst().dropLast()
    }

    /// cookie-octet of RFC 6265 §4.1.1.
    private static func isValueByte(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x21, 0x23...0x2B, 0x2D...0x3A, 0x3C...0x5B, 0x5D...0x7E: true
        default: false
        }
    }
}
