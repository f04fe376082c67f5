/// Who may read the list of all accounts (contract 3).
package enum ListReaders: String, Sendable, CaseIterable {
    /// Whoever is signed in, as the document has it.
    case all
    /// Teachers, mentors and staff.
    case staff

    func include(_ account: Account) -> Bool {
        self == .all || account.role != .student || account.isStaff || account.isSuperuser
    }
}
