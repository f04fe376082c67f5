import Database

/// Whether what every request needs is there.
package struct HealthReport: Sendable {
    package enum Check: CaseIterable, Sendable {
        /// The database answers.
        case database
        /// Its schema is as new as this program.
        case schema
        /// Pictures can be stored.
        case media
    }

    /// What is wrong, in words for anybody who may ask; empty when all is well.
    package let failures: [Check: String]
    /// Mails that are due or wait for their next attempt; nil when the database does not tell.
    package let waitingMails: Int64?
    /// What is wrong in words for the log, which may name paths and codes.
    package let reasons: [String]

    package init(failures: [Check: String], reasons: [String] = [], waitingMails: Int64? = nil) {
        self.failures = failures
        self.reasons = reasons
        self.waitingMails = waitingMails
    }
}

extension Accounts {
    /// Looks at the database and the media folder; as slow as these are.
    package func health() -> HealthReport {
        var failures: [HealthReport.Check: String] = [:]
        var reasons: [String] = []
        var waiting: Int64?
        do throws(DatabaseError) {
            let version = try Migrations.version(on: database)
            if version < Migration.newest {
                failures[.schema] = "version \(version), needs \(Migration.newest)"
                reasons.append("schema: version \(version), needs \(Migration.newest). Run: homeroom migrate")
            } else {
                waiting = try database.first(CountWaitingMails())
            }
        } catch {
            failures[.database] = "no answer"
            failures[.schema] = "unknown"
            reasons.append("\(error)")
        }
        do throws(MediaStore.Failure) {
            try dependencies.media.tryWriting()
        } catch {
            failures[.media] = "not writable"
            reasons.append("\(error)")
        }
        return HealthReport(failures: failures, reasons: reasons, waitingMails: waiting)
    }
}
