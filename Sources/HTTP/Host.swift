import Glibc

/// What a request's Host may be: a name or an address, and a port (RFC 9110 §7.2).
///
/// Links are made of it, so nothing else may stand in it, though RFC 3986 §3.2.2 would let much through.
package enum Host {
    /// `school.example`, `10.0.0.7:8000`, `[fe80::1]:8000`.
    package static func isValid(_ text: String) -> Bool {
        // A name of 253 bytes, its final dot, a port.
        guard text.utf8.count <= 260 else { return false }
        var text = text
        return text.withUTF8 { isValid($0) }
    }

    private static func isValid(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        let end: Int
        if bytes.first == UInt8(ascii: "[") {
            guard let bracket = bytes.firstIndex(of: UInt8(ascii: "]")), isIPv6Address(bytes[1..<bracket]) else {
                return false
            }
            end = bracket + 1
        } else {
            end = bytes.firstIndex(of: UInt8(ascii: ":")) ?? bytes.endIndex
            guard isName(bytes[..<end]) else { return false }
        }
        return end == bytes.endIndex || bytes[end] == UInt8(ascii: ":") && isPort(bytes[(end + 1)...])
    }

    /// Labels of letters, digits, `-` and `_`, which machines in their own network have, as an IPv4 address has too; the
    /// last dot may be the end.
    private static func isName(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
        let bytes = bytes.last == UInt8(ascii: ".") ? bytes.dropLast() : bytes
        guard bytes.count <= 253 else { return false }
        // In place: each request has a Host.
        var label = 0
        for byte in bytes {
            if byte == UInt8(ascii: ".") {
                guard 1...63 ~= label else { return false }
                label = 0
            } else {
                guard
                    isDigit(byte) || UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte | 0x20 || byte == UInt8(ascii: "-")
                        || byte == UInt8(ascii: "_")
                else { return false }
                label += 1
            }
        }
        return 1...63 ~= label
    }

    private static func isIPv6Address(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
        guard bytes.count < Int(INET6_ADDRSTRLEN), !bytes.contains(0) else { return false }
        var address = in6_addr()
        return inet_pton(AF_INET6, String(decoding: bytes, as: UTF8.self), &address) == 1
    }

    private static func isPort(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
        1...5 ~= bytes.count && bytes.allSatisfy(isDigit)
            && UInt16(String(decoding: bytes, as: UTF8.self)) != nil
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte
    }
}
