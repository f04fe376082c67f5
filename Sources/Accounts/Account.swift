import Database

/// What a person is in the school; decides what learning platforms show them.
package enum Role: String, Sendable, CaseIterable {
    case student, mentor, teacher
}

/// Whether an account may sign in: only an active one.
package enum Status: String, Sendable, CaseIterable {
    case active, inactive, disabled
}

/// A person as all contracts show them. `AccountColumn` says how each property is stored, and how to add one.
package struct Account: Sendable {
    /// 0 until the account is stored.
    package var id: UInt64 = 0
    /// As typed, for display.
    package var username = ""
    /// As typed; mail goes there.
    package var email = ""
    /// What the person is in the school.
    package var role = Role.student
    /// Whether the account may sign in.
    package var status = Status.active
    /// Whether the person works for the school; counts for `ListReaders.staff`.
    package var isStaff = false
    /// Whether the person may do everything on the platforms; counts for `ListReaders.staff`.
    package var isSuperuser = false
    /// As the person wants to be called.
    package var fullName: String?
    /// The given name.
    package var firstName: String?
    /// The family name.
    package var lastName: String?
    /// In any notation.
    package var phone: String?
    /// What the person says of themselves, in several lines.
    package var bio: String?
    /// Characters.
    package static let maxBio = 500
    /// What clients may set as `language`.
    package static let languages = ["zh", "en"]
    /// What clients may set as `theme`.
    package static let themes = ["light", "dark", "system"]
    /// Path below the media root: `avatars/….jpg`.
    package var avatar: String?
    /// Whether the password came from somebody else, so that its owner has to change it before anything else.
    package var mustChangePassword = false
    /// Becomes false when the address changes.
    package var isEmailVerified = false
    /// Whether the number was verified.
    package var isPhoneVerified = false
    /// Until the account is stored, this and the next two are empty for the DEFAULT of their columns.
    package var language = ""
    /// IANA name: `Asia/Shanghai`.
    package var timezone = ""
    /// One of `themes`.
    package var theme = ""
    /// Successful logins; a registration is none.
    package var loginCount: Int64 = 0
    /// When the account was made.
    package var createdAt: Instant
    /// When profile, password, role or status changed last; not a login.
    package var updatedAt: Instant
    /// The latest login; nil before the first.
    package var lastLoginAt: Instant?
    /// Until when an earlier address can be had back; nil where none ever could. Follows from the changes of the address, so
    /// no export has it.
    package internal(set) var emailUndoUntil: Instant?

    /// Leaves out an end that is over.
    mutating func forgetUndo(before now: Instant) {
        if let end = emailUndoUntil, end <= now { emailUndoUntil = nil }
    }

    /// An account as a registration makes it, not stored yet.
    init(createdAt: Instant) {
        self.createdAt = createdAt
        updatedAt = createdAt
    }
}

extension Account {
    init(_ columns: inout Columns) throws(DatabaseError) {
        self.init(createdAt: Instant(microseconds: 0))
        for column in AccountColumn.all { try column.read(&columns, into: &self) }
        emailUndoUntil = try columns.optionalTime().map(Instant.init(microseconds:))
    }
}

extension Columns {
    mutating func instant() throws(DatabaseError) -> Instant {
        Instant(microseconds: try time())
    }
}

extension SQLValue {
    static func time(_ instant: Instant) -> SQLValue { .time(instant.microseconds) }
}
