import Accounts
import Contracts

/// Finds out how the service is, and logs when that changes. Belongs to one thread.
final class HealthMonitor {
    private let metrics: Metrics
    private let log: Log
    private let check: () -> HealthReport
    private var wasReady = true

    /// - Parameters:
    ///   - log: gets a line when the service is no longer ready, and when it is again.
    ///   - check: should end within seconds also when the database hangs.
    init(metrics: Metrics, log: Log, check: @escaping () -> HealthReport) {
        self.metrics = metrics
        self.log = log
        self.check = check
    }

    func report() -> ServiceReport {
        let health = check()
        let isReady = health.failures.isEmpty
        if wasReady, !isReady { log.write("not ready", message: health.reasons.joined(separator: "; ")) }
        if !wasReady, isReady { log.write("ready again") }
        wasReady = isReady
        return ServiceReport(health: health) { [metrics] in metrics.text(health) }
    }
}
