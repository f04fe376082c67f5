/// Who makes a call.
package enum Actor: Sendable, Equatable {
    /// A client, by the address that nginx saw.
    case client(address: String)
    /// Whoever runs the `homeroom` command, by the name of the machine's user.
    case `operator`(name: String)
    case unknown

    /// A client's address, where it can be one: at most as long as an IPv6 address with an IPv4 address in it.
    var address: String? {
        guard case .client(let address) = self, (1...45).contains(address.utf8.count),
            address.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else { return nil }
        return address
    }
}
