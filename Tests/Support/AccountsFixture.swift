import Accounts
import Database
import DevStack
import Foundation
import Pictures
import Secrets
import Synchronization

/// Accounts on a real database, with a clock that stands until it is moved and hashing that costs nothing.
package final class AccountsFixture: Sendable {
    package let address: DatabaseAddress
    /// Stands at 2025-07-26T07:42:39.508828Z.
    package let clock = Clock(Instant(microseconds: 1_753_515_759_508_828))
    package let random = InterruptibleRandom()
    package let signer: TokenSigner
    package let media: MediaStore
    private let settings: Settings
    private let seen = Mutex<[SecurityEvent]>([])

    /// With empty tables that nobody else uses meanwhile.
    package init(
        decoder: AvatarDecoder = TestEnvironment.decoder, _ adjust: (inout Settings) -> Void = { _ in }
    ) throws {
        let used = AccountsFixture.used.withLock { $0.popLast() }
        address = try used ?? TestEnvironment.freshDatabase()
        signer = try TokenSigner(keys: [[UInt8](0..<32)], issuer: "homeroom")
        media = try MediaStore(root: AccountsFixture.mediaFolder(), random: random.source, decoder: decoder)
        var settings = Settings()
        settings.hashing = HashParameters(memoryKiB: 64, iterations: 1)
        adjust(&settings)
        self.settings = settings
        if used != nil { try clear() }
    }

    deinit {
        AccountsFixture.used.withLock { $0.append(address) }
    }

    /// Accounts for one thread, with a connection of their own.
    package func accounts() -> Accounts {
        accounts(on: Connection(address, timeouts: AccountsFixture.timeouts))
    }

    /// - Parameter pause: called where the service would wait for the database.
    package func accounts(
        on connection: Connection, pause: @escaping @Sendable (Duration) -> Void = { _ in }
    ) -> Accounts {
        let clock = clock
        let dependencies = Accounts.Dependencies(
            settings: settings, signer: signer, random: random.source, media: media,
            hashing: SharedSemaphore(count: 64),
            pictures: SharedSemaphore(count: 64), now: { clock.now }, pause: pause,
            report: { [self] event in seen.withLock { $0.append(event) } })
        return Accounts(database: connection, dependencies: dependencies)
    }

    /// Runs SQL as the administrator; gives the rows a line each, columns parted by tabs.
    @discardableResult
    package func sql(_ text: String) throws -> String {
        try TestEnvironment.server().execute("USE \(address.database); \(text)").trimmingCharacters(in: .newlines)
    }

    /// What was reported since the last time, but for the trail of what was done with accounts.
    package func events() -> [SecurityEvent] {
        seen.withLock { events in
            defer { events = [] }
            return events.filter { $0.line == nil }
        }
    }

    /// That trail since the last time: `login 1 client(address: "203.0.113.7")`.
    package func trail() -> [String] {
        seen.withLock { events in
            defer { events = [] }
            return events.compactMap(\.line)
        }
    }

    /// The names of the files in a folder of the media directory, sorted, without what is there for locks alone.
    package func files(_ folder: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: "\(media.root)/\(folder)")) ?? [])
            .filter { !$0.hasPrefix(".") }.sorted()
    }

    /// A quarter of a second cheaper than a new database. Sessions and resets go with their accounts.
    private func clear() throws {
        let connection = Connection(address, timeouts: AccountsFixture.timeouts)
        try connection.run(ClearAccounts())
        try connection.run(RestartNumbers())
        try connection.run(ClearLoginFailures())
        try connection.run(ClearOutbox())
    }

    /// Long enough for a machine with other things to do; what happens at their end has tests of its own.
    private static let timeouts = Connection.Timeouts(connect: 60, answer: 60, rowLock: 30, tableLock: 30)
    private static let used = Mutex<[DatabaseAddress]>([])
    private static let mediaParent = Result { try TestEnvironment.scratch("media") }
    private static let count = Atomic<Int>(0)

    private static func mediaFolder() throws -> String {
        let path = try "\(mediaParent.get())/\(count.wrappingAdd(1, ordering: .relaxed).newValue)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        return path
    }
}

/// A clock that only a test moves.
package final class Clock: Sendable {
    private let time: Mutex<Instant>

    package init(_ start: Instant) {
        time = Mutex(start)
    }

    package var now: Instant { time.withLock { $0 } }

    package func move(seconds: Int64) {
        time.withLock { $0 = $0 + seconds }
    }

    package func move(microseconds: Int64) {
        time.withLock { $0 = Instant(microseconds: $0.microseconds + microseconds) }
    }
}

/// Random numbers, and the place to put something between two steps of a call: salts, session ids and names of files
/// are drawn after everything was checked and before anything is written.
package final class InterruptibleRandom: Sendable {
    private let interruption = Mutex<(@Sendable () -> Void)?>(nil)

    package var source: RandomSource {
        RandomSource { [self] in
            take()?()
            return RandomSource.system.next()
        }
    }

    /// Runs `body` once, when the next number is drawn.
    package func interrupt(_ body: @escaping @Sendable () -> Void) {
        interruption.withLock { $0 = body }
    }

    private func take() -> (@Sendable () -> Void)? {
        interruption.withLock { body in
            defer { body = nil }
            return body
        }
    }
}

extension SecurityEvent {
    fileprivate var line: String? {
        guard case .account(let action, let id, let actor) = self else { return nil }
        return "\(action.rawValue) \(id.map(String.init) ?? "-") \(actor)"
    }
}

private struct ClearAccounts: Command {
    static let sql: SQL = "DELETE FROM accounts"
    var parameters: [SQLValue] { [] }
}

/// The first account has the number 1 again.
private struct RestartNumbers: Command {
    static let sql: SQL = "ALTER TABLE accounts AUTO_INCREMENT = 1"
    var parameters: [SQLValue] { [] }
}

private struct ClearLoginFailures: Command {
    static let sql: SQL = "DELETE FROM login_failures"
    var parameters: [SQLValue] { [] }
}

private struct ClearOutbox: Command {
    static let sql: SQL = "DELETE FROM outbox"
    var parameters: [SQLValue] { [] }
}
