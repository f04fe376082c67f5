import CLinux
import Foundation
import Synchronization

/// A whole Homeroom on this machine: MariaDB, the service and nginx, all in one folder and none outliving us. Or several
/// databases, which hold the same, each with a service of its own, behind one nginx.
package final class DevStack: Sendable {
    package struct Options: Sendable {
        /// Where all of it lives; made when it is not there.
        package var directory: String
        package var port: UInt16 = 8000
        /// nil: no TLS.
        package var tlsPort: UInt16? = 8443
        /// How many databases and services; an odd number, so that there is always a majority.
        package var nodes = 1
        /// The executable.
        package var homeroom: String
        /// The folder that holds `nginx/` and `sql/`.
        package var checkout: String
        /// More `HOMEROOM_*` settings; they win over homeroom.conf. Not for paths: those follow from the folder.
        package var environment: [String: String] = [:]
        /// Where the database's tables are copied from at the first start; nil makes them.
        package var databaseTemplate: String?
        /// Whether nginx limits requests and connections per address.
        package var limits = true
        /// Gets a line whenever something is done.
        package var output: @Sendable (String) -> Void = { _ in }

        package init(directory: String, homeroom: String, checkout: String) {
            self.directory = directory
            self.homeroom = homeroom
            self.checkout = checkout
        }
    }

    package let folder: Folder
    package let settings: StackSettings
    package let databases: [MariaDB]
    package let services: [Service]
    package let nginx: Nginx
    let output: @Sendable (String) -> Void

    /// Makes the folder and homeroom.conf, and locks the folder; starts nothing.
    package init(_ options: Options) throws(StackError) {
        let nodes: [GaleraNode?] = try options.nodes == 1 ? [nil] : GaleraNode.cluster(of: options.nodes)
        folder = try Folder(options.directory, nodes: options.nodes, report: options.output)
        settings = try StackSettings(folder, publicURL: "http://127.0.0.1:\(options.port)")
        databases = nodes.map { [folder, settings] node in
            MariaDB(folder, settings, checkout: options.checkout, template: options.databaseTemplate, node: node)
        }
        services = nodes.indices.map { [folder] index in
            Service(folder, index, homeroom: options.homeroom, environment: options.environment)
        }
        let service = services[0]
        nginx = Nginx(
            folder, checkout: options.checkout, port: options.port, tlsPort: options.tlsPort, limits: options.limits
        ) { () throws(StackError) in try service.run(["nginx-origins"]) }
        output = options.output
    }

    /// The first one.
    package var database: MariaDB { databases[0] }
    package var service: Service { services[0] }

    /// Where nginx answers.
    package var url: String { "http://127.0.0.1:\(nginx.port)" }

    /// Starts all of it; stops what was started when something fails.
    package func start() throws(StackError) {
        do throws(StackError) {
            try folder.lock()
            try nginx.checkPorts()
            for database in databases { output("\(database.title): \(database.socket)") }
            try startDatabases()
            try service.migrate()
            for service in services {
                output("\(service.title): \(service.socket)")
                try service.start()
            }
            try nginx.start()
            output("nginx: \(url)" + (nginx.tlsPort.map { ", https://127.0.0.1:\($0)" } ?? ""))
        } catch {
            stop()
            throw error
        }
    }

    /// Stops all of it in reverse order, in at most a minute. Does nothing the second time.
    package func stop() {
        nginx.stop()
        for service in services.reversed() { service.stop() }
        // The first one last: it then knows that it has everything.
        for database in databases.reversed() { database.stop() }
        folder.unlock()
    }

    /// The one that has everything first, then the others, which get from it what they lack.
    func startDatabases() throws(StackError) {
        let first = try databases.count == 1 ? database : mostAdvanced()
        try first.start()
        for other in databases where other !== first {
            try other.join().wait(until: { other.isReady }, seconds: 120)
        }
    }

    /// The one that ended last, else the one that has the most; at the very first start the first.
    private func mostAdvanced() throws(StackError) -> MariaDB {
        var best: (database: MariaDB, number: Int)?
        for database in databases {
            guard let state = try database.state() else { continue }
            if state.isSafe { return database }
            if state.number > best?.number ?? -1 { best = (database, state.number) }
        }
        return best?.database ?? database
    }
}
