import Database
import Glibc
import HTTP
import Mail

/// `homeroom check`: one line a subject; exit 1 when one of them is not well.
enum Check {
    static func run(_ configuration: Configuration, _ arguments: inout Arguments) throws(CommandError) -> Int32 {
        try arguments.refuseRest()
        let results =
            [
                line("configuration") { () throws(CommandError) in
                    _ = try configuration.signer()
                    let workers = configuration.workers == 1 ? "1 worker" : "\(configuration.workers) workers"
                    return "\(workers) on \(configuration.socket)"
                },
                line("origins") { () throws(CommandError) in
                    let origins = configuration.trustedOrigins.map(\.text).sorted()
                    guard !origins.isEmpty else { return "none but its own" }
                    let cookie = configuration.cookieSameSite == .none ? "of any site" : "of its own site"
                    return "\(origins.joined(separator: ", ")); the cookie comes with pages \(cookie)"
                },
            ]
            + servers(configuration) + [
                line("schema") { () throws(CommandError) in
                    let version = try asking(configuration.database) { connection throws(DatabaseError) in
                        try Migrations.version(on: connection)
                    }
                    guard version >= Migration.newest else {
                        throw .refused("version \(version), needs \(Migration.newest). Run: homeroom migrate")
                    }
                    return "version \(version)"
                },
                line("media") { () throws(CommandError) in
                    let media = configuration.media
                    for folder in [media, media + "/avatars", media + "/incoming"] {
                        // The service makes what is missing in it.
                        guard access(folder, R_OK | W_OK | X_OK) != 0, folder == media || errno != ENOENT else {
                            continue
                        }
                        throw .refused("\(folder): \(String(cString: strerror(errno)))")
                    }
                    return media
                },
                line("mail") { () throws(CommandError) in
                    guard let mail = configuration.mail else { return "none is sent: HOMEROOM_MAIL is not set" }
                    do throws(MailTransport.Failure) {
                        try mail.transport.check()
                    } catch {
                        throw .refused("\(error)")
                    }
                    return "links begin with \(mail.publicURL)"
                },
            ]
        return results.allSatisfy { $0 } ? 0 : 1
    }

    /// A line for each server of the database, which must all be nodes of one cluster.
    private static func servers(_ configuration: Configuration) -> [Bool] {
        let addresses = configuration.database.each
        var first: (name: String, identity: String)?
        return addresses.map { address in
            let name = address.transports[0].description
            return line(addresses.count == 1 ? "database" : "database \(name)") { () throws(CommandError) in
                let (cipher, state) = try asking(address) { connection throws(DatabaseError) in
                    (try connection.cipher(), try connection.state())
                }
                if addresses.count > 1, let fault = state.fault { throw .refused(fault) }
                if let first, first.identity != state.identity {
                    throw .refused(
                        "another database than \(first.name): \(state.identity), not \(first.identity). "
                            + "HOMEROOM_DATABASE_HOST takes several hosts only of one Galera cluster")
                }
                first = first ?? (name, state.identity)
                let node = state.node.map { ", \($0.state) in a cluster of \($0.clusterSize)" } ?? ""
                guard case .network = address.transports[0] else { return address.description + node }
                let protection = cipher.map { "encrypted, \($0)" } ?? "NOT encrypted, HOMEROOM_DATABASE_TLS=off"
                return "\(address.description)\(node), \(protection)"
            }
        }
    }

    private static func line(_ subject: String, _ test: () throws(CommandError) -> String) -> Bool {
        do throws(CommandError) {
            print("\(subject): ok, \(try test())")
            return true
        } catch {
            switch error {
            case .refused(let text), .usage(let text):
                // Some begin with their subject.
                let rest = text.hasPrefix("\(subject): ") ? text.dropFirst(subject.count + 2) : text[...]
                print("\(subject): FAILED, \(rest)")
            }
            return false
        }
    }

    private static func asking<T>(
        _ address: DatabaseAddress, _ body: (Connection) throws(DatabaseError) -> T
    ) throws(CommandError) -> T {
        do throws(DatabaseError) {
            return try body(Connection(address))
        } catch {
            throw .refused("\(error) (\(address.description))")
        }
    }
}
