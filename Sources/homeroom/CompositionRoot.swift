import Accounts
import CLinux
import Contracts
import Database
import Foundation
import JSON
import Pictures
import Secrets
import Server
import System

/// What the configuration makes of the core; shared by the service and the `user` calls.
struct CompositionRoot {
    let configuration: Configuration
    let dependencies: Accounts.Dependencies
    let log: Log
    private let actor: Actor
    private let monitor: ServerMonitor

    /// As many passwords are hashed at a time as there are cores, in all processes together.
    static let cores = ProcessInfo.processInfo.activeProcessorCount
    /// Pictures that are decoded at a time, likewise: half of the cores stay free of them.
    private static let pictures = max(1, cores / 2)
    /// In the file that the workers share. More than are used: those of another version may need them at a reload.
    static let permits = 2 * cores

    static let log = Log(now: { CompositionRoot.now().withMicroseconds })

    /// - Parameters:
    ///   - permits: the file that the workers share; nil for a process by itself.
    ///   - metrics: where events are counted; nil for a call that ends soon.
    ///   - actor: who makes such a call.
    init(
        _ configuration: Configuration, permits: Int32? = nil, metrics: Metrics? = nil, actor: Actor = .unknown
    ) throws(CommandError) {
        self.actor = actor
        self.configuration = configuration
        let log = CompositionRoot.log
        self.log = log
        monitor = ServerMonitor(configuration.database) { log.write("database", message: $0) }
        let media: MediaStore
        do throws(MediaStore.Failure) {
            // By the running file: a worker that changed its user may not find the path any more.
            let decoder = AvatarDecoder(command: ["/proc/self/exe", "avatar-worker"]) { text in
                log.write("picture decoder", message: text)
            }
            media = try MediaStore(root: configuration.media, random: .system, decoder: decoder)
        } catch {
            throw .refused("HOMEROOM_MEDIA: \(error). Make the folder and give it to the user that runs homeroom.")
        }
        let cores = CompositionRoot.cores
        func share(_ range: Range<Int>) -> SharedSemaphore {
            permits.map { SharedSemaphore(file: $0, total: CompositionRoot.permits, range: range) }
                ?? SharedSemaphore(count: range.count)
        }
        dependencies = Accounts.Dependencies(
            settings: configuration.accounts, signer: try configuration.signer(), random: .system, media: media,
            hashing: share(0..<cores), pictures: share(cores..<cores + CompositionRoot.pictures),
            now: CompositionRoot.now,
            report: { event in
                metrics?.count(event)
                log.write(event)
            })
    }

    /// A core of its own for the calling thread.
    func accounts() -> Accounts {
        let log = log
        let connection = Connection(configuration.database, monitor: monitor) { log.write("database", message: $0) }
        let accounts = Accounts(database: connection, dependencies: dependencies)
        accounts.actor = actor
        return accounts
    }

    /// Makes what finds whether the service is ready, in at most about three seconds when the database hangs.
    func healthCheck() -> () -> HealthReport {
        let accounts = Accounts(
            database: Connection(configuration.database, timeouts: .probe, monitor: monitor), dependencies: dependencies
        )
        return { accounts.health() }
    }

    @Sendable static func now() -> Instant {
        Instant(microseconds: SystemClock.realTime.microseconds)
    }
}

extension Metrics {
    fileprivate func count(_ event: SecurityEvent) {
        switch event {
        case .account(.signInFailed, _, _): loginsFailed.add()
        case .account, .imported, .manyFailedLogins: break
        case .locked: loginsLocked.add()
        case .replayedRefreshToken: tokensReplayed.add()
        case .storageFailed: storageFailures.add()
        case .mailFailed, .mailGivenUp: mailsFailed.add()
        }
    }
}

extension Log {
    fileprivate func write(_ event: SecurityEvent) {
        func number(_ id: UInt64?) -> JSON { id.map { .integer(Int64(truncatingIfNeeded: $0)) } ?? .null }
        switch event {
        case .account(let action, let account, let actor):
            write(action.rawValue, actor, [.init(name: "account", value: number(account))])
        case .imported(let count, let actor):
            write("accounts imported", actor, [.init(name: "count", value: .integer(Int64(count)))])
        case .manyFailedLogins(let source):
            write("many failed logins", [.init(name: "source", value: .string(source))])
        case .locked(let account):
            write("login locked", [.init(name: "account", value: number(account))])
        case .replayedRefreshToken(let account, let session):
            let name = JSON.string(String(session, radix: 16))
            write(
                "refresh token replayed, session ended",
                [.init(name: "account", value: number(account)), .init(name: "session", value: name)])
        case .storageFailed(let text):
            write("storage failed", message: text)
        case .mailFailed(let text):
            write("mail not sent, tried again later", message: text)
        case .mailGivenUp(let text):
            write("mail not sent for a day, given up", message: text)
        }
    }

    /// What an operator does stands in the machine's log too: nobody reads the standard error of a call later.
    func write(_ event: String, _ actor: Actor, _ details: [JSON.Member]) {
        let by = actor.description
        let details = details + [JSON.Member(name: by.name, value: by.value)]
        write(event, details)
        guard case .operator = actor else { return }
        let line = JSON.object(JSON.Object([.init(name: "event", value: .string(event))] + details)).bytes
        // Not the string itself: with Foundation it is an argument too, as the address of an object.
        String(decoding: line, as: UTF8.self).withCString { text in
            withVaList([text]) { vsyslog(LOG_AUTHPRIV | LOG_NOTICE, "%s", $0) }
        }
    }
}

extension Actor {
    /// Whoever runs this call; behind sudo, who ran that.
    static var operatorHere: Actor {
        let user = getpwuid(getuid()).map { String(cString: $0.pointee.pw_name) } ?? String(getuid())
        let name = getuid() == 0 ? getenv("SUDO_USER").map { String(cString: $0) } ?? user : user
        return .operator(name: name)
    }

    /// As a log line has it: `"source": "203.0.113.7"` or `"operator": "root"`.
    fileprivate var description: (name: String, value: JSON) {
        switch self {
        case .client(let address): ("source", .string(address))
        case .operator(let name): ("operator", .string(name))
        case .unknown: ("source", .null)
        }
    }
}
