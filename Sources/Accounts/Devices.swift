import Database

/// The sessions of an account, as its owner sees and ends them.
extension Accounts {
    /// The caller's living sessions, newest first.
    package func devices(of caller: Caller) throws(AccountsError) -> [SessionSummary] {
        try sessions(of: caller.account).reversed()
    }

    /// Ends one of the caller's living sessions, the present one too.
    ///
    /// - Parameter id: 16 hexadecimal digits.
    package func endSession(_ id: Entry, of caller: Caller) throws(AccountsError) {
        guard case .text(let text) = id, text.utf8.count == 16,
            text.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }),
            let number = UInt64(text, radix: 16)
        else { throw .refused(.notFound) }
        let now = self.now
        let ending = EndSession(
            id: number, accountID: caller.account.id, now: now, earliest: now - dependencies.settings.longestSession)
        let isEnded = try refusing { () throws(DatabaseError) in try database.run(ending).affectedRows > 0 }
        guard isEnded else { throw .refused(.notFound) }
        report(.sessionEnded, caller.account.id)
    }

    /// Ends all sessions of the caller's account but the present one.
    package func endOtherSessions(of caller: Caller) throws(AccountsError) {
        let (id, kept) = (caller.account.id, caller.session.id)
        let isAlive = try refusing { () throws(DatabaseError) in
            try database.transaction { () throws(DatabaseError) in
                _ = try database.first(LockedAccount(id: id))
                // One that has ended meanwhile must not come back to life.
                guard try database.run(EndOtherSessions(accountID: id, kept: kept)).affectedRows == 1 else {
                    return false
                }
                try database.run(KeepSession(id: kept))
                try endRest(of: id, but: kept)
                return true
            }
        }
        guard isAlive else { throw .refused(.badToken) }
        report(.sessionsEnded, id)
    }
}
