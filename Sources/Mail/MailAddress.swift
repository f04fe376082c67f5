import CIDN2

/// What mail servers know of an address that people write in their own script.
package enum MailAddress {
    /// The domain as its A-labels: `xn--mnchen-3ya.de` for `München.de`. (RFC 5891 §5, UTS #46 non-transitional)
    ///
    /// nil when it has a character that no domain has, or a label that is none by IDNA 2008. One without such labels is
    /// only brought to lower case; whether it is a domain at all is not looked at.
    package static func asciiDomain(_ domain: some StringProtocol) -> String? {
        // A domain has at most 253 bytes; in another spelling, with marks apart from their letters, some more.
        guard domain.utf8.count <= longestDomain else { return nil }
        guard domain.utf8.allSatisfy({ $0 >= 0x80 || isDomainByte($0) }) else { return nil }
        let lowered = String(decoding: domain.utf8.map(lowercased), as: UTF8.self)
        if lowered.utf8.allSatisfy({ $0 < 0x80 }), !lowered.contains("xn--") { return lowered }
        var found: UnsafeMutablePointer<UInt8>?
        let code = idn2_lookup_u8(Array(lowered.utf8) + [0], &found, Int32(IDN2_NONTRANSITIONAL.rawValue))
        guard code == IDN2_OK.rawValue, let found else { return nil }
        defer { idn2_free(found) }
        let labels = String(cString: found)
        return labels.utf8.allSatisfy(isDomainByte) ? labels : nil
    }

    /// The address as it stands in headers and is given to a mail server: the domain in A-labels.
    static func sent(_ address: String) -> String {
        guard let at = address.unicodeScalars.lastIndex(of: "@") else { return address }
        let start = address.unicodeScalars.index(after: at)
        return asciiDomain(address[start...]).map { address[..<start] + $0 } ?? address
    }

    /// Whether the part before the `@` is ASCII. Any other takes a server with SMTPUTF8. (RFC 6531)
    static func isPlain(_ address: String) -> Bool {
        address.utf8.prefix { $0 != UInt8(ascii: "@") }.allSatisfy { $0 < 0x80 }
    }

    private static let longestDomain = 1024

    private static func isDomainByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."):
            true
        default: false
        }
    }

    private static func lowercased(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }
}
