import CLinux
import Foundation
import Synchronization
import System

/// A private MariaDB server in `db/`, reachable through `db.sock`: alone, or a node of a Galera cluster.
package final class MariaDB: Sendable {
    let folder: Folder
    /// nil: it is alone.
    let node: GaleraNode?
    /// What the operator is told it is.
    package let title: String
    package let socket: String
    package let log: String
    /// Where its files are.
    let data: String
    /// Its own folder below `run/`.
    private let scratch: String
    private let settings: StackSettings
    private let checkout: String
    private let template: String?
    private let network: [String]
    private let server = Mutex<Child?>(nil)

    /// - Parameters:
    ///   - checkout: the folder that holds `sql/`.
    ///   - template: the `db/` of a server that was stopped; a first start copies it instead of making its tables.
    ///   - network: options that say who else reaches it; nobody without them.
    ///   - node: which one of those in the folder it is.
    package init(
        _ folder: Folder, _ settings: StackSettings, checkout: String, template: String? = nil,
        network: [String] = ["--skip-networking"], node: GaleraNode? = nil
    ) {
        let suffix = node.map { "\($0.number)" } ?? ""
        title = Folder.title("database", suffix)
        socket = folder.home(suffix) + "/db.sock"
        log = folder.log + "/mariadb\(suffix).log"
        data = folder.home(suffix) + "/db"
        scratch = folder.run + "/mariadb" + suffix
        self.node = node
        self.folder = folder
        self.settings = settings
        self.checkout = checkout
        self.template = template
        self.network = network
    }

    package var process: Child? { server.withLock { $0 } }

    /// Starts the server, as a node the first one, and waits until it answers; the first time makes its tables before.
    /// The database and its two users are there afterwards: `homeroom` reads and writes rows, `homeroom_owner` also
    /// changes the schema.
    package func start() throws(StackError) {
        guard process?.isRunning != true else { return }
        try install()
        let child = try node == nil ? launch() : bootstrap()
        // Crash recovery may take its time.
        try child.wait(until: { isReady }, seconds: 120)
        try makeUsers()
    }

    /// Starts the server and does not wait.
    func launch(_ more: [String] = []) throws(StackError) -> Child {
        unlink(socket)
        let child = try Child(try program(more), log: log)
        server.withLock { $0 = child }
        return child
    }

    func program(_ more: [String]) throws(StackError) -> Program {
        let places = [
            "--datadir=" + data, "--socket=" + socket, "--tmpdir=" + scratch,
            "--pid-file=" + scratch + "/mariadbd.pid",
        ]
        var program = try Program("mariadbd", options + places + network + (node?.options ?? []) + more)
        program.user = Folder.isRoot ? folder.databaseUser : nil
        program.kept = folder.lockDescriptor
        // A node that waits for others would wait on; killed, it knows what it had.
        program.orphanSignal = node == nil ? "TERM" : "KILL"
        return program
    }

    /// A server's greeting: four bytes of length and number, then the protocol's version, 10. A node has one before it
    /// has what the others have.
    var isReady: Bool {
        UnixSocket.firstByte(from: socket, skipping: 4, within: 2) == 10 && (node == nil || isSynced)
    }

    /// Ends the server in an orderly way: all is on disk.
    package func stop() {
        process?.terminate(within: node == nil ? 30 : 10)
    }

    /// Ends the server as a power cut would.
    package func kill() {
        process?.kill()
    }

    /// Runs statements as the server's owner; gives the rows, columns parted by tabs.
    @discardableResult
    package func execute(_ sql: String) throws(StackError) -> String {
        let options = ["--no-defaults", "--batch", "--skip-column-names", "--default-character-set=utf8mb4"]
        let access = ["--socket=" + socket, "--user=" + (try User.own().name)]
        return try Program("mariadb", options + access).output(input: sql)
    }

    private var options: [String] {
        [
            "--no-defaults",
            "--innodb-flush-log-at-trx-commit=1",
            "--innodb-buffer-pool-size=96M",
            "--innodb-log-file-size=32M",
            // io_uring locks memory, which containers limit.
            "--innodb-use-native-aio=OFF",
            "--aria-pagecache-buffer-size=8M",
            "--key-buffer-size=1M",
            "--max-connections=200",
            "--table-open-cache=400",
            "--performance-schema=OFF",
            "--skip-log-bin",
            "--skip-name-resolve",
            "--local-infile=OFF",
            "--character-set-server=utf8mb4",
            "--default-time-zone=+00:00",
            "--log-warnings=1",
        ]
    }

    /// Makes the system tables beside their place, so that an interrupted first start leaves no half of them.
    private func install() throws(StackError) {
        if access(data, F_OK) == 0 { return try takeOver() }
        let fresh = scratch + "/new"
        try Program("rm", ["-rf", fresh]).output()
        if let template {
            try Program("cp", ["-a", "--reflink=auto", "--", template, fresh]).output()
        } else {
            try makeTables(in: fresh)
        }
        guard rename(fresh, data) == 0 else {
            throw .system(SystemError("rename", data, code: errno))
        }
    }

    private func makeTables(in path: String) throws(StackError) {
        let owner = try User.own().name
        let access = ["--auth-root-authentication-method=socket", "--auth-root-socket-user=" + owner]
        // --force: also where the host's name cannot be looked up.
        let arguments = options + access + ["--skip-test-db", "--force", "--datadir=" + path]
        var program = try Program("mariadb-install-db", arguments)
        program.user = Folder.isRoot ? folder.databaseUser : nil
        program.kept = folder.lockDescriptor
        // Not as --tmpdir: the script splits what it only passes on at blanks.
        program.environment = ["TMPDIR": scratch]
        try program.output(within: 120)
    }

    /// The folder may have been made before the user `mysql` was.
    private func takeOver() throws(StackError) {
        var status = stat()
        let user = folder.databaseUser
        guard Folder.isRoot, stat(data, &status) == 0, status.st_uid != user.id else { return }
        let owner = "\(user.id):\(user.group)"
        try Program("chown", ["-R", owner, folder.database]).output()
    }

    /// At each start, so that a lost homeroom.conf only means new passwords. The service's user has the rights that an
    /// installation gives it.
    private func makeUsers() throws(StackError) {
        try execute(
            try FileSystem.read(checkout + "/sql/users.sql") + """
                ALTER USER homeroom@localhost IDENTIFIED BY '\(password("HOMEROOM_DATABASE_PASSWORD"))';
                CREATE USER IF NOT EXISTS homeroom_owner@localhost;
                ALTER USER homeroom_owner@localhost IDENTIFIED BY '\(password("HOMEROOM_DATABASE_OWNER_PASSWORD"))';
                GRANT ALL ON homeroom.* TO homeroom_owner@localhost;
                GRANT ALL ON `homeroom\\_%`.* TO homeroom_owner@localhost;
                """)
    }

    /// A setting as it stands between quotes.
    private func password(_ key: String) -> String {
        (settings[key] ?? "").replacing(#"\"#, with: #"\\"#).replacing("'", with: "''")
    }
}
