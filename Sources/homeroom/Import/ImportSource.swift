import Glibc
import JSON

/// Where accounts come from: gives one record after the other, with memory that does not grow.
protocol ImportSource {
    /// What it was taken for.
    var description: String { get }
    var form: ImportForm { get }
    /// How much of it was read; nil where nobody knows how much there is.
    var progress: ImportProgress.Share? { get }
    mutating func next() throws(CommandError) -> ImportRecord?
}

/// How accounts are written in a source, and the refused ones of it in a file.
enum ImportForm: String, CaseIterable {
    case jsonl, csv, django, sqlite, mysql

    /// How the name of a file of refused records ends.
    var refusedEnding: String {
        switch self {
        case .csv: "refused.csv"
        case .django: "refused.json"
        case .jsonl, .sqlite, .mysql: "refused.jsonl"
        }
    }

    /// By what the file begins with; a pipe can be read only once, and has JSON lines if nothing else is said.
    static func ofFile(_ path: String) throws(CommandError) -> ImportForm {
        let reader = try TextReader(path, encoding: nil)
        guard reader.size != nil, path != "-" else { return .jsonl }
        let start = try reader.peek()
        for (magic, what) in others where start.starts(with: magic) { throw .refused("\(path): \(what)") }
        if start.starts(with: Array("SQLite format 3\0".utf8)) { return .sqlite }
        let text = start.starts(with: [0xEF, 0xBB, 0xBF]) ? start.dropFirst(3) : start
        switch text.first(where: { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }) {
        case UInt8(ascii: "{"): return .jsonl
        case UInt8(ascii: "["): return .django
        default: return .csv
        }
    }

    private static let others: [([UInt8], String)] = [
        ([0x50, 0x4B, 0x03, 0x04], "is a zip archive or an Excel workbook (.xlsx). Save the table as CSV UTF-8"),
        ([0xD0, 0xCF, 0x11, 0xE0], "is an old Excel workbook (.xls). Save the table as CSV UTF-8"),
        ([0x1F, 0x8B], "is compressed. Unpack it: gunzip"),
        (Array("%PDF".utf8), "is a PDF. Save the table as CSV UTF-8"),
    ]
}

/// What the words of a call say about an import.
struct ImportOptions {
    enum Passwords: String, CaseIterable { case plain, generate }

    var form: ImportForm?
    var encoding: String?
    var ignored: Set<String> = []
    var model: String?
    var profile: String?
    var keepsIDs = false
    var passwords: Passwords?
    /// Whether the passwords of this import must be changed at the first login.
    var mustChange: Bool
    var media: String?

    init(_ arguments: inout Arguments) throws(CommandError) {
        form = try ImportOptions.word(arguments.option("format"), "--format")
        encoding = try arguments.option("encoding")
        while let name = try arguments.option("ignore-column") { ignored.insert(name) }
        model = try arguments.option("model")
        profile = try arguments.option("profile")
        keepsIDs = arguments.flag("keep-ids")
        passwords = try ImportOptions.word(arguments.option("passwords"), "--passwords")
        mustChange = arguments.flag("must-change") || passwords == .generate
        media = try arguments.option("media")
    }

    private static func word<Word: RawRepresentable<String> & CaseIterable>(
        _ text: String?, _ option: String
    ) throws(CommandError) -> Word? {
        guard let text else { return nil }
        if let word = Word(rawValue: text) { return word }
        throw .usage("\(option): `\(text)` is none of \(Word.allCases.map(\.rawValue).joined(separator: ", "))")
    }

    /// What each column of a table is for us; nil for one that is left out. All that nobody knows are named at once.
    func names(of columns: [String], in place: String) throws(CommandError) -> [String?] {
        var (names, unknown): ([String?], [String]) = ([], [])
        var columnOf: [String: String] = [:]
        for column in columns {
            if ignored.contains(column) || ImportColumns.refused.contains(column) {
                names.append(nil)
                continue
            }
            guard let name = ImportColumns.name(column) else {
                unknown.append(printable(column))
                continue
            }
            if let other = columnOf.updateValue(column, forKey: name) {
                throw .refused(
                    "\(place): `\(printable(other))` and `\(printable(column))` are both \(name). "
                        + "Leave one out with --ignore-column")
            }
            names.append(name)
        }
        guard unknown.isEmpty else {
            throw .refused(
                "\(place): nobody knows the columns \(unknown.joined(separator: ", ")). Leave one out with "
                    + "--ignore-column NAME, or give it another name: \(ImportColumns.list)")
        }
        return names
    }
}

/// A stranger's text for a terminal: at most 60 characters, none of which controls it.
func printable(_ text: String) -> String {
    let scalars = text.unicodeScalars.prefix(60).map { scalar in
        let isShown = !scalar.properties.isBidiControl && scalar.properties.generalCategory != .control
        return isShown ? scalar : "?"
    }
    return String(String.UnicodeScalarView(scalars))
}

/// JSON objects under Homeroom's own names, one a line, as `user export` writes them.
struct JSONLinesSource: ImportSource {
    private static let maxBytes = 65_536

    let description = "JSON lines"
    let form = ImportForm.jsonl
    private let reader: TextReader
    private let ignored: Set<String>
    private var number = 0

    init(_ path: String, _ options: ImportOptions) throws(CommandError) {
        reader = try TextReader(path, encoding: options.encoding)
        ignored = options.ignored
        // A byte order mark, which Windows puts before a text.
        if try reader.peek().starts(with: [0xEF, 0xBB, 0xBF]) { reader.skip(3) }
    }

    var progress: ImportProgress.Share? { reader.size.map { .init(done: reader.position, of: $0) } }

    mutating func next() throws(CommandError) -> ImportRecord? {
        while let (bytes, isTooLong) = try reader.nextLine(max: JSONLinesSource.maxBytes) {
            number += 1
            if bytes.allSatisfy({ [0x09, 0x0D, 0x20].contains($0) }), !isTooLong { continue }
            var record = ImportRecord(number, [:], .text(bytes), isLoose: false)
            if isTooLong {
                record.fault = "longer than \(JSONLinesSource.maxBytes) bytes"
                return record
            }
            do throws(JSON.ParseError) {
                guard case .object(let object) = try JSON.parse(bytes) else {
                    record.fault = "no JSON object"
                    return record
                }
                // What tells why the next one was refused.
                if object.members.map(\.name) == ["refused"] { continue }
                for member in object.members where !ignored.contains(member.name) {
                    record.members[member.name] = member.value
                }
            } catch {
                record.fault = "no JSON: \(error.reason.rawValue), at byte \(error.offset)"
            }
            return record
        }
        return nil
    }
}
