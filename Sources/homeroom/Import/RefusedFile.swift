import Glibc
import JSON
import System

/// The records that were refused, with numbers and reasons, in the form of the source: put right they can be imported as they
/// stand. It has no password in the clear.
final class RefusedFile {
    /// nil where there is to be none.
    let path: String?
    private(set) var count = 0
    private let source: any ImportSource
    private var descriptor: Int32 = -1

    private var part: String { (path ?? "") + ".part" }

    /// Throws where the file could not be made when the first record is refused.
    init(_ path: String?, of source: any ImportSource) throws(CommandError) {
        (self.path, self.source) = (path, source)
        guard let path else { return }
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        guard access(folder, W_OK) == 0 else {
            throw .refused("\(path): \(String(cString: strerror(errno))). Name another file with --refused")
        }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    func write(_ record: ImportRecord, because reasons: String) throws(CommandError) {
        guard path != nil else { return }
        if descriptor < 0 {
            unlink(part)
            descriptor = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
            guard descriptor >= 0 else { throw .refused("\(part): \(String(cString: strerror(errno)))") }
            try append(beginning)
        }
        count += 1
        try append(text(of: record, reasons))
    }

    /// Gives the file its name. One that was there, perhaps half put right, stays beside it.
    func finish() throws(CommandError) {
        guard descriptor >= 0, let path else { return }
        if source.form == .django { try append(Array("\n]\n".utf8)) }
        if access(path, F_OK) == 0 { rename(path, path + "~") }
        guard fsync(descriptor) == 0, rename(part, path) == 0 else {
            throw .refused("\(path): \(String(cString: strerror(errno)))")
        }
    }

    private var beginning: [UInt8] {
        guard source.form == .csv, let table = source as? CSVSource else {
            return Array((source.form == .django ? "[\n" : "").utf8)
        }
        // Without the mark Excel takes UTF-8 for something else.
        return [0xEF, 0xBB, 0xBF] + RefusedFile.line(["refused_line", "refused_because"] + table.ownHeader)
    }

    private func text(of record: ImportRecord, _ reasons: String) -> [UInt8] {
        let number = JSON.integer(Int64(record.number))
        switch (source.form, record.original) {
        case (.csv, .fields(let fields)):
            let table = source as? CSVSource
            let kept = fields.indices.filter { table?.isOwn($0) == true }
            return RefusedFile.line(
                [String(record.number), reasons] + kept.map { table?.isPassword($0) == true ? "" : fields[$0] })
        case (.django, .text(let bytes)):
            let fields: JSON = ["line": number, "because": .string(reasons)]
            let mark: JSON = ["model": "homeroom.refused", "fields": fields]
            return Array((count == 1 ? "" : ",\n").utf8) + mark.bytes + Array(",\n".utf8) + bytes
        default:
            let mark: JSON = ["refused": ["line": number, "because": .string(reasons)]]
            return mark.bytes + [0x0A] + lines(of: record) + [0x0A]
        }
    }

    private func lines(of record: ImportRecord) -> [UInt8] {
        if case .text(let bytes) = record.original, record.members["password"] == nil { return bytes }
        let members = record.members.filter { $0.key != "password" }.sorted { $0.key < $1.key }
        return JSON.object(JSON.Object(members.map { .init(name: $0.key, value: $0.value) })).bytes
    }

    /// RFC 4180 §2.
    private static func line(_ fields: [String]) -> [UInt8] {
        let quoted = fields.map { field in
            let isPlain =
                !field.utf8.contains { [0x22, 0x2C, 0x0A, 0x0D].contains($0) } && field == field.trimmingWhitespace
            return isPlain ? field : "\"" + field.replacing("\"", with: "\"\"") + "\""
        }
        return Array((quoted.joined(separator: ",") + "\r\n").utf8)
    }

    private func append(_ bytes: [UInt8]) throws(CommandError) {
        do throws(SystemError) {
            try writeAll(bytes, to: descriptor)
        } catch {
            throw .refused("\(part): \(error.reason)")
        }
    }
}
