import Accounts
import Contracts

/// Finds out how the service is, and logs when that changes. Belongs to one thread.
final class HealthMonitor {
    private let metrics: Metrics
    private let log: Log
    private let check: () -> HealthReport
    private var wasGood = true

    /// - Parameters:
    ///   - log: gets a line when something fails that was good, and when all is good again.
    ///   - check: should end within seconds also when the database hangs.
    init(metrics: Metrics, log: Log, check: @escaping () -> HealthReport) {
        self.metrics = metrics
        self.log = log
        self.check = check
    }

    func report() -> ServiceReport {
        let health = check()
        let isGood = health.failures.isEmpty
        if wasGood, !isGood {
            log.write(health.isReady ? "degraded" : "not ready", message: health.reasons.joined(separator: "; "))
        }
        if !wasGood, isGood { log.write("ready again") }
        wasGood = isGood
        return ServiceReport(health: health) { [metrics] in metrics.text(health) }
    }
}
