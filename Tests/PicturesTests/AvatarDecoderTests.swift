import DevStack
import Foundation
import Glibc
import Pictures
import Synchronization
import TestSupport
import Testing

/// The confined process itself: what it may, and what becomes of it.
struct AvatarDecoderTests {
    private let worker = MarkedDecoder()
    private let picture = TestPicture.png(20, 20, [1, 2, 3])
    private let photograph: [UInt8]

    init() throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Vectors/orientation")
        photograph = try [UInt8](Data(contentsOf: folder.appending(path: "Landscape_1.jpg")))
    }

    @Test func `every thread is under seccomp and may gain no privileges`() throws {
        _ = try DecoderResult(photograph, by: worker.decoder)

        let pid = try #require(worker.pids().first)
        let threads = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task")

        #expect(threads.count > 1)
        for thread in threads {
            let status = try text("/proc/\(pid)/task/\(thread)/status")
            #expect(status.contains("\nSeccomp:\t2\n"))
            #expect(status.contains("\nNoNewPrivs:\t1\n"))
        }
    }

    @Test func `it holds its socket and nothing else, and nothing of our environment`() throws {
        _ = try DecoderResult(picture, by: worker.decoder)

        let pid = try #require(worker.pids().first)
        let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").sorted()
        let targets = open.map { try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/fd/\($0)") }

        #expect(open == ["0", "1", "2", "3"])
        #expect(targets.prefix(3) == ["/dev/null", "/dev/null", "/dev/null"])
        #expect(targets[3]?.hasPrefix("socket:") == true)
        #expect(try text("/proc/\(pid)/environ") == "OMP_NUM_THREADS=1\0MALLOC_ARENA_MAX=2\0")
    }

    @Test func `memory, files, CPU and core dumps are limited`() throws {
        _ = try DecoderResult(picture, by: worker.decoder)

        let limits = try text("/proc/\(try #require(worker.pids().first))/limits")

        #expect(limits.contains(/Max data size +1073741824 +1073741824/))
        #expect(limits.contains(/Max address space +1610612736 +1610612736/))
        #expect(limits.contains(/Max file size +33554432 +33554432/))
        #expect(limits.contains(/Max cpu time +120 +120/))
        #expect(limits.contains(/Max core file size +0 +0/))
    }

    @Test func `one process serves many pictures`() throws {
        for _ in 0..<5 { _ = try DecoderResult(picture, by: worker.decoder) }

        #expect(worker.pids().count == 1)
        #expect(worker.reports() == [])
    }

    @Test func `after its share of pictures a fresh process goes on, and no upload notices`() throws {
        var pids: Set<pid_t> = []
        let outcomes = try (0..<45).map { _ in
            defer { pids.formUnion(worker.pids()) }
            return try DecoderResult(TestPicture.gif(1, 1, frames: [1]), by: worker.decoder).outcome
        }

        #expect(outcomes.allSatisfy { $0 == .encoded(.gif) })
        // 20 of them each.
        #expect(pids.count == 3)
        #expect(worker.reports() == [])
    }

    @Test func `one that was killed while idle costs no picture and stays no zombie`() throws {
        let pid = try worker.ready()

        kill(pid, SIGKILL)
        // Its other threads too: as long as one is there, its socket takes pictures.
        _ = eventually {
            let threads = try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/task")
            return threads?.count == 1 && (try? text("/proc/\(pid)/stat").contains(") Z ")) == true
        }
        let outcome = try DecoderResult(picture, by: worker.decoder).outcome

        #expect(outcome == .encoded(.png))
        #expect(kill(pid, 0) == -1)
        #expect(worker.reports() == [])
    }

    @Test func `an idle one that ended is reaped and replaced`() throws {
        let pid = try worker.ready()
        kill(pid, SIGKILL)

        let isReplaced = eventually {
            worker.decoder.prepare()
            return kill(pid, 0) == -1 && worker.pids().count == 1
        }

        #expect(isReplaced)
    }

    @Test func `one that gets no core is replaced, and its picture is not called broken`() throws {
        let worker = MarkedDecoder(timeout: 5)
        let pid = try worker.warm()
        kill(pid, SIGSTOP)

        let hung = try DecoderResult(picture, by: worker.decoder).outcome
        _ = try worker.warm()
        let next = try DecoderResult(picture, by: worker.decoder).outcome

        #expect(hung == .outOfTime)
        #expect(next == .encoded(.png))
        #expect(kill(pid, 0) == -1)
        #expect(worker.reports() == ["a picture was not done within 5 s"])
    }

    @Test(arguments: [(SIGKILL, "ended its decoder, code 137"), (SIGPROF, "took over 10 s of CPU")])
    func `one that dies at work costs its picture and is replaced`(signal: Int32, text: String) throws {
        let pid = try worker.ready()
        // It takes the picture only when it goes on, which is when it dies.
        kill(pid, SIGSTOP)
        let killer = Thread { [worker] in
            _ = eventually { worker.isWorking }
            kill(pid, signal)
            kill(pid, SIGCONT)
        }
        killer.start()

        let outcome = try worker.working { try DecoderResult(picture, by: worker.decoder).outcome }
        let next = try DecoderResult(picture, by: worker.decoder).outcome

        #expect([outcome, next] == [.refused(.notAPicture), .encoded(.png)])
        #expect(worker.reports() == ["a picture \(text)"])
    }

    @Test(arguments: ["--data=1000000", "--fsize=100"])
    func `a limit costs the picture, and a fresh process does the next`(limit: String) throws {
        let pid = try worker.ready()
        try Program("prlimit", ["--pid", "\(pid)", limit]).output()

        let limited = try DecoderResult(photograph, by: worker.decoder).outcome
        kill(pid, SIGKILL)
        let next = try DecoderResult(photograph, by: worker.decoder).outcome

        #expect(limited == .refused(.notAPicture))
        #expect(next == .encoded(.jpeg))
        #expect(worker.reports().count <= 1)
    }

    @Test func `two at once have two processes`() throws {
        let outcomes = concurrently(2) { _ in
            ()
        } _: { [worker, photograph] _, _ in
            (try? DecoderResult(photograph, by: worker.decoder))?.outcome
        }

        #expect(outcomes == [.encoded(.jpeg), .encoded(.jpeg)])
        #expect((1...2).contains(worker.pids().count))
    }

    @Test func `they end with whoever started them`() throws {
        let mark: String
        do {
            let passing = MarkedDecoder()
            mark = passing.mark
            _ = try passing.ready()
        }

        #expect(MarkedDecoder.pids(mark) == [])
    }

    @Test func `an executable that is not there is not the picture's fault`() throws {
        let reports = Mutex<[String]>([])
        let decoder = AvatarDecoder(command: ["/nowhere/homeroom"]) { text in reports.withLock { $0.append(text) } }

        #expect(try DecoderResult(picture, by: decoder).outcome == nil)
        #expect(reports.withLock { $0 } == ["/nowhere/homeroom: No such file or directory"])
    }

    private func text(_ path: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
    }
}

/// A decoder whose processes can be told from all others.
private final class MarkedDecoder: Sendable {
    let mark: String
    let decoder: AvatarDecoder
    private let lines: Lines
    private let thread = Mutex("")

    init(timeout: Int = 30) {
        mark = "mark-\(UInt64.random(in: 0 ... .max))"
        let lines = Lines()
        self.lines = lines
        decoder = AvatarDecoder(command: [TestEnvironment.homeroom, "avatar-worker", mark], timeout: timeout) {
            text in
            lines.all.withLock { $0.append(text) }
        }
    }

    func reports() -> [String] { lines.all.withLock { $0 } }

    func pids() -> [pid_t] { MarkedDecoder.pids(mark) }

    /// The one process, when it has done its first picture.
    func ready() throws -> pid_t {
        _ = try DecoderResult(TestPicture.png(2, 2, [1, 2, 3]), by: decoder)
        return try #require(pids().first)
    }

    /// The one process, when it waits for its first picture: to start may take it longer than a picture may.
    func warm() throws -> pid_t {
        decoder.prepare()
        let isWarm = eventually {
            // Its confinement is the last thing that it does before. (proc(5))
            let status = pids().first.flatMap { try? String(contentsOfFile: "/proc/\($0)/status", encoding: .utf8) }
            return status?.contains("\nSeccomp:\t2\n") == true
        }
        try #require(isWarm)
        return try #require(pids().first)
    }

    /// Whether the thread in `working` waits for the process, which has the picture then.
    var isWorking: Bool {
        // The number of the call comes first. (proc(5))
        let call = try? String(contentsOfFile: "/proc/\(thread.withLock { $0 })/syscall", encoding: .utf8)
        return call?.hasPrefix(MarkedDecoder.poll + " ") == true
    }

    func working<Result>(_ body: () throws -> Result) rethrows -> Result {
        let own = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/thread-self")
        thread.withLock { $0 = own ?? "" }
        return try body()
    }

    #if arch(x86_64)
        private static let poll = "7"
    #else
        private static let poll = "73"
    #endif

    /// Those that run with a mark in their command line.
    static func pids(_ mark: String) -> [pid_t] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { pid_t($0) }.filter { pid in
            let words = (try? Data(contentsOf: URL(filePath: "/proc/\(pid)/cmdline"))) ?? Data()
            return words.range(of: Data(mark.utf8)) != nil
        }
    }
}

private final class Lines: Sendable {
    let all = Mutex<[String]>([])
}
