import CLinux
import Foundation
import Synchronization
import System

/// A private MariaDB server in `db/`, reachable through `db.sock`.
package final class MariaDB: Sendable {
    private let folder: Folder
    private let settings: StackSettings
    private let checkout: String
    private let template: String?
    private let network: [String]
    private let server = Mutex<Child?>(nil)

    /// - Parameters:
    ///   - checkout: the folder that holds `sql/`.
    ///   - template: the `db/` of a server that was stopped; a first start copies it instead of making its tables.
    ///   - network: options that say who else reaches it; nobody without them.
    package init(
        _ folder: Folder, _ settings: StackSettings, checkout: String, template: String? = nil,
        network: [String] = ["--skip-networking"]
    ) {
        self.folder = folder
        self.settings = settings
        self.checkout = checkout
        self.template = template
        self.network = network
    }

    package var process: Child? { server.withLock { $0 } }

    /// Starts the server and waits until it answers; the first time makes its tables before. The database and its
    /// two users are there afterwards: `homeroom` reads and writes rows, `homeroom_owner` also changes the schema.
    package func start() throws(StackError) {
        guard process?.isRunning != true else { return }
        try install()
        unlink(folder.databaseSocket)
        let places = [
            "--datadir=" + folder.database, "--socket=" + folder.databaseSocket, "--tmpdir=" + scratch,
            "--pid-file=" + scratch + "/mariadbd.pid",
        ]
        var program = try Program("mariadbd", options + places + network)
        program.user = Folder.isRoot ? folder.databaseUser : nil
        program.kept = folder.lockDescriptor
        let child = try Child(program, log: log)
        server.withLock { $0 = child }
        // Crash recovery may take its time.
        try child.wait(until: { isReady }, seconds: 120)
        try makeUsers()
    }

    /// Ends the server in an orderly way: all is on disk.
    package func stop() {
        process?.terminate(within: 30)
    }

    /// Ends the server as a power cut would.
    package func kill() {
        process?.kill()
    }

    /// Runs statements as the server's owner; gives the rows, columns parted by tabs.
    @discardableResult
    package func execute(_ sql: String) throws(StackError) -> String {
        let options = ["--no-defaults", "--batch", "--skip-column-names", "--default-character-set=utf8mb4"]
        let access = ["--socket=" + folder.databaseSocket, "--user=" + (try User.own().name)]
        return try Program("mariadb", options + access).output(input: sql)
    }

    /// Its own folder below `run/`.
    private var scratch: String { folder.run + "/mariadb" }
    private var log: String { folder.log + "/mariadb.log" }

    /// A server's greeting: four bytes of length and number, then the protocol's version, 10.
    private var isReady: Bool {
        UnixSocket.firstByte(from: folder.databaseSocket, skipping: 4, within: 2) == 10
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
        if access(folder.database, F_OK) == 0 { return try takeOver() }
        let fresh = scratch + "/new"
        try Program("rm", ["-rf", fresh]).output()
        if let template {
            try Program("cp", ["-a", "--reflink=auto", "--", template, fresh]).output()
        } else {
            try makeTables(in: fresh)
        }
        guard rename(fresh, folder.database) == 0 else {
            throw .system(SystemError("rename", folder.database, code: errno))
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
        guard Folder.isRoot, stat(folder.database, &status) == 0, status.st_uid != user.id else { return }
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
                """)
    }

    /// A setting as it stands between quotes.
    private func password(_ key: String) -> String {
        (settings[key] ?? "").replacing(#"\"#, with: #"\\"#).replacing("'", with: "''")
    }
}
