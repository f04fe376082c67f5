import Accounts
import Contracts
import Foundation
import Glibc
import JSON
import Secrets
import System

/// `homeroom user import FILE` and `user export [FILE]`: accounts as JSON, one a line, with the hashes of their passwords.
enum TransferCommand {
    /// How often a terminal is told how far it is, in lines.
    private static let step = 1000

    // MARK: Out

    static func exportAccounts(_ accounts: Accounts, _ arguments: inout Arguments) throws(CommandError) {
        let path = arguments.isEmpty ? nil : try arguments.next("FILE")
        try arguments.refuseRest()
        guard let path else { return try write(accounts, to: STDOUT_FILENO, named: "standard output") }
        // Only whoever runs this may read it; and an old file stays until the new one is whole.
        let name = strdup(path + ".XXXXXX")
        defer { free(name) }
        guard let name, case let descriptor = mkstemp(name), descriptor >= 0 else { throw failed(path) }
        defer { close(descriptor) }
        do throws(CommandError) {
            try write(accounts, to: descriptor, named: path)
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
            do throws(SystemError) {
                try writeAll(bytes, to: descriptor)
            } catch {
                throw .refused("\(name): \(error.reason)")
            }
            last = end.account.id
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

    // MARK: In

    static func importAccounts(_ accounts: Accounts, _ arguments: inout Arguments) throws(CommandError) {
        let path = try arguments.next("FILE")
        try arguments.refuseRest()
        guard let file = path == "-" ? fdopen(dup(STDIN_FILENO), "r") : fopen(path, "re") else { throw failed(path) }
        defer { fclose(file) }
        var buffer: UnsafeMutablePointer<CChar>?
        var capacity = 0
        defer { free(buffer) }
        var (number, taken, refused) = (0, 0, 0)
        while case let count = getline(&buffer, &capacity, file), count > 0, let buffer {
            number += 1
            var bytes = UnsafeRawBufferPointer(start: buffer, count: count)
            // A byte order mark, which Windows puts before a text.
            if number == 1, bytes.starts(with: [0xEF, 0xBB, 0xBF]) {
                bytes = UnsafeRawBufferPointer(rebasing: bytes[3...])
            }
            if bytes.allSatisfy({ [0x09, 0x0A, 0x0D, 0x20].contains($0) }) { continue }
            do throws(LineRefusal) {
                try take(Array(bytes), accounts)
                taken += 1
            } catch {
                Homeroom.complain("homeroom: \(path):\(number): \(error.text)")
                // What comes after would fare no better.
                if error.isLast {
                    accounts.noteImport(of: taken)
                    throw .refused("stopped at line \(number); \(taken) were taken in. Begin again from that line.")
                }
                refused += 1
            }
            if number % step == 0, isatty(STDERR_FILENO) == 1 { Homeroom.complain("\(number) lines …") }
        }
        guard ferror(file) == 0 else { throw failed(path) }
        print("took in \(taken)")
        accounts.noteImport(of: taken)
        if refused > 0 {
            throw .refused(
                "\(refused) of \(taken + refused) lines were refused\(taken > 0 ? "; the others are in" : "")")
        }
    }

    private static func take(_ bytes: [UInt8], _ accounts: Accounts) throws(LineRefusal) {
        let transfer = try ImportLine(bytes).transfer(accounts)
        do throws(AccountsError) {
            _ = try accounts.takeOver(transfer)
        } catch {
            let isLast = if case .refused(.invalid) = error { false } else { true }
            throw LineRefusal(text: UserCommand.text(error), isLast: isLast)
        }
    }
}
