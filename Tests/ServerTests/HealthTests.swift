import Accounts
import HTTP
import Testing

@testable import Server

struct HealthTests {
    private let pipe = Pipe()

    /// One that finds this at each look, the last again and again.
    private func health(_ found: [Checkup.Check: String]..., mails: Int64? = 0) -> Health {
        var left = found
        let log = Log(descriptor: pipe.writeEnd, now: { "now" })
        return Health(metrics: Metrics(role: .worker), log: log) {
            let failures = left.count > 1 ? left.removeFirst() : left.first ?? [:]
            return Checkup(
                failures: failures, reasons: failures.map { "\($0): \($1)" }.sorted(), waitingMails: mails)
        }
    }

    private func text(_ reply: Reply) -> String { String(decoding: reply.body, as: UTF8.self) }

    @Test(arguments: ["GET", "HEAD"])
    func `that the process is alive is known without a look`(method: String) throws {
        let reply = try #require(Health.Question.alive.answer(to: method))

        #expect(reply.status == 200)
        #expect(text(reply) == #"{"status":"ok"}"#)
        #expect(Health.Question.ready.answer(to: method) == nil)
        #expect(Health.Question.metrics.answer(to: method) == nil)
    }

    @Test func `it is ready when every check passes`() {
        let health = health()

        health.lookAgain()
        let reply = health.answer(.ready, method: "GET")

        #expect(reply.status == 200)
        #expect(text(reply) == #"{"status":"ready","checks":{"database":"ok","schema":"ok","media":"ok"}}"#)
    }

    @Test func `it is not ready when one check fails, and each is named`() {
        let health = health([.schema: "version 4, needs 5"])

        health.lookAgain()
        let reply = health.answer(.ready, method: "GET")

        #expect(reply.status == 503)
        #expect(
            text(reply)
                == #"{"status":"not ready","checks":{"database":"ok","schema":"version 4, needs 5","media":"ok"}}"#)
    }

    @Test func `metrics are text, with what was found`() {
        let health = health(mails: 3)

        health.lookAgain()
        let reply = health.answer(.metrics, method: "GET")

        #expect(reply.status == 200)
        let message = String(decoding: reply.message, as: UTF8.self)
        #expect(message.contains("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"))
        #expect(text(reply).contains("\nhomeroom_mails_waiting 3\n"))
        #expect(text(reply).contains("\nhomeroom_check_passed{check=\"media\"} 1\n"))
    }

    @Test func `metrics are told though nothing else is well`() {
        let health = health([.database: "no answer", .schema: "unknown", .media: "not writable"], mails: nil)

        health.lookAgain()
        let reply = health.answer(.metrics, method: "GET")

        #expect(reply.status == 200)
        #expect(text(reply).contains("\nhomeroom_check_passed{check=\"database\"} 0\n"))
    }

    @Test(arguments: [nil, "", "0", "2", "11", " 1"])
    func `without nginx's mark there is no question`(mark: String?) {
        for path in ["/healthz", "/readyz", "/metrics"] {
            #expect(Health.Question(path: path, mark: mark) == nil)
            #expect(Health.Question(path: path, mark: "1")?.endpoint.route == path)
        }
    }

    @Test(arguments: ["/", "/healthz/", "/Metrics", "/metrics?", "/api/v1/info/", ""])
    func `other paths are no question`(path: String) {
        #expect(Health.Question(path: path, mark: "1") == nil)
    }

    @Test(arguments: ["POST", "PUT", "OPTIONS", "get", ""], Health.Question.allCases)
    func `other methods are answered 405`(method: String, question: Health.Question) throws {
        let reply = try #require(question.answer(to: method))

        #expect(reply.status == 405)
        #expect(reply.headers.map { "\($0.name): \($0.value)" } == ["Allow: GET, HEAD"])
    }

    @Test func `only a change is logged`() {
        let broken = [Checkup.Check.media: "open x: No space left on device"]
        let health = health([:], [:], broken, broken, [:], [:])

        for _ in 0..<6 { health.lookAgain() }

        pipe.closeWriteEnd()
        let lines = (0..<3).map { _ in pipe.line().map { String(decoding: $0, as: UTF8.self) } }
        #expect(
            lines == [
                #"{"time":"now","event":"not ready","message":"media: open x: No space left on device"}"#,
                #"{"time":"now","event":"ready again"}"#, nil,
            ])
    }
}
