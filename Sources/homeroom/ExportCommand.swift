import Accounts
import Contracts
import Foundation
import Glibc
import JSON
import Secrets
import System

/// `homeroom user export [FILE]`: accounts as JSON, one a line, with the hashes of their passwords. With a name and
/// `--archive FILE`: all that is stored of one person.
enum ExportCommand {
    static func run(_ accounts: Accounts, _ arguments: inout Arguments) throws(CommandError) {
        let archive = try arguments.option("archive")
        if let archive { return try exportPerson(accounts, &arguments, to: archive) }
        let path = arguments.isEmpty ? nil : try arguments.next("FILE")
        try arguments.refuseRest()
        guard let path else { return try write(accounts, to: STDOUT_FILENO, named: "standard output") }
        try writeFile(path) { descriptor throws(CommandError) in
            try write(accounts, to: descriptor, named: path)
        }
    }

    private static func exportPerson(
        _ accounts: Accounts, _ arguments: inout Arguments, to path: String
    ) throws(CommandError) {
        let name = try arguments.next("NAME")
        try arguments.refuseRest()
        let account = try UserCommand.account(name, accounts)
        let data = try UserCommand.refusing { () throws(AccountsError) in try accounts.personalData(of: account.id) }
        guard let data else { throw .refused("nobody has the username or email `\(name)` any more") }
        let bytes = PersonArchive(data: data, madeAt: accounts.now).bytes
        try writeFile(path) { descriptor throws(CommandError) in
            try write(bytes, to: descriptor, named: path)
        }
    }

    /// Makes a file that only whoever runs this may read; an old one stays until the new one is whole.
    private static func writeFile(
        _ path: String, _ body: (_ descriptor: Int32) throws(CommandError) -> Void
    ) throws(CommandError) {
        let name = strdup(path + ".XXXXXX")
        defer { free(name) }
        guard let name, case let descriptor = mkstemp(name), descriptor >= 0 else { throw failed(path) }
        defer { close(descriptor) }
        do throws(CommandError) {
            try body(descriptor)
            guard fsync(descriptor) == 0, rename(name, path) == 0 else { throw failed(path) }
        } catch {
            unlink(name)
            throw error
        }
    }

    private static func write(_ accounts: Accounts, to descriptor: Int32, named name: String) throws(CommandError) {
        var last: UInt64 = 0
        while true {
            let page = try UserCommand.refusing { () throws(AccountsError) in try accounts.page(after: last) }
            guard let end = page.last else { return }
            var bytes: [UInt8] = []
            for (account, hash) in page { bytes += line(account, hash) }
            try write(bytes, to: descriptor, named: name)
            last = end.account.id
        }
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32, named name: String) throws(CommandError) {
        do throws(SystemError) {
            try writeAll(bytes, to: descriptor)
        } catch {
            throw .refused("\(name): \(error.reason)")
        }
    }

    private static func line(_ account: Account, _ hash: String) -> [UInt8] {
        var object = UserCommand.object(account, AccountColumn.shown)
        object.members.append(.init(name: "password_hash", value: .string(hash)))
        object.members += UserCommand.object(account, AccountColumn.unshown).members
        return JSON.object(object).bytes + [UInt8(ascii: "\n")]
    }

    private static func failed(_ path: String) -> CommandError {
        .refused("\(path): \(String(cString: strerror(errno)))")
    }
}
