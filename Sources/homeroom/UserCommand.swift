import Accounts
import Contracts
import Foundation
import Glibc
import JSON

/// `homeroom user …`: what an operator does with accounts.
enum UserCommand {
    static func run(_ configuration: Configuration, _ arguments: inout Arguments) throws(CommandError) -> Int32 {
        let call = try arguments.next("a user call")
        let root = try CompositionRoot(configuration, actor: .operatorHere)
        let accounts = root.accounts()
        switch call {
        case "create": try create(accounts, &arguments)
        case "list": try list(accounts, &arguments)
        case "import": try ImportCommand.run(root, &arguments)
        case "export": try ExportCommand.run(accounts, &arguments)
        case "set-role":
            let (account, role): (Account, Role) = try accountAndWord(accounts, &arguments)
            try refusing { () throws(AccountsError) in try accounts.setRole(role, of: account) }
        case "set-status":
            let (account, status): (Account, Status) = try accountAndWord(accounts, &arguments)
            try refusing { () throws(AccountsError) in try accounts.setStatus(status, of: account) }
        case "unlock":
            let name = try lastName(&arguments)
            try refusing { () throws(AccountsError) in try accounts.unlock(name) }
        case "set-password": try setPassword(accounts, &arguments)
        case "show", "sessions", "logout", "delete":
            try act(call, on: try account(try lastName(&arguments), accounts), accounts)
        default:
            throw .usage("unknown call `user \(call)`")
        }
        return 0
    }

    private static func act(_ call: String, on account: Account, _ accounts: Accounts) throws(CommandError) {
        switch call {
        case "show":
            print(line(account))
        case "sessions":
            let sessions = try refusing { () throws(AccountsError) in try accounts.sessions(of: account) }
            for session in sessions { print(line(session)) }
        case "logout":
            try refusing { () throws(AccountsError) in try accounts.endSessions(of: account) }
        default:
            try refusing { () throws(AccountsError) in try accounts.delete(account) }
        }
    }

    private static func list(_ accounts: Accounts, _ arguments: inout Arguments) throws(CommandError) {
        let role = try arguments.option("role")
        try arguments.refuseRest()
        if let role { let _: Role = try word(role) }
        try refusing { () throws(AccountsError) in
            let query = ListQuery(role: role.map(Entry.text) ?? .absent, limit: .absent, after: .absent)
            let list = try accounts.list(query, for: nil)
            while let account = try list.nextAccount() { print(line(account)) }
        }
    }

    private static func create(_ accounts: Accounts, _ arguments: inout Arguments) throws(CommandError) {
        guard let email = try arguments.option("email") else { throw .usage("--email is missing") }
        var privileges = Privileges()
        if let text = try arguments.option("role") { privileges.role = try word(text) }
        privileges.isStaff = arguments.flag("staff")
        privileges.isSuperuser = arguments.flag("superuser")
        let mustChange = arguments.flag("must-change")
        let name = try lastName(&arguments)
        let password = try password()
        let account = try refusing { [privileges] () throws(AccountsError) in
            try accounts.create(
                name, email: email, password: password, privileges: privileges, mustChange: mustChange,
                rules: OperatorRules.passwords)
        }
        print(line(account))
    }

    private static func setPassword(_ accounts: Accounts, _ arguments: inout Arguments) throws(CommandError) {
        let mustChange = arguments.flag("must-change")
        let account = try account(try lastName(&arguments), accounts)
        let password = try password()
        try refusing { () throws(AccountsError) in
            try accounts.setPassword(password, of: account, mustChange: mustChange, rules: OperatorRules.passwords)
        }
    }

    static func account(_ name: String, _ accounts: Accounts) throws(CommandError) -> Account {
        guard let account = try refusing({ () throws(AccountsError) in try accounts.account(name) }) else {
            throw .refused("nobody has the username or email `\(name)`")
        }
        return account
    }

    /// `NAME` as the last word of the call.
    private static func lastName(_ arguments: inout Arguments) throws(CommandError) -> String {
        let name = try arguments.next("NAME")
        try arguments.refuseRest()
        return name
    }

    /// `NAME WORD` as the last words of the call.
    private static func accountAndWord<Word: RawRepresentable<String> & CaseIterable>(
        _ accounts: Accounts, _ arguments: inout Arguments
    ) throws(CommandError) -> (Account, Word) {
        let name = try arguments.next("NAME")
        let text = try arguments.next(Word.allCases.map(\.rawValue).joined(separator: "|"))
        try arguments.refuseRest()
        let word: Word = try word(text)
        return (try account(name, accounts), word)
    }

    private static func word<Word: RawRepresentable<String> & CaseIterable>(
        _ text: String
    ) throws(CommandError) -> Word {
        if let word = Word(rawValue: text) { return word }
        throw .usage("`\(text)` is none of \(Word.allCases.map(\.rawValue).joined(separator: ", "))")
    }

    /// The first line of standard input; a terminal is asked and does not show it.
    static func password() throws(CommandError) -> String {
        guard isatty(STDIN_FILENO) == 1 else { return readLine() ?? "" }
        guard let typed = getpass("Password: ") else { throw .refused("no password was typed") }
        return String(cString: typed)
    }

    static func refusing<T>(_ body: () throws(AccountsError) -> T) throws(CommandError) -> T {
        do throws(AccountsError) {
            return try body()
        } catch {
            throw .refused(text(error))
        }
    }

    static func text(_ error: AccountsError) -> String {
        switch error {
        case .refused(.invalid(let violations)): OperatorRules.text(violations)
        case .refused(.unavailable): "the database does not answer. Try: homeroom check"
        case .fault(let text): text
        case .refused(let refusal): "\(refusal)"
        }
    }

    /// `{"id": "886bf1647bc8f3d3", "contract": 1, …}` on one line.
    private static func line(_ session: SessionSummary) -> String {
        let object: JSON = [
            "id": .string(String(session.id, radix: 16)),
            "contract": .integer(Int64(session.contract)),
            "created_at": .string(session.createdAt.withMicroseconds),
            "expires_at": .string(session.expiresAt.withMicroseconds),
            "used_at": .string(session.usedAt.withMicroseconds),
            "address": session.address.map(JSON.string) ?? .null,
            "client": session.client.map(JSON.string) ?? .null,
        ]
        return String(decoding: object.bytes, as: UTF8.self)
    }

    /// `{"id": 1, "username": "…", …}` on one line.
    private static func line(_ account: Account) -> String {
        String(decoding: JSON.object(object(account, AccountColumn.shown)).bytes, as: UTF8.self)
    }

    /// `"id": 1, "username": "…", …`
    static func object(_ account: Account, _ columns: [AccountColumn]) -> JSON.Object {
        JSON.Object(columns.map { .init(name: $0.name, value: json($0, account)) })
    }

    private static func json(_ column: AccountColumn, _ account: Account) -> JSON {
        switch column.kind {
        case .id(let path, _): .integer(Int64(account[path]))
        case .name(_, let path): .string(account[path])
        case .text(_, let path, _, _): account[path].map(JSON.string) ?? .null
        case .file(let path, _): account[path].map(JSON.string) ?? .null
        case .word(let word): .string(word.value(account))
        case .flag(let path): .bool(account[path])
        case .number(let path, _): .integer(account[path])
        case .setting(_, let path, _): .string(account[path])
        case .time(let path, _): .string(account[path].withMicroseconds)
        case .optionalTime(let path): account[path].map { .string($0.withMicroseconds) } ?? .null
        }
    }
}
