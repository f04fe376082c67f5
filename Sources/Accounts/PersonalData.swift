import Database
import Glibc
import System

/// Everything that is stored of one person, for whoever has a right to know it: the rows of all tables and the pictures, but
/// nothing that opens the account, as hashes of passwords and tokens.
package struct PersonalData: Sendable {
    /// A row, as names and values in the order of its columns.
    package typealias Record = [(name: String, value: Value)]

    /// What a column holds.
    package enum Value: Sendable {
        case text(String)
        case number(Int64)
        case flag(Bool)
        case time(Instant)
        case times([Instant])
        case nothing
    }

    /// What kinds of rows there are beside the account; the raw value is the member's name in JSON.
    package enum Kind: String, CaseIterable, Sendable {
        case sessions
        case emailChanges = "email_changes"
        case mails
        case emailVerification = "email_verification"
        case links
        case failedLogins = "failed_logins"
    }

    /// The person's row of `accounts`.
    package let account: Account
    /// Of all kinds, in their order.
    package let records: [(kind: Kind, records: [Record])]
    /// The files of the picture, the largest first: ending of the name and content.
    package let pictures: [(name: String, bytes: [UInt8])]
}

extension Accounts {
    /// Everything that is stored of the owner of an account, as it was at one moment; nil when it is gone.
    package func personalData(of id: UInt64) throws(AccountsError) -> PersonalData? {
        let data = try wholeData(of: id)
        if data != nil { report(.exported, id) }
        return data
    }

    private func wholeData(of id: UInt64) throws(AccountsError) -> PersonalData? {
        // A picture that is replaced while it is read: then there is another one.
        for attempt in 1... {
            guard let (account, records) = try rows(of: id) else { return nil }
            guard let avatar = account.avatar else {
                return PersonalData(account: account, records: records, pictures: [])
            }
            do throws(MediaStore.Failure) {
                let pictures = try dependencies.media.contents(of: avatar)
                return PersonalData(account: account, records: records, pictures: pictures)
            } catch {
                guard attempt == 3 else { continue }
                throw .fault(
                    "HOMEROOM_MEDIA: \(avatar) cannot be read: \(error). Is it that of the service, and may you read it?"
                )
            }
        }
        return nil
    }

    private func rows(of id: UInt64) throws(AccountsError) -> (Account, [(PersonalData.Kind, [PersonalData.Record])])? {
        try refusing { () throws(DatabaseError) in
            try database.transaction { () throws(DatabaseError) in
                // Held, so that nothing of it changes before all is read.
                guard try database.first(LockedAccount(id: id)) != nil,
                    let account = try database.first(AccountByID(id: id))?.account
                else { return nil }
                return (
                    account,
                    [
                        (.sessions, try database.rows(SessionRecords(accountID: id))),
                        (.emailChanges, try database.rows(EmailChangeRecords(accountID: id))),
                        (.mails, try database.rows(MailRecords(accountID: id))),
                        (.emailVerification, try database.rows(VerificationRecords(accountID: id))),
                        (.links, try database.rows(LinkRecords(accountID: id))),
                        (
                            .failedLogins,
                            try database.rows(FailureRecords(subject: LoginSubject(id, name: nil).digest))
                        ),
                    ]
                )
            }
        }
    }
}

extension Columns {
    fileprivate mutating func optionalInstant() throws(DatabaseError) -> PersonalData.Value {
        try optionalTime().map { .time(Instant(microseconds: $0)) } ?? .nothing
    }

    fileprivate mutating func textOrNothing() throws(DatabaseError) -> PersonalData.Value {
        try optionalText().map { .text($0) } ?? .nothing
    }
}

// MARK: Statements

/// All sessions of an account that there are rows of, whether or not they live.
struct SessionRecords: Query {
    static let sql: SQL =
        """
        SELECT s.contract, s.address, s.client, s.created_at, s.used_at, s.expires_at, s.remembered,
        """ + " " + Session.isCurrent
        + " FROM sessions s JOIN accounts a ON a.id = s.account_id WHERE s.account_id = ? ORDER BY s.created_at, s.id"
    let accountID: UInt64
    var parameters: [SQLValue] { [.unsigned(accountID)] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> PersonalData.Record {
        [
            ("contract", .number(try columns.integer())), ("address", try columns.textOrNothing()),
            ("client", try columns.textOrNothing()), ("created_at", try columns.optionalInstant()),
            ("used_at", try columns.optionalInstant()), ("expires_at", try columns.optionalInstant()),
            ("remembered", .flag(try columns.flag())), ("is_alive", .flag(try columns.flag())),
        ]
    }
}

/// The earlier addresses of an account that can be had back, oldest first.
struct EmailChangeRecords: Query {
    static let sql: SQL = """
        SELECT email, was_verified, undo_until, resets_until, due_at, attempts FROM email_changes \
        WHERE account_id = ? ORDER BY id
        """
    let accountID: UInt64
    var parameters: [SQLValue] { [.unsigned(accountID)] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> PersonalData.Record {
        [
            ("email", .text(try columns.text())), ("was_verified", .flag(try columns.flag())),
            ("undo_until", try columns.optionalInstant()), ("resets_until", try columns.optionalInstant()),
            ("due_at", try columns.optionalInstant()), ("attempts", .number(try columns.integer())),
        ]
    }
}

/// The mails that an account was sent of late, and the one that waits to be sent.
struct MailRecords: Query {
    static let sql: SQL =
        "SELECT asked_at, due_at, attempts, sent_at, mail_times FROM outbox WHERE account_id = ?"
    let accountID: UInt64
    var parameters: [SQLValue] { [.unsigned(accountID)] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> PersonalData.Record {
        [
            ("asked_at", try columns.optionalInstant()), ("due_at", try columns.optionalInstant()),
            ("attempts", .number(try columns.integer())), ("sent_at", try columns.optionalInstant()),
            ("mail_times", .times(Instant.all(in: try columns.bytes()))),
        ]
    }
}

/// The mail that asks for proof of an account's address.
struct VerificationRecords: Query {
    static let sql: SQL = "SELECT asked_at, due_at, attempts FROM email_verifications WHERE account_id = ?"
    let accountID: UInt64
    var parameters: [SQLValue] { [.unsigned(accountID)] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> PersonalData.Record {
        [
            ("asked_at", try columns.optionalInstant()), ("due_at", try columns.optionalInstant()),
            ("attempts", .number(try columns.integer())),
        ]
    }
}

/// The links that an account was mailed, without their tokens.
struct LinkRecords: Query {
    static let sql: SQL = """
        SELECT 'password' AS purpose, expires_at FROM password_resets WHERE account_id = ? \
        UNION ALL SELECT 'email verification', expires_at FROM email_verification_tokens WHERE account_id = ? \
        UNION ALL SELECT 'email undo', c.undo_until FROM email_undo_tokens t JOIN email_changes c ON c.id = t.change_id \
        WHERE c.account_id = ? ORDER BY purpose, expires_at
        """
    let accountID: UInt64
    var parameters: [SQLValue] { Array(repeating: .unsigned(accountID), count: 3) }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> PersonalData.Record {
        [("purpose", .text(try columns.text())), ("expires_at", try columns.optionalInstant())]
    }
}

/// The failed logins of an account that still count.
struct FailureRecords: Query {
    static let sql: SQL =
        "SELECT failures, window_start, locked_until, failure_times FROM login_failures WHERE subject = ?"
    let subject: [UInt8]
    var parameters: [SQLValue] { [.bytes(subject)] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> PersonalData.Record {
        [
            ("failures", .number(try columns.integer())), ("latest_at", try columns.optionalInstant()),
            ("locked_until", try columns.optionalInstant()),
            ("failure_times", .times(Instant.all(in: try columns.bytes()))),
        ]
    }
}
