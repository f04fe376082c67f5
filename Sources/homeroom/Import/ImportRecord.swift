import Accounts
import Glibc
import JSON
import Secrets
import System

/// Why a line was not taken in.
struct LineRefusal: Error {
    let text: String
    /// Whether there is no use in trying the next one.
    var isLast = false
}

/// A person as a source has them, under the names that Homeroom has for columns. They are taken one by one; what is wrong
/// with them is collected.
struct ImportRecord {
    /// What is written to the file of refused records.
    enum Original {
        /// The bytes of a line, or of JSON values with commas between them.
        case text([UInt8])
        /// Of a table with a header.
        case fields([String])
        /// None: a row of a database, whose members are told.
        case row
    }

    /// Of its line, object or row, from 1.
    let number: Int
    var members: [String: JSON]
    var original: Original
    /// Why it could not be read.
    var fault: String?
    /// Whether values are those of a spreadsheet or database: flags and numbers may be texts, an empty text is none, and
    /// times without a zone are UTC.
    let isLoose: Bool
    /// A password in the clear.
    private(set) var password: String?
    /// The path of a picture in the folder that `--media` names.
    private(set) var picture: String?

    private var complaints: [String] = []

    /// - Parameter isLoose: as the property.
    init(_ number: Int, _ members: [String: JSON], _ original: Original, isLoose: Bool, fault: String? = nil) {
        (self.number, self.members, self.original) = (number, members, original)
        (self.isLoose, self.fault) = (isLoose, fault)
    }

    /// All of it, or all that is wrong with it but for what the core finds.
    mutating func transfer(_ accounts: Accounts, _ options: ImportOptions) throws(LineRefusal) -> CheckedTransfer {
        if let fault { throw LineRefusal(text: fault) }
        let all = members
        defer { members = all }
        var transfer = Transfer(now: accounts.now)
        transfer.columns = Set(members.keys)
        takeStatus()
        if !options.keepsIDs, isLoose { members["id"] = nil }
        takePassword(options, into: &transfer)
        if options.media != nil { picture = pathOfPicture() }
        for column in AccountColumn.all { take(column, into: &transfer) }
        if let avatar = transfer.account.avatar, !accounts.holdsAvatar(avatar) {
            complain(
                "avatar", "HOMEROOM_MEDIA does not hold it. Give the folder of its file as --media, or leave it out")
        }
        for name in members.keys.sorted() { complain(name, "no such field") }
        do throws(AccountsError) {
            let checked = try accounts.check(transfer)
            if complaints.isEmpty { return checked }
        } catch {
            complaints.append(UserCommand.text(error))
        }
        throw LineRefusal(text: complaints.joined(separator: "; "))
    }

    /// What a line does not bring stays as a registration gives it.
    private mutating func take(_ column: AccountColumn, into transfer: inout Transfer) {
        let name = column.name
        switch column.kind {
        case .id(let path, let range):
            if let id = number(name, in: range) { transfer.account[path] = UInt64(id) }
        case .name(let field, _): transfer.entries[field] = entry(name)
        case .text(let field, _, _, _): transfer.entries[field] = entry(name)
        case .file(let path, let max): transfer.account[path] = text(name, max: max)
        case .word(let word): take(name, word, into: &transfer.account)
        case .flag(let path): transfer.account[path] = flag(name) ?? false
        case .number(let path, let range): transfer.account[path] = number(name, in: range) ?? 0
        case .setting(_, let path, let max): transfer.account[path] = text(name, max: max) ?? ""
        case .time(let path, let other):
            transfer.account[path] = time(name) ?? transfer.account[other]
        case .optionalTime(let path): transfer.account[path] = time(name)
        }
    }

    private mutating func take(_ name: String, _ word: AccountColumn.Word, into account: inout Account) {
        guard let value = value(name) else { return }
        if case .string(let text) = value, word.set(&account, isLoose ? ImportColumns.word(text) : text) { return }
        complain(name, "must be one of \(word.allowed.joined(separator: ", "))")
    }

    /// Django's `is_active` and contract 4's `disabled` are a status of ours.
    private mutating func takeStatus() {
        guard isLoose else { return }
        let isActive = flag("is_active")
        let isDisabled = flag("disabled")
        guard isActive != nil || isDisabled != nil, (members["status"] ?? .null) == .null else { return }
        members["status"] = isActive == false || isDisabled == true ? "disabled" : "active"
    }

    /// nil for null as well as for what is not there; as all of these.
    private mutating func value(_ name: String) -> JSON? {
        let value = members.removeValue(forKey: name)
        if isLoose, case .string(let text)? = value, text.allSatisfy(\.isWhitespace) { return nil }
        return value == .null ? nil : value
    }

    private mutating func complain(_ name: String, _ text: String) {
        // A name may hold line breaks.
        complaints.append("\(String(decoding: JSON.string(name).bytes.dropFirst().dropLast(), as: UTF8.self)): \(text)")
    }

    private mutating func entry(_ name: String) -> Entry? {
        switch value(name) {
        case nil: nil
        case .string(let text): .text(text)
        case .integer(let number) where isLoose: .text(String(number))
        default: .notText
        }
    }

    private mutating func takePassword(_ options: ImportOptions, into transfer: inout Transfer) {
        let plain = isLoose || options.passwords != nil ? value("password") : nil
        if let plain, options.passwords == .plain {
            members["password_hash"] = nil
            guard case .string(let text) = plain else { return complain("password", "is no text") }
            password = text
            transfer.columns.remove("password_hash")
            return
        }
        if options.passwords == .plain, (members["password_hash"] ?? .null) == .null {
            return complain("password", "is missing. Give one")
        }
        if let plain, members["password_hash"] == nil || members["password_hash"] == .null {
            // What Django calls so is a hash.
            members["password_hash"] = plain
            transfer.columns.insert("password_hash")
        }
        if options.passwords == .generate, (members["password_hash"] ?? .null) == .null {
            members["password_hash"] = nil
            transfer.columns.remove("password_hash")
            return
        }
        transfer.passwordHash = passwordHash(of: plain == nil ? "password_hash" : "password")
    }

    private mutating func passwordHash(of name: String) -> String {
        guard case .string(let hash)? = value("password_hash") else {
            complain("password_hash", "a text is missing")
            return ""
        }
        // Django's mark of an account without a password, which may get one by mail.
        let found = PasswordHash(stored: hash)
        guard hash.utf8.count <= 512, hash.utf8.allSatisfy({ $0 < 0x80 }), hash.hasPrefix("!") || found.isUsable else {
            let hint = name == "password" ? ". Passwords in the clear need --passwords plain" : ""
            let forms = "no form that can be checked. There are argon2, pbkdf2, bcrypt and scrypt; ! for none"
            complain(name, found.excess ?? forms + hint)
            return ""
        }
        return hash
    }

    /// Django keeps paths below its MEDIA_ROOT; a URL of it has `/media/` before.
    private mutating func pathOfPicture() -> String? {
        guard case .string(let text)? = value("avatar") else { return nil }
        let path = text.hasPrefix("/media/") ? String(text.dropFirst(7)) : text
        let steps = path.split(separator: "/", omittingEmptySubsequences: false)
        guard path.utf8.count <= 1000, !steps.isEmpty, !path.utf8.contains(0),
            steps.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." })
        else {
            complain("avatar", "is no path of a file below the folder of --media")
            return nil
        }
        return path
    }

    private mutating func text(_ name: String, max: Int) -> String? {
        guard let value = value(name) else { return nil }
        if case .string(let text) = value, (1...max).contains(text.utf8.count),
            text.utf8.allSatisfy({ (0x20..<0x7F).contains($0) })
        {
            return text
        }
        complain(name, "must be 1 to \(max) ASCII characters")
        return nil
    }

    private mutating func flag(_ name: String) -> Bool? {
        guard let value = value(name) else { return nil }
        switch value {
        case .bool(let flag): return flag
        case .string(let text) where isLoose:
            if let flag = ImportColumns.flag(text.trimmingWhitespace) { return flag }
        case .integer(let number) where isLoose && (0...1).contains(number): return number == 1
        default: break
        }
        complain(name, "must be true or false")
        return nil
    }

    private mutating func number(_ name: String, in range: ClosedRange<Int64>) -> Int64? {
        guard let value = value(name) else { return nil }
        if case .integer(let number) = value, range.contains(number) { return number }
        if isLoose, case .string(let text) = value, let number = Int64(text.trimmingWhitespace), range.contains(number)
        {
            return number
        }
        complain(name, "must be a number from \(range.lowerBound) to \(range.upperBound)")
        return nil
    }

    private mutating func time(_ name: String) -> Instant? {
        guard let value = value(name) else { return nil }
        if case .string(let text) = value, let time = Instant(isLoose ? Instant.withZone(text) : text) { return time }
        complain(name, "must be a time such as 2025-07-26T07:42:39.508828Z")
        return nil
    }
}

extension Instant {
    /// Databases and spreadsheets write times without a zone, spreadsheets also days alone.
    fileprivate static func withZone(_ text: String) -> String {
        let text = text.trimmingWhitespace
        if text.utf8.count == 10 { return text.replacing("/", with: "-") + "T00:00:00Z" }
        let time = text.utf8.dropFirst(10)
        let hasZone = time.contains { [UInt8(ascii: "Z"), UInt8(ascii: "z"), UInt8(ascii: "+"), 0x2D].contains($0) }
        return hasZone ? text : text + "Z"
    }

    /// RFC 3339 §5.6, of 1970 or later; also as databases write it, with a blank for the T and an offset of hours alone.
    fileprivate init?(_ text: String) {
        var bytes = Array(text.utf8)[...]
        func digits(_ count: Int) -> Int64? {
            guard bytes.count >= count, bytes.prefix(count).allSatisfy({ 0x30...0x39 ~= $0 }) else { return nil }
            defer { bytes.removeFirst(count) }
            return bytes.prefix(count).reduce(0) { 10 * $0 + Int64($1 - 0x30) }
        }
        func take(_ letters: String) -> UInt8? {
            guard let first = bytes.first, letters.utf8.contains(first) else { return nil }
            return bytes.removeFirst()
        }
        guard let year = digits(4), take("-") != nil, let month = digits(2), take("-") != nil, let day = digits(2),
            take("Tt ") != nil, let hour = digits(2), take(":") != nil, let minute = digits(2), take(":") != nil,
            let second = digits(2)
        else { return nil }
        var microsecond: Int64 = 0
        if take(".") != nil {
            let fraction = bytes.prefix { 0x30...0x39 ~= $0 }
            guard !fraction.isEmpty else { return nil }
            bytes.removeFirst(fraction.count)
            let six = Array(fraction.prefix(6)) + Array(repeating: 0x30, count: max(0, 6 - fraction.count))
            microsecond = six.reduce(0) { 10 * $0 + Int64($1 - 0x30) }
        }
        var offset: Int64 = 0
        if take("Zz") == nil {
            guard let sign = take("+-"), let hours = digits(2) else { return nil }
            let isFull = take(":") != nil || !bytes.isEmpty
            guard let minutes = isFull ? digits(2) : 0 else { return nil }
            offset = (hours * 3600 + minutes * 60) * 1_000_000 * (sign == UInt8(ascii: "+") ? 1 : -1)
        }
        let time = CivilTime(
            year: year, month: month, day: day, hour: hour, minute: minute, second: second, microsecond: microsecond)
        guard bytes.isEmpty, time.exists, time.year >= 1970, time.microseconds >= offset else { return nil }
        self.init(microseconds: time.microseconds - offset)
    }
}
