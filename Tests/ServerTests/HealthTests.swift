import Accounts
import Contracts
import HTTP
import TestSupport
import Testing

@testable import Server

struct HealthTests {
    private let pipe = Pipe()
    private let router = Router()
    /// Nobody asks them here.
    private let accounts = Result { try AccountsFixture().accounts() }

    /// One that finds this at each look, the last again and again.
    private func monitor(_ found: [HealthReport.Check: String]..., mails: Int64? = 0) -> HealthMonitor {
        var left = found
        let log = Log(descriptor: pipe.writeEnd, now: { "now" })
        return HealthMonitor(metrics: Metrics(role: .worker), log: log) {
            let failures = left.count > 1 ? left.removeFirst() : left.first ?? [:]
            return HealthReport(
                failures: failures, reasons: failures.map { "\($0): \($1)" }.sorted(), waitingMails: mails)
        }
    }

    /// The answer to a client inside the machine's own network.
    private func answer(
        _ path: String, method: String = "GET", isInside: Bool = true, _ report: ServiceReport? = nil
    ) throws -> Reply {
        let request = Request(
            id: "r-1", method: method, target: path, origin: "", isInside: isInside, contentLength: 0,
            header: { _ in nil }, read: { _ in 0 })
        let context = RequestContext(request, router: router)
        context.report = report
        return router.answer(context, try accounts.get())
    }

    private func text(_ reply: Reply) -> String { String(decoding: reply.body, as: UTF8.self) }

    @Test(arguments: ["GET", "HEAD"])
    func `that the process is alive is known without a look`(method: String) throws {
        let reply = try answer("/healthz", method: method)

        #expect(reply.status == 200)
        #expect(text(reply) == #"{"status":"ok"}"#)
    }

    @Test(arguments: ["/readyz", "/metrics"]) func `what could not look is not ready`(path: String) throws {
        let reply = try answer(path)

        #expect(reply.status == 503)
        #expect(text(reply) == #"{"status":"not ready"}"#)
    }

    @Test func `it is ready when every check passes`() throws {
        let reply = try answer("/readyz", monitor().report())

        #expect(reply.status == 200)
        #expect(text(reply) == #"{"status":"ready","checks":{"database":"ok","schema":"ok","media":"ok"}}"#)
    }

    @Test func `it is not ready when one check fails, and each is named`() throws {
        let reply = try answer("/readyz", monitor([.schema: "version 4, needs 5"]).report())

        #expect(reply.status == 503)
        #expect(
            text(reply)
                == #"{"status":"not ready","checks":{"database":"ok","schema":"version 4, needs 5","media":"ok"}}"#)
    }

    @Test func `metrics are text, with what was found`() throws {
        let reply = try answer("/metrics", monitor(mails: 3).report())

        #expect(reply.status == 200)
        let message = String(decoding: reply.message, as: UTF8.self)
        #expect(message.contains("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"))
        #expect(text(reply).contains("\nhomeroom_mails_waiting 3\n"))
        #expect(text(reply).contains("\nhomeroom_check_passed{check=\"media\"} 1\n"))
    }

    @Test func `metrics are told though nothing else is well`() throws {
        let monitor = monitor([.database: "no answer", .schema: "unknown", .media: "not writable"], mails: nil)

        let reply = try answer("/metrics", monitor.report())

        #expect(reply.status == 200)
        #expect(text(reply).contains("\nhomeroom_check_passed{check=\"database\"} 0\n"))
    }

    @Test(arguments: [nil, "", "0", "2", "11", " 1"])
    func `only nginx's mark says that a client is inside`(mark: String?) {
        #expect(!Request.isInside(mark))
        #expect(Request.isInside("1"))
    }

    @Test(arguments: ["/healthz", "/readyz", "/metrics"], ["GET", "POST", "OPTIONS"])
    func `for others these are paths that are not there`(path: String, method: String) throws {
        let reply = try answer(path, method: method, isInside: false)

        #expect(reply.status == 404)
        #expect(text(reply) == #"{"detail":"Not found."}"#)
        #expect(reply.headers.isEmpty)
    }

    @Test(arguments: ["/", "/healthz/", "/Metrics", ""])
    func `other paths are not there inside either`(path: String) throws {
        #expect(try answer(path).status == 404)
    }

    @Test(arguments: ["POST", "PUT", "OPTIONS", "get", ""], ["/healthz", "/readyz", "/metrics"])
    func `other methods are answered 405`(method: String, path: String) throws {
        let reply = try answer(path, method: method)

        #expect(reply.status == 405)
        #expect(reply.headers.map { "\($0.name): \($0.value)" } == ["Allow: GET, HEAD"])
    }

    @Test func `only a change is logged`() {
        let broken = [HealthReport.Check.media: "open x: No space left on device"]
        let monitor = monitor([:], [:], broken, broken, [:], [:])

        for _ in 0..<6 { _ = monitor.report() }

        pipe.closeWriteEnd()
        let lines = (0..<3).map { _ in pipe.line().map { String(decoding: $0, as: UTF8.self) } }
        #expect(
            lines == [
                #"{"time":"now","event":"degraded","message":"media: open x: No space left on device"}"#,
                #"{"time":"now","event":"ready again"}"#, nil,
            ])
    }
}
