import Glibc
import System

/// The right to migrate, which one process on all machines has at a time.
///
/// Locks on rows and `GET_LOCK` hold on one node of a Galera cluster only. What its nodes decide together is which of two
/// changes of a row comes first: so the row of version 0 names its holder, who changes it every second. Who finds it
/// unchanged for a while takes it: its holder is gone. Only questions that are answered at once count for that, because a
/// statement that changes the schema holds up all others in the cluster, the holder's among them.
final class MigrationLease: Sendable {
    /// How long the row stays unchanged before its holder is taken for gone.
    static let term = Duration.seconds(10)

    private struct State: Sendable {
        var isEnding = false
    }

    private let state = Guarded(State())
    private let renewal: POSIXThread
    private let address: DatabaseAddress
    private let holder: String

    /// Waits until nobody else has it.
    ///
    /// - Parameter report: gets a line when somebody has.
    init(
        at address: DatabaseAddress, term: Duration = MigrationLease.term, report: (String) -> Void
    ) throws(DatabaseError) {
        self.address = address
        let holder = "held by \(String(UInt64.random(in: 0...UInt64.max), radix: 16))"
        self.holder = holder
        let connection = Connection(address, isMigrating: true)
        var seen: (name: String?, since: ContinuousClock.Instant) = (nil, .now)
        while true {
            let begin = ContinuousClock.now
            let name: String
            do throws(DatabaseError) {
                name = try connection.first(LeaseHolder()) ?? ""
            } catch .contention {
                // A change of the schema lasts longer than a node waits for what the others do.
                seen.since = .now
                continue
            }
            if name != seen.name || ContinuousClock.now - begin > term / 10 {
                if seen.name == nil, name != MigrationLease.free {
                    report("another migration runs: waiting for its end")
                }
                seen = (name, .now)
            }
            let isFree = name == MigrationLease.free || ContinuousClock.now - seen.since >= term
            if isFree, try connection.run(TakeLease(from: name, holder: holder + " 0")).affectedRows == 1 { break }
            usleep(UInt32(term / .microseconds(50)))
        }
        renewal = POSIXThread(name: "migration") { [state] in
            MigrationLease.renew(holder, at: address, term: term, state)
        }
    }

    /// What stands in the row while nobody has it.
    private static let free = "lock"

    private static func renew(_ holder: String, at address: DatabaseAddress, term: Duration, _ state: Guarded<State>) {
        let connection = Connection(address, timeouts: .request)
        var count = 0
        while true {
            state.wait(atMost: term / 10) { $0.isEnding }
            if state.withLock({ $0.isEnding }) { return }
            count += 1
            let changed = try? connection.run(KeepLease(holder: holder, name: "\(holder) \(count)")).affectedRows
            // Without an answer it may still be ours: our own change of the schema holds up this one too.
            if changed == 0 { return }
        }
    }

    /// Throws when somebody else has it by now.
    func check() throws(DatabaseError) {
        let renewal = KeepLease(holder: holder, name: "\(holder) checked")
        let changed = try Connection(address, isMigrating: true).run(renewal).affectedRows
        guard changed == 1 else {
            throw .failed(code: 0, message: "another migration has taken over, as this one was not heard of")
        }
    }

    /// Gives it back.
    func end() {
        state.withLock { $0.isEnding = true }
        state.broadcast()
        renewal.join()
        // Without this others wait for the term.
        _ = try? Connection(address).run(KeepLease(holder: holder, name: MigrationLease.free))
    }
}

/// What stands in the row of version 0.
struct LeaseHolder: Query {
    static let sql: SQL = "SELECT name FROM migrations WHERE version = 0"
    var parameters: [SQLValue] { [] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> String { try columns.text() }
}

/// Changes no row when another holder was quicker.
struct TakeLease: Command {
    static let sql: SQL = "UPDATE migrations SET name = ? WHERE version = 0 AND name = ?"
    let from: String
    let holder: String
    var parameters: [SQLValue] { [.text(holder), .text(from)] }
}

/// Changes no row when somebody else has taken it.
struct KeepLease: Command {
    static let sql: SQL = "UPDATE migrations SET name = ? WHERE version = 0 AND name LIKE CONCAT(?, ' %')"
    let holder: String
    let name: String
    var parameters: [SQLValue] { [.text(name), .text(holder)] }
}
