import CLinux
import Foundation
import Synchronization

/// A whole Homeroom on this machine: MariaDB, the service and nginx, all in one folder and none outliving us.
package final class DevStack: Sendable {
    package struct Options: Sendable {
        /// Where all of it lives; made when it is not there.
        package var directory: String
        package var port: UInt16 = 8000
        /// nil: no TLS.
        package var tlsPort: UInt16? = 8443
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
    package let database: MariaDB
    package let service: Service
    package let nginx: Nginx
    private let output: @Sendable (String) -> Void

    /// Makes the folder and homeroom.conf, and locks the folder; starts nothing.
    package init(_ options: Options) throws(StackError) {
        folder = try Folder(options.directory, report: options.output)
        settings = try StackSettings(folder, publicURL: "http://127.0.0.1:\(options.port)")
        database = MariaDB(
            folder, settings, checkout: options.checkout, template: options.databaseTemplate)
        let service = Service(folder, homeroom: options.homeroom, environment: options.environment)
        self.service = service
        nginx = Nginx(
            folder, checkout: options.checkout, port: options.port, tlsPort: options.tlsPort, limits: options.limits
        ) { () throws(StackError) in try service.run(["nginx-origins"]) }
        output = options.output
    }

    /// Where nginx answers.
    package var url: String { "http://127.0.0.1:\(nginx.port)" }

    /// Starts all of it; stops what was started when something fails.
    package func start() throws(StackError) {
        do throws(StackError) {
            try folder.lock()
            try nginx.checkPorts()
            output("database: \(folder.databaseSocket)")
            try database.start()
            try service.migrate()
            output("service: \(folder.socket)")
            try service.start()
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
        service.stop()
        database.stop()
        folder.unlock()
    }

    /// What has ended by itself since the start, with its last words; nil while all of it runs.
    package var failure: StackError? {
        for process in [database.process, service.process, nginx.process] {
            guard let process, let status = process.status else { continue }
            return .ended(process.program.name, status: status, output: process.lastWords)
        }
        return nil
    }
}
