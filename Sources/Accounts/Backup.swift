import Database

extension Accounts {
    /// What a backup says of the database beside its rows.
    package struct BackupFacts: Sendable {
        /// The version of the schema.
        package let schema: Int64
        /// How many accounts there are.
        package let accounts: Int64
    }

    /// What a backup that begins now says of itself. On a node of a cluster everything that was acknowledged before is there
    /// afterwards, also for who does not wait for it.
    package func backupFacts() throws(DatabaseError) -> BackupFacts {
        BackupFacts(
            schema: try Migrations.version(on: database), accounts: try database.first(CountAccounts()) ?? 0)
    }

    /// Notes that a backup is whole, for `homeroom_backup_last_success_timestamp_seconds`.
    package func noteBackup() throws(AccountsError) {
        try refusing { () throws(DatabaseError) in try database.run(RecordBackup(now: now)) }
    }
}
