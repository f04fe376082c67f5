import JSON

/// A table with a header, by RFC 4180: commas, semicolons or tabs, whichever the header has most of.
struct CSVSource: ImportSource {
    /// Of one record, quotes and all.
    private static let maxBytes = 65_536
    private static let maxFields = 256

    let description: String
    let form = ImportForm.csv
    private let path: String
    private let reader: TextReader
    private let delimiter: UInt8
    /// The line in which the next record begins.
    private var line = 1
    /// What each column is for us; nil for one that is left out.
    private var names: [String?] = []
    private var header: [String] = []

    init(_ path: String, _ options: ImportOptions) throws(CommandError) {
        self.path = path
        let encoding = if let known = options.encoding { known } else { try CSVSource.encoding(of: path) }
        // All of it, before anything is done with the first record.
        reader = try TextReader(path, encoding: encoding)
        if path != "-", reader.size != nil {
            let trial = try TextReader(path, encoding: encoding)
            while case let piece = try trial.peek(), !piece.isEmpty { trial.skip(piece.count) }
        }
        if try reader.peek().starts(with: [0xEF, 0xBB, 0xBF]) { reader.skip(3) }
        // Excel's own way to say it.
        let first = try reader.peek()
        if first.starts(with: Array("sep=".utf8)), first.count > 5 {
            delimiter = first[first.startIndex + 4]
            _ = try reader.nextLine(max: 100)
            line += 1
        } else {
            delimiter = CSVSource.delimiter(of: first)
        }
        let word = [0x2C: "commas", 0x3B: "semicolons", 0x09: "tabs"][delimiter] ?? "`\(UnicodeScalar(delimiter))`"
        description = "CSV, \(encoding), \(word)"
        try readHeader(options)
    }

    var progress: ImportProgress.Share? { reader.size.map { .init(done: reader.position, of: $0) } }

    mutating func next() throws(CommandError) -> ImportRecord? {
        while let (number, fields, fault) = try record() {
            if fault == nil, fields.allSatisfy({ $0.allSatisfy(\.isWhitespace) }) { continue }
            var members: [String: JSON] = [:]
            for (name, field) in zip(names, fields) { if let name { members[name] = .string(field) } }
            let wrongCount =
                fields.count == names.count ? nil : "\(fields.count) fields, and the header has \(names.count)"
            return ImportRecord(
                number, members, .fields(fields), isLoose: true, fault: fault ?? wrongCount)
        }
        return nil
    }

    /// Whether a column holds passwords in the clear, which are written nowhere else.
    func isPassword(_ column: Int) -> Bool { column < names.count && names[column] == "password" }

    /// Whether a column is one of the table's, not of an earlier refusal.
    func isOwn(_ column: Int) -> Bool { column >= header.count || !ImportColumns.refused.contains(header[column]) }

    /// The names of those.
    var ownHeader: [String] { header.filter { !ImportColumns.refused.contains($0) } }

    private mutating func readHeader(_ options: ImportOptions) throws(CommandError) {
        guard let (number, fields, fault) = try record() else { throw .refused("\(path): is empty") }
        if let fault { throw .refused("\(path):\(number): the header: \(fault)") }
        header = fields.map(\.trimmingWhitespace)
        names = try options.names(of: header, in: path)
    }

    // MARK: Records

    /// The next record, and in which line it begins; with a fault where it is none.
    private mutating func record() throws(CommandError) -> (line: Int, fields: [String], fault: String?)? {
        guard var byte = try reader.next() else { return nil }
        let begin = line
        var fields: [[UInt8]] = [[]]
        var (count, fault): (Int, String?) = (0, nil)
        var (isQuoted, wasQuoted) = (false, false)
        while true {
            count += 1
            if count == CSVSource.maxBytes + 1 { fault = "longer than \(CSVSource.maxBytes) bytes" }
            if byte == 0x0A { line += 1 }
            let isEnd = byte == 0x0A && !isQuoted
            switch byte {
            case UInt8(ascii: "\"") where isQuoted:
                // Two of them are one. (RFC 4180 §2.7)
                if try reader.peek().first == byte {
                    reader.skip(1)
                    if fault == nil { fields[fields.count - 1].append(byte) }
                } else {
                    (isQuoted, wasQuoted) = (false, true)
                }
            case _ where isQuoted:
                if fault == nil { fields[fields.count - 1].append(byte) }
            case 0x0A: break
            case delimiter:
                wasQuoted = false
                if fields.count == CSVSource.maxFields {
                    fault = "more than \(CSVSource.maxFields) columns"
                } else if fault == nil {
                    fields.append([])
                }
            case UInt8(ascii: "\"") where fields.last?.isEmpty == true && !wasQuoted:
                isQuoted = true
            case 0x0D where try reader.peek().first ?? 0x0A == 0x0A: break
            default:
                if wasQuoted { fault = fault ?? "text behind a closing quote" }
                if fault == nil { fields[fields.count - 1].append(byte) }
            }
            if isEnd { break }
            guard let next = try reader.next() else {
                if isQuoted { fault = "a quote that is never closed; all behind it was taken for one field" }
                break
            }
            byte = next
        }
        let texts = fields.map { String(decoding: $0, as: UTF8.self) }
        for field in fields.indices { for index in fields[field].indices { fields[field][index] = 0 } }
        return (begin, texts, fault)
    }

    // MARK: What it is

    private static func encoding(of path: String) throws(CommandError) -> String {
        let reader = try TextReader(path, encoding: nil)
        guard path != "-", reader.size != nil else { return "UTF-8" }
        let start = try reader.peek()
        return start.starts(with: [0xFF, 0xFE]) || start.starts(with: [0xFE, 0xFF]) ? "UTF-16" : "UTF-8"
    }

    private static func delimiter(of text: ArraySlice<UInt8>) -> UInt8 {
        var counts: [UInt8: Int] = [:]
        var isQuoted = false
        for byte in text {
            if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
            if isQuoted { continue }
            if byte == 0x0A { break }
            if [0x2C, 0x3B, 0x09].contains(byte) { counts[byte, default: 0] += 1 }
        }
        return counts.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key ?? 0x2C
    }
}
