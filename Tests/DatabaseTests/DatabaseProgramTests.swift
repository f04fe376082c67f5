import DevStack
import Glibc
import TestSupport
import Testing

@testable import Database

/// mariadb-dump and mariadb, as they are called for backups.
struct DatabaseProgramTests {
    private let network: NetworkDatabase

    init() throws {
        network = try NetworkDatabase.shared.get()
    }

    @Test func `a dump goes over an encrypted connection`() throws {
        let address = network.address(.required(authorities: network.authority))
        let owner = Connection(address, isMigrating: true)
        try owner.execute("CREATE TABLE dumped (name VARCHAR(9)); INSERT INTO dumped VALUES ('猫')")

        let text = try dump(address)

        #expect(text.contains("CREATE TABLE `dumped`"))
        #expect(text.contains("('猫')"))
        try owner.execute("DROP TABLE dumped")
    }

    @Test(arguments: [true, false])
    func `a server that cannot be trusted gets no password`(offersTLS: Bool) throws {
        for authorities in [network.otherAuthority, nil] {
            let address = network.address(offersTLS: offersTLS, .required(authorities: authorities))

            let failure = #expect(throws: DatabaseProgram.Failure.self) { _ = try dump(address) }

            #expect(failure?.description.contains("2026") == true, "\(String(describing: failure))")
        }
    }

    @Test func `a password may have any character`() throws {
        let password = "p\"#\\ 'é=;[\t\n"
        let server = try TestEnvironment.freshDatabase()
        let quoted = password.replacing(#"\"#, with: #"\\"#).replacing("'", with: "''")
        try TestEnvironment.server().execute(
            """
            CREATE USER odd@localhost IDENTIFIED BY '\(quoted)'; GRANT SELECT ON \(server.database).* TO odd@localhost
            """)

        let text = try dump(
            DatabaseAddress(
                transport: server.transports[0], database: server.database, user: "odd", password: password))

        #expect(text.contains("CREATE TABLE `accounts`"))
        try TestEnvironment.server().execute("DROP USER odd@localhost")
    }

    private func dump(_ address: DatabaseAddress) throws -> String {
        var bytes: [UInt8] = []
        _ = try DatabaseProgram.dump(address) { (piece) throws(Never) in
            bytes += piece
        } hasBegun: { () throws(Never) in
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
