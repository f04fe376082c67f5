/// Why a call was not carried out. Each contract has its own words for every case.
package enum Refusal: Sendable {
    /// What is wrong with the fields: all of it, in the order of the fields.
    case invalid([Violation])
    /// No credentials came with the request.
    case notAuthenticated
    /// The credentials name no living session: forged, expired, signed out, or of an account that is not active.
    case badToken
    /// Renewal of a token that was good once: expired, superseded or signed out.
    case staleToken
    /// A refresh token that cannot be used.
    case badRefreshToken
    /// Logout with a refresh token that is not of the present session.
    case foreignRefreshToken
    /// Unknown account or wrong password; nobody learns which.
    case wrongCredentials
    /// Nobody has the email; only where the document says so (contract 4's reset_password).
    case unknownAccount
    /// A mailed link that was used, is too old, or never was one.
    case badResetToken
    /// Right password, but the account is not active.
    case inactive
    /// Signed in, but without the right to this.
    case forbidden
    /// Too many failures; `retryAfter` in seconds.
    case locked(retryAfter: Int64)
    /// Database, disk or hashing cannot serve now; the same call may work later.
    case unavailable
}

/// One thing wrong with one field.
package struct Violation: Sendable, Equatable {
    package let field: Field
    package let rule: Rule

    package init(_ field: Field, _ rule: Rule) {
        self.field = field
        self.rule = rule
    }
}

/// The fields of all contracts by their meaning; the wire names are the contracts'.
package enum Field: Sendable, Hashable {
    case username, email, password, confirmation, currentPassword, newPassword, newConfirmation
    case fullName, firstName, lastName, phone, bio, avatar, role
    case refresh, resetToken, remembered, limit, after, id
}

/// The rules a field can break. Lengths are in characters unless they say otherwise.
package enum Rule: Sendable, Equatable {
    case required, null, blank, notText, notAFlag
    case tooShort(Int)
    case tooLong(Int)
    case tooManyBytes(Int)
    /// Not an email address, or a username with characters that none may have.
    case malformed
    /// A username with `@` that is not the account's own email.
    case foreignAddress
    case nulCharacter
    /// Another control character, or one that turns the direction of the text.
    case controlCharacter
    case taken
    case common, numeric
    case similar(to: Field)
    case mismatch, incorrect
    /// A mailed link's token: too old, or used or never one.
    case expired, unknown
    case unknownRole, otherRole
    case notANumber(ClosedRange<Int>)
    case notAFile, emptyFile, notAPicture
    case fileTooLarge(bytes: Int)
    case tooManyPixels
    case tooLongSide(Int)
}

/// A field as the client sent it: absent ≠ null ≠ "" ≠ something that is no text.
package enum Entry: Sendable, Equatable {
    case absent, null, notText
    case text(String)
    case flag(Bool)

    /// Without white space around a text.
    package var trimmed: Entry {
        if case .text(let text) = self { .text(text.trimmed) } else { self }
    }
}

/// Collects what is wrong with the fields, to refuse once.
struct Validation {
    private(set) var violations: [Violation] = []

    mutating func add(_ field: Field, _ rule: Rule) {
        violations.append(Violation(field, rule))
    }

    /// Keeps the order of the fields where a rule needs a later field to be read first.
    mutating func add(_ field: Field, _ rule: Rule, before later: Field) {
        let place = violations.firstIndex { $0.field == later } ?? violations.endIndex
        violations.insert(Violation(field, rule), at: place)
    }

    mutating func add(_ found: [Violation]) {
        violations += found
    }

    /// The text of a field that must be there. White space around it is dropped when it is `trimmed`.
    mutating func required(_ entry: Entry, _ field: Field, trimmed: Bool = false) -> String? {
        if case .absent = entry {
            add(field, .required)
            return nil
        }
        return optional(entry, field, trimmed: trimmed)
    }

    /// The text of a field that may be left out; nil then and when it is wrong.
    mutating func optional(_ entry: Entry, _ field: Field, trimmed: Bool = false) -> String? {
        switch entry {
        case .absent: return nil
        case .null: add(field, .null)
        case .notText, .flag: add(field, .notText)
        case .text(let text):
            let text = trimmed ? text.trimmed : text
            if !text.isEmpty { return text }
            add(field, .blank)
        }
        return nil
    }

    /// A switch that may be left out; then it is off.
    mutating func flag(_ entry: Entry, _ field: Field) -> Bool {
        switch entry {
        case .absent, .null: return false
        case .flag(let isOn): return isOn
        case .notText, .text:
            add(field, .notAFlag)
            return false
        }
    }

    func refuseIfAny() throws(AccountsError) {
        if !violations.isEmpty { throw .refused(.invalid(violations)) }
    }
}

extension String {
    /// Without white space at both ends.
    var trimmed: String {
        let scalars = unicodeScalars
        guard let first = scalars.firstIndex(where: { !$0.properties.isWhitespace }),
            let last = scalars.lastIndex(where: { !$0.properties.isWhitespace })
        else { return "" }
        return String(scalars[first...last])
    }
}
