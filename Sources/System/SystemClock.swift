import CLinux
import Glibc

/// The clocks of the kernel. (clock_gettime(2))
package enum SystemClock: Sendable {
    /// Since 1970; an operator may put it right, forward or back.
    case realTime
    /// Since the machine's start, never put right.
    case monotonic
    /// What this process has had of the cores.
    case processCPU

    package var microseconds: Int64 {
        let clock =
            switch self {
            case .realTime: CLOCK_REALTIME
            case .monotonic: CLOCK_MONOTONIC
            case .processCPU: CLOCK_PROCESS_CPUTIME_ID
            }
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }
}
