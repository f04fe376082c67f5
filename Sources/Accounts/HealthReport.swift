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

    /// A server of the database.
    package struct Server: Sendable {
        /// Where it is: `10.0.0.1:3306`.
        package let name: String
        /// Whether this process sends its statements there.
        package let isUsed: Bool
        /// Why it cannot serve; nil when it can.
        package let fault: String?
        /// nil where it is no node of a cluster, or does not answer.
        package let node: Node?

        package init(name: String, isUsed: Bool, fault: String? = nil, node: Node? = nil) {
            self.name = name
            self.isUsed = isUsed
            self.fault = fault
            self.node = node
        }
    }

    /// What a node says of itself and its cluster.
    package struct Node: Sendable {
        /// In Galera's words: `Synced`, `Donor/Desynced`, `Joining`.
        package let state: String
        package let isSynced: Bool
        /// Nodes that are there.
        package let clusterSize: Int
        /// Transactions of other nodes that it has still to apply.
        package let receiveQueue: Int
        /// How long the cluster waited for slow nodes, in milliseconds.
        package let pausedTime: Int

        package init(state: String, isSynced: Bool, clusterSize: Int, receiveQueue: Int, pausedTime: Int) {
            self.state = state
            self.isSynced = isSynced
            self.clusterSize = clusterSize
            self.receiveQueue = receiveQueue
            self.pausedTime = pausedTime
        }
    }

    /// What is wrong, in words for anybody who may ask; empty when all is well.
    package let failures: [Check: String]
    /// Mails that are due or wait for their next attempt; nil when the database does not tell.
    package let waitingMails: Int64?
    /// When the latest backup was whole, in seconds since 1970, 0 when there was none; nil when the database does not tell.
    package let lastBackup: Int64?
    /// What is wrong in words for the log, which may name paths and codes.
    package let reasons: [String]
    /// How the database's servers are, where there are several.
    package let servers: [Server]

    package init(
        failures: [Check: String], reasons: [String] = [], waitingMails: Int64? = nil,
        lastBackup: Int64? = nil, servers: [Server] = []
    ) {
        self.failures = failures
        self.reasons = reasons
        self.waitingMails = waitingMails
        self.lastBackup = lastBackup
        self.servers = servers
    }

    /// Whether requests can be answered. Without the media folder only uploads cannot: where machines share one, its loss
    /// must not take all of them out of service.
    package var isReady: Bool { failures[.database] == nil && failures[.schema] == nil }
}

extension Accounts {
    /// Looks at the database and the media folder; as slow as these are.
    package func health() -> HealthReport {
        var failures: [HealthReport.Check: String] = [:]
        var reasons: [String] = []
        var waiting: Int64?
        var lastBackup: Int64?
        do throws(DatabaseError) {
            let version = try Migrations.version(on: database)
            if version < Migration.newest {
                failures[.schema] = "version \(version), needs \(Migration.newest)"
                reasons.append("schema: version \(version), needs \(Migration.newest). Run: homeroom migrate")
            } else {
                waiting = try database.first(CountWaitingMails())
                lastBackup = try database.first(LastBackup())?.seconds ?? 0
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
        return HealthReport(
            failures: failures, reasons: reasons, waitingMails: waiting, lastBackup: lastBackup,
            servers: database.servers().map(HealthReport.Server.init))
    }
}

extension HealthReport.Server {
    fileprivate init(_ report: ServerReport) {
        let node = report.state?.node.map { node in
            HealthReport.Node(
                state: node.state, isSynced: node.isSynced, clusterSize: node.clusterSize,
                receiveQueue: node.receiveQueue, pausedTime: node.pausedTime / 1_000_000)
        }
        self.init(name: report.name, isUsed: report.isUsed, fault: report.fault, node: node)
    }
}
