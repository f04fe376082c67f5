import Database

/// What a person is in the school; decides what learning platforms show them.
package enum Role: String, Sendable, CaseIterable {
    case student, mentor, teacher
}

/// Whether an account may sign in: only an active one.
package enum Status: String, Sendable, CaseIterable {
    case active, inactive, disabled
}

/// A person as all contracts show them.
package struct Account: Sendable {
    package var id: UInt64
    package var username: String
    package var email: String
    package var role: Role
    package var status: Status
    package var isStaff: Bool
    package var isSuperuser: Bool
    package var fullName: String?
    package var firstName: String?
    package var lastName: String?
    package var phone: String?
    package var bio: String?
    /// Path below the media root: `avatars/….jpg`.
    package var avatar: String?
    package var isEmailVerified: Bool
    package var isPhoneVerified: Bool
    package var language: String
    package var timezone: String
    package var theme: String
    package var loginCount: Int64
    package var createdAt: Instant
    package var updatedAt: Instant
    package var lastLoginAt: Instant?
}

extension Account {
    /// The columns that `init(_:)` reads, of a table named `a`.
    static let columns: SQL = """
        a.id, a.username, a.email, a.role, a.status, a.is_staff, a.is_superuser, a.full_name, a.first_name, \
        a.last_name, a.phone, a.bio, a.avatar, a.is_email_verified, a.is_phone_verified, a.language, a.timezone, \
        a.theme, a.login_count, a.created_at, a.updated_at, a.last_login_at
        """

    init(_ columns: inout Columns) throws(DatabaseError) {
        id = try columns.unsigned()
        username = try columns.text()
        email = try columns.text()
        role = try columns.word()
        status = try columns.word()
        isStaff = try columns.flag()
        isSuperuser = try columns.flag()
        fullName = try columns.optionalText()
        firstName = try columns.optionalText()
        lastName = try columns.optionalText()
        phone = try columns.optionalText()
        bio = try columns.optionalText()
        avatar = try columns.optionalText()
        isEmailVerified = try columns.flag()
        isPhoneVerified = try columns.flag()
        language = try columns.text()
        timezone = try columns.text()
        theme = try columns.text()
        loginCount = try columns.integer()
        createdAt = try columns.instant()
        updatedAt = try columns.instant()
        lastLoginAt = try columns.optionalTime().map(Instant.init(microseconds:))
    }
}

extension Columns {
    /// A value of an ENUM column.
    mutating func word<Word: RawRepresentable<String>>() throws(DatabaseError) -> Word {
        let text = try text()
        guard let word = Word(rawValue: text) else {
            throw .failed(code: 0, message: "`\(text)` is no \(Word.self)")
        }
        return word
    }

    mutating func instant() throws(DatabaseError) -> Instant {
        Instant(microseconds: try time())
    }
}

extension SQLValue {
    static func time(_ instant: Instant) -> SQLValue { .time(instant.microseconds) }
}
