import Accounts
import Contracts
import Database
import Foundation
import Glibc
import JSON
import Secrets
import System

/// `homeroom restore DIR`: a backup in place of an empty database, or of one that may go.
enum RestoreCommand {
    static func run(_ configuration: Configuration, _ arguments: inout Arguments) throws(CommandError) -> Int32 {
        let isReplacing = arguments.flag("replace")
        let keepsSessions = arguments.flag("keep-sessions")
        let path = try arguments.next("DIR")
        try arguments.refuseRest()
        let root = try CompositionRoot(configuration, actor: .operatorHere)
        let media = root.dependencies.media
        let backup = try backup(at: path)
        let (manifest, digest, sums) = try backup.description()
        guard manifest.schema <= Migration.newest else {
            throw .refused(
                "\(backup.path): schema \(manifest.schema), and this homeroom knows \(Migration.newest). "
                    + "Restore it with the version that made it, or a newer one")
        }
        var pictures = try BackupCommand.refusing { () throws(MediaStore.Failure) in
            try PictureBackup(backup.avatars)
        }
        pictures.expect(sums)
        // A service that runs removes none of the pictures that are put back before the rows that name them are there.
        let hold = try BackupCommand.refusing { () throws(MediaStore.Failure) in try media.holdRemovals(waits: false) }
        guard let hold else { throw .refused("another restore or a backup is under way. Wait for its end") }
        defer { withExtendedLifetime(hold) {} }

        let users = configuration.owner.each + configuration.database.each
        let restoration = try self.restoration(configuration)
        try refusing(configuration) { () throws(Restoration.Failure) in
            try restoration.check(replacing: isReplacing, users: users)
        }
        let file = open(backup.database, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else { throw .refused("\(backup.database): \(String(cString: strerror(errno)))") }
        defer { close(file) }
        try verify(backup, file, digest, pictures, manifest)

        do throws(CommandError) {
            try refusing(configuration) { () throws(Restoration.Failure) in
                try restoration.load(
                    file, version: manifest.schema, now: CompositionRoot.now().microseconds,
                    steps: AddressKeys.steps { line in print(line) }, keepingSessions: keepsSessions)
            }
            // Before the rows that name them.
            try BackupCommand.refusing { () throws(MediaStore.Failure) in try pictures.restore(to: media) }
            try refusing(configuration) { () throws(Restoration.Failure) in
                try restoration.exchange(replacing: isReplacing, users: users)
            }
        } catch {
            restoration.discard()
            throw error
        }
        print("restored \(manifest.accounts) accounts and \(manifest.pictures) files of pictures of \(manifest.madeAt)")
        print(
            keepsSessions
                ? "sessions that have ended since then are alive again"
                : "all sessions have ended: people sign in again")
        if keepsSessions, Set(try configuration.tokenKeys().map(\.id)).isDisjoint(with: manifest.tokenKeys) {
            Homeroom.complain(
                "The key that signed tokens then, \(manifest.tokenKeys.joined(separator: ", ")), is not in "
                    + "HOMEROOM_TOKEN_KEY: those tokens are not accepted.")
        }
        root.log.write(
            "backup restored", .operatorHere,
            [
                .init(name: "accounts", value: .integer(manifest.accounts)),
                .init(name: "made_at", value: .string(manifest.madeAt)),
            ])
        return 0
    }

    /// That folder, or the newest backup in it.
    private static func backup(at path: String) throws(CommandError) -> Backup {
        let folder = try BackupFolder(path)
        let itself = Backup(path: folder.path)
        if itself.isWhole { return itself }
        guard let newest = folder.backups().last else {
            throw .refused("\(path): no backup, and none in it. Name the folder that `homeroom backup` was given")
        }
        print("newest backup: \(newest.path)")
        return newest
    }

    /// By the first server that can serve: all of it goes over one.
    private static func restoration(_ configuration: Configuration) throws(CommandError) -> Restoration {
        var refusal = CommandError.refused("the database does not answer. Try: homeroom check")
        for address in configuration.owner.each {
            do throws(DatabaseError) {
                let connection = Connection(address)
                try connection.ping()
                if let fault = try connection.state().fault {
                    refusal = .refused("\(address.description): \(fault)")
                    continue
                }
                return Restoration(address)
            } catch {
                refusal = .refused("\(error) (\(address.description))")
            }
        }
        throw refusal
    }

    /// Reads all of it, before anything is touched.
    private static func verify(
        _ backup: Backup, _ file: Int32, _ digest: String, _ pictures: PictureBackup, _ manifest: Backup.Manifest
    ) throws(CommandError) {
        var state = SHA256State()
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = read(file, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .refused("\(backup.database): \(String(cString: strerror(errno)))") }
            if count == 0 { break }
            state.add(buffer.span.extracting(first: count))
        }
        guard hex(state.digest) == digest, lseek(file, 0, SEEK_SET) == 0 else {
            throw .refused("\(backup.database): damaged. Take another backup")
        }
        let damaged = try BackupCommand.refusing { () throws(MediaStore.Failure) in try pictures.damaged() }
        guard damaged.isEmpty, pictures.sums.count == manifest.pictures else {
            let names = damaged.prefix(3).joined(separator: ", ")
            throw .refused(
                "\(backup.avatars): \(damaged.count) pictures are damaged or missing, \(names). Take another backup")
        }
    }

    private static func refusing<T>(
        _ configuration: Configuration, _ body: () throws(Restoration.Failure) -> T
    ) throws(CommandError) -> T {
        let name = configuration.owner.database
        do throws(Restoration.Failure) {
            return try body()
        } catch {
            switch error {
            case .database(let error): throw .refused("\(error) (\(configuration.owner.description))")
            case .program(let error): throw .refused("\(error)")
            case .inUse(let count):
                throw .refused(
                    "the database `\(name)` is in use, by \(count) connections. "
                        + "Stop the service on all machines first: systemctl stop homeroom. "
                        + "--replace puts the backup in the place of what is there, also while it runs")
            case .notEmpty:
                throw .refused(
                    "the database `\(name)` has accounts. "
                        + "--replace puts the backup in their place; what is not in it is lost then")
            case .foreign(let table):
                throw .refused(
                    "the database `\(name)` has a table `\(table)`, which is of another system or a newer version. "
                        + "Restore into another database")
            case .wrongDump(let version):
                throw .refused("the dump has schema \(version), not the manifest's. Take another backup")
            }
        }
    }
}
