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
    package var username = ""
    package var email = ""
    package var role = Role.student
    package var status = Status.active
    package var isStaff = false
    package var isSuperuser = false
    package var fullName: String?
    package var firstName: String?
    package var lastName: String?
    package var phone: String?
    package var bio: String?
    /// Characters.
    package static let maxBio = 500
    /// Path below the media root: `avatars/….jpg`.
    package var avatar: String?
    package var isEmailVerified = false
    package var isPhoneVerified = false
    /// Until the account is stored, this and the next two are empty for the DEFAULT of their columns.
    package var language = ""
    package var timezone = ""
    package var theme = ""
    package var loginCount: Int64 = 0
    package var createdAt: Instant
    package var updatedAt: Instant
    package var lastLoginAt: Instant?

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
