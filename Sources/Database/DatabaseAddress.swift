/// Where the database is and as whom to connect.
package struct DatabaseAddress: Sendable {
    /// How the server is reached.
    package enum Transport: Sendable {
        /// A unix socket.
        case socket(path: String)
        case network(host: String, port: UInt16, encryption: Encryption)
    }

    /// What protects a connection over TCP.
    package enum Encryption: Sendable {
        /// Nothing: whoever is on the way reads and changes all of it.
        case off
        /// TLS with a server whose certificate names the host and comes from one of the authorities in that file, PEM; nil
        /// for those of the system. Else nothing is sent, the user's name and the proof of the password included.
        case required(authorities: String?)
    }

    /// Where the server is.
    package let transport: Transport
    /// The name of the database.
    package let database: String
    /// As whom to connect.
    package let user: String
    /// Empty where the socket tells who it is.
    package let password: String

    /// Nothing is connected yet.
    package init(transport: Transport, database: String, user: String, password: String) {
        self.transport = transport
        self.database = database
        self.user = user
        self.password = password
    }

    /// `school` at /run/mysqld/mysqld.sock as homeroom; without the password.
    package var description: String {
        switch transport {
        case .socket(let path): "`\(database)` at \(path) as \(user)"
        case .network(let host, let port, _): "`\(database)` at \(host):\(port) as \(user)"
        }
    }
}
