/// Who makes a call.
package enum Actor: Sendable, Equatable {
    /// A client, by the address that nginx saw.
    case client(address: String)
    /// Whoever runs the `homeroom` command, by the name of the machine's user.
    case `operator`(name: String)
    case unknown
}
