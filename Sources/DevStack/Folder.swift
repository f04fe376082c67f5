import CLinux
import Foundation
import Synchronization
import System

/// The folder of a stack: where its things are, who may reach them, and the lock that keeps a second stack out.
///
/// The lock is flock on `run/lock`. The stack's programs hold it too (descriptor 3), so that it is free only when the
/// last of them has ended, also after kill -9.
package final class Folder: Sendable {
    /// Without symbolic links, because the stack's users may not be able to follow them.
    package let path: String
    /// Whom mariadbd runs as. Only root may choose: `mysql`, else `nobody`.
    package let databaseUser: User
    /// Whom nginx's and the service's workers run as. Only root may choose: `www-data`, else `nobody`.
    package let webUser: User
    /// What the names of each database's and service's files end with: 1, 2 and so on, nothing where there is one.
    let suffixes: [String]
    private let held = Mutex<Int32?>(nil)

    package var settings: String { path + "/homeroom.conf" }
    /// Of the first database, which is mostly the only one.
    package var database: String { home(suffixes[0]) + "/db" }
    package var databaseSocket: String { databaseSockets[0] }
    var databaseSockets: [String] { suffixes.map { home($0) + "/db.sock" } }
    package var media: String { path + "/media" }
    package var mail: String { path + "/mail" }
    package var log: String { path + "/log" }
    package var run: String { path + "/run" }
    /// Of the first service, which is mostly the only one.
    package var socket: String { sockets[0] }
    package var sockets: [String] { suffixes.map { run + "/homeroom\($0).sock" } }

    /// What the operator is told that a database or a service is: `database`, or `database 2`.
    static func title(_ kind: String, _ suffix: String) -> String { suffix.isEmpty ? kind : kind + " " + suffix }

    /// Where `db/` and `db.sock` of a database are.
    func home(_ suffix: String) -> String { suffix.isEmpty ? path : path + "/node" + suffix }

    /// The lock's descriptor, for children to hold too.
    var lockDescriptor: Int32? { held.withLock { $0 } }

    static var isRoot: Bool { geteuid() == 0 }

    /// Makes the folder at `path` or takes the one that is there, and locks it. `nodes` is the number of its databases.
    /// `report` gets a line when it has to be somewhere else.
    package init(_ path: String, nodes: Int = 1, report: (String) -> Void = { _ in }) throws(StackError) {
        suffixes = nodes == 1 ? [""] : (1...nodes).map { "\($0)" }
        let own = try User.own()
        databaseUser = Self.isRoot ? User.first(of: ["mysql", "nobody"]) ?? own : own
        webUser = Self.isRoot ? User.first(of: ["www-data", "nobody"]) ?? own : own
        self.path = try Location(path).prepared(for: [databaseUser, webUser], report: report)
        // HOMEROOM_DATABASE_HOST has one between two of them.
        guard nodes == 1 || !self.path.contains(",") else { throw .pathUnusable(self.path) }
        for socket in databaseSockets + sockets where socket.utf8.count > SocketAddress.maxPathLength {
            throw .pathTooLong(socket)
        }
        try FileSystem.makeFolder(run, mode: 0o711)
        try lock()
        try refuseOthers()
        try makeFolders()
    }

    /// Throws where another number of databases has been: none of them would be the one that has all accounts.
    private func refuseOthers() throws(StackError) {
        let content = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
        let nodes = content.count { $0.wholeMatch(of: /node\d+/) != nil }
        let there = content.contains("db") ? 1 : nodes
        guard there == 0 || there == suffixes.count else { throw .folderOfOthers(path, nodes: there) }
    }

    /// Takes the lock, unless it is held already. Waits up to 20 s for what a killed stack has left to end.
    func lock() throws(StackError) {
        guard lockDescriptor == nil else { return }
        let file = open(run + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard file >= 0 else { throw .system(SystemError("open", run + "/lock", code: errno)) }
        var attempts = 0
        while flock(file, LOCK_EX | LOCK_NB) != 0 {
            attempts += 1
            // Who locked it; when that is gone, its programs are on their way out.
            let note = (try? String(contentsOfFile: run + "/lock", encoding: .utf8)) ?? ""
            let isAlive = pid_t(note).map { kill($0, 0) == 0 || errno == EPERM } ?? false
            if isAlive || attempts > 200 {
                close(file)
                throw .folderInUse(path, holder: isAlive ? "process \(note)" : "what an ended stack has left running")
            }
            usleep(100_000)
        }
        ftruncate(file, 0)
        let note = "\(getpid())"
        _ = note.withCString { pwrite(file, $0, note.utf8.count, 0) }
        held.withLock { $0 = file }
    }

    /// Lets another stack have the folder, when our programs have ended too.
    func unlock() {
        held.withLock { file in
            if let file { close(file) }
            file = nil
        }
    }

    deinit { unlock() }

    private func makeFolders() throws(StackError) {
        // mariadbd makes its socket here; the sticky bit keeps it from removing what is ours.
        try FileSystem.makeFolder(path, mode: Self.isRoot ? 0o1731 : 0o700, group: databaseUser.group)
        try FileSystem.makeFolder(log, mode: 0o700)
        try FileSystem.makeFolder(mail, mode: 0o700, owner: webUser)
        for suffix in suffixes where !suffix.isEmpty {
            try FileSystem.makeFolder(home(suffix), mode: 0o711, owner: databaseUser)
        }
        for suffix in suffixes {
            try FileSystem.makeFolder(run + "/mariadb" + suffix, mode: 0o700, owner: databaseUser)
        }
        try FileSystem.makeFolder(run + "/nginx", mode: 0o711)
        try FileSystem.makeFolder(media, mode: 0o711, owner: webUser)
        try FileSystem.makeFolder(media + "/avatars", mode: 0o755, owner: webUser)
        try FileSystem.makeFolder(media + "/incoming", mode: 0o700, owner: webUser)
    }
}
