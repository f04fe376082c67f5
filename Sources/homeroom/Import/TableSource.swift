import Database
import Glibc
import JSON

/// Two tables of a database: accounts, and perhaps what each person says of themselves, with the account's number.
struct TableSource: ImportSource {
    let description: String
    let form: ImportForm
    private let count: Int64
    private var number = 0
    /// What each column of a row is for us; nil for one that is left out.
    private let names: [String?]
    private let nextRow: () throws(CommandError) -> [String?]?

    /// SQLite's file.
    init(file path: String, _ options: ImportOptions) throws(CommandError) {
        let database = try SQLite(file: path)
        let tables = try database.statement(
            """
            SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c
            WHERE m.type = 'table' ORDER BY m.name, c.cid
            """)
        var columns: [(table: String, column: String)] = []
        while let row = try tables.next() {
            if let table = row[0], let column = row[1] { columns.append((table, column)) }
        }
        let layout = try Layout(columns, in: path, options)
        func quoted(_ name: String) -> String { "\"" + name.replacing("\"", with: "\"\"") + "\"" }
        let rows = try database.statement(layout.select(quoted))
        let count = try database.statement(layout.count(quoted)).next()?.first ?? nil
        self.init(form: .sqlite, layout, count, { () throws(CommandError) in try rows.next() })
    }

    /// MariaDB or MySQL.
    init(url: DatabaseURL, _ options: ImportOptions) throws(CommandError) {
        let place = "mysql://\(url.address.database)"
        func refusing<T>(_ body: () throws(DatabaseError) -> T) throws(CommandError) -> T {
            do throws(DatabaseError) { return try body() } catch { throw .refused("\(place): \(error)") }
        }
        let database = try refusing { () throws(DatabaseError) in try ForeignDatabase(url.address) }
        let columns = try refusing { () throws(DatabaseError) in
            try database.rows(
                """
                SELECT table_name, column_name FROM information_schema.columns
                WHERE table_schema = DATABASE() ORDER BY table_name, ordinal_position
                """)
        }
        let known = columns.compactMap { row in
            row[0].flatMap { table in row[1].map { (table: table, column: $0) } }
        }
        let layout = try Layout(known, in: place, options)
        let count = try refusing { () throws(DatabaseError) in
            try database.rows(layout.count(ForeignDatabase.quoted)).first?.first ?? nil
        }
        try refusing { () throws(DatabaseError) in try database.begin(layout.select(ForeignDatabase.quoted)) }
        self.init(
            form: .mysql, layout, count,
            { () throws(CommandError) in try refusing { () throws(DatabaseError) in try database.next() } })
    }

    private init(
        form: ImportForm, _ layout: Layout, _ count: String?, _ nextRow: @escaping () throws(CommandError) -> [String?]?
    ) {
        self.form = form
        self.count = count.flatMap { Int64($0) } ?? 0
        self.nextRow = nextRow
        names = layout.names
        description = "\(form.rawValue): \(layout.description), \(self.count) rows"
    }

    var progress: ImportProgress.Share? { .init(done: Int64(number), of: count) }

    mutating func next() throws(CommandError) -> ImportRecord? {
        guard let row = try nextRow() else { return nil }
        number += 1
        var members: [String: JSON] = [:]
        // What the person says of themselves comes last, and where the account has that too, the account's counts.
        for (name, value) in zip(names, row) {
            guard let name, let value, !value.isEmpty, members[name] == nil else { continue }
            members[name] = .string(value)
        }
        let isBroken = row.contains { $0?.unicodeScalars.contains("\u{FFFD}") == true }
        return ImportRecord(
            number, members, .row, isLoose: true, fault: isBroken ? "a text is no UTF-8. Mend it there" : nil)
    }
}

/// Which tables are read, and what their columns are for us.
private struct Layout {
    let table: String
    let profile: String?
    private let columns: [String]
    private let profileColumns: [String]
    let names: [String?]

    var description: String { table + (profile.map { " with \($0)" } ?? "") }

    init(
        _ all: [(table: String, column: String)], in place: String, _ options: ImportOptions
    ) throws(CommandError) {
        let tables = Dictionary(grouping: all, by: \.table).mapValues { $0.map(\.column) }
        let table = try Layout.accounts(in: tables, options.model, place)
        let profile = try Layout.profile(in: tables, options.profile, place)
        columns = tables[table] ?? []
        profileColumns = profile.flatMap { tables[$0] }.map { $0.filter { $0 != "id" && $0 != "user_id" } } ?? []
        names =
            try options.names(of: columns, in: "\(place): \(table)")
            + options.names(of: profileColumns, in: "\(place): \(profile ?? "")")
        (self.table, self.profile) = (table, profile)
    }

    func select(_ quoted: (String) -> String) -> String {
        let list = columns.map { "u." + quoted($0) } + profileColumns.map { "p." + quoted($0) }
        let join = profile.map { " LEFT JOIN \(quoted($0)) p ON p.user_id = u.id" } ?? ""
        return "SELECT \(list.joined(separator: ", ")) FROM \(quoted(table)) u\(join) ORDER BY u.id"
    }

    func count(_ quoted: (String) -> String) -> String { "SELECT COUNT(*) FROM \(quoted(table))" }

    /// Django's table, contract 4's, or the only one with passwords.
    private static func accounts(
        in tables: [String: [String]], _ wanted: String?, _ place: String
    ) throws(CommandError) -> String {
        if let wanted {
            guard tables[wanted] != nil else { throw .refused("\(place): has no table `\(printable(wanted))`") }
            return wanted
        }
        let found = tables.filter { _, columns in
            columns.contains("id") && columns.contains("email")
                && ["password", "hashed_password", "password_hash"].contains { columns.contains($0) }
        }.keys.sorted()
        if found.count == 1 { return found[0] }
        if let usual = ["auth_user", "users"].first(where: found.contains) { return usual }
        let list = (found.isEmpty ? tables.keys.sorted() : found).prefix(50).map(printable).joined(separator: ", ")
        throw .refused("\(place): which table has the accounts? Name it with --model. There are: \(list)")
    }

    private static func profile(
        in tables: [String: [String]], _ wanted: String?, _ place: String
    ) throws(CommandError) -> String? {
        if wanted == "none" { return nil }
        if let wanted {
            guard tables[wanted]?.contains("user_id") == true else {
                throw .refused("\(place): has no table `\(printable(wanted))` with a column user_id")
            }
            return wanted
        }
        let found = tables.filter { name, columns in columns.contains("user_id") && isProfile(name) }.keys.sorted()
        guard found.count > 1 else { return found.first }
        throw .refused(
            "\(place): which table goes with the accounts? Name it with --profile, or say --profile none. There are: "
                + found.map(printable).joined(separator: ", "))
    }
}

/// Whether a table or model is named like one that says more of an account.
func isProfile(_ name: String) -> Bool {
    let name = name.lowercased()
    return name.contains("profile") || name.contains("user_info") || name.contains("userinfo")
}

/// `mysql://user@host:3306/database`, with `?socket=/path`, `?tls=off` or `?ca=/path` behind it.
struct DatabaseURL {
    let address: DatabaseAddress

    /// - Parameter password: called where the URL has none.
    init(_ text: String, password: () throws(CommandError) -> String) throws(CommandError) {
        let form = "mysql://user@host/database, with ?socket=/path, ?tls=off or ?ca=/path behind it"
        guard let rest = text.split(separator: "mysql://", maxSplits: 1).first, text.hasPrefix("mysql://"),
            let at = rest.lastIndex(of: "@"),
            let slash = rest[at...].firstIndex(of: "/")
        else { throw .usage("--from: takes \(form)") }
        let user = rest[..<at].split(separator: ":", maxSplits: 1).map(String.init)
        let tail = rest[rest.index(after: slash)...].split(separator: "?", maxSplits: 1).map(String.init)
        guard let name = user.first, let database = tail.first else { throw .usage("--from: takes \(form)") }
        // A URL stands in the list of processes for all to see.
        guard user.count == 1 else {
            throw .usage("--from: no password there, where everybody on this machine sees it. It is asked for")
        }
        var (socket, authorities, tls): (String?, String?, String) = (nil, nil, "required")
        for pair in tail.count > 1 ? tail[1].split(separator: "&").map(String.init) : [] {
            switch pair.split(separator: "=", maxSplits: 1).map(String.init) {
            case let words where words.count == 2 && words[0] == "socket": socket = words[1]
            case let words where words.count == 2 && words[0] == "ca": authorities = words[1]
            case ["tls", "off"]: tls = "off"
            default: throw .usage("--from: `\(pair)`: takes \(form)")
            }
        }
        let place = String(rest[rest.index(after: at)..<slash])
        let host = place.split(separator: ":").map(String.init)
        guard (1...2).contains(host.count), let port = host.count == 1 ? 3306 : UInt16(host[1]) else {
            throw .usage("--from: `\(place)` is no host or host:port")
        }
        let transport: DatabaseAddress.Transport =
            socket.map { .socket(path: $0) }
            ?? .network(
                host: host[0], port: port, encryption: tls == "off" ? .off : .required(authorities: authorities))
        address = DatabaseAddress(
            transport: transport, database: database, user: name, password: try password())
    }
}
