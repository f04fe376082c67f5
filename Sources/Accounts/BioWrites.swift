import Database
import Synchronization

/// Writes the bios of several people with one statement and one commit, which is most of what a small write costs: who
/// comes while another one writes waits, and the first of those who waited writes for all.
final class BioWrites: Sendable {
    private final class Write: @unchecked Sendable {
        let update: UpdateBio
        /// Whether the account was found; guarded by `turn`.
        var outcome: Result<Bool, DatabaseError>?
        /// Set instead where the others must not wait for it.
        var isForItself = false

        init(_ update: UpdateBio) {
            self.update = update
        }
    }

    private let waiting = Mutex<[Write]>([])
    private let turn = Mutex(())

    /// Whether the account was found. Comes back when the bio is committed.
    func write(_ update: UpdateBio, on database: Connection) throws(DatabaseError) -> Bool {
        let own = Write(update)
        waiting.withLock { $0.append(own) }
        turn.withLock { _ in
            while own.outcome == nil, !own.isForItself { writeNext(on: database) }
        }
        guard let outcome = own.outcome else { return try database.run(update).affectedRows == 1 }
        return try outcome.get()
    }

    /// Writes those who came first, at most one bio for an account.
    private func writeNext(on database: Connection) {
        let batch = waiting.withLock { waiting in
            var ids: Set<UInt64> = []
            let batch = waiting.prefix(UpdateBios.most).prefix { ids.insert($0.update.id).inserted }
            waiting.removeFirst(batch.count)
            return Array(batch)
        }
        do throws(DatabaseError) {
            let outcome = try database.run(UpdateBios(updates: batch.map(\.update)))
            let isComplete = outcome.affectedRows == batch.count
            for write in batch {
                if isComplete { write.outcome = .success(true) } else { write.isForItself = true }
            }
        } catch {
            for write in batch {
                if case .contention = error { write.isForItself = true } else { write.outcome = .failure(error) }
            }
        }
    }
}
