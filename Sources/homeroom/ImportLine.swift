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

/// The members of one line, taken one by one; what is wrong with them is collected.
struct ImportLine {
    private static let maxBytes = 65_536

    private var members: [String: JSON] = [:]
    private var complaints: [String] = []

    init(_ bytes: [UInt8]) throws(LineRefusal) {
        guard bytes.count <= ImportLine.maxBytes else {
            throw LineRefusal(text: "longer than \(ImportLine.maxBytes) bytes")
        }
        let value: JSON
        do throws(JSON.ParseError) {
            value = try JSON.parse(bytes)
        } catch {
            throw LineRefusal(text: "no JSON: \(error.reason.rawValue), at byte \(error.offset)")
        }
        guard case .object(let object) = value else { throw LineRefusal(text: "no JSON object") }
        for member in object.members { members[member.name] = member.value }
    }

    /// All of it, or all that is wrong with it but for what the core finds.
    consuming func transfer(_ accounts: Accounts) throws(LineRefusal) -> Transfer {
        var transfer = Transfer(now: accounts.now)
        transfer.passwordHash = passwordHash()
        for column in AccountColumn.all { take(column, into: &transfer) }
        if let avatar = transfer.account.avatar, !accounts.holdsAvatar(avatar) {
            complain("avatar", "HOMEROOM_MEDIA does not hold it. Copy its files first, or leave it out")
        }
        for name in members.keys.sorted() { complain(name, "no such field") }
        guard complaints.isEmpty else { throw LineRefusal(text: complaints.joined(separator: "; ")) }
        return transfer
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
        case .flag(let path): transfer.account[path] = flag(name)
        case .number(let path, let range): transfer.account[path] = number(name, in: range) ?? 0
        case .setting(_, let path, let max): transfer.account[path] = text(name, max: max) ?? ""
        case .time(let path, let other):
            transfer.account[path] = time(name) ?? transfer.account[other]
        case .optionalTime(let path): transfer.account[path] = time(name)
        }
    }

    private mutating func take(_ name: String, _ word: AccountColumn.Word, into account: inout Account) {
        guard let value = value(name) else { return }
        if case .string(let text) = value, word.set(&account, text) { return }
        complain(name, "must be one of \(word.allowed.joined(separator: ", "))")
    }

    /// nil for null as well as for what is not there; as all of these.
    private mutating func value(_ name: String) -> JSON? {
        let value = members.removeValue(forKey: name)
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
        default: .notText
        }
    }

    private mutating func passwordHash() -> String {
        guard case .string(let hash)? = value("password_hash") else {
            complain("password_hash", "a text is missing")
            return ""
        }
        // Django's mark of an account without a password, which may get one by mail.
        let found = PasswordHash(stored: hash)
        guard hash.utf8.count <= 512, hash.utf8.allSatisfy({ $0 < 0x80 }), hash.hasPrefix("!") || found.isUsable else {
            let forms = "no form that can be checked. There are argon2, pbkdf2, bcrypt and scrypt; ! for none"
            complain("password_hash", found.excess ?? forms)
            return ""
        }
        return hash
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

    private mutating func flag(_ name: String) -> Bool {
        guard let value = value(name) else { return false }
        if case .bool(let flag) = value { return flag }
        complain(name, "must be true or false")
        return false
    }

    private mutating func number(_ name: String, in range: ClosedRange<Int64>) -> Int64? {
        guard let value = value(name) else { return nil }
        if case .integer(let number) = value, range.contains(number) { return number }
        complain(name, "must be a number from \(range.lowerBound) to \(range.upperBound)")
        return nil
    }

    private mutating func time(_ name: String) -> Instant? {
        guard let value = value(name) else { return nil }
        if case .string(let text) = value, let time = Instant(text) { return time }
        complain(name, "must be a time such as 2025-07-26T07:42:39.508828Z")
        return nil
    }
}

extension Instant {
    // Made once: that takes longer than all else that is done with a line. Nothing changes it.
    private nonisolated(unsafe) static let form =
        /(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.(\d{1,6})\d*)?(?:[Zz]|([+-])(\d\d):?(\d\d)?)/
        .asciiOnlyDigits()

    /// RFC 3339 §5.6, of 1970 or later; also as databases write it, with a blank for the T and an offset of hours alone.
    fileprivate init?(_ text: String) {
        guard let match = text.wholeMatch(of: Instant.form) else { return nil }
        func number(_ text: Substring?) -> Int64 { text.flatMap { Int64($0) } ?? 0 }
        let fraction = match.7.map { $0 + String(repeating: "0", count: 6 - $0.count) }
        let time = CivilTime(
            year: number(match.1), month: number(match.2), day: number(match.3), hour: number(match.4),
            minute: number(match.5), second: number(match.6), microsecond: number(fraction))
        guard time.exists, time.year >= 1970 else { return nil }
        let offset = (number(match.9) * 3600 + number(match.10) * 60) * 1_000_000
        let microseconds = time.microseconds + (match.8 == "+" ? -offset : offset)
        guard microseconds >= 0 else { return nil }
        self.init(microseconds: microseconds)
    }
}
