import Database

/// A column of the table `accounts` with the property of `Account` that it holds. SELECT and INSERT, the export and the
/// import of accounts, `homeroom user show` and the limits of texts follow from the list `all`.
///
/// To add a field to accounts, edit:
/// 1. The column: a new file in `sql/`, NULL or with a DEFAULT, and its line in `Migrations`.
/// 2. `Account`: a property, with the value that a registration gives it.
/// 3. `AccountColumn.shown` or `AccountColumn.unshown`: the column's name, its kind and the property.
/// 4. The contract that shows it.
///
/// A text that clients fill in also has a case of `Field`, for the words of the contracts.
package struct AccountColumn: Sendable {
    /// The name of the column, and of the member in exported JSON.
    package let name: String
    /// How it is stored and checked.
    package let kind: Kind
    let sql: SQL

    /// A property of `Account`.
    package typealias Path<Value> = any WritableKeyPath<Account, Value> & Sendable

    /// What the column holds, and what an import may bring.
    package enum Kind: Sendable {
        /// An account's number; 0 for the next free one.
        case id(Path<UInt64>, ClosedRange<Int64>)
        /// A username or email, which has to keep more rules.
        case name(Field, Path<String>)
        /// What a person says in one line, or in several; at most so many characters.
        case text(Field, Path<String?>, max: Int, isMultiline: Bool)
        /// The path of a file below the media root: at most so many characters of ASCII.
        case file(Path<String?>, max: Int)
        /// One of some words.
        case word(Word)
        case flag(Path<Bool>)
        case number(Path<Int64>, ClosedRange<Int64>)
        /// At most so many characters of ASCII; empty for the column's DEFAULT.
        case setting(Field, Path<String>, max: Int)
        /// A point in time; where an import brings none, that of the second property.
        case time(Path<Instant>, otherwise: Path<Instant>)
        case optionalTime(Path<Instant?>)
    }

    /// A property whose values have names.
    package struct Word: Sendable {
        /// In the order of their declaration.
        package let allowed: [String]
        /// The name of the present value.
        package let value: @Sendable (Account) -> String
        /// False where the text is not among `allowed`.
        package let set: @Sendable (inout Account, String) -> Bool
    }

    private init(_ name: StaticString, _ kind: Kind) {
        self.name = "\(name)"
        self.kind = kind
        sql = SQL(stringLiteral: name)
    }

    /// All of them, in the order of SELECT and INSERT.
    package static let all = shown + unshown

    /// What `homeroom user show` prints, in that order.
    package static let shown = [
        AccountColumn("id", .id(\.id, 1...1_000_000_000_000)),
        AccountColumn("username", .name(.username, \.username)),
        AccountColumn("email", .name(.email, \.email)),
        AccountColumn("role", word(\.role)),
        AccountColumn("status", word(\.status)),
        AccountColumn("is_staff", .flag(\.isStaff)),
        AccountColumn("is_superuser", .flag(\.isSuperuser)),
        AccountColumn("full_name", .text(.fullName, \.fullName, max: 100, isMultiline: false)),
        AccountColumn("first_name", .text(.firstName, \.firstName, max: 100, isMultiline: false)),
        AccountColumn("last_name", .text(.lastName, \.lastName, max: 100, isMultiline: false)),
        AccountColumn("phone", .text(.phone, \.phone, max: 32, isMultiline: false)),
        AccountColumn("bio", .text(.bio, \.bio, max: Account.maxBio, isMultiline: true)),
        AccountColumn("avatar", .file(\.avatar, max: 100)),
        AccountColumn("login_count", .number(\.loginCount, 0...Int64(UInt32.max))),
        AccountColumn("created_at", .time(\.createdAt, otherwise: \.createdAt)),
        AccountColumn("updated_at", .time(\.updatedAt, otherwise: \.createdAt)),
        AccountColumn("last_login_at", .optionalTime(\.lastLoginAt)),
    ]

    /// What only an export has besides.
    package static let unshown = [
        AccountColumn("is_email_verified", .flag(\.isEmailVerified)),
        AccountColumn("is_phone_verified", .flag(\.isPhoneVerified)),
        AccountColumn("language", .setting(.language, \.language, max: 16)),
        AccountColumn("timezone", .setting(.timezone, \.timezone, max: 64)),
        AccountColumn("theme", .setting(.theme, \.theme, max: 16)),
    ]

    private static func word<Value: RawRepresentable<String> & CaseIterable & Sendable>(_ path: Path<Value>) -> Kind {
        .word(
            Word(allowed: Value.allCases.map(\.rawValue), value: { $0[keyPath: path].rawValue }) { account, text in
                guard let value = Value(rawValue: text) else { return false }
                account[keyPath: path] = value
                return true
            })
    }
}

// MARK: Statements

extension AccountColumn {
    /// `a.id, a.username, …`: what `Account.init(_:)` reads, of a table named `a`.
    static let selected = list { "a." + $0.sql } + ", a.email_undo_until"
    /// `id, username, …`
    static let names = list(\.sql)
    /// `?, ?, …`: what `values(of:)` are put in for.
    static let placeholders = list { column in
        if case .setting = column.kind { "COALESCE(?, DEFAULT(" + column.sql + "))" } else { "?" }
    }

    private static func list(_ text: (AccountColumn) -> SQL) -> SQL {
        all.dropFirst().reduce(text(all[0])) { $0 + ", " + text($1) }
    }

    static func values(of account: Account) -> [SQLValue] { all.map { $0.value(of: account) } }

    private func value(of account: Account) -> SQLValue {
        switch kind {
        case .id(let path, _): account[keyPath: path] == 0 ? .null : .unsigned(account[keyPath: path])
        case .name(_, let path): .text(account[keyPath: path])
        case .text(_, let path, _, _): .text(orNull: account[keyPath: path])
        case .file(let path, _): .text(orNull: account[keyPath: path])
        case .word(let word): .text(word.value(account))
        case .flag(let path): .flag(account[keyPath: path])
        case .number(let path, _): .integer(account[keyPath: path])
        case .setting(_, let path, _): account[keyPath: path].isEmpty ? .null : .text(account[keyPath: path])
        case .time(let path, _): .time(account[keyPath: path])
        case .optionalTime(let path): account[keyPath: path].map { .time($0) } ?? .null
        }
    }

    func read(_ columns: inout Columns, into account: inout Account) throws(DatabaseError) {
        switch kind {
        case .id(let path, _): account[keyPath: path] = try columns.unsigned()
        case .name(_, let path): account[keyPath: path] = try columns.text()
        case .text(_, let path, _, _): account[keyPath: path] = try columns.optionalText()
        case .file(let path, _): account[keyPath: path] = try columns.optionalText()
        case .word(let word):
            let text = try columns.text()
            guard word.set(&account, text) else { throw .failed(code: 0, message: "`\(text)` is no \(name)") }
        case .flag(let path): account[keyPath: path] = try columns.flag()
        case .number(let path, _): account[keyPath: path] = try columns.integer()
        case .setting(_, let path, _): account[keyPath: path] = try columns.text()
        case .time(let path, _): account[keyPath: path] = try columns.instant()
        case .optionalTime(let path):
            account[keyPath: path] = try columns.optionalTime().map(Instant.init(microseconds:))
        }
    }
}

// MARK: Changes of a profile

extension AccountColumn {
    /// Those that their owner changes and that nothing else hangs on, by the field that says so.
    static let editable: [(field: Field, column: AccountColumn)] = all.compactMap { column in
        switch column.kind {
        case .text(let field, _, _, _), .setting(let field, _, _): (field, column)
        default: nil
        }
    }

    /// Whether a field is one of those.
    package static func isEditable(_ field: Field) -> Bool { editable.contains { $0.field == field } }

    /// Changes the property; a setting that would be cleared stays.
    func apply(_ change: Change<String>, to account: inout Account) {
        switch kind {
        case .text(_, let path, _, _): account[keyPath: path] = change.applied(to: account[keyPath: path])
        case .setting(_, let path, _): account[keyPath: path] = change.newValue ?? account[keyPath: path]
        default: break
        }
    }
}

// MARK: Texts

extension AccountColumn {
    /// A column of what a person says in a text.
    struct Text {
        let field: Field
        let path: Path<String?>
        /// Characters.
        let max: Int
        let isMultiline: Bool
    }

    static let texts: [Text] = all.compactMap { column in
        guard case .text(let field, let path, let max, let isMultiline) = column.kind else { return nil }
        return Text(field: field, path: path, max: max, isMultiline: isMultiline)
    }
}
