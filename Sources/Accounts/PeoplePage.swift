import Database
import Foundation

/// Which people a teacher or mentor asks for, as it came.
package struct PeopleQuery: Sendable {
    /// What the username, the full name or the address begins with.
    package var search: Entry
    /// Only accounts with this role.
    package var role: Entry
    /// 1 to 200 accounts; absent for 50.
    package var limit: Entry
    /// Only accounts with a higher id.
    package var after: Entry

    /// People by these values of a query; absent ones do not narrow it.
    package init(search: Entry, role: Entry, limit: Entry, after: Entry) {
        self.search = search
        self.role = role
        self.limit = limit
        self.after = after
    }

    /// How many are given at most.
    package static let limits = 1...200
    static let usualLimit = 50
    /// Code points that a search has at least and at most.
    package static let lengths = 2...254
}

/// A page of people in the order of their ids.
package struct PeoplePage: Sendable {
    package let accounts: [Account]
    /// As they were asked for; nil where they were not.
    package let search: String?
    package let role: Role?
    package let limit: Int
    /// The id to go on after; nil on the last page.
    package let next: UInt64?
}

extension Accounts {
    /// Active accounts, for teachers and mentors.
    package func people(_ query: PeopleQuery, for reader: Account) throws(AccountsError) -> PeoplePage {
        guard reader.role != .student else { throw .refused(.forbidden) }
        var validation = Validation()
        let search = validation.search(query.search)
        let role = validation.role(query.role == .absent || query.role == .text("") ? nil : query.role)
        let limit = validation.number(query.limit, .limit, in: PeopleQuery.limits) ?? PeopleQuery.usualLimit
        let after = UInt64(validation.number(query.after, .after, in: ListQuery.starts) ?? 0)
        try validation.refuseIfAny()
        // One more than the limit tells whether there is more.
        let range = PeopleRange(role: role, after: after, limit: Int64(limit) + 1)
        var accounts = try refusing { () throws(DatabaseError) -> [Account] in
            guard let search else { return try database.rows(People(range: range)) }
            let prefix = NamePrefix(
                key: CanonicalName.folded(search), text: search.precomposedStringWithCanonicalMapping)
            return try people(prefix, in: range)
        }
        let hasMore = accounts.count > limit
        if hasMore { accounts.removeLast() }
        return PeoplePage(
            accounts: accounts, search: search, role: role, limit: limit, next: hasMore ? accounts.last?.id : nil)
    }

    /// Few names are sorted by id. Of many, those in the first blocks of ids are, so that what is read hangs neither on how
    /// many there are nor on the role.
    private func people(_ prefix: NamePrefix, in range: PeopleRange) throws(DatabaseError) -> [Account] {
        if let count = try database.first(CountOfNames(prefix: prefix)), count < CountOfNames.few {
            return try database.rows(PeopleOfFewNames(prefix: prefix, range: range))
        }
        var found: [Account] = []
        var first = range.after / NextBlock.size
        while found.count < range.limit, let next = try database.first(NextBlock(first: first)) ?? nil {
            let rest = PeopleRange(role: range.role, after: range.after, limit: range.limit - Int64(found.count))
            found += try database.rows(PeopleInBlocks(first: next, prefix: prefix, range: rest))
            first = next + PeopleInBlocks.count
        }
        return found
    }
}

extension Validation {
    /// What names are to begin with; nil for nothing.
    fileprivate mutating func search(_ entry: Entry) -> String? {
        switch entry {
        case .absent, .null: return nil
        case .notText, .flag: add(.search, .notText)
        case .text(let text):
            // Measured before it is normalised.
            guard text.utf8.count <= 4 * PeopleQuery.lengths.upperBound else {
                add(.search, .tooLong(PeopleQuery.lengths.upperBound))
                return nil
            }
            let text = text.trimmed
            let count = text.unicodeScalars.count
            if text.isEmpty { return nil }
            if text.unicodeScalars.contains(where: \.isControl) { add(.search, .controlCharacter) }
            if count < PeopleQuery.lengths.lowerBound { add(.search, .tooShort(PeopleQuery.lengths.lowerBound)) }
            if count > PeopleQuery.lengths.upperBound { add(.search, .tooLong(PeopleQuery.lengths.upperBound)) }
            return text
        }
        return nil
    }
}
