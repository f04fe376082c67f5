import Accounts
import CLinux
import Contracts
import Foundation
import Glibc
import JSON
import Secrets
import System

/// A folder of backups: each is a folder in it, named after its time, which gets that name once it is whole.
///
/// - `2026-11-27T02-30-00Z/manifest.json`: what it is
/// - `2026-11-27T02-30-00Z/database.sql`: all tables, as mariadb-dump writes them
/// - `2026-11-27T02-30-00Z/avatars/`: the pictures
/// - `2026-11-27T02-30-00Z/SHA256SUMS`: the digests of all of these, as sha256sum(1) takes them
struct BackupFolder {
    let path: String
    private static let mark = "partial-"

    /// Made where its own folder is there.
    init(making path: String) throws(CommandError) {
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw BackupFolder.failed(path) }
        try self.init(path)
    }

    init(_ path: String) throws(CommandError) {
        guard let real = realpath(path, nil) else { throw BackupFolder.failed(path) }
        defer { free(real) }
        self.path = String(cString: real)
        guard access(self.path + "/.", X_OK) == 0 else { throw BackupFolder.failed(path) }
    }

    /// The right to change what is in it.
    func lock() throws(CommandError) -> FileLock {
        let file = open(path + "/.lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw BackupFolder.failed(path + "/.lock") }
        let lock: FileLock?
        do throws(SystemError) {
            lock = try FileLock.take(file, .exclusive, waits: false)
        } catch {
            throw .refused("\(path)/.lock: \(error.reason)")
        }
        guard let lock else { throw .refused("\(path): another backup is being made there. Wait for its end") }
        return lock
    }

    /// The whole ones, oldest first.
    func backups() -> [Backup] {
        names().filter { $0.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d-\d\d-\d\dZ(-\d+)?/) != nil }
            .map { Backup(path: "\(path)/\($0)") }.filter(\.isWhole)
    }

    /// A new one that is not whole yet.
    func begin() throws(CommandError) -> Backup {
        let backup = Backup(path: "\(path)/\(BackupFolder.mark)\(getpid())")
        for folder in [backup.path, backup.avatars] {
            guard mkdir(folder, 0o700) == 0 else { throw BackupFolder.failed(folder) }
        }
        return backup
    }

    /// Gives a backup its name, once all of it is on the disk.
    ///
    /// - Parameter time: `2026-11-27T02:30:00Z`
    func finish(_ backup: Backup, named time: String) throws(CommandError) -> Backup {
        let folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard folder >= 0 else { throw BackupFolder.failed(path) }
        defer { close(folder) }
        guard syncfs(folder) == 0 else { throw BackupFolder.failed(path) }
        let name = time.replacing(":", with: "-")
        // Of the same second, or of an hour that a clock has twice.
        for number in 1...1000 {
            let whole = "\(path)/\(name)" + (number == 1 ? "" : "-\(number)")
            if access(whole, F_OK) == 0 { continue }
            guard rename(backup.path, whole) == 0, fsync(folder) == 0 else { throw BackupFolder.failed(whole) }
            return Backup(path: whole)
        }
        throw .refused("\(path)/\(name): there are too many of that second")
    }

    /// Removes what was left of ones that did not become whole.
    func removeUnfinished() throws(CommandError) {
        for name in names() where name.hasPrefix(BackupFolder.mark) { try remove("\(path)/\(name)") }
    }

    /// Removes the oldest ones until so many are left; the number of those that went.
    func keep(_ count: Int) throws(CommandError) -> Int {
        let old = backups().dropLast(count)
        for backup in old {
            // First what says that it is one: killed in between, the next run removes the rest.
            let unfinished = "\(path)/\(BackupFolder.mark)\(getpid())-\(old.startIndex)"
            guard rename(backup.path, unfinished) == 0 else { throw BackupFolder.failed(backup.path) }
            try remove(unfinished)
        }
        return old.count
    }

    private func names() -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted()
    }

    private func remove(_ path: String) throws(CommandError) {
        do {
            try FileManager.default.removeItem(atPath: path)
        } catch {
            throw .refused("\(path): cannot be removed: \(error.localizedDescription)")
        }
    }

    private static func failed(_ path: String) -> CommandError {
        .refused("\(path): \(String(cString: strerror(errno)))")
    }
}

/// One backup.
struct Backup {
    let path: String
    var avatars: String { path + "/avatars" }
    var database: String { path + "/database.sql" }
    private var manifest: String { path + "/manifest.json" }
    private var sums: String { path + "/SHA256SUMS" }

    /// What a backup says of itself.
    struct Manifest {
        let madeAt: String
        let schema: Int64
        let accounts: Int64
        let pictures: Int
        /// The ids of the keys whose tokens were accepted.
        let tokenKeys: [String]
    }

    /// Others can raise it, when the files are others.
    private static let format: Int64 = 1

    /// Whether it is one of ours at all.
    var isWhole: Bool { access(manifest, F_OK) == 0 }

    /// Writes manifest and digests.
    func describe(_ facts: Manifest, database digest: String, pictures: [String: String]) throws(CommandError) {
        var lines = ["\(digest)  database.sql\n"]
        lines += pictures.map { "\($0.value)  avatars/\($0.key)\n" }.sorted { $0.dropFirst(66) < $1.dropFirst(66) }
        try write(Array(lines.joined().utf8), to: sums)
        let object: JSON = [
            "homeroom_backup": .integer(Backup.format), "made_at": .string(facts.madeAt),
            "schema": .integer(facts.schema), "accounts": .integer(facts.accounts),
            "pictures": .integer(Int64(facts.pictures)), "token_keys": .array(facts.tokenKeys.map(JSON.string)),
            "sums": .string(hex(sha256(Array(lines.joined().utf8)))),
        ]
        try write(object.bytes + [UInt8(ascii: "\n")], to: manifest)
    }

    /// What it says of itself, and the digests that its files should have.
    func description() throws(CommandError) -> (manifest: Manifest, database: String, pictures: [String: String]) {
        guard let bytes = FileManager.default.contents(atPath: manifest), bytes.count < 1 << 20,
            case .object(let object)? = try? JSON.parse(Array(bytes)),
            case .integer(let format)? = object["homeroom_backup"]
        else { throw .refused("\(manifest): no manifest of a backup that Homeroom made") }
        guard format == Backup.format else {
            throw .refused("\(manifest): made by a newer homeroom, in format \(format). Restore it with that one")
        }
        guard case .string(let time)? = object["made_at"], case .integer(let schema)? = object["schema"],
            case .integer(let accounts)? = object["accounts"], case .integer(let pictures)? = object["pictures"],
            case .array(let ids)? = object["token_keys"], case .string(let digest)? = object["sums"]
        else { throw .refused("\(manifest): damaged. Take another backup") }
        guard let text = FileManager.default.contents(atPath: sums), hex(sha256(Array(text))) == digest else {
            throw .refused("\(sums): damaged. Take another backup")
        }
        var digests: [String: String] = [:]
        for line in String(decoding: text, as: UTF8.self).split(separator: "\n") {
            digests[String(line.dropFirst(66))] = String(line.prefix(64))
        }
        let database = digests.removeValue(forKey: "database.sql") ?? ""
        let names = digests.map { (String($0.key.dropFirst(8)), $0.value) }
        let keys = ids.compactMap { id in if case .string(let text) = id { text } else { nil } }
        return (
            Manifest(
                madeAt: time, schema: schema, accounts: accounts, pictures: Int(pictures), tokenKeys: keys),
            database, Dictionary(names) { $1 }
        )
    }

    private func write(_ bytes: [UInt8], to path: String) throws(CommandError) {
        let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw .refused("\(path): \(String(cString: strerror(errno)))") }
        defer { close(file) }
        do throws(SystemError) {
            try writeAll(bytes, to: file, path: path)
        } catch {
            throw .refused("\(error.path): \(error.reason)")
        }
    }
}
