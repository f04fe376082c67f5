import Database
import DevStack
import Foundation
import Glibc
import System

/// Two private MariaDB servers on ports of 127.0.0.1, one with TLS and one that offers none, and the certificates for it.
package struct NetworkDatabase: Sendable {
    package static let shared = Result { try NetworkDatabase() }

    /// The file of the authority that the server's certificate comes from, and that of another one.
    package let authority: String
    package let otherAuthority: String
    private let encrypted: (server: MariaDB, port: UInt16)
    private let plain: (server: MariaDB, port: UInt16)
    private static let password = "only-for-tests"

    /// - Parameter host: its certificate is for `127.0.0.1` alone.
    package func address(
        host: String = "127.0.0.1", offersTLS: Bool = true, _ encryption: DatabaseAddress.Encryption
    ) -> DatabaseAddress {
        let port = (offersTLS ? encrypted : plain).port
        return DatabaseAddress(
            transport: .network(host: host, port: port, encryption: encryption), database: "homeroom", user: "far",
            password: NetworkDatabase.password)
    }

    private init() throws {
        let certificates = try TestEnvironment.scratch("certs")
        authority = certificates + "/ca.pem"
        otherAuthority = certificates + "/other.pem"
        try NetworkDatabase.makeCertificates(in: certificates)
        let files = ["--ssl-cert=\(certificates)/server.pem", "--ssl-key=\(certificates)/server-key.pem"]
        encrypted = try NetworkDatabase.server("tls", files)
        plain = try NetworkDatabase.server("clear", [])
        atexit {
            guard case .success(let both) = NetworkDatabase.shared else { return }
            both.encrypted.server.kill()
            both.plain.server.kill()
        }
    }

    private static func server(_ name: String, _ options: [String]) throws -> (MariaDB, UInt16) {
        let folder = try Folder(TestEnvironment.scratch(name))
        let port = try DevStack.freePort()
        let server = MariaDB(
            folder, try StackSettings(folder), checkout: TestEnvironment.checkout,
            network: ["--bind-address=127.0.0.1", "--port=\(port)", "--local-infile=ON"] + options)
        try server.start()
        try server.execute(
            """
            CREATE USER far@'127.0.0.1' IDENTIFIED BY '\(password)';
            GRANT ALL ON homeroom.* TO far@'127.0.0.1';
            """)
        return (server, port)
    }

    private static func makeCertificates(in folder: String) throws {
        let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        for name in ["ca", "other"] {
            let files = ["-keyout", "\(folder)/\(name)-key.pem", "-out", "\(folder)/\(name).pem"]
            try Program("openssl", ["req", "-x509", "-days", "2", "-subj", "/CN=\(name)"] + key + files).output()
        }
        let files = ["-keyout", folder + "/server-key.pem", "-out", folder + "/server.csr"]
        let names = ["-subj", "/CN=database", "-addext", "subjectAltName=IP:127.0.0.1"]
        try Program("openssl", ["req", "-new"] + names + key + files).output()
        let issuer = ["-CA", folder + "/ca.pem", "-CAkey", folder + "/ca-key.pem", "-CAcreateserial"]
        let request = ["-req", "-in", folder + "/server.csr", "-days", "2", "-copy_extensions", "copy"]
        try Program("openssl", ["x509"] + request + issuer + ["-out", folder + "/server.pem"]).output()
        // For mariadbd, which is another user.
        guard chmod(folder + "/server-key.pem", 0o644) == 0 else {
            throw StackError.system(SystemError("chmod", folder + "/server-key.pem", code: errno))
        }
    }
}
