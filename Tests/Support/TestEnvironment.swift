import Accounts
import CLinux
import Database
import DevStack
import Foundation
import Glibc
import Pictures
import Secrets
import Synchronization

/// What the tests of a process share: one private MariaDB in a scratch folder, gone when the process ends.
package enum TestEnvironment {
    /// A new, migrated database of its own.
    package static func freshDatabase() throws -> DatabaseAddress {
        let address = try emptyDatabase()
        _ = try Migrations.apply(at: address, now: 0, steps: AddressKeys.steps { _ in })
        return address
    }

    /// A new database without any table; its user may do everything in it.
    package static func emptyDatabase() throws -> DatabaseAddress {
        let server = try shared.get()
        let name = "t\(count.wrappingAdd(1, ordering: .relaxed).newValue)"
        try server.database.execute(
            "CREATE DATABASE \(name); GRANT ALL ON \(name).* TO 'homeroom_owner'@'localhost'")
        return DatabaseAddress(
            transport: .socket(path: server.folder.databaseSocket), database: name, user: "homeroom_owner",
            password: server.settings["HOMEROOM_DATABASE_OWNER_PASSWORD"] ?? "")
    }

    /// The migrated database `homeroom`, with the user and the rights that a service has in it.
    package static func serviceDatabase() throws -> DatabaseAddress {
        let server = try shared.get()
        func address(_ user: String, _ password: String) -> DatabaseAddress {
            DatabaseAddress(
                transport: .socket(path: server.folder.databaseSocket), database: "homeroom", user: user,
                password: server.settings[password] ?? "")
        }
        _ = try Migrations.apply(
            at: address("homeroom_owner", "HOMEROOM_DATABASE_OWNER_PASSWORD"), now: 0, steps: AddressKeys.steps { _ in }
        )
        return address("homeroom", "HOMEROOM_DATABASE_PASSWORD")
    }

    /// A scratch folder that is removed when the process ends.
    package static func scratch(_ name: String) throws -> String {
        let path = try DevStack.scratch(name)
        scratches.withLock { $0.append(path) }
        return path
    }

    /// The shared server itself, e.g. to look at its rows as the administrator.
    package static func server() throws -> MariaDB { try shared.get().database }

    /// The executable `homeroom`, which stands beside that of the tests.
    package static let homeroom = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
        .deletingLastPathComponent().appending(path: "homeroom").path

    /// The folder of Package.swift.
    package static let checkout = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path

    /// Decodes the pictures of all tests that do not look into it.
    package static let decoder = AvatarDecoder(command: [homeroom, "avatar-worker"]) { _ in }

    private struct Server: Sendable {
        let folder: Folder
        let settings: StackSettings
        let database: MariaDB
    }

    private static let count = Atomic<Int>(0)
    private static let scratches = Mutex<[String]>([])
    private static let shared = Result { try start() }

    private static func start() throws -> Server {
        atexit { TestEnvironment.tearDown() }
        let folder = try Folder(scratch("lab"))
        let settings = try StackSettings(folder)
        let database = MariaDB(folder, settings, checkout: checkout)
        try database.start()
        return Server(folder: folder, settings: settings, database: database)
    }

    private static func tearDown() {
        if case .success(let server) = shared { server.database.stop() }
        for path in scratches.withLock({ $0 }) { try? DevStack.removeScratch(path) }
    }
}
