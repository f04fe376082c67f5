import DevStack
import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Database

/// Connections over TCP, to servers with TLS and without.
@Suite struct EncryptionTests {
    private let network: NetworkDatabase

    init() throws {
        network = try NetworkDatabase.shared.get()
    }

    @Test func `a connection over TCP is encrypted`() throws {
        let connection = Connection(network.address(.required(authorities: network.authority)))

        #expect(try connection.cipher()?.isEmpty == false)
        #expect(try connection.first(ServersCipher()) == connection.cipher())
    }

    @Test func `a certificate of another authority is refused`() throws {
        let address = network.address(.required(authorities: network.otherAuthority))

        let error = failure { () throws(DatabaseError) in try Connection(address).ping() }

        #expect(error?.code == 2026)
        #expect(
            error?.description.hasSuffix(
                "HOMEROOM_DATABASE_TLS=required needs a server with TLS and a certificate for `127.0.0.1` from "
                    + network.otherAuthority) == true)
    }

    @Test func `without a file of authorities those of the system count`() throws {
        let address = network.address(.required(authorities: nil))

        let error = failure { () throws(DatabaseError) in try Connection(address).ping() }

        #expect(error?.code == 2026)
        #expect(error?.description.hasSuffix("(another: HOMEROOM_DATABASE_CA)") == true)
    }

    @Test func `a certificate for another name is refused`() throws {
        let address = network.address(host: "localhost", .required(authorities: network.authority))

        let error = failure { () throws(DatabaseError) in try Connection(address).ping() }

        #expect(error?.code == 2026)
        #expect(error?.description.contains("a certificate for `localhost` from ") == true)
    }

    @Test func `a server that offers no TLS is refused`() throws {
        let lines = Mutex<[String]>([])
        let address = network.address(offersTLS: false, .required(authorities: network.authority))
        let connection = Connection(address) { line in lines.withLock { $0.append(line) } }

        let error = failure { () throws(DatabaseError) in try connection.ping() }

        #expect(error?.code == 2026)
        let all = lines.withLock { $0 }
        #expect(all.count == 1)
        #expect(all.first?.contains("HOMEROOM_DATABASE_TLS=required needs a server with TLS") == true)
        #expect(all.first?.contains("only-for-tests") == false)
    }

    @Test func `a server that offers no TLS is sent nothing`() throws {
        let server = try Eavesdropper()
        let address = server.address(.required(authorities: network.authority))

        let error = failure { () throws(DatabaseError) in try Connection(address).ping() }

        #expect(error?.code == 2026)
        #expect(server.received() == [])
    }

    @Test func `one that is to be trusted without TLS is sent the user's name`() throws {
        let server = try Eavesdropper()
        let address = server.address(.off)

        _ = failure { () throws(DatabaseError) in try Connection(address, timeouts: .probe).ping() }

        #expect(String(decoding: server.received(), as: UTF8.self).contains("somebody\0"))
    }

    @Test(arguments: [true, false])
    func `without TLS is connected where the setting says so`(offersTLS: Bool) throws {
        let connection = Connection(network.address(host: "localhost", offersTLS: offersTLS, .off))

        #expect(try connection.cipher() == nil)
    }

    @Test(arguments: [true, false])
    func `a server gets no file of ours`(isFar: Bool) throws {
        let connection = isFar ? Connection(network.address(.off)) : try Box.connection()
        if isFar {
            try connection.execute("CREATE TABLE IF NOT EXISTS box (words LONGTEXT NULL) ENGINE = InnoDB")
        } else {
            try TestEnvironment.server().execute("SET GLOBAL local_infile = ON")
        }

        let error = failure { () throws(DatabaseError) in
            try connection.execute("LOAD DATA LOCAL INFILE '/etc/hostname' INTO TABLE box (words)")
        }

        #expect(error?.code == 4166)
        #expect(try connection.rows(Words.Count()) == [0])
    }
}

private struct ServersCipher: Query {
    static let sql: SQL =
        "SELECT variable_value FROM information_schema.session_status WHERE variable_name = 'SSL_CIPHER'"
    var parameters: [SQLValue] { [] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> String { try columns.text() }
}

extension Words {
    fileprivate struct Count: Query {
        static let sql: SQL = "SELECT COUNT(*) FROM box"
        var parameters: [SQLValue] { [] }
        static func row(_ columns: inout Columns) throws(DatabaseError) -> Int64 { try columns.integer() }
    }
}

/// A server that greets as MariaDB does, offers no TLS, and keeps what it is sent.
private final class Eavesdropper: Sendable {
    private let listening: Int32
    private let port: UInt16
    private let found = Mutex<[UInt8]>([])
    private let isDone = DispatchSemaphore(value: 0)

    init() throws {
        let listening = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &name) { name in
            name.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listening, $0, size) == 0 && listen(listening, 1) == 0 && getsockname(listening, $0, &size) == 0
            }
        }
        try #require(isBound)
        self.listening = listening
        port = UInt16(bigEndian: name.sin_port)
        Thread.detachNewThread { [self] in serve() }
    }

    deinit { close(listening) }

    func address(_ encryption: DatabaseAddress.Encryption) -> DatabaseAddress {
        DatabaseAddress(
            transport: .network(host: "127.0.0.1", port: port, encryption: encryption), database: "school",
            user: "somebody", password: "secret")
    }

    /// All that it was sent, once the client has left.
    func received() -> [UInt8] {
        isDone.wait()
        return found.withLock { $0 }
    }

    private func serve() {
        let client = accept(listening, nil, nil)
        let greeting = Eavesdropper.greeting
        _ = send(client, greeting, greeting.count, Int32(MSG_NOSIGNAL))
        var chunk = [UInt8](repeating: 0, count: 4096)
        while case let count = recv(client, &chunk, chunk.count, 0), count > 0 {
            found.withLock { $0 += chunk[..<count] }
        }
        close(client)
        isDone.signal()
    }

    /// The first packet of a server: protocol 10, all of what 10.11 can do but TLS.
    private static let greeting: [UInt8] = {
        let lower: UInt16 = 0xF7FE & ~0x0800
        var packet: [UInt8] = [10] + Array("5.5.5-10.11.6-MariaDB\0".utf8) + [1, 0, 0, 0]
        packet += Array("12345678".utf8) + [0, UInt8(lower & 0xFF), UInt8(lower >> 8), 45, 2, 0, 0xFF, 0x81, 21]
        packet += [UInt8](repeating: 0, count: 6) + [0x1D, 0, 0, 0] + Array("abcdefghijkl\0".utf8)
        packet += Array("mysql_native_password\0".utf8)
        return [UInt8(packet.count), 0, 0, 0] + packet
    }()
}
