import JSON

/// What `manage.py dumpdata` writes: one JSON array of objects of all models, in any order. Accounts and their profiles are
/// kept in a temporary file, where they find each other.
struct DjangoSource: ImportSource {
    let description: String
    let form = ImportForm.django
    private let rows: SQLite.Statement
    private let count: Int
    private var done = 0
    private let names: [String: String?]

    init(_ path: String, _ options: ImportOptions) throws(CommandError) {
        let scratch = try SQLite()
        try scratch.run("CREATE TABLE objects (model TEXT, key TEXT, number INTEGER, json TEXT); BEGIN")
        let insert = try scratch.statement("INSERT INTO objects VALUES (?, ?, ?, ?)")
        var models: [String: Model] = [:]
        var reader = try ArrayReader(path, options)
        while let (number, bytes) = try reader.next() {
            guard bytes.count < ArrayReader.maxBytes else { continue }
            let object = try DumpedObject(bytes, number, in: path)
            guard models.count < 1000 || models[object.model] != nil else {
                throw .refused("\(path): has more than 1000 models")
            }
            var model = models[object.model] ?? Model()
            model.count += 1
            let isWanted =
                object.model == options.profile
                || options.profile == nil && isProfile(object.model) && object.fields["user"] != nil
            if object.isAccount { model.kind = .accounts } else if isWanted { model.kind = .profiles }
            if model.kind != .other {
                guard let key = object.isAccount ? object.key : object.owner else {
                    throw .refused(
                        "\(path): object \(number): who is it of? Dump without --natural-primary and --natural-foreign")
                }
                for name in object.fields.members.map(\.name) where model.fields.count < 256 {
                    model.fields.insert(name)
                }
                try insert.run([object.model, key, String(number), String(decoding: bytes, as: UTF8.self)])
            }
            models[object.model] = model
        }
        try scratch.run("COMMIT; CREATE INDEX objects_key ON objects (model, key)")
        let accounts = try DjangoSource.only(.accounts, of: models, "--model", options.model, path)
        guard let accounts, let model = models[accounts] else {
            throw .refused("\(path): has no accounts: no model with the fields password and username or email")
        }
        let wanted = options.profile == "none" ? nil : options.profile
        let profile =
            options.profile == "none"
            ? nil : try DjangoSource.only(.profiles, of: models, "--profile", wanted, path)
        names = try DjangoSource.names(model, profile.flatMap { models[$0] }, options, path)
        rows = try scratch.statement(
            """
            SELECT u.number, u.json, (SELECT p.json FROM objects p WHERE p.model = ? AND p.key = u.key)
            FROM objects u WHERE u.model = ? ORDER BY u.number
            """)
        try rows.bind([profile ?? "", accounts])
        count = model.count
        let others = models.filter { $0.key != accounts && $0.key != profile && $0.key != "homeroom.refused" }
        let left = others.sorted { $0.key < $1.key }.prefix(20).map { "\(printable($0.key)) (\($0.value.count))" }
        description =
            "Django's dumpdata: \(count) of \(printable(accounts))" + (profile.map { " with \(printable($0))" } ?? "")
            + (reader.tooLong == 0 ? "" : "; left out \(reader.tooLong) of more than \(ArrayReader.maxBytes) bytes")
            + (left.isEmpty ? "" : "; left out: \(left.joined(separator: ", "))")
            + (model.fields.contains("groups") ? "; also groups and user_permissions, which have no place here" : "")
    }

    var progress: ImportProgress.Share? { .init(done: Int64(done), of: Int64(count)) }

    mutating func next() throws(CommandError) -> ImportRecord? {
        guard let row = try rows.next(), let number = row[0].flatMap({ Int($0) }), let account = row[1] else {
            return nil
        }
        done += 1
        let profile = row[2]
        let original = Array((account + (profile.map { ",\n" + $0 } ?? "")).utf8)
        var members: [String: JSON] = [:]
        for text in [account, profile].compactMap({ $0 }) {
            guard let object = try? DumpedObject(Array(text.utf8), number, in: "") else { continue }
            if text == account, let id = object.key.flatMap({ Int64($0) }) { members["id"] = .integer(id) }
            for member in object.fields.members {
                guard let name = names[member.name] ?? nil, member.value != .null, member.value != "" else { continue }
                // Where both have it, the account's counts.
                if members[name] == nil { members[name] = member.value }
            }
        }
        return ImportRecord(number, members, .text(original), isLoose: true)
    }

    // MARK: Models

    private struct Model {
        enum Kind { case accounts, profiles, other }
        var kind = Kind.other
        var count = 0
        var fields: Set<String> = []
    }

    /// The model that is wanted, or the only one of its kind.
    private static func only(
        _ kind: Model.Kind, of models: [String: Model], _ option: String, _ wanted: String?, _ path: String
    ) throws(CommandError) -> String? {
        let found = models.filter { $0.value.kind == kind }.keys.sorted()
        if let wanted {
            guard found.contains(wanted) else {
                throw .refused("\(path): \(option) \(printable(wanted)): is not there")
            }
            return wanted
        }
        guard found.count > 1 else { return found.first }
        throw .refused("\(path): \(option) must say which one: \(found.map(printable).joined(separator: ", "))")
    }

    private static func names(
        _ accounts: Model, _ profiles: Model?, _ options: ImportOptions, _ path: String
    ) throws(CommandError) -> [String: String?] {
        var names: [String: String?] = [:]
        let groups: [(Model?, Set<String>)] = [
            (accounts, ["groups", "user_permissions"]), (profiles, ["user", "id"]),
        ]
        for (model, own) in groups {
            let fields = (model?.fields ?? []).subtracting(own).sorted()
            for (field, name) in zip(fields, try options.names(of: fields, in: path)) { names[field] = name }
        }
        return names
    }
}

/// `{"model": "auth.user", "pk": 1, "fields": {…}}`
private struct DumpedObject {
    let model: String
    let fields: JSON.Object
    /// As text; nil where it has none.
    let key: String?

    init(_ bytes: [UInt8], _ number: Int, in path: String) throws(CommandError) {
        let value: JSON
        do throws(JSON.ParseError) {
            value = try JSON.parse(bytes)
        } catch {
            throw .refused(
                "\(path): object \(number): no JSON: \(error.reason.rawValue), at byte \(error.offset) of it")
        }
        guard case .object(let object) = value, case .string(let model)? = object["model"],
            case .object(let fields)? = object["fields"]
        else { throw .refused("\(path): object \(number) is none of Django's dumpdata: model and fields are missing") }
        (self.model, self.fields) = (model, fields)
        key = DumpedObject.text(object["pk"])
    }

    var isAccount: Bool { fields["password"] != nil && (fields["username"] ?? fields["email"]) != nil }

    /// The key of the account that a profile belongs to.
    var owner: String? { DumpedObject.text(fields["user"]) }

    private static func text(_ value: JSON?) -> String? {
        switch value {
        case .integer(let number): String(number)
        case .string(let text): text
        default: nil
        }
    }
}

/// The values of one JSON array, read one at a time.
private struct ArrayReader {
    static let maxBytes = 65_536

    /// How many were longer.
    private(set) var tooLong = 0

    private let path: String
    private let reader: TextReader
    private var number = 0
    private var isAtEnd = false

    init(_ path: String, _ options: ImportOptions) throws(CommandError) {
        self.path = path
        reader = try TextReader(path, encoding: options.encoding)
        if try reader.peek().starts(with: [0xEF, 0xBB, 0xBF]) { reader.skip(3) }
        guard try nextVisible() == UInt8(ascii: "[") else { throw .refused("\(path): is no JSON array") }
    }

    /// The bytes of the next value, `maxBytes` at most; nil behind the last.
    mutating func next() throws(CommandError) -> (number: Int, bytes: [UInt8])? {
        guard !isAtEnd, var byte = try nextVisible() else {
            guard isAtEnd else { throw cutOff }
            return nil
        }
        if byte == UInt8(ascii: "]") {
            isAtEnd = true
            guard try nextVisible() == nil else { throw .refused("\(path): has more behind the array") }
            return nil
        }
        if number > 0 {
            guard byte == UInt8(ascii: ","), let first = try nextVisible() else { throw cutOff }
            byte = first
        }
        number += 1
        guard byte == UInt8(ascii: "{") else { throw .refused("\(path): value \(number) is no object") }
        var bytes = [byte]
        var (depth, isText, isEscaped) = (1, false, false)
        while depth > 0 {
            guard let byte = try reader.next() else { throw cutOff }
            // Of what is longer nothing is needed: no account is.
            if bytes.count < ArrayReader.maxBytes { bytes.append(byte) }
            if isText {
                if isEscaped {
                    isEscaped = false
                } else if byte == UInt8(ascii: "\\") {
                    isEscaped = true
                } else if byte == UInt8(ascii: "\"") {
                    isText = false
                }
                continue
            }
            switch byte {
            case UInt8(ascii: "\""): isText = true
            case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
            default: break
            }
        }
        if bytes.count == ArrayReader.maxBytes { tooLong += 1 }
        return (number, bytes)
    }

    private func nextVisible() throws(CommandError) -> UInt8? {
        while let byte = try reader.next() {
            if ![0x20, 0x09, 0x0A, 0x0D].contains(byte) { return byte }
        }
        return nil
    }

    private var cutOff: CommandError { .refused("\(path): ends in the middle of object \(number). Is it all there?") }
}
