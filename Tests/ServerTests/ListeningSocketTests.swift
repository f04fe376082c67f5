import CLinux
import Glibc
import Server
import System
import Testing

/// Each test has a folder of its own, which goes away with it.
final class ListeningSocketTests {
    private let folder: String
    private var path: String { folder + "/s" }
    private var opened: [Int32] = []

    init() throws {
        var template = Array("/tmp/h-socket-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        for descriptor in opened { close(descriptor) }
        unlink(path)
        rmdir(folder)
    }

    private func open(_ path: String? = nil, group: String? = nil) throws(ListeningSocket.Failure) -> Int32 {
        let descriptor = try ListeningSocket.open(path: path ?? self.path, group: group)
        opened.append(descriptor)
        return descriptor
    }

    private func closeAll() {
        for descriptor in opened { close(descriptor) }
        opened = []
    }

    private var status: stat {
        var status = stat()
        lstat(path, &status)
        return status
    }

    /// Whether somebody answers at the path.
    private var isAnswered: Bool {
        let client = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(client) }
        do throws(SystemError) {
            try SocketAddress(path: path)?.connect(client)
            return true
        } catch {
            return false
        }
    }

    private func makeFile() {
        close(Glibc.open(path, O_WRONLY | O_CREAT, 0o600))
    }

    @Test func `the socket is open to its user and group only, and listens`() throws {
        let descriptor = try open()

        #expect(status.st_mode == S_IFSOCK | 0o660)
        #expect(isAnswered)
        #expect(fcntl(descriptor, F_GETFL) & O_NONBLOCK == O_NONBLOCK)
        #expect(fcntl(descriptor, F_GETFD) & FD_CLOEXEC == FD_CLOEXEC)
    }

    @Test func `the socket belongs to the group`() throws {
        // Only root may choose a group that it is not in.
        let id = geteuid() == 0 ? getgrnam("nogroup")?.pointee.gr_gid ?? 0 : getegid()
        let name = try #require(getgrgid(id)).pointee.gr_name.map { String(cString: $0) }

        _ = try open(group: name)

        #expect(status.st_gid == id)
        #expect(status.st_mode == S_IFSOCK | 0o660)
    }

    @Test func `an unknown group is refused by its name, and leaves no socket behind`() {
        let failure = #expect(throws: ListeningSocket.Failure.self) { try open(group: "no-such-group") }

        #expect(
            failure?.description
                == "HOMEROOM_SOCKET_GROUP: there is no group `no-such-group`. Name the group that nginx runs as, e.g. www-data."
        )
        #expect(access(path, F_OK) != 0)
    }

    @Test func `a socket that a killed process left behind is replaced`() throws {
        _ = try open()
        closeAll()
        #expect(!isAnswered)

        _ = try open()

        #expect(isAnswered)
    }

    @Test func `a socket on which somebody answers is refused and left alone`() throws {
        _ = try open()

        let failure = #expect(throws: ListeningSocket.Failure.self) { try ListeningSocket.open(path: path, group: nil) }

        #expect(
            failure?.description
                == "HOMEROOM_SOCKET: \(path): another homeroom answers there. Stop it first, or choose another path.")
        #expect(isAnswered)
    }

    @Test func `a file that is no socket is refused and left alone`() {
        makeFile()

        let failure = #expect(throws: ListeningSocket.Failure.self) { try ListeningSocket.open(path: path, group: nil) }

        #expect(
            failure?.description == "HOMEROOM_SOCKET: \(path): a file that is no socket is there. Choose another path.")
        #expect(status.st_mode == S_IFREG | 0o600)
    }

    @Test func `the longest path of a unix socket is accepted`() throws {
        let longest = folder + "/" + String(repeating: "s", count: 107 - folder.utf8.count - 1)
        defer { unlink(longest) }

        #expect(throws: Never.self) { try open(longest) }
    }

    @Test func `a path that is too long is refused with its length`() {
        let path = folder + "/" + String(repeating: "s", count: 108 - folder.utf8.count - 1)

        let failure = #expect(throws: ListeningSocket.Failure.self) { try open(path) }

        #expect(
            failure?.description
                == "HOMEROOM_SOCKET: \(path): 108 bytes, a unix socket's path can have 107. Choose a shorter one.")
    }

    @Test func `a folder that is not there is refused with its path`() {
        let failure = #expect(throws: ListeningSocket.Failure.self) { try open("\(folder)/none/s") }

        #expect(failure?.description == "HOMEROOM_SOCKET: bind \(folder)/none/s: No such file or directory")
    }
}
