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

    /// A stored property of `Account`, reached by its offset: through key paths the columns of one row take 3 µs, which is a
    /// fifteenth of a read.
    package struct Property<Value>: Sendable {
        fileprivate let offset: Int

        /// - Parameter path: of a stored property, as only those have an offset.
        init(_ path: WritableKeyPath<Account, Value>) {
            guard let offset = MemoryLayout<Account>.offset(of: path) else {
                preconditionFailure("\(path) is no stored property")
            }
            self.offset = offset
        }
    }

    /// What the column holds, and what an import may bring.
    package enum Kind: Sendable {
        /// An account's number; 0 for the next free one.
        case id(Property<UInt64>, ClosedRange<Int64>)
        /// A username or email, which has to keep more rules.
        case name(Field, Property<String>)
        /// What a person says in one line, or in several; at most so many characters.
        case text(Field, Property<String?>, max: Int, isMultiline: Bool)
        /// The path of a file below the media root: at most so many characters of ASCII.
        case file(Property<String?>, max: Int)
        /// One of some words.
        case word(Word)
        case flag(Property<Bool>)
        case number(Property<Int64>, ClosedRange<Int64>)
        /// At most so many characters of ASCII; empty for the column's DEFAULT.
        case setting(Field, Property<String>, max: Int)
        /// A point in time; where an import brings none, that of the second property.
        case time(Property<Instant>, otherwise: Property<Instant>)
        case optionalTime(Property<Instant?>)
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
    package static let shown: [AccountColumn] = [
        AccountColumn("id", .id(.init(\.id), 1...1_000_000_000_000)),
        AccountColumn("username", .name(.username, .init(\.username))),
        AccountColumn("email", .name(.email, .init(\.email))),
        AccountColumn("role", word(\.role)),
        AccountColumn("status", word(\.status)),
        AccountColumn("is_staff", .flag(.init(\.isStaff))),
        AccountColumn("is_superuser", .flag(.init(\.isSuperuser))),
        AccountColumn("must_change_password", .flag(.init(\.mustChangePassword))),
        AccountColumn("full_name", .text(.fullName, .init(\.fullName), max: 100, isMultiline: false)),
        AccountColumn("first_name", .text(.firstName, .init(\.firstName), max: 100, isMultiline: false)),
        AccountColumn("last_name", .text(.lastName, .init(\.lastName), max: 100, isMultiline: false)),
        AccountColumn("phone", .text(.phone, .init(\.phone), max: 32, isMultiline: false)),
        AccountColumn("bio", .text(.bio, .init(\.bio), max: Account.maxBio, isMultiline: true)),
        AccountColumn("avatar", .file(.init(\.avatar), max: 100)),
        AccountColumn("login_count", .number(.init(\.loginCount), 0...Int64(UInt32.max))),
        AccountColumn("created_at", .time(.init(\.createdAt), otherwise: .init(\.createdAt))),
        AccountColumn("updated_at", .time(.init(\.updatedAt), otherwise: .init(\.createdAt))),
        AccountColumn("last_login_at", .optionalTime(.init(\.lastLoginAt))),
    ]

    /// What only an export has besides.
    package static let unshown: [AccountColumn] = [
        AccountColumn("is_email_verified", .flag(.init(\.isEmailVerified))),
        AccountColumn("is_phone_verified", .flag(.init(\.isPhoneVerified))),
        AccountColumn("language", .setting(.language, .init(\.language), max: 16)),
        AccountColumn("timezone", .setting(.timezone, .init(\.timezone), max: 64)),
        AccountColumn("theme", .setting(.theme, .init(\.theme), max: 16)),
    ]

    private static func word<Value: RawRepresentable<String> & CaseIterable & Sendable>(
        _ path: WritableKeyPath<Account, Value>
    ) -> Kind {
        let path = Property(path)
        return .word(
            Word(allowed: Value.allCases.map(\.rawValue), value: { $0[path].rawValue }) { account, text in
                guard let value = Value(rawValue: text) else { return false }
                account[path] = value
                return true
            })
    }
}

extension Account {
    /// The value of a property that a column holds.
    package subscript<Value>(_ property: AccountColumn.Property<Value>) -> Value {
        get {
            withUnsafePointer(to: self) {
                (UnsafeRawPointer($0) + property.offset).assumingMemoryBound(to: Value.self).pointee
            }
        }
        set {
            withUnsafeMutablePointer(to: &self) {
                (UnsafeMutableRawPointer($0) + property.offset).assumingMemoryBound(to: Value.self).pointee = newValue
            }
        }
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

    func value(of account: Account) -> SQLValue {
        switch kind {
        case .id(let path, _): account[path] == 0 ? .null : .unsigned(account[path])
        case .name(_, let path): .text(account[path])
        case .text(_, let path, _, _): .text(orNull: account[path])
        case .file(let path, _): .text(orNull: account[path])
        case .word(let word): .text(word.value(account))
        case .flag(let path): .flag(account[path])
        case .number(let path, _): .integer(account[path])
        case .setting(_, let path, _): account[path].isEmpty ? .null : .text(account[path])
        case .time(let path, _): .time(account[path])
        case .optionalTime(let path): account[path].map { .time($0) } ?? .null
        }
    }

    func read(_ columns: inout Columns, into account: inout Account) throws(DatabaseError) {
        switch kind {
        case .id(let path, _): account[path] = try columns.unsigned()
        case .name(_, let path): account[path] = try columns.text()
        case .text(_, let path, _, _): account[path] = try columns.optionalText()
        case .file(let path, _): account[path] = try columns.optionalText()
        case .word(let word):
            let text = try columns.text()
            guard word.set(&account, text) else { throw .failed(code: 0, message: "`\(text)` is no \(name)") }
        case .flag(let path): account[path] = try columns.flag()
        case .number(let path, _): account[path] = try columns.integer()
        case .setting(_, let path, _): account[path] = try columns.text()
        case .time(let path, _): account[path] = try columns.instant()
        case .optionalTime(let path):
            account[path] = try columns.optionalTime().map(Instant.init(microseconds:))
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
        case .text(_, let path, _, _): account[path] = change.applied(to: account[path])
        case .setting(_, let path, _): account[path] = change.newValue ?? account[path]
        default: break
        }
    }
}

// MARK: Texts

extension AccountColumn {
    /// A column of what a person says in a text.
    struct Text {
        let field: Field
        let path: Property<String?>
        /// Characters.
        let max: Int
        let isMultiline: Bool
    }

    static let texts: [Text] = all.compactMap { column in
        guard case .text(let field, let path, let max, let isMultiline) = column.kind else { return nil }
        return Text(field: field, path: path, max: max, isMultiline: isMultiline)
    }
}
