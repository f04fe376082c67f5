/// Where the database is and as whom to connect.
package struct DatabaseAddress: Sendable {
    /// How a server is reached.
    package enum Transport: Sendable {
        /// A unix socket.
        case socket(path: String)
        case network(host: String, port: UInt16, encryption: Encryption)

        /// `/run/mysqld/mysqld.sock`, `10.0.0.1:3306`, `[2001:db8::1]:3306`
        package var description: String {
            switch self {
            case .socket(let path): path
            case .network(let host, let port, _): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
            }
        }
    }

    /// What protects a connection over TCP.
    package enum Encryption: Sendable {
        /// Nothing: whoever is on the way reads and changes all of it.
        case off
        /// TLS with a server whose certificate names the host and comes from one of the authorities in that file, PEM; nil
        /// for those of the system. Else nothing is sent, the user's name and the proof of the password included.
        case required(authorities: String?)
    }

    /// Where its servers are, the preferred one first: never empty, and several only for the nodes of one cluster.
    package let transports: [Transport]
    /// The name of the database.
    package let database: String
    /// As whom to connect.
    package let user: String
    /// Empty where the socket tells who it is.
    package let password: String

    /// Nothing is connected yet.
    package init(transports: [Transport], database: String, user: String, password: String) {
        precondition(!transports.isEmpty, "no server")
        self.transports = transports
        self.database = database
        self.user = user
        self.password = password
    }

    /// A database on one server.
    package init(transport: Transport, database: String, user: String, password: String) {
        self.init(transports: [transport], database: database, user: user, password: password)
    }

    /// An address for each of its servers alone.
    package var each: [DatabaseAddress] {
        transports.map { DatabaseAddress(transport: $0, database: database, user: user, password: password) }
    }

    /// `school` at /run/mysqld/mysqld.sock as homeroom; without the password.
    package var description: String {
        "`\(database)` at \(transports.map(\.description).joined(separator: ", ")) as \(user)"
    }
}
