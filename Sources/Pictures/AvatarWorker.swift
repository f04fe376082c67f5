import CLinux
import Glibc
import System

/// `homeroom avatar-worker`: the confined process that decodes pictures, one at a time, for as long as its parent lives.
package enum AvatarWorker {
    /// Where the parent's socket is.
    static let socket: Int32 = 3
    /// In bytes; what a picture of 50 million pixels needs, and some more.
    #if SANITIZED
        // A sanitizer maps many times what the program has.
        private static let maxMemory = UInt.max
        private static let maxAddressSpace = UInt.max
    #else
        private static let maxMemory: UInt = 1 << 30
        /// Libraries, stacks and what malloc(3) reserves take 0.35 GiB of these; 0.8 GiB is the most that a picture inside
        /// the other limits was seen to need.
        private static let maxAddressSpace: UInt = 3 << 29
    #endif
    /// In bytes, of one output.
    static let maxFileSize = 32 << 20
    /// Seconds of CPU after which no further picture is taken: the parent starts a fresh process.
    private static let enoughCPU: Int64 = 60
    /// Seconds of CPU in the whole life of the process, so that even the last picture may take long.
    private static let maxCPU: UInt = 120
    /// Seconds of CPU that a picture may take. What needs more than twice as much as any picture inside the other limits is
    /// made to take long; whatever else is slow is the machine's fault, which the parent's timeout is for.
    static let maxCPUForPicture = 10
    /// Pictures after which the parent gets a fresh process.
    static let maxPictures = 20
    /// Seconds that a picture may take when the parent is no longer there to end it.
    private static let longestPicture = 60
    /// Added to the CPU priority, as on the heavy lane.
    private static let niceness: Int32 = 5

    /// The exit code of the process.
    package static func run() -> Int32 {
        setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, niceness)
        guard AvatarEncoder.start(), warmUp(), confine() else { return 1 }
        var descriptors = [Int32](repeating: -1, count: 1 + AvatarEncoder.sides.count)
        for _ in 0..<maxPictures where SystemClock.processCPU.microseconds < enoughCPU * 1_000_000 {
            guard homeroom_receive_descriptors(socket, &descriptors, Int32(descriptors.count), 0) == 1 else { return 0 }
            alarm(ITIMER_REAL, after: longestPicture)
            alarm(ITIMER_PROF, after: maxCPUForPicture)
            var answer = encode(descriptors[0], to: Array(descriptors.dropFirst())).byte
            alarm(ITIMER_PROF, after: 0)
            alarm(ITIMER_REAL, after: 0)
            for descriptor in descriptors { close(descriptor) }
            guard send(socket, &answer, 1, Int32(MSG_NOSIGNAL)) == 1 else { return 0 }
        }
        return 0
    }

    /// Ends the process after so many seconds of that clock, unless it is called again; 0 never does.
    private static func alarm(_ clock: __itimer_which, after seconds: Int) {
        var time = itimerval()
        time.it_value.tv_sec = seconds
        setitimer(__itimer_which_t(clock.rawValue), &time, nil)
    }

    private static func encode(_ input: Int32, to outputs: [Int32]) -> AvatarOutcome {
        let limit = AvatarEncoder.largestPicture
        let whole = [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
            while count < limit {
                let read = Glibc.read(input, buffer.baseAddress.map { $0 + count }, limit - count)
                guard read > 0 else { break }
                count += read
            }
        }
        return whole.withUnsafeBytes { AvatarEncoder.encode($0, to: outputs) }
    }

    /// Each format once, so that whatever the libraries load at their first use is loaded while files can be opened.
    private static func warmUp() -> Bool {
        let nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC)
        guard nowhere >= 0 else { return false }
        defer { close(nowhere) }
        let outputs = AvatarEncoder.sides.map { _ in nowhere }
        return PictureSample.all.allSatisfy { sample in
            guard case .encoded = sample.withUnsafeBytes({ AvatarEncoder.encode($0, to: outputs) }) else {
                return false
            }
            return true
        }
    }

    private static func confine() -> Bool {
        homeroom_close_from(UInt32(socket) + 1) == 0
            && homeroom_limit(Int32(RLIMIT_DATA.rawValue), maxMemory) == 0
            && homeroom_limit(Int32(RLIMIT_AS.rawValue), maxAddressSpace) == 0
            && homeroom_limit(Int32(RLIMIT_FSIZE.rawValue), UInt(maxFileSize)) == 0
            && homeroom_limit(Int32(RLIMIT_CPU.rawValue), maxCPU) == 0
            && homeroom_limit(Int32(RLIMIT_CORE.rawValue), 0) == 0
            && homeroom_limit(Int32(RLIMIT_NOFILE.rawValue), 64) == 0
            && homeroom_confine_system_calls() == 0
    }
}
