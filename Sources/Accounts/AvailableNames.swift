import Database

extension Accounts {
    /// Which of a username and an email, `.username` and `.email`, other accounts have or can have back.
    ///
    /// - Parameter own: the account that may have them.
    func takenNames(
        _ username: Username?, _ email: EmailAddress?, except own: UInt64? = nil
    ) throws(AccountsError) -> Set<Field> {
        guard username != nil || email != nil else { return [] }
        let query = TakenNames(
            usernameKey: username?.canonical.key ?? "", emailKey: email?.canonical.key ?? "", now: now)
        let rows = try refusing { () throws(DatabaseError) in try database.rows(query) }.filter { $0.id != own }
        var taken: Set<Field> = []
        if rows.contains(where: \.isUsername) { taken.insert(.username) }
        if rows.contains(where: \.isEmail) { taken.insert(.email) }
        return taken
    }

    /// The first free of `alice`, `alice2`, … `alice64` for `alice@school.example`; one further on when all are taken.
    ///
    /// It costs the same among a million of them as among ten: the 64 with one statement, then one look into the index for
    /// each number. The number is doubled until it is free; then half-way between the last that was taken and the first
    /// that was free, until they are neighbours: some 30 for a million. Numbers that became free in between stay so.
    func freeUsername(for email: EmailAddress) throws(AccountsError) -> Username {
        let base = Username.base(of: email)
        let candidates = NumberedNames(base: CanonicalName(base).key)
        let number = try refusing { () throws(DatabaseError) in
            let near = Set(try database.rows(TakenUsernames(keys: candidates.first)).map { Array($0.utf8) })
            if let index = candidates.first.firstIndex(where: { !near.contains(Array($0.utf8)) }) { return index + 1 }
            var taken = candidates.first.count
            var free = 2 * taken
            while try database.first(UsernameTaken(key: candidates[free])) != nil { (taken, free) = (free, 2 * free) }
            while free - taken > 1 {
                let middle = (taken + free) / 2
                if try database.first(UsernameTaken(key: candidates[middle])) != nil {
                    taken = middle
                } else {
                    free = middle
                }
            }
            return free
        }
        let text = number == 1 ? base : base + String(number)
        do throws(Rejection) {
            return try Username(text, length: 1...Username.longest)
        } catch {
            throw .fault("`\(text)` was made from an email and is no username")
        }
    }
}

/// The keys `alice`, `alice2`, `alice3`, …: no digit changes with what stands before it.
private struct NumberedNames {
    let base: String

    subscript(number: Int) -> String { number == 1 ? base : base + String(number) }

    /// As many as one statement asks for.
    var first: [String] { (1...TakenUsernames.count).map { self[$0] } }
}
