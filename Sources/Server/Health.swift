import Accounts
import HTTP
import JSON

/// Answers `/healthz`, `/readyz` and `/metrics`, for the machine's own network. Belongs to one thread.
final class Health {
    /// One of the three.
    ///
    /// Who may ask is nginx's to say: it alone sees where a client is, and marks what comes from inside. Without the mark
    /// these are paths that are not there, so an nginx that knows nothing of them gives nothing away.
    enum Question: String, CaseIterable, Sendable {
        case alive = "/healthz"
        case ready = "/readyz"
        case metrics = "/metrics"

        /// The FastCGI variable that nginx sets to `1` for a client inside the machine's own network. A client's own
        /// header of that name arrives as `HTTP_INSIDE`.
        static let mark = "INSIDE"

        /// - Parameter mark: the value of that variable.
        init?(path: String, mark: String?) {
            guard mark == "1" else { return nil }
            self.init(rawValue: path)
        }

        /// Its place among all.
        var index: Int {
            switch self {
            case .alive: 0
            case .ready: 1
            case .metrics: 2
            }
        }

        /// What it is counted as.
        var endpoint: Metrics.Endpoint { Metrics.Endpoint(contract: "homeroom", method: "GET", route: rawValue) }

        /// The answer where none needs to be looked for.
        func answer(to method: String) -> Reply? {
            guard ["GET", "HEAD"].contains(method) else {
                let refusal = Reply(405, ["detail": .string("Method \"\(method)\" not allowed.")])
                return refusal.with("Allow", "GET, HEAD")
            }
            return self == .alive ? .ok(["status": "ok"]) : nil
        }
    }

    /// The answer where it cannot even look.
    static var notReady: Reply { Reply(503, ["status": "not ready"]) }

    private let metrics: Metrics
    private let log: Log
    private let look: () -> Checkup
    private var found = Checkup(failures: [:])
    private var wasReady = true

    /// - Parameters:
    ///   - log: gets a line when the service is no longer ready, and when it is again.
    ///   - look: finds whether it is; should end within seconds also when the database hangs.
    init(metrics: Metrics, log: Log, look: @escaping () -> Checkup) {
        self.metrics = metrics
        self.log = log
        self.look = look
    }

    /// Finds out how the service is, for the answers that follow.
    func lookAgain() {
        found = look()
        let isReady = found.failures.isEmpty
        if wasReady, !isReady { log.write("not ready", message: found.reasons.joined(separator: "; ")) }
        if !wasReady, isReady { log.write("ready again") }
        wasReady = isReady
    }

    func answer(_ question: Question, method: String) -> Reply {
        if let reply = question.answer(to: method) { return reply }
        return question == .metrics ? Reply(200, metrics.text(found), type: Metrics.textType) : checkup
    }

    /// `{"status":"not ready","checks":{"database":"ok","schema":"version 4, needs 5","media":"ok"}}`
    private var checkup: Reply {
        let checks = Checkup.Check.allCases.map { check in
            JSON.Member(name: "\(check)", value: .string(found.failures[check] ?? "ok"))
        }
        return Reply(
            wasReady ? 200 : 503,
            ["status": wasReady ? "ready" : "not ready", "checks": .object(JSON.Object(checks))])
    }
}
