import Glibc
import System
import Testing

struct SocketAddressTests {
    private func newSocket(_ family: Int32) -> Int32 {
        socket(family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    }

    @Test(arguments: [true, false])
    func `a unix socket is found under its name`(isAbstract: Bool) throws {
        let path = "/tmp/h-address-\(getpid())"
        let (server, client) = (newSocket(AF_UNIX), newSocket(AF_UNIX))
        defer {
            close(server)
            close(client)
            unlink(path)
        }
        let address = try #require(isAbstract ? SocketAddress(abstractName: path) : SocketAddress(path: path))

        try address.bind(server)
        try #require(listen(server, 1) == 0)

        try address.connect(client)
    }

    @Test func `a port that the kernel chooses is found`() throws {
        let (server, client) = (newSocket(AF_INET), newSocket(AF_INET))
        defer {
            close(server)
            close(client)
        }

        try SocketAddress(localPort: 0).bind(server)
        try #require(listen(server, 1) == 0)
        let port = try #require(SocketAddress.port(of: server))

        try SocketAddress(localPort: port).connect(client)
    }

    @Test(arguments: [(107, true), (108, false)])
    func `a path has a longest length`(length: Int, isPossible: Bool) {
        #expect((SocketAddress(path: String(repeating: "a", count: length)) != nil) == isPossible)
    }

    @Test func `where nobody listens is an error`() throws {
        let client = newSocket(AF_UNIX)
        defer { close(client) }

        #expect(throws: SystemError("connect", "/tmp/h-nobody", code: ENOENT)) {
            try #require(SocketAddress(path: "/tmp/h-nobody")).connect(client)
        }
    }
}
