import CLinux
import Glibc
import Server
import TestSupport
import Testing

struct NotifySocketTests {
    private static func name() -> String { "h-notify-\(UInt64.random(in: 0 ... .max))" }

    @Test(arguments: ["/tmp/", "@"])
    func `systemd hears on a path and on an abstract name`(head: String) {
        let path = head + Self.name()
        let systemd = DatagramSocket(path)

        NotifySocket(path: path).tell(.ready, status: "2 processes")

        #expect(systemd.next() == ["READY=1", "STATUS=2 processes"])
    }

    @Test func `a reload is told with the time`() {
        let path = "@" + Self.name()
        let systemd = DatagramSocket(path)

        let before = Self.microseconds()
        NotifySocket(path: path).tell(.reloading, status: "reloading")
        let lines = systemd.next()
        let time = lines.dropFirst().first?.split(separator: "=").last.flatMap { Int($0) } ?? 0

        #expect(lines == ["RELOADING=1", "MONOTONIC_USEC=\(time)", "STATUS=reloading"])
        #expect((before...Self.microseconds()).contains(time))
    }

    @Test(arguments: [nil, "", "/tmp/" + name(), "/tmp/" + String(repeating: "s", count: 200)])
    func `where nobody hears nothing happens`(path: String?) {
        NotifySocket(path: path).tell(.stopping, status: "stopping")
    }

    private static func microseconds() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec * 1_000_000 + time.tv_nsec / 1000
    }
}
