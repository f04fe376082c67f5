import Database

/// One read for up to sixteen authenticated requests: the sessions that live, each joined with its account.
struct SessionsByID: Query {
    static let maxCount = 16
    static let sql: SQL =
        "SELECT " + Session.columns + ", " + AccountColumn.selected
        + " FROM sessions s JOIN accounts a ON a.id = s.account_id"
        + " WHERE s.id IN (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    /// 1 to 16.
    let ids: ArraySlice<UInt64>
    /// MariaDB looks for each id once, so the last one fills the rest.
    var parameters: [SQLValue] {
        (0..<SessionsByID.maxCount).map { .unsigned(ids[min(ids.startIndex + $0, ids.endIndex - 1)]) }
    }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> Caller {
        let session = try Session(&columns)
        return Caller(account: try Account(&columns), session: session)
    }
}

/// The living sessions of up to 16 cookies, by the hashes of those.
struct SessionsByCookie: Query {
    static let maxCount = 16
    static let sql: SQL =
        "SELECT " + Session.columns + ", " + AccountColumn.selected
        + ", s.cookie_hash FROM sessions s JOIN accounts a ON a.id = s.account_id"
        + " WHERE s.cookie_hash IN (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
    /// 1 to 16.
    let hashes: ArraySlice<[UInt8]>
    var parameters: [SQLValue] {
        (0..<SessionsByCookie.maxCount).map { .bytes(hashes[min(hashes.startIndex + $0, hashes.endIndex - 1)]) }
    }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> Caller {
        var caller = try SessionsByID.row(&columns)
        caller.cookieHash = try columns.bytes()
        return caller
    }
}

/// Makes a session live longer, never shorter, when it is used.
struct SlideSession: Command {
    static let sql: SQL = "UPDATE sessions SET expires_at = GREATEST(expires_at, ?), used_at = ? WHERE id = ?"
    let id: UInt64
    let expiresAt: Instant
    let now: Instant
    var parameters: [SQLValue] { [.time(expiresAt), .time(now), .unsigned(id)] }
}

/// Notes that a session is used, unless another request has done so.
struct NoteUse: Command {
    static let sql: SQL =
        "UPDATE sessions SET used_at = ? WHERE id = ? AND (used_at IS NULL OR used_at <= ? OR used_at > ?)"
    let id: UInt64
    /// What is older is written anew.
    let before: Instant
    let now: Instant
    var parameters: [SQLValue] { [.time(now), .unsigned(id), .time(before), .time(now + Instant.skew)] }
}

/// An account's living sessions, oldest first.
struct SessionsOfAccount: Query {
    static let sql: SQL =
        """
        SELECT s.id, s.contract, s.created_at, s.expires_at, s.address, s.client, COALESCE(s.used_at, s.created_at) FROM sessions s JOIN accounts a ON a.id = s.account_id \
        WHERE s.account_id = ? AND s.expires_at > ? AND s.created_at > ? AND
        """ + " " + Session.isCurrent + " ORDER BY s.created_at, s.id"
    let accountID: UInt64
    let now: Instant
    /// Sessions that began before have reached their absolute end.
    let earliest: Instant
    var parameters: [SQLValue] { [.unsigned(accountID), .time(now), .time(earliest)] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> SessionSummary {
        SessionSummary(
            id: try columns.unsigned(), contract: UInt8(clamping: try columns.integer()),
            createdAt: try columns.instant(), expiresAt: try columns.instant(),
            address: try columns.optionalText(), client: try columns.optionalText(), usedAt: try columns.instant())
    }
}

/// Begins a session in its account's present epoch.
struct InsertSession: Command {
    static let sql: SQL = """
        INSERT INTO sessions \
        (id, account_id, contract, remembered, cookie_hash, generation_times, created_at, expires_at, address, client, \
        used_at, epoch) SELECT ?, id, ?, ?, ?, ?, ?, ?, ?, ?, ?, session_epoch FROM accounts WHERE id = ?
        """
    var session: Session
    /// Where the login came from; nil where that is not known.
    let address: String?
    /// The program of the login, of `ClientName`.
    let client: String?
    let cookieHash: [UInt8]?
    let now: Instant
    var parameters: [SQLValue] {
        [
            .unsigned(session.id), .unsigned(UInt64(session.contract)), .flag(session.isRemembered),
            cookieHash.map(SQLValue.bytes) ?? .null, .bytes(now.bytes), .time(now), .time(session.expiresAt),
            .text(orNull: address), .text(orNull: client), .time(now), .unsigned(session.accountID),
        ]
    }
}

/// Begins a session after a login, counts that and forgets the failures before it: all at once, or nothing when the
/// account was locked, changed its password or was disabled since the password was checked. It changes no row then.
struct BeginSession: Command {
    // One round trip, which the server executes as a transaction. (MariaDB: BEGIN NOT ATOMIC)
    static let sql: SQL =
        """
        BEGIN NOT ATOMIC DECLARE EXIT HANDLER FOR SQLEXCEPTION BEGIN ROLLBACK; RESIGNAL; END; START TRANSACTION; \
        UPDATE accounts SET last_login_at = ?, login_count = login_count + 1, password_hash = COALESCE(?, password_hash) \
        WHERE id = ? AND password_version = ? AND status = 'active' \
        AND NOT EXISTS (SELECT 1 FROM login_failures WHERE subject = ? AND locked_until > ? AND locked_until <= ?); \
        IF ROW_COUNT() = 1 THEN
        """ + " " + ClearFailures.sql + "; DELETE FROM sessions WHERE cookie_hash IN (?, ?, ?, ?, ?, ?, ?, ?); "
        + InsertSession.sql + "; " + EndOldestSessions.sql + "; END IF; COMMIT; END"
    let insertion: InsertSession
    let passwordVersion: Int64
    /// The hash of that password in the wanted form; nil when the stored one is good.
    let newHash: String?
    let subject: LoginSubject
    /// Of the sessions that end with this one's beginning, at most eight.
    let replacedCookieHashes: [[UInt8]]
    let settings: Settings
    var parameters: [SQLValue] {
        let now = insertion.now
        return [
            .time(now), .text(orNull: newHash), .unsigned(insertion.session.accountID), .integer(passwordVersion),
            .bytes(subject.digest), .time(now), .time(now + settings.longestLock),
        ] + ClearFailures(subject: subject.digest).parameters
            + (0..<8).map { $0 < replacedCookieHashes.count ? .bytes(replacedCookieHashes[$0]) : .null }
            + insertion.parameters
            + EndOldestSessions(accountID: insertion.session.accountID, now: now).parameters
    }
}

/// Begins the next generation, unless another request was first.
struct RotateSession: Command {
    static let sql: SQL = """
        UPDATE sessions SET generation = generation + 1, \
        generation_times = RIGHT(CONCAT(generation_times, ?), 128), expires_at = ?, used_at = ? \
        WHERE id = ? AND generation = ? AND expires_at > ?
        """
    let id: UInt64
    let generation: UInt32
    let now: Instant
    let expiresAt: Instant
    var parameters: [SQLValue] {
        [
            .bytes(now.bytes), .time(expiresAt), .time(now), .unsigned(id), .unsigned(UInt64(generation)), .time(now),
        ]
    }
}

/// Ends one session.
struct DeleteSession: Command {
    static let sql: SQL = "DELETE FROM sessions WHERE id = ?"
    let id: UInt64
    var parameters: [SQLValue] { [.unsigned(id)] }
}

/// Ends a living session of an account; no row is affected where it has none with that id.
struct EndSession: Command {
    static let sql: SQL =
        """
        DELETE s FROM sessions s JOIN accounts a ON a.id = s.account_id \
        WHERE s.id = ? AND s.account_id = ? AND s.expires_at > ? AND s.created_at > ? AND
        """ + " " + Session.isCurrent
    let id: UInt64
    let accountID: UInt64
    let now: Instant
    /// Sessions that began before have reached their absolute end.
    let earliest: Instant
    var parameters: [SQLValue] { [.unsigned(id), .unsigned(accountID), .time(now), .time(earliest)] }
}

/// Ends all sessions of an account where a session of it is still alive, for that one to be kept by `KeepSession`.
struct EndOtherSessions: Command {
    static let sql: SQL =
        """
        UPDATE accounts a SET a.session_epoch = a.session_epoch + 1 WHERE a.id = ? \
        AND EXISTS (SELECT 1 FROM sessions s WHERE s.id = ? AND
        """ + " " + Session.isCurrent + ")"
    let accountID: UInt64
    let kept: UInt64
    var parameters: [SQLValue] { [.unsigned(accountID), .unsigned(kept)] }
}

/// Leaves an account its newest hundred living sessions.
struct EndOldestSessions: Command {
    // NULL, which nothing is before, where there are no more. Rows from before there was a limit go a thousand at a time.
    static let sql: SQL = """
        DELETE FROM sessions WHERE account_id = ? AND created_at < (SELECT created_at FROM sessions \
        WHERE account_id = ? AND expires_at > ? ORDER BY created_at DESC LIMIT 1 OFFSET 99) \
        ORDER BY created_at LIMIT 1000
        """
    let accountID: UInt64
    let now: Instant
    var parameters: [SQLValue] { [.unsigned(accountID), .unsigned(accountID), .time(now)] }
}

/// Ends all sessions of an account, however many there are: one row changes.
struct EndSessions: Command {
    static let sql: SQL = "UPDATE accounts SET session_epoch = session_epoch + 1 WHERE id = ?"
    let accountID: UInt64
    var parameters: [SQLValue] { [.unsigned(accountID)] }
}

/// Takes one session along into the account's new epoch.
struct KeepSession: Command {
    static let sql: SQL =
        "UPDATE sessions s JOIN accounts a ON a.id = s.account_id SET s.epoch = a.session_epoch WHERE s.id = ?"
    let id: UInt64
    var parameters: [SQLValue] { [.unsigned(id)] }
}

/// Ends the sessions of an account whose rows have no epoch, which a program from before there were epochs has made.
struct EndUncountedSessions: Command {
    static let sql: SQL = "UPDATE sessions SET epoch = 0 WHERE account_id = ? AND epoch IS NULL AND id <> ?"
    let accountID: UInt64
    let kept: UInt64
    var parameters: [SQLValue] { [.unsigned(accountID), .unsigned(kept)] }
}

/// Removes rows of sessions that `EndSessions` has ended, at most a thousand; the clean-up finds more of them. A program from
/// before there were epochs, which may still serve, takes a session for ended when its row is gone. 0 is no session's id.
struct DeleteEndedSessions: Command {
    static let maxRows = 1000
    static let sql: SQL = "DELETE FROM sessions WHERE account_id = ? AND id <> ? LIMIT 1000"
    let accountID: UInt64
    let kept: UInt64
    var parameters: [SQLValue] { [.unsigned(accountID), .unsigned(kept)] }
}

/// Removes sessions whose time is over, 500 at most.
struct DeleteExpiredSessions: Command {
    static let sql: SQL = "DELETE FROM sessions WHERE expires_at <= ? LIMIT 500"
    let now: Instant
    var parameters: [SQLValue] { [.time(now)] }
}
