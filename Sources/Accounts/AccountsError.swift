import Database

/// Why a function of `Accounts` did not do what it was called for.
package enum AccountsError: Error, Sendable {
    /// Whoever called is told why, in the words of the contract.
    case refused(Refusal)
    /// A mistake of ours; the text is for the log, or for whoever runs the command.
    case fault(String)
}

extension AccountsError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .refused(let refusal): "\(refusal)"
        case .fault(let text): "fault(\"\(text)\")"
        }
    }
}

extension AccountsError {
    init(_ error: DatabaseError) {
        switch error {
        case .unavailable, .contention: self = .refused(.unavailable)
        case .duplicate, .missingReference, .failed: self = .fault(error.description)
        }
    }
}
