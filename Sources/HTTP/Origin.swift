import Glibc

/// What browsers call the place that a page comes from: scheme, host and port, as the HTML standard writes them.
package struct Origin: Sendable, Hashable {
    /// `https://app.school.example`, `http://localhost:3000`, `http://[::1]:8080`.
    package let text: String

    /// What is no origin, in words for an operator.
    package enum Fault: Error, Sendable, Equatable, CustomStringConvertible {
        /// `*`, alone or in a name.
        case wildcard
        /// `null`.
        case opaque
        /// `spelling`: how a browser would write what was meant; nil where that cannot be told.
        case malformed(spelling: String?)

        package var description: String {
            switch self {
            case .wildcard: "would let in pages of whoever likes. Name each origin, e.g. https://app.school.example"
            case .opaque:
                "is what browsers call files and sandboxed frames of whoever likes. Serve the page by HTTP and name that "
                    + "origin, e.g. http://localhost:3000"
            case .malformed(let spelling?): "is not written as browsers write it. Write \(spelling)"
            case .malformed(nil): "is no origin. Write scheme and host as browsers do, e.g. https://app.school.example"
            }
        }
    }

    /// In bytes: a scheme, a host's 253 letters and its final dot, a port.
    package static let longest = 268

    /// Takes what a browser sends as `Origin`, byte for byte, and nothing else: it is compared with that.
    package init(_ text: String) throws(Fault) {
        guard text.lowercased() != "null" else { throw .opaque }
        guard !text.utf8.contains(UInt8(ascii: "*")) else { throw .wildcard }
        let spelling = Origin.spelling(of: text)
        guard spelling == text else { throw .malformed(spelling: spelling) }
        self.text = text
    }

    private static let defaultPorts = ["http": 80, "https": 443]

    /// How a browser would write the origin of an address; without a scheme it is taken for https.
    private static func spelling(of address: String) -> String? {
        guard address.utf8.count <= 1024, address.utf8.allSatisfy({ 0x21...0x7E ~= $0 }) else { return nil }
        let halves = address.lowercased().split(separator: "://", maxSplits: 1, omittingEmptySubsequences: false)
        let scheme = halves.count == 2 ? String(halves[0]) : "https"
        guard let defaultPort = defaultPorts[scheme], let rest = halves.last else { return nil }
        let authority = rest.prefix { !"/?#\\".contains($0) }
        let place = authority.split(separator: "@", omittingEmptySubsequences: false).last ?? ""
        let bracket = place.lastIndex(of: "]") ?? place.startIndex
        let colon = place[bracket...].firstIndex(of: ":") ?? place.endIndex
        guard let host = host(place[..<colon]) else { return nil }
        let digits = place[colon...].dropFirst()
        guard !digits.isEmpty else { return "\(scheme)://\(host)" }
        guard digits.utf8.count <= 5, let port = UInt16(digits), port > 0 else { return nil }
        return Int(port) == defaultPort ? "\(scheme)://\(host)" : "\(scheme)://\(host):\(port)"
    }

    /// A name as it is, an address in its one form.
    private static func host(_ text: Substring) -> String? {
        let host = String(text)
        guard Host.isValid(host) else { return nil }
        if host.hasPrefix("[") {
            var address = in6_addr()
            guard inet_pton(AF_INET6, String(host.dropFirst().dropLast()), &address) == 1 else { return nil }
            var written = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
            guard let form = inet_ntop(AF_INET6, &address, &written, socklen_t(written.count)) else { return nil }
            let canonical = String(cString: form)
            // Where inet_ntop writes an IPv4 address into it, browsers write hexadecimal.
            return canonical.contains(".") ? nil : "[\(canonical)]"
        }
        // A browser takes a host whose last label is a number for an IPv4 address, whatever its form.
        let last = host.split(separator: ".").last ?? ""
        guard last.allSatisfy(\.isNumber) || last.hasPrefix("0x") else { return host }
        var address = in_addr()
        return inet_pton(AF_INET, host, &address) == 1 ? host : nil
    }
}
