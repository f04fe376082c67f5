import Accounts
import Contracts
import Database
import Foundation
import Glibc
import JSON
import Secrets
import System

/// `homeroom backup DIR`: database and pictures as they are at one moment, while the service runs.
///
/// Each row's picture is there: while it is held, no picture is removed from before the moment of which the rows are until
/// the last of that moment's pictures is copied.
enum BackupCommand {
    static func run(_ configuration: Configuration, _ arguments: inout Arguments) throws(CommandError) -> Int32 {
        let kept = try arguments.option("keep")
        let path = try arguments.next("DIR")
        try arguments.refuseRest()
        let count = kept.map { Int($0) ?? 0 }
        if let count, count < 1 { throw .usage("--keep: `\(kept ?? "")` is no number from 1 on") }
        let root = try CompositionRoot(configuration, actor: .operatorHere)
        let folder = try BackupFolder(making: path)
        try refuseServed(folder.path, configuration)
        let lock = try folder.lock()
        defer { withExtendedLifetime(lock) {} }
        try folder.removeUnfinished()
        let former = folder.backups().last
        let unfinished = try folder.begin()
        let whole: Backup
        let facts: Backup.Manifest
        do throws(CommandError) {
            facts = try fill(unfinished, former: former, root)
            whole = try folder.finish(unfinished, named: facts.madeAt)
        } catch {
            // It may be a full disk, which is to have room again.
            try? folder.removeUnfinished()
            throw error
        }
        print("\(whole.path): \(facts.accounts) accounts, \(facts.pictures) files of pictures")
        root.log.write(
            "backup made", .operatorHere,
            [
                .init(name: "accounts", value: .integer(facts.accounts)),
                .init(name: "pictures", value: .integer(Int64(facts.pictures))),
            ])
        do throws(AccountsError) {
            try root.accounts().noteBackup()
        } catch {
            throw .refused("\(whole.path): whole, but the database could not note its time. Try: homeroom check")
        }
        if let count {
            let gone = try folder.keep(count)
            if gone > 0 { print("removed \(gone) older") }
        }
        return 0
    }

    private static func fill(
        _ backup: Backup, former: Backup?, _ root: CompositionRoot
    ) throws(CommandError) -> Backup.Manifest {
        let media = root.dependencies.media
        let (address, database) = try server(root.configuration)
        var pictures = try refusing { () throws(MediaStore.Failure) in try PictureBackup(backup.avatars) }
        let past = former.flatMap(pictures(of:))
        // Most of them, so that what follows holds up removals for a short while only.
        try refusing { () throws(MediaStore.Failure) in try pictures.store(media, former: past) }
        var hold = try refusing { () throws(MediaStore.Failure) in try media.holdRemovals(waits: true) }
        let accounts = Accounts(database: database, dependencies: root.dependencies)
        let known: Accounts.BackupFacts
        do throws(DatabaseError) {
            known = try accounts.backupFacts()
        } catch {
            throw .refused("\(error) (\(address.description))")
        }
        guard known.schema > 0 else {
            throw .refused("the database has no schema yet, so there is nothing to keep. Run: homeroom migrate")
        }
        let file = open(backup.database, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw .refused("\(backup.database): \(String(cString: strerror(errno)))") }
        defer { close(file) }
        var digest = SHA256State()
        let begin = CompositionRoot.now()
        let result: Result<Void, CommandError>
        do throws(DatabaseProgram.Failure) {
            result = try DatabaseProgram.dump(address) { bytes throws(CommandError) in
                digest.add(Span(_unsafeBytes: bytes))
                do throws(SystemError) {
                    try writeAll(bytes, to: file, path: backup.database)
                } catch {
                    throw CommandError.refused("\(error.path): \(error.reason)")
                }
            } hasBegun: { () throws(CommandError) in
                // All that the rows of this moment name.
                try refusing { () throws(MediaStore.Failure) in try pictures.store(media, former: past) }
                hold = nil
            }
        } catch {
            throw .refused("\(error)")
        }
        try result.get()
        withExtendedLifetime(hold) {}
        let facts = Backup.Manifest(
            madeAt: begin.withSeconds, schema: known.schema, accounts: known.accounts,
            pictures: pictures.sums.count, tokenKeys: try root.configuration.tokenKeys().map(\.id))
        try backup.describe(facts, database: hex(digest.digest), pictures: pictures.sums)
        return facts
    }

    /// The pictures of a backup from before; nil where it is damaged.
    private static func pictures(of backup: Backup) -> PictureBackup? {
        guard let description = try? backup.description(), var pictures = try? PictureBackup(backup.avatars) else {
            return nil
        }
        pictures.expect(description.pictures)
        return pictures
    }

    /// The first server that can serve, with a connection to it.
    private static func server(
        _ configuration: Configuration
    ) throws(CommandError) -> (DatabaseAddress, Connection) {
        var refusal = CommandError.refused("the database does not answer. Try: homeroom check")
        for address in configuration.database.each {
            let connection = Connection(address, timeouts: .migration)
            do throws(DatabaseError) {
                try connection.ping()
                if let fault = try connection.state().fault {
                    refusal = .refused("\(address.description): \(fault)")
                    continue
                }
                return (address, connection)
            } catch {
                refusal = .refused("\(error) (\(address.description))")
            }
        }
        throw refusal
    }

    /// nginx would show it to everybody.
    private static func refuseServed(_ path: String, _ configuration: Configuration) throws(CommandError) {
        guard let real = realpath(configuration.media, nil) else { return }
        defer { free(real) }
        guard (path + "/").hasPrefix(String(cString: real) + "/") else { return }
        throw .refused("\(path): inside HOMEROOM_MEDIA, which nginx serves. Choose a folder elsewhere")
    }

    static func refusing<T>(_ body: () throws(MediaStore.Failure) -> T) throws(CommandError) -> T {
        do throws(MediaStore.Failure) {
            return try body()
        } catch {
            throw .refused("\(error)")
        }
    }
}
