import Accounts

/// What holds for accounts that operators make or import, and how they are told what is wrong.
enum OperatorRules {
    static let passwords = PasswordRules(
        shortest: 8, refusesCommon: true, refusesNumeric: true, dissimilarTo: [.username, .email])

    /// `username: belongs to another account. Take another one; password: …`
    static func text(_ violations: [Violation]) -> String {
        violations.map { "\(name($0.field)): \(text($0))" }.joined(separator: "; ")
    }

    /// A field by its name in exports and imports.
    private static func name(_ field: Field) -> String {
        switch field {
        case .username: "username"
        case .email: "email"
        case .password, .currentPassword, .newPassword: "password"
        case .confirmation, .newConfirmation: "password again"
        case .fullName: "full_name"
        case .firstName: "first_name"
        case .lastName: "last_name"
        case .phone: "phone"
        case .bio: "bio"
        case .avatar: "avatar"
        case .role: "role"
        case .refresh, .resetToken: "token"
        case .remembered: "remembered"
        case .limit: "limit"
        case .after: "after"
        case .id, .sessionID: "id"
        case .language: "language"
        case .timezone: "timezone"
        case .theme: "theme"
        case .search: "search"
        }
    }

    private static func text(_ violation: Violation) -> String {
        switch violation.rule {
        case .required: "is missing. Add it"
        case .null: "is null. Give a text, or leave it out"
        case .blank: "is empty. Give one"
        case .notText: "is no text. Put it in double quotes"
        case .notAFlag: "is neither true nor false"
        case .tooShort(let min): "is too short. Take \(min) characters or more"
        case .tooLong(let max): "is too long. Take \(max) characters or less"
        case .tooManyBytes(let max): "is too long. Take \(max) bytes or less"
        case .malformed:
            violation.field == .email
                ? "is no email address. Take one like name@school.example"
                : "has characters that no username has. Take letters, digits and @ . + - _"
        case .foreignAddress: "has an @ and is not the account's email. Take the email, or a name without @"
        case .nulCharacter: "has a NUL character. Remove it"
        case .controlCharacter: "has a control character. Remove it"
        case .taken: "belongs to another account. Take another one"
        case .common: "is among the passwords that are guessed first. Take another one"
        case .numeric: "has nothing but digits. Add letters"
        case .similar(let field): "resembles the \(name(field)). Take another one"
        case .mismatch: "is another one than before. Type one twice"
        case .incorrect: "is wrong"
        case .unchanged: "is the present one. Take another one"
        case .expired, .unknown: "is not valid, or not any more. Ask for a new one"
        case .notAChoice: "is none of the choices"
        case .unknownRole, .otherRole: "is none of \(Role.allCases.map(\.rawValue).joined(separator: ", "))"
        case .notANumber(let range): "is no number from \(range.lowerBound) to \(range.upperBound)"
        case .notAFile, .emptyFile, .notAPicture: "is no picture. Take a JPEG, PNG or GIF"
        case .fileTooLarge(let bytes): "is too large. Take \(bytes >> 20) MiB or less"
        case .tooManyPixels: "has more than 50 million pixels, all frames together"
        case .tooLongSide(let max): "is too wide or too high. Take \(max) pixels or less"
        }
    }
}
