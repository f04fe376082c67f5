import Glibc

/// Waits until `condition` holds; false when it does not within `seconds`.
///
/// For what must happen, so the limit is what a machine with much else to do may need.
package func eventually(within seconds: Double = 60, _ condition: () throws -> Bool) rethrows -> Bool {
    let end = ContinuousClock.now + .seconds(seconds)
    while try !condition() {
        guard ContinuousClock.now < end else { return false }
        usleep(5000)
    }
    return true
}

/// How long this thread had a core for `body`: what else the machine has to do adds nothing to it.
package func processorTime(_ body: () throws -> Void) rethrows -> Duration {
    let begin = processorTime()
    try body()
    return processorTime() - begin
}

private func processorTime() -> Duration {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
}
