import Database

/// Which accounts a list asks for, as it came.
package struct ListQuery: Sendable {
    /// Only accounts with this role.
    package var role: Entry
    /// 1 to 1000 accounts; absent for all.
    package var limit: Entry
    /// Only accounts with a higher id.
    package var after: Entry

    package static let limits = 1...1000
    static let starts = 0...Int.max

    /// A list by these values of a query; absent ones do not narrow it.
    package init(role: Entry, limit: Entry, after: Entry) {
        self.role = role
        self.limit = limit
        self.after = after
    }
}

/// A list of accounts in the order of their ids, read page by page: its memory does not grow with its length.
package final class AccountPages {
    private static let pageSize: Int64 = 500

    private let database: Connection
    /// As they were asked for.
    package let role: Role?
    /// As it was asked for; nil for all.
    package let limit: Int64?
    private var last: UInt64
    private var left: Int64
    private var page: ArraySlice<Account>
    /// The id to go on after, when the limit cut the list.
    package let next: UInt64?

    fileprivate init(_ database: Connection, role: Role?, after: UInt64, limit: Int64?) throws(DatabaseError) {
        self.database = database
        self.role = role
        self.limit = limit
        last = after
        left = limit ?? .max
        // One more than the limit tells whether there is more.
        let first = min(limit.map { $0 + 1 } ?? AccountPages.pageSize, 1001)
        var accounts = try database.rows(AccountsAfter(after: after, role: role, limit: first))
        if let limit, accounts.count > limit {
            accounts.removeLast()
            next = accounts.last?.id
        } else {
            next = nil
        }
        if limit != nil { left = Int64(accounts.count) }
        page = accounts[...]
    }

    /// The next account; nil behind the last.
    package func nextAccount() throws(AccountsError) -> Account? {
        guard left > 0 else { return nil }
        if page.isEmpty {
            do throws(DatabaseError) {
                let limit = min(left, AccountPages.pageSize)
                page = try database.rows(AccountsAfter(after: last, role: role, limit: limit))[...]
            } catch {
                throw .refused(.unavailable)
            }
        }
        guard let account = page.popFirst() else { return nil }
        left -= 1
        last = account.id
        return account
    }
}

extension Accounts {
    /// - Parameter reader: who asks; nil for an operator.
    package func list(_ query: ListQuery, for reader: Account?) throws(AccountsError) -> AccountPages {
        if let reader, !dependencies.settings.listReaders.include(reader) { throw .refused(.forbidden) }
        var validation = Validation()
        let role = validation.role(query.role == .absent ? nil : query.role)
        let limit = validation.number(query.limit, .limit, in: ListQuery.limits)
        let after = validation.number(query.after, .after, in: ListQuery.starts)
        try validation.refuseIfAny()
        return try refusing { () throws(DatabaseError) in
            try AccountPages(database, role: role, after: UInt64(after ?? 0), limit: limit.map(Int64.init))
        }
    }
}

extension Validation {
    /// A whole number of a query; nil where there is none.
    mutating func number(_ entry: Entry, _ field: Field, in range: ClosedRange<Int>) -> Int? {
        guard let text = optional(entry, field) else { return nil }
        guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let number = Int(text),
            range.contains(number)
        else {
            add(field, .notANumber(range))
            return nil
        }
        return number
    }
}
