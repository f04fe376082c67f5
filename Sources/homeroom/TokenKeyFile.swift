import Accounts
import Contracts
import Secrets
import System

/// What stands in the file of `HOMEROOM_TOKEN_KEY`: one key, or after a change of it a line for each, the newest first.
///
///     0123…  from 2026-11-27T10:05:00Z
///     89ab…  until 2026-12-27T10:06:00Z
struct TokenKeyFile {
    /// More are no use to anybody, and each costs a verification of every forged token.
    static let maxKeys = 8

    struct Line {
        let text: String
        var from: Instant?
        var until: Instant?
    }

    private(set) var lines: [Line]

    /// Throws where some of the lines have a time and others none, so that no slip of an editor makes one long key of them.
    init(_ text: String) throws(CommandError) {
        let parts = text.split(separator: "\n").filter { !$0.allSatisfy(\.isWhitespace) }
        let parsed = parts.map { TokenKeyFile.line(String($0)) }
        guard parsed.contains(where: { $0 != nil }) else {
            lines = [Line(text: text)]
            return
        }
        lines = []
        for (number, line) in parsed.enumerated() {
            guard let line else {
                throw .refused(
                    "HOMEROOM_TOKEN_KEY_FILE: line \(number + 1) has no time as the others do, `from` or `until` "
                        + "2026-01-31T12:00:00Z. Put it right, or the file from before the last `homeroom key rotate` back"
                )
            }
            lines.append(line)
        }
        guard lines.contains(where: { $0.until == nil }) else {
            throw .refused(
                "HOMEROOM_TOKEN_KEY_FILE: no line has `from`, so no key signs. Put the file from before back")
        }
    }

    /// The newest first.
    var keys: [TokenKey] {
        get throws(CommandError) {
            var keys: [TokenKey] = []
            for line in lines {
                keys.append(
                    try TokenKeyFile.key(line.text, from: line.from?.seconds ?? 0, until: line.until?.seconds))
            }
            return keys
        }
    }

    /// The key that signs from a time on that is still to come.
    func pending(at now: Instant) -> Line? {
        lines.first { ($0.from ?? now) > now }
    }

    /// Puts a new key before the others, whose tokens are accepted for as long as one of them can live, and drops those
    /// whose time is over.
    mutating func rotate(to key: String, from start: Instant, life: Int64, now: Instant) {
        let others = lines.filter { $0.until.map { now < $0 } ?? true }.map { line in
            Line(text: line.text, until: line.until ?? start + life)
        }
        lines = [Line(text: key, from: start)] + others
    }

    /// Puts a new key into the place of all others.
    mutating func replace(with key: String, from start: Instant) {
        lines = [Line(text: key, from: start)]
    }

    /// As it stands in the file.
    var text: String {
        lines.map { line in
            let from = line.from.map { " from \($0.withSeconds)" } ?? ""
            let until = line.until.map { " until \($0.withSeconds)" } ?? ""
            return line.text + from + until + "\n"
        }.joined()
    }

    /// Throws for one that can be guessed.
    static func key(_ text: String, from: Int64 = 0, until: Int64? = nil) throws(CommandError) -> TokenKey {
        guard isStrong(text) else {
            throw .refused(
                "HOMEROOM_TOKEN_KEY: \(text.utf8.count) bytes, needs 32 random ones or more. Make one with: openssl rand -hex 32"
            )
        }
        return TokenKey(Array(text.utf8), signsFrom: from, acceptedUntil: until)
    }

    /// 32 random bytes are 64 letters in hexadecimal, and never only a few different ones.
    private static func isStrong(_ key: String) -> Bool {
        let isHexadecimal = key.utf8.allSatisfy {
            UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 || UInt8(ascii: "a")...UInt8(ascii: "f") ~= $0 | 0x20
        }
        return key.utf8.count >= (isHexadecimal ? 64 : 32) && Set(key.utf8).count >= 8
    }

    /// nil for what has no time behind it.
    private static func line(_ text: String) -> Line? {
        let form = /\s*(.*\S)\s+(from|until)\s+(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)Z\s*/
        guard let parts = text.wholeMatch(of: form)?.output, let year = Int64(parts.3), let month = Int64(parts.4),
            let day = Int64(parts.5), let hour = Int64(parts.6), let minute = Int64(parts.7),
            let second = Int64(parts.8)
        else { return nil }
        let time = CivilTime(year: year, month: month, day: day, hour: hour, minute: minute, second: second)
        guard time.exists else { return nil }
        let instant = Instant(microseconds: time.microseconds)
        return parts.2 == "from"
            ? Line(text: String(parts.1), from: instant) : Line(text: String(parts.1), until: instant)
    }
}
