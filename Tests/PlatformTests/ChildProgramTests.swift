import CLinux
import Glibc
import System
import Testing

struct ChildProgramTests {
    /// What a shell's script writes, and how it ended.
    private func run(
        _ script: String, _ prepare: (inout ChildProgram) -> Void = { _ in }
    ) throws -> (output: String, code: Int32) {
        try run(ChildProgram("/bin/sh", ["sh", "-c", script]), prepare)
    }

    private func run(
        _ program: ChildProgram, _ prepare: (inout ChildProgram) -> Void = { _ in }
    ) throws -> (output: String, code: Int32) {
        var ends: [Int32] = [-1, -1]
        try #require(pipe2(&ends, O_CLOEXEC) == 0)
        defer { close(ends[0]) }
        var program = program
        program.descriptors[1] = ends[1]
        prepare(&program)
        let pid: pid_t
        do {
            defer { close(ends[1]) }
            pid = try program.start()
        }
        var output: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1000)
        while case let count = read(ends[0], &buffer, buffer.count), count > 0 { output += buffer[..<count] }
        return (String(decoding: output, as: UTF8.self), exitCode(of: pid))
    }

    /// A descriptor of a new file with this text.
    private func file(_ text: String) throws -> Int32 {
        let file = try MemoryFile.make("test")
        try writeAll(Array(text.utf8), to: file)
        lseek(file, 0, SEEK_SET)
        return file
    }

    @Test func `its output and its exit code are had`() throws {
        let (output, code) = try run("echo hello; exit 7")

        #expect(output == "hello\n")
        #expect(code == 7)
    }

    @Test func `one that a signal ends has that signal's code`() throws {
        #expect(try run("kill -9 $$").code == 128 + SIGKILL)
    }

    @Test func `it has the environment that it is given`() throws {
        #expect(try run("echo $A$HOME") { $0.environment = ["A=1"] }.output == "1\n")
    }

    @Test func `descriptors that change places all arrive`() throws {
        let (first, second) = (try file("first"), try file("second"))
        defer {
            close(first)
            close(second)
        }

        // Each stands where the other is to go.
        let (output, _) = try run("cat /proc/self/fd/\(second) /proc/self/fd/\(first)") {
            $0.descriptors[first] = second
            $0.descriptors[second] = first
        }

        #expect(output == "firstsecond")
    }

    @Test func `it finds nothing of what others left open`() throws {
        let open = try file("secret")
        defer { close(open) }
        try #require(fcntl(open, F_SETFD, 0) == 0)

        let (output, _) = try run("ls /proc/self/fd | wc -l; cat <&\(open)") {
            $0.nullDescriptors = [0, 2]
            $0.closesOthers = true
        }

        // And one of `ls`.
        #expect(output == "4\n")
    }

    @Test func `what is blocked and ignored here is neither there`() throws {
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGUSR1)
        pthread_sigmask(SIG_BLOCK, &set, nil)
        signal(SIGUSR2, SIG_IGN)
        defer {
            pthread_sigmask(SIG_UNBLOCK, &set, nil)
            signal(SIGUSR2, SIG_DFL)
        }
        // Signals 1 to 12: other tests of this process ignore SIGPIPE, and glibc two of its own.
        let sed = ChildProgram(
            "/bin/sed", ["sed", "-nE", #"s/^(SigBlk|SigIgn).*(.{3})$/\1 \2/p"#, "/proc/self/status"])
        let inherited = try run(sed).output
        let unblocked = try run(sed) { $0.signals = .unblocked }.output
        let reset = try run(sed) { $0.signals = .reset }.output

        #expect(inherited != unblocked && inherited.hasSuffix("SigIgn 800\n"))
        #expect(unblocked == "SigBlk 000\nSigIgn 800\n")
        #expect(reset == "SigBlk 000\nSigIgn 000\n")
    }

    @Test func `a group of its own has its number`() throws {
        let (output, _) = try run("echo $$; ps -o pgid= -p $$") { $0.hasOwnGroup = true }
        let numbers = output.split(whereSeparator: \.isWhitespace)

        #expect(numbers.count == 2 && numbers[0] == numbers[1])
    }

    @Test func `a program that is missing is an error`() {
        #expect(throws: SystemError("posix_spawn", "/nowhere", code: ENOENT)) {
            _ = try ChildProgram("/nowhere", ["nowhere"]).start()
        }
    }
}
