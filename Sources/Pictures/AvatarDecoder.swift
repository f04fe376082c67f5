import CLinux
import Glibc
import Synchronization
import System

/// The confined processes that turn uploads into avatars, started when they are needed and kept warm.
///
/// A crash or a limit hit there costs that one picture; the next one gets a fresh process. What comes from there is
/// looked at before anybody else sees it, as what comes from a stranger: the process may be in the hands of one.
package final class AvatarDecoder: Sendable {
    private struct Process {
        let pid: pid_t
        let socket: Int32
        /// That it has had.
        var pictures = 0
    }

    private enum Answer {
        case byte(UInt8)
        /// Without an answer.
        case ended
        case late
        case tooManyThreads
    }

    /// More than libvips starts for a picture by far.
    private static let maxThreads: nlink_t = 32

    private let command: [String]
    private let timeout: Int
    private let report: @Sendable (String) -> Void
    private let idle = Mutex<[Process]>([])

    /// - Parameters:
    ///   - command: `homeroom avatar-worker`, the executable first.
    ///   - timeout: seconds that a picture may take, however little of a core it gets.
    ///   - report: gets one line when a process failed.
    package init(command: [String], timeout: Int = 22, report: @escaping @Sendable (String) -> Void) {
        self.command = command
        self.timeout = timeout
        self.report = report
    }

    deinit {
        for process in idle.withLock({ $0 }) { AvatarDecoder.end(process) }
    }

    /// Keeps a process ready: to start one takes a second. Also forgets those that ended while nothing was to do.
    package func prepare() {
        idle.withLock { processes in
            processes.removeAll { AvatarDecoder.hasEnded($0) }
        }
        guard idle.withLock({ $0.isEmpty }), let process = start() else { return }
        idle.withLock { $0.append(process) }
    }

    /// Reads the picture from `input`, from its beginning, and writes the avatar and its squares to `outputs`.
    ///
    /// nil when the process could not be started: then it is not the picture's fault.
    package func encode(_ input: Int32, to outputs: [Int32]) -> AvatarOutcome? {
        lseek(input, 0, SEEK_SET)
        // Not the outputs themselves: the process could keep those, and write when they have been looked at.
        var files: [Int32] = []
        defer { for file in files { close(file) } }
        for _ in outputs {
            do throws(SystemError) {
                files.append(try MemoryFile.make("homeroom-avatar"))
            } catch {
                return .notWritten(code: error.code)
            }
        }
        // A process that has taken its share of CPU ends by itself, perhaps just now: then a fresh one does it.
        for _ in 0..<3 {
            guard var process = idle.withLock({ $0.popLast() }) ?? start() else { return nil }
            let descriptors = [input] + files
            guard homeroom_send_descriptors(process.socket, descriptors, Int32(descriptors.count)) == 0 else {
                AvatarDecoder.end(process)
                continue
            }
            process.pictures += 1
            switch answer(of: process) {
            case .byte(let byte):
                guard let outcome = AvatarOutcome(byte: byte), let failure = copy(files, to: outputs, as: outcome)
                else {
                    AvatarDecoder.end(process)
                    report("a decoder wrote what is no avatar")
                    return .refused(.notAPicture)
                }
                giveBack(process)
                return failure
            case .ended:
                let code = AvatarDecoder.end(process)
                if code == 0 { continue }
                report(
                    code == 128 + SIGPROF
                        ? "a picture took over \(AvatarWorker.maxCPUForPicture) s of CPU"
                        : "a picture ended its decoder, code \(code)")
                return .refused(.notAPicture)
            case .late:
                AvatarDecoder.end(process)
                report("a picture was not done within \(timeout) s")
                return .outOfTime
            case .tooManyThreads:
                AvatarDecoder.end(process)
                report("a decoder had over \(AvatarDecoder.maxThreads) threads")
                return .refused(.notAPicture)
            }
        }
        return nil
    }

    private func answer(of process: Process) -> Answer {
        let end = ContinuousClock.now + .seconds(timeout)
        let tasks = "/proc/\(process.pid)/task"
        while true {
            var waiting = pollfd(fd: process.socket, events: Int16(POLLIN), revents: 0)
            if poll(&waiting, 1, 100) > 0 {
                var byte: UInt8 = 0
                return recv(process.socket, &byte, 1, 0) == 1 ? .byte(byte) : .ended
            }
            // seccomp cannot count threads, and RLIMIT_NPROC counts those of all our processes. A folder has two links
            // and one for each folder in it.
            var status = stat()
            if stat(tasks, &status) == 0, status.st_nlink > AvatarDecoder.maxThreads + 2 { return .tooManyThreads }
            if ContinuousClock.now >= end { return .late }
        }
    }

    /// For the next picture, unless it has had its share of them: then its successor starts while nothing is to do.
    private func giveBack(_ process: Process) {
        guard process.pictures >= AvatarWorker.maxPictures else { return idle.withLock { $0.append(process) } }
        AvatarDecoder.end(process)
        prepare()
    }

    /// Writes what the process has made to `outputs`; the outcome then, or nil where it is not what it should be.
    private func copy(_ files: [Int32], to outputs: [Int32], as outcome: AvatarOutcome) -> AvatarOutcome? {
        guard case .encoded(let format) = outcome else { return outcome }
        for (index, (file, output)) in zip(files, outputs).enumerated() {
            var status = stat()
            guard fstat(file, &status) == 0, 1...AvatarWorker.maxFileSize ~= Int(status.st_size) else { return nil }
            let size = Int(status.st_size)
            let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
                count = max(0, pread(file, buffer.baseAddress, size, 0))
            }
            let side = AvatarEncoder.sides[index]
            guard PictureFormat(content: bytes) == format, let (width, height) = format.size(of: bytes),
                1...side ~= width, 1...side ~= height, index == 0 || (width, height) == (side, side)
            else { return nil }
            do throws(SystemError) {
                try writeAll(bytes, to: output)
            } catch {
                return .notWritten(code: error.code)
            }
        }
        return outcome
    }

    private func start() -> Process? {
        var ends: [Int32] = [-1, -1]
        guard socketpair(AF_UNIX, Int32(SOCK_SEQPACKET.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            return nil
        }
        defer { close(ends[1]) }

        var program = ChildProgram(command[0], command)
        program.nullDescriptors = [0, 1, 2]
        program.descriptors = [AvatarWorker.socket: ends[1]]
        // Our blocked signals are not the decoder's: it would not end by its own alarm.
        program.signals = .unblocked
        // Nothing of ours: settings may hold secrets.
        program.environment = AvatarDecoder.environment
        do throws(SystemError) {
            return Process(pid: try program.start(), socket: ends[0])
        } catch {
            report("\(error.path): \(error.reason)")
            close(ends[0])
            return nil
        }
    }

    /// Libraries start one thread for each thing and no more, and reserve little address space for each.
    private static let environment = ["OMP_NUM_THREADS=1", "MALLOC_ARENA_MAX=2"]

    /// Reaps it if it has.
    private static func hasEnded(_ process: Process) -> Bool {
        guard waitpid(process.pid, nil, WNOHANG) == process.pid else { return false }
        close(process.socket)
        return true
    }

    /// Its exit code, or 128 + the signal that ended it.
    @discardableResult
    private static func end(_ process: Process) -> Int32 {
        close(process.socket)
        var status: Int32 = 0
        // One that ended by itself keeps its own code; SIGKILL does nothing to it.
        if waitpid(process.pid, &status, WNOHANG) == 0 {
            kill(process.pid, SIGKILL)
            waitpid(process.pid, &status, 0)
        }
        return homeroom_exit_code(status)
    }
}
