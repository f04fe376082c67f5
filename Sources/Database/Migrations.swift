/// The schema's history: the files of sql/, which are part of the executable, and steps that take more than SQL.
package struct Migration: Sendable {
    /// Counts from 1.
    package let version: Int64
    /// Of the file: `0001-accounts.sql`.
    package let name: String
    /// nil for a step in code, which `Migrations.apply` gets under the name.
    let script: [UInt8]?

    /// All of them, oldest first. A new one is added at the end; an old one is never changed.
    package static let all: [Migration] = [
        Migration(version: 1, name: "accounts", script: PackageResources._001_accounts_sql),
        Migration(version: 2, name: "sessions", script: PackageResources._002_sessions_sql),
        Migration(version: 3, name: "login-failures", script: PackageResources._003_login_failures_sql),
        Migration(version: 4, name: "password-resets", script: PackageResources._004_password_resets_sql),
        Migration(version: 5, name: "outbox", script: PackageResources._005_outbox_sql),
        Migration(version: 6, name: "revocation", script: PackageResources._006_revocation_sql),
        Migration(version: 7, name: "sliding-lock", script: PackageResources._007_sliding_lock_sql),
        Migration(version: 8, name: "email-changes", script: PackageResources._008_email_changes_sql),
        Migration(version: 9, name: "outbox-limits", script: PackageResources._009_outbox_limits_sql),
        Migration(version: 10, name: "password-forms", script: PackageResources._010_password_forms_sql),
        Migration(version: 11, name: "address-keys", script: nil),
        Migration(version: 12, name: "account-api", script: PackageResources._012_account_api_sql),
        Migration(version: 13, name: "people-search", script: PackageResources._013_people_search_sql),
        Migration(
            version: 14, name: "must-change-password", script: PackageResources._014_must_change_password_sql),
        Migration(version: 15, name: "backups", script: PackageResources._015_backups_sql),
    ]

    /// The version that this executable needs.
    package static var newest: Int64 { all.last?.version ?? 0 }
}

/// Brings a database to the newest schema.
package enum Migrations {
    /// Changes rows in a way that SQL cannot. As a script it can be repeated, also after it was killed.
    package typealias Step = (Connection) throws(DatabaseError) -> Void

    /// Applies what is missing and answers with the names of it. Safe to run twice and from two machines at once: the
    /// second waits for the first. A run that was killed goes on where it stopped, for every script can be repeated.
    ///
    /// - Parameters:
    ///   - steps: one for each migration without a script, by its name.
    ///   - report: gets a line when it waits for somebody else's.
    package static func apply(
        at address: DatabaseAddress, now: Int64, steps: [String: Step], report: (String) -> Void = { _ in }
    ) throws(DatabaseError) -> [String] {
        let worker = Connection(address, isMigrating: true)
        try worker.repeating { () throws(DatabaseError) in try worker.execute(historyTable) }
        let lease = try MigrationLease(at: address, report: report)
        defer { lease.end() }
        var applied: [String] = []
        let present = Set(try worker.rows(AppliedMigrations()))
        for migration in Migration.all where !present.contains(migration.version) {
            try lease.check()
            if let script = migration.script {
                try worker.repeating { () throws(DatabaseError) in
                    try worker.execute(String(decoding: script, as: UTF8.self))
                }
            } else {
                guard let step = steps[migration.name] else { preconditionFailure("no step \(migration.name)") }
                try step(worker)
            }
            try worker.run(RecordMigration(version: migration.version, name: migration.name, appliedAt: now))
            applied.append(migration.name)
        }
        return applied
    }

    /// The newest version in the database; 0 for an empty one.
    package static func version(on connection: Connection) throws(DatabaseError) -> Int64 {
        do throws(DatabaseError) {
            return try connection.rows(AppliedMigrations()).max() ?? 0
        } catch {
            // 1146: no such table, so no migration has run yet.
            if case .unavailable(code: 1146, _) = error { return 0 }
            throw error
        }
    }

    private static let historyTable = """
        CREATE TABLE IF NOT EXISTS migrations (
            version INT NOT NULL,
            name VARCHAR(100) NOT NULL,
            applied_at DATETIME(6) NULL COMMENT 'UTC',
            PRIMARY KEY (version)
        ) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COMMENT 'which files of sql/ were applied; version 0 says who migrates';
        INSERT IGNORE INTO migrations (version, name)
        SELECT 0, 'lock' FROM DUAL WHERE NOT EXISTS (SELECT 1 FROM migrations WHERE version = 0)
        """
}

/// The versions that the database has.
package struct AppliedMigrations: Query {
    package static let sql: SQL = "SELECT version FROM migrations WHERE version > 0"
    package init() {}
    package var parameters: [SQLValue] { [] }
    package static func row(_ columns: inout Columns) throws(DatabaseError) -> Int64 { try columns.integer() }
}

/// Notes that a migration was applied.
struct RecordMigration: Command {
    static let sql: SQL = "INSERT INTO migrations (version, name, applied_at) VALUES (?, ?, ?)"
    let version: Int64
    let name: String
    let appliedAt: Int64
    var parameters: [SQLValue] { [.integer(version), .text(name), .time(appliedAt)] }
}
