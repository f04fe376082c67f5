import CLinux
import Dispatch
import Foundation
import Synchronization
import System

/// A program that runs beside us and never outlives us.
///
/// The kernel sends it a signal, SIGTERM unless the program names another, when the *thread* that made it ends
/// (PR_SET_PDEATHSIG), so each child has a thread that makes it and waits for it: the two end together, or with the
/// process, also by kill -9. A change of user would clear that request, so setpriv changes the user first. It has a
/// process group of its own, for Ctrl-C reaches the whole foreground group and it is us who decide when and in what
/// order to stop.
package final class Child: Sendable {
    private struct State {
        var pid: pid_t = 0
        var failure: StackError?
        var status: Int32?
    }

    package let program: Program
    /// The file that it writes to, and how long that was before.
    private let log: (path: String, start: Int)?
    private let state = Mutex(State())
    private let made = DispatchSemaphore(value: 0)
    private let ended = DispatchGroup()

    /// Starts `program`; what it writes is added to the file `log`.
    package convenience init(_ program: Program, log: String) throws(StackError) {
        let file = try Descriptor.log(log)
        try self.init(program, output: file.number, log: (log, Int(lseek(file.number, 0, SEEK_END))))
    }

    /// Starts `program`, with `output` as its standard output and error. The descriptors stay the caller's.
    init(
        _ program: Program, input: Int32? = nil, output: Int32, log: (path: String, start: Int)? = nil
    ) throws(StackError) {
        self.program = program
        self.log = log
        let setpriv = try Program("setpriv", [])
        ended.enter()
        Thread.detachNewThread { [self] in live(through: setpriv.path, input: input, output: output) }
        made.wait()
        if let failure = state.withLock({ $0.failure }) { throw failure }
    }

    package var pid: pid_t { state.withLock { $0.pid } }

    package var isRunning: Bool { state.withLock { $0.status == nil } }

    /// How it ended: exit code, or 128 + signal. nil while it runs.
    package var status: Int32? { state.withLock { $0.status } }

    /// The last lines it has written to its log, for a message to the operator.
    package var lastWords: String {
        guard let log, let text = try? FileSystem.read(log.path, from: log.start) else { return "" }
        return text.split(separator: "\n").suffix(15).joined(separator: "\n")
    }

    /// Waits until `isReady`. Throws with its last words when it ends before; stops it when it is late.
    func wait(until isReady: () -> Bool, seconds: Int) throws(StackError) {
        let end = ContinuousClock.now + .seconds(seconds)
        while !isReady() {
            if let status = waitForExit(within: 0.01) {
                throw .ended(program.name, status: status, output: lastWords)
            }
            guard ContinuousClock.now < end else {
                terminate(within: 5)
                throw .late(program.name, seconds: seconds, output: lastWords)
            }
        }
    }

    /// Waits for its end; nil when it still runs after `seconds`.
    @discardableResult
    package func waitForExit(within seconds: Double) -> Int32? {
        _ = ended.wait(timeout: .now() + seconds)
        return status
    }

    /// Sends a signal to the program itself; nothing happens when it has ended.
    package func signal(_ number: Int32) {
        state.withLock { state in
            // The pid is ours until it is reaped, which happens under the same lock.
            if state.status == nil { _ = CLinux.kill(state.pid, number) }
        }
    }

    /// Asks it to end by `number`, and ends it with all it started when it has not in time. Whether it obeyed.
    @discardableResult
    package func terminate(within seconds: Double, by number: Int32 = SIGTERM) -> Bool {
        signal(number)
        if waitForExit(within: seconds) != nil { return true }
        kill()
        return false
    }

    /// Ends it and all it started, at once (SIGKILL).
    package func kill() {
        signal(SIGKILL)
        ended.wait()
    }

    private func live(through setpriv: String, input: Int32?, output: Int32) {
        defer { ended.leave() }
        do throws(SystemError) {
            let pid = try spawn(through: setpriv, input: input, output: output)
            state.withLock { $0.pid = pid }
            made.signal()
            reap(pid)
        } catch {
            state.withLock { state in
                state.failure = .system(SystemError("start", program.path, code: error.code))
                state.status = 127
            }
            made.signal()
        }
    }

    private func reap(_ pid: pid_t) {
        var about = siginfo_t()
        while waitid(P_PID, id_t(pid), &about, WEXITED | WNOWAIT) == -1, errno == EINTR {}
        state.withLock { state in
            // Not reaped yet, so the group's number cannot belong to anybody else: what is left in it is its own.
            _ = killpg(pid, SIGKILL)
            state.status = exitCode(of: pid)
        }
    }
}
