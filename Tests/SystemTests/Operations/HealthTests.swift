import DevStack
import Foundation
import JSON
import TestSupport
import Testing

/// `/healthz`, `/readyz` and `/metrics`: what they say, and to whom.
struct HealthTests {
    private static let paths = ["/healthz", "/readyz", "/metrics"]
    /// nginx's own words; the service writes no space.
    private static let refused = #"{"detail": "Not found."}"#
    private let site: DevStack

    init() throws {
        site = try Site.shared()
    }

    // MARK: What they say

    @Test(arguments: ["GET", "HEAD"])
    func `the service is alive and ready`(method: String) throws {
        let alive = try site.send(method, "/healthz")
        let ready = try site.send(method, "/readyz")

        #expect(alive.status == 200)
        #expect(ready.status == 200)
        #expect(ready["Cache-Control"] == "no-store")
        #expect(method == "HEAD" || alive.text == #"{"status":"ok"}"#)
        #expect(
            method == "HEAD"
                || ready.text == #"{"status":"ready","checks":{"database":"ok","schema":"ok","media":"ok"}}"#)
    }

    @Test(arguments: paths)
    func `other methods are answered 405`(path: String) throws {
        let answer = try site.send("POST", path, json: [:])

        #expect(answer.status == 405)
        #expect(answer["Allow"] == "GET, HEAD")
    }

    @Test func `promtool finds nothing wrong with the metrics`() throws {
        _ = try site.send("GET", "/api/v1/info/", as: site.newPerson())
        _ = try site.send("GET", "/nowhere")
        let answer = try site.send("GET", "/metrics")

        let outcome = try Outcome("promtool", ["check", "metrics"], input: answer.text)

        #expect(answer.status == 200)
        #expect(answer["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8")
        #expect(outcome == Outcome(status: 0, output: ""))
    }

    @Test func `any worker tells what all have counted, also those that are gone`() throws {
        let site = try Site.start(environment: Site.fastHashing.merging(["HOMEROOM_WORKERS": "2"]) { $1 })
        defer { Site.discard(site) }
        let person = try site.newPerson()
        let name =
            #"homeroom_requests_total{contract="v1-profile",method="GET",route="/api/v1/info/",status="200"}"#

        for _ in 0..<20 { _ = try site.send("GET", "/api/v1/info/", as: person) }
        let old = site.workers()
        for worker in old { kill(worker, SIGKILL) }
        let isReplaced = eventually { site.workers().count == 2 && site.workers().isDisjoint(with: old) }
        let afterDeath = try (0..<8).map { _ in try value(name, site) }
        for _ in 0..<20 { _ = try site.send("GET", "/api/v1/info/", as: person) }
        let next = site.workers()
        site.service.process?.signal(SIGHUP)
        let isReloaded = eventually { site.workers().count == 2 && site.workers().isDisjoint(with: next) }
        let afterReload = try (0..<8).map { _ in try value(name, site) }

        #expect(isReplaced && isReloaded)
        #expect(afterDeath == Array(repeating: "20", count: 8))
        #expect(afterReload == Array(repeating: "40", count: 8))
        #expect(try value("homeroom_processes_died_total", site) == "2")
        #expect(try value("homeroom_reloads_total", site) == "1")
        // The parent clears what the old ones had in hand when it learns of their end.
        #expect(try eventually { try value(#"homeroom_processes{role="worker"}"#, site) == "2" })
    }

    @Test func `what it waits for is named while it is not ready`() throws {
        let site = try Site.start()
        defer { Site.discard(site) }

        site.database.process?.signal(SIGSTOP)
        let hanging = try site.send("GET", "/readyz")
        let alive = try site.send("GET", "/healthz")
        site.database.process?.signal(SIGCONT)
        site.database.kill()
        let down = try site.send("GET", "/readyz")
        let metrics = try site.send("GET", "/metrics")
        try site.database.start()
        let isUp = try eventually { try site.send("GET", "/readyz").status == 200 }
        _ = try site.database.execute("DELETE FROM homeroom.migrations ORDER BY version DESC LIMIT 1")
        let old = try site.send("GET", "/readyz")
        _ = try site.homeroom("migrate")
        let isMoved = rename(site.folder.media + "/incoming", site.folder.media + "/away") == 0
        let full = try site.send("GET", "/readyz")
        let metricsThen = try site.send("GET", "/metrics")

        let checks = #"{"status":"not ready","checks":{"database":"no answer","schema":"unknown","media":"ok"}}"#
        #expect(hanging.status == 503)
        #expect(hanging.text == checks)
        #expect(alive.status == 200)
        #expect(down.text == checks)
        #expect(metrics.status == 200)
        #expect(metrics.text.contains(#"homeroom_check_passed{check="database"} 0"#))
        #expect(isUp)
        #expect(old.text.contains(/"checks":\{"database":"ok","schema":"version \d+, needs \d+","media":"ok"\}/))
        #expect(isMoved)
        // All but uploads is answered, and machines that share the folder must not all be taken out of service.
        #expect(full.status == 200)
        #expect(
            full.text == #"{"status":"degraded","checks":{"database":"ok","schema":"ok","media":"not writable"}}"#)
        #expect(metricsThen.text.contains(#"homeroom_check_passed{check="media"} 0"#))
    }

    @Test func `they stand in no log`() throws {
        let ids = try Self.paths.map { try site.send("GET", $0)["X-Request-Id"] ?? "-" }
        let last = try site.send("GET", "/api/v1/info/")["X-Request-Id"] ?? "-"

        let logs = try ["access.log", "homeroom.log"].map { name in
            let path = site.folder.log + "/" + name
            _ = try eventually { try String(contentsOfFile: path, encoding: .utf8).contains(last) }
            return try String(contentsOfFile: path, encoding: .utf8)
        }

        #expect(logs.allSatisfy { $0.contains(last) })
        #expect(ids.filter { id in logs.contains { $0.contains(id) } } == [])
    }

    // MARK: To whom

    @Test(arguments: [
        "127.0.0.1", "127.255.255.254", "::1", "10.0.0.1", "10.255.255.254", "172.16.0.1", "172.31.255.254",
        "192.168.1.7", "169.254.1.1", "fc00::1", "fdff::1", "fe80::1",
    ])
    func `the machine's own network may ask`(address: String) throws {
        let production = try Self.withAddresses.get()

        for path in Self.paths {
            let answer = try production.curl(path, ["-H", "X-Test-Address: \(address)"])

            #expect(!answer.output.hasSuffix(Self.refused), "\(path)")
        }
    }

    @Test(arguments: [
        "8.8.8.8", "11.0.0.1", "172.15.255.254", "172.32.0.1", "192.169.0.1", "100.64.0.1", "169.253.0.1",
        "2001:db8::1", "::2", "fbff::1", "fec0::1",
    ])
    func `everybody else finds nothing`(address: String) throws {
        let production = try Self.withAddresses.get()

        for path in Self.paths {
            let answer = try production.curl(path, ["-H", "X-Test-Address: \(address)", "-H", "Inside: 1"])

            #expect(answer.output.hasPrefix("HTTP/2 404"), "\(path)")
            #expect(answer.output.hasSuffix(Self.refused), "\(path)")
            #expect(answer.output.contains("x-request-id: "), "\(path)")
        }
    }

    @Test(arguments: [
        "X-Forwarded-For: 127.0.0.1", "X-Forwarded-For: 10.0.0.1", "X-Forwarded-For: 192.0.2.1, 127.0.0.1",
        "Forwarded: for=127.0.0.1", "X-Real-IP: 127.0.0.1", "Via: 1.1 proxy",
    ])
    func `who comes through a proxy finds nothing, whatever address that has`(header: String) throws {
        for production in [try Production.shared.get(), try Self.behindBalancer.get()] {
            for path in Self.paths {
                let answer = try production.curl(path, ["-H", header])

                #expect(answer.output.hasPrefix("HTTP/2 404"), "\(path)")
                #expect(answer.output.hasSuffix(Self.refused), "\(path)")
            }
        }
    }

    @Test(arguments: ["/healthz/", "/readyz?", "/metrics/x", "/%6detrics", "//metrics", "/x/../metrics", "/METRICS"])
    func `no other spelling gets round nginx's list`(path: String) throws {
        let production = try Self.withAddresses.get()

        let answer = try production.curl(path, ["--path-as-is", "-H", "X-Test-Address: 8.8.8.8"])

        #expect(answer.output.hasPrefix("HTTP/2 404"))
    }

    @Test(arguments: paths)
    func `the service answers only what nginx has marked`(path: String) throws {
        let client = try FastCGIClient(site.folder.socket)

        let answer = try client.send("GET", path, headers: [("Inside", "1")])

        #expect(answer.status == 404)
        #expect(answer.json == ["detail": "Not found."])
    }

    @Test func `who is refused stands in nginx's log`() throws {
        let production = try Self.withAddresses.get()

        let answer = try production.curl("/metrics", ["-H", "X-Test-Address: 192.0.2.77"])
        let log = production.folder + "/access.log"

        #expect(answer.output.hasPrefix("HTTP/2 404"))
        #expect(
            try eventually { try String(contentsOfFile: log, encoding: .utf8).contains("192.0.2.77 GET /metrics 404") })
    }

    /// A production.conf that takes a client's address from a header, for tests to come from anywhere.
    private static let withAddresses = Result {
        try Production("addresses", realIP(header: "X-Test-Address"))
    }

    /// One behind a load balancer on this machine.
    private static let behindBalancer = Result {
        try Production("balancer", realIP(header: "X-Forwarded-For"))
    }

    private static func realIP(header: String) -> [String: String] {
        [
            "# set_real_ip_from 198.51.100.7;": "set_real_ip_from 127.0.0.1;",
            "# real_ip_header X-Forwarded-For;": "real_ip_header \(header);",
            "# real_ip_recursive on;": "real_ip_recursive on;",
        ]
    }

    /// The value of a series.
    private func value(_ series: String, _ site: DevStack) throws -> String? {
        try site.send("GET", "/metrics").text.split(separator: "\n").first { $0.hasPrefix(series + " ") }
            .map { String($0.dropFirst(series.count + 1)) }
    }
}
