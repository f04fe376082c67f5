import CLinux
import Contracts
import DevStack
import Foundation
import Glibc
import System
import TestSupport
import Testing

@testable import Accounts
@testable import Server

struct MetricsTests {
    private let file: Int32

    init() throws {
        file = try Metrics.makeFile()
    }

    private func opened(_ targets: [Router.Target] = []) -> Metrics {
        Metrics(file: file, role: .worker, targets: targets)
    }

    /// The lines of the text that begin so, comments left out.
    private func lines(_ prefix: String, of metrics: Metrics) -> [String] {
        String(decoding: metrics.text(), as: UTF8.self).split(separator: "\n").map(String.init)
            .filter { $0.hasPrefix(prefix) }
    }

    private let targets = [
        Router.Target(), Router.Target(contract: "v1-profile", method: "GET", path: "/api/v1/info/"),
        Router.Target(contract: "v1-profile", method: "POST", path: "/api/v1/auth/login/"),
    ]

    // MARK: Counting

    @Test func `counts of many threads are added exactly`() {
        let metrics = opened(targets)

        _ = concurrently(8, prepare: { _ in metrics }) { thread, metrics in
            for round in 0..<10_000 {
                metrics.databaseTrips.add()
                metrics.databaseTime.add(200)
                metrics.request(thread % 3, status: round % 2 == 0 ? 200 : 401, microseconds: 1000)
                metrics.heavy.busy.add(1)
                metrics.heavy.busy.add(-1)
            }
            return true
        }

        #expect(
            lines("homeroom_database", of: metrics).prefix(3) == [
                "homeroom_database_round_trips_total 80000", "homeroom_database_seconds_total 16",
                "homeroom_database_connections_lost_total 0",
            ])
        #expect(
            lines("homeroom_requests_total", of: metrics) == [
                #"homeroom_requests_total{contract="-",method="-",route="-",status="200"} 15000"#,
                #"homeroom_requests_total{contract="-",method="-",route="-",status="401"} 15000"#,
                #"homeroom_requests_total{contract="v1-profile",method="GET",route="/api/v1/info/",status="200"} 15000"#,
                #"homeroom_requests_total{contract="v1-profile",method="GET",route="/api/v1/info/",status="401"} 15000"#,
                #"homeroom_requests_total{contract="v1-profile",method="POST",route="/api/v1/auth/login/",status="200"} 10000"#,
                #"homeroom_requests_total{contract="v1-profile",method="POST",route="/api/v1/auth/login/",status="401"} 10000"#,
            ])
        #expect(
            lines("homeroom_request_duration_seconds_count", of: metrics) == [
                #"homeroom_request_duration_seconds_count{contract="-"} 30000"#,
                #"homeroom_request_duration_seconds_count{contract="v1-profile"} 50000"#,
            ])
        #expect(
            lines(#"homeroom_lane_threads_busy{lane="heavy"}"#, of: metrics) == [
                #"homeroom_lane_threads_busy{lane="heavy"} 0"#
            ])
    }

    @Test func `counts of many processes are added exactly, and each that is killed leaves its counts`() throws {
        let parent = Metrics(file: file, role: .parent)
        let counters = try (0..<4).map { _ in try CountingProcess(20_000, file: file) }

        for counter in counters { #expect(counter.hasCounted()) }
        let before = lines(#"homeroom_processes{role="worker"}"#, of: parent)
        let busy = lines(#"homeroom_lane_threads_busy{lane="heavy"}"#, of: parent)
        for counter in counters.prefix(3) {
            counter.kill()
            parent.forget(counter.pid)
        }

        #expect(before == [#"homeroom_processes{role="worker"} 4"#])
        #expect(busy == [#"homeroom_lane_threads_busy{lane="heavy"} 8"#])
        #expect(lines("homeroom_mails_sent_total", of: parent) == ["homeroom_mails_sent_total 80000"])
        #expect(
            lines("homeroom_requests_total", of: parent)
                == (0..<5).map {
                    #"homeroom_requests_total{contract="c",method="-",route="/\#($0)",status="200"} 16000"#
                })
        #expect(
            lines("homeroom_request_duration_seconds_count", of: parent) == [
                #"homeroom_request_duration_seconds_count{contract="c"} 80000"#
            ])
        #expect(
            lines("homeroom_processes{", of: parent) == [
                #"homeroom_processes{role="mailer"} 0"#, #"homeroom_processes{role="parent"} 1"#,
                #"homeroom_processes{role="worker"} 1"#,
            ])
        #expect(
            lines(#"homeroom_lane_threads_busy{lane="heavy"}"#, of: parent) == [
                #"homeroom_lane_threads_busy{lane="heavy"} 2"#
            ])
        #expect(lines("homeroom_process_resident_memory_bytes", of: parent).count == 2)
    }

    @Test func `a generation with other routes counts on, and the counts of the old one stay`() {
        let old = opened([Router.Target(contract: "a", path: "/old"), Router.Target(contract: "a", path: "/")])
        old.request(0, status: 200, microseconds: 1)
        old.request(1, status: 200, microseconds: 1)

        let new = opened([Router.Target(contract: "a", path: "/"), Router.Target(contract: "b", path: "/new")])
        new.request(0, status: 200, microseconds: 1)
        new.request(1, status: 204, microseconds: 1)
        old.request(1, status: 200, microseconds: 1)

        let expected = [
            #"homeroom_requests_total{contract="a",method="-",route="/",status="200"} 3"#,
            #"homeroom_requests_total{contract="a",method="-",route="/old",status="200"} 1"#,
            #"homeroom_requests_total{contract="b",method="-",route="/new",status="204"} 1"#,
        ]
        #expect(lines("homeroom_requests_total", of: new) == expected)
        #expect(lines("homeroom_requests_total", of: old) == expected)
    }

    @Test(arguments: [0, 100, 299, 418, 502, 999])
    func `a status that the service does not know has no series of its own`(status: Int) {
        let metrics = opened(targets)

        metrics.request(0, status: status, microseconds: 1)

        #expect(
            lines("homeroom_requests_total", of: metrics) == [
                #"homeroom_requests_total{contract="-",method="-",route="-",status="other"} 1"#
            ])
    }

    // MARK: Text

    @Test func `a histogram has cumulative buckets, a sum in seconds and a count`() {
        let metrics = opened()

        for time in [-1, 0, 100, 101, 30_000, 9_999_999, 10_000_000, 10_000_001, 3_000_000_000] as [Int64] {
            metrics.passwordHashes.observe(microseconds: time)
        }

        #expect(
            lines("homeroom_password_hash_seconds", of: metrics) == [
                #"homeroom_password_hash_seconds_bucket{le="0.0001"} 3"#,
                #"homeroom_password_hash_seconds_bucket{le="0.00025"} 4"#,
                #"homeroom_password_hash_seconds_bucket{le="0.0005"} 4"#,
                #"homeroom_password_hash_seconds_bucket{le="0.001"} 4"#,
                #"homeroom_password_hash_seconds_bucket{le="0.0025"} 4"#,
                #"homeroom_password_hash_seconds_bucket{le="0.005"} 4"#,
                #"homeroom_password_hash_seconds_bucket{le="0.01"} 4"#,
                #"homeroom_password_hash_seconds_bucket{le="0.025"} 4"#,
                #"homeroom_password_hash_seconds_bucket{le="0.05"} 5"#,
                #"homeroom_password_hash_seconds_bucket{le="0.1"} 5"#,
                #"homeroom_password_hash_seconds_bucket{le="0.25"} 5"#,
                #"homeroom_password_hash_seconds_bucket{le="0.5"} 5"#,
                #"homeroom_password_hash_seconds_bucket{le="1"} 5"#,
                #"homeroom_password_hash_seconds_bucket{le="2.5"} 5"#,
                #"homeroom_password_hash_seconds_bucket{le="5"} 5"#,
                #"homeroom_password_hash_seconds_bucket{le="10"} 7"#,
                #"homeroom_password_hash_seconds_bucket{le="+Inf"} 9"#,
                "homeroom_password_hash_seconds_sum 3030.030201",
                "homeroom_password_hash_seconds_count 9",
            ])
    }

    @Test func `promtool finds nothing wrong when nothing was counted`() throws {
        #expect(try promtool(opened(targets).text()) == "")
    }

    @Test func `promtool finds nothing wrong when all was counted`() throws {
        let metrics = opened(targets)
        for target in targets.indices {
            for status in [200, 401, 503, 999] { metrics.request(target, status: status, microseconds: 1234) }
        }
        for lane in [metrics.reading, metrics.light, metrics.heavy] {
            for gauge in [lane.threads, lane.busy, lane.queued] { gauge.add(3) }
            lane.refused.add()
            lane.wait.observe(microseconds: 50)
        }
        for histogram in [metrics.passwordHashes, metrics.pictures] {
            histogram.observe(microseconds: 20_000_000)
        }
        metrics.databaseTime.add(1_500_000)
        for counter in [metrics.databaseLosses, metrics.picturesRefused, metrics.logLinesDropped] { counter.add(2) }

        let text = metrics.text(HealthReport(failures: [.media: "not writable"], waitingMails: 4))

        #expect(try promtool(text) == "")
    }

    @Test func `each series has a help and a type`() {
        let metrics = opened(targets)
        metrics.request(0, status: 200, microseconds: 1)
        let node = HealthReport.Node(
            state: "Synced", isSynced: true, clusterSize: 3, receiveQueue: 4, pausedTime: 5)
        let servers = [
            HealthReport.Server(name: "10.0.0.1:3306", isUsed: true, node: node),
            HealthReport.Server(name: "10.0.0.2:3306", isUsed: false, fault: "no answer"),
        ]
        let text = String(
            decoding: metrics.text(HealthReport(failures: [:], waitingMails: 0, lastBackup: 0, servers: servers)),
            as: UTF8.self)

        let all = text.split(separator: "\n").map(String.init)
        let families = Set(all.filter { $0.hasPrefix("# TYPE ") }.map { $0.split(separator: " ")[2] })
        let named = all.filter { !$0.hasPrefix("#") }.map { line in
            line.prefix { $0 != "{" && $0 != " " }.replacing(/_(bucket|sum|count)$/, with: "")
        }

        #expect(named.filter { !families.contains(Substring($0)) } == [])
        #expect(families.subtracting(named.map { Substring($0) }) == [])
        #expect(all.count { $0.hasPrefix("# HELP ") } == families.count)
    }

    @Test func `each server of the database is in the text, with what it says`() {
        let node = HealthReport.Node(
            state: "Donor/Desynced", isSynced: false, clusterSize: 3, receiveQueue: 4, pausedTime: 5)
        let text = opened().text(
            HealthReport(
                failures: [:],
                servers: [
                    .init(name: "10.0.0.1:3306", isUsed: false, fault: "no answer"),
                    .init(name: "10.0.0.2:3306", isUsed: true, node: node),
                ]))
        let found = String(decoding: text, as: UTF8.self).split(separator: "\n").filter { $0.contains("{server=") }

        #expect(
            found == [
                #"homeroom_database_server_serving{server="10.0.0.1:3306"} 0"#,
                #"homeroom_database_server_serving{server="10.0.0.2:3306"} 1"#,
                #"homeroom_database_server_used{server="10.0.0.1:3306"} 0"#,
                #"homeroom_database_server_used{server="10.0.0.2:3306"} 1"#,
                #"homeroom_database_server_synced{server="10.0.0.2:3306"} 0"#,
                #"homeroom_database_cluster_size{server="10.0.0.2:3306"} 3"#,
                #"homeroom_database_receive_queue{server="10.0.0.2:3306"} 4"#,
                #"homeroom_database_flow_control_milliseconds_total{server="10.0.0.2:3306"} 5"#,
            ])
    }

    @Test func `what was found of checkup is in the text`() {
        let text = opened().text(
            HealthReport(failures: [.database: "no answer", .schema: "unknown"], waitingMails: nil))
        let found = String(decoding: text, as: UTF8.self).split(separator: "\n").filter {
            $0.hasPrefix("homeroom_check_passed") || $0.hasPrefix("homeroom_mails_waiting")
        }

        #expect(
            found == [
                #"homeroom_check_passed{check="database"} 0"#, #"homeroom_check_passed{check="media"} 1"#,
                #"homeroom_check_passed{check="schema"} 0"#,
            ])
    }

    /// What `promtool check metrics` has against a text.
    private func promtool(_ text: [UInt8]) throws -> String {
        let program = try Program("sh", ["-c", "exec promtool check metrics 2>&1"])
        return try program.output(input: String(decoding: text, as: UTF8.self))
    }
}

/// `supervise count` in a process of its own; it ends with the test.
private final class CountingProcess {
    let pid: pid_t
    private let output = Pipe()
    private let leash = Pipe()
    private var isWaitedFor = false

    init(_ number: Int, file: Int32) throws {
        let supervise = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().path + "/supervise"
        var program = ChildProgram(supervise, [supervise, "count", "\(number)"])
        program.descriptors = [0: leash.readEnd, 1: output.writeEnd, 7: file]
        pid = try program.start()
        output.closeWriteEnd()
    }

    deinit {
        leash.closeWriteEnd()
        if !isWaitedFor { wait() }
    }

    /// Waits until it has.
    func hasCounted() -> Bool { output.line().map { $0.elementsEqual("counted".utf8) } ?? false }

    func kill() {
        Glibc.kill(pid, SIGKILL)
        wait()
    }

    private func wait() {
        _ = exitCode(of: pid)
        isWaitedFor = true
    }
}
