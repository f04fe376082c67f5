import Accounts
import HTTP
import JSON

/// How the service is, for `/readyz` and `/metrics`.
package struct ServiceReport {
    let health: HealthReport
    /// All that was counted, in Prometheus's text format.
    let metrics: () -> [UInt8]

    package init(health: HealthReport, metrics: @escaping () -> [UInt8]) {
        self.health = health
        self.metrics = metrics
    }

    /// The media type of `metrics`. (https://prometheus.io/docs/instrumenting/exposition_formats/)
    static let metricsType = "text/plain; version=0.0.4; charset=utf-8"
}

/// What the service tells of itself: how it is, to the machine's own network; what it takes and gives, to everybody.
///
/// Who may ask how it is, is nginx's to say: it alone sees where a client is, and marks what comes from inside. Without the
/// mark these are paths that are not there, so an nginx that knows nothing of them gives nothing away.
let operations = Contract.plain(
    "homeroom", "The service itself",
    [
        .operations("/healthz", .immediate, access: .inside, "Whether a worker answers") { _ in
            .ok(["status": "ok"])
        },
        .operations("/readyz", .health, access: .inside, "Whether all that requests need is there") { context in
            context.report.map { readiness($0.health) } ?? notReady
        },
        .operations("/metrics", .health, access: .inside, "What was counted") { context in
            guard let report = context.report else { return notReady }
            return Reply(200, report.metrics(), type: ServiceReport.metricsType)
        },
    ] + descriptions)

/// `{"status":"not ready","checks":{"database":"ok","schema":"version 4, needs 5","media":"ok"}}`; with several database
/// servers also `"servers":[{"name":"10.0.0.1:3306","used":true,"fault":null,"state":"Synced","nodes":3,"behind":0}]`.
private func readiness(_ health: HealthReport) -> Reply {
    let checks = HealthReport.Check.allCases.map { check in
        JSON.Member(name: "\(check)", value: .string(health.failures[check] ?? "ok"))
    }
    let status = health.failures.isEmpty ? "ready" : health.isReady ? "degraded" : "not ready"
    var body: JSON.Object = ["status": .string(status), "checks": .object(JSON.Object(checks))]
    if !health.servers.isEmpty {
        let servers = health.servers.map { server in
            let node = server.node
            return [
                "name": .string(server.name), "used": .bool(server.isUsed),
                "fault": server.fault.map(JSON.string) ?? .null, "state": node.map { .string($0.state) } ?? .null,
                "nodes": node.map { .integer(Int64($0.clusterSize)) } ?? .null,
                "behind": node.map { .integer(Int64($0.receiveQueue)) } ?? .null,
            ] as JSON
        }
        body.members.append(.init(name: "servers", value: .array(servers)))
    }
    return Reply(health.isReady ? 200 : 503, JSON.object(body))
}

/// The answer where it cannot even look.
private var notReady: Reply { Reply(503, ["status": "not ready"]) }

extension Contract {
    /// Answers paths of no contract.
    static let unknown = plain("-", "", [])

    fileprivate static func plain(_ name: String, _ title: String, _ routes: [Route]) -> Contract {
        Contract(
            name: name, title: title,
            policy: Policy(
                contract: 0, renewal: .single(life: 0, remembered: 0), passwords: PasswordRules(shortest: 8)),
            encodings: [], words: { _ in "" }, owns: { _ in false },
            answer: { failure, _ in
                switch failure {
                case .invalidHost: Reply(400, ["detail": "Invalid Host header."])
                case .internalError(let id):
                    Reply(500, ["detail": .string("Internal server error. Request \(id).")])
                case .methodNotAllowed(let method, _):
                    Reply(405, ["detail": .string("Method \"\(method)\" not allowed.")])
                case .busy: notReady
                case .refused, .malformed, .notJSON, .notAnObject, .crossOrigin, .unsupportedMediaType, .tooLarge,
                    .notFound:
                    Reply(404, ["detail": "Not found."])
                }
            }, nginxError: .text(key: "detail"), routes: routes,
            slashIsOptional: { $0.hasPrefix("/api/openapi") || $0 == "/docs/" })
    }
}
