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

extension Validation {
    /// What a person says in one line each; null and absent are the same where it is not required.
    mutating func details(_ entries: [Field: Entry], required: Set<Field>, into account: inout Account) {
        for column in AccountColumn.texts where !column.isMultiline {
            let (field, max) = (column.field, column.max)
            switch entries[field] ?? .absent {
            case .absent: if required.contains(field) { add(field, .required) }
            case .null: if required.contains(field) { add(field, .null) }
            case .notText, .flag: add(field, .notText)
            case .text(let text):
                var text = text.trimmed
                // Copied from elsewhere numbers bring along what turns their direction.
                if field == .phone, text.utf8.count <= 4 * max { text = text.withoutInvisible.trimmed }
                check(text, field, max: max) { !$0.isControl && !$0.isLineBreak }
                account[column.path] = text
            }
        }
    }

    /// The length of a text first, in bytes, for it may be very long; then its characters.
    mutating func check(
        _ text: String, _ field: Field, max: Int, isAllowed: (Unicode.Scalar) -> Bool
    ) {
        // A character has at most four bytes.
        guard text.utf8.count <= 4 * max else { return add(field, .tooLong(max)) }
        let scalars = text.unicodeScalars
        if scalars.contains("\0") {
            add(field, .nulCharacter)
        } else if !scalars.allSatisfy(isAllowed) {
            add(field, .controlCharacter)
        }
        if scalars.count > max { add(field, .tooLong(max)) }
    }

    /// A username with `@` must be the account's own email, and no other account may have either.
    ///
    /// - Parameters:
    ///   - taken: which of the two others have: `Accounts.takenNames`.
    ///   - present: the account's email, where it may stay.
    mutating func names(
        _ username: Username?, _ email: EmailAddress?, taken: Set<Field>, present: CanonicalName? = nil
    ) {
        if let username, username.isAddress, username.canonical != email?.canonical ?? present {
            add(.username, .foreignAddress, before: .email)
        }
        if taken.contains(.username) { add(.username, .taken, before: .email) }
        if taken.contains(.email) { add(.email, .taken) }
    }

    mutating func username(_ text: String?, length: ClosedRange<Int>) -> Username? {
        guard let text else { return nil }
        do throws(Rejection) {
            return try Username(text, length: length)
        } catch {
            add(.username, error.rule)
            return nil
        }
    }

    mutating func email(_ text: String?) -> EmailAddress? {
        guard let text else { return nil }
        do throws(Rejection) {
            return try EmailAddress(text)
        } catch {
            add(.email, error.rule)
            return nil
        }
    }

    /// A new password that keeps the rules and, where the contract asks for it, was typed twice.
    mutating func newPassword(
        _ entry: Entry, confirmation: Entry?, _ fields: (password: Field, confirmation: Field), rules: PasswordRules,
        username: String?, email: String?
    ) -> String? {
        let password = required(entry, fields.password)
        if let password {
            for rule in rules.violations(of: password, username: username, email: email) { add(fields.password, rule) }
        }
        if let confirmation {
            let repeated = required(confirmation, fields.confirmation)
            if let repeated, let password, !repeated.utf8.elementsEqual(password.utf8) {
                add(fields.confirmation, .mismatch)
            }
        }
        return password
    }
}

extension Unicode.Scalar {
    /// A control character, or one that turns the direction of the text behind it. (UAX #9 §2)
    var isControl: Bool { properties.generalCategory == .control || properties.isBidiControl }

    var isLineBreak: Bool {
        switch self {
        case "\n", "\r", "\u{2028}", "\u{2029}": true
        default: false
        }
    }
}

extension String {
    /// Without what has no shape of its own, such as marks of direction, and without the control characters of C1.
    fileprivate var withoutInvisible: String {
        String(
            String.UnicodeScalarView(
                unicodeScalars.filter {
                    !$0.properties.isDefaultIgnorableCodePoint && !(0x80...0x9F).contains($0.value)
                }))
    }
}
