import Contracts
import Glibc
import Synchronization
import System

/// What the service counts, for all its processes together; each of them can tell all of it.
///
/// Counting is an atomic addition or two: no lock, no allocation. The names, and what they say, stand in `init`.
package final class Metrics: @unchecked Sendable {
    /// What a process of the service is for.
    package enum Role: CaseIterable, Sendable {
        case parent
        case worker
        case mailer
    }

    /// Threads that answer requests, and the queue before them.
    package struct ExecutorMetrics: Sendable {
        package let threads: Gauge
        package let busy: Gauge
        package let queued: Gauge
        package let refused: Counter
        package let wait: Histogram

        fileprivate init(_ name: String, _ registry: inout MetricsRegistry) {
            let lane: MetricsRegistry.Labels = ["lane": name]
            threads = registry.gauge("homeroom_lane_threads", "Threads that answer requests.", lane)
            busy = registry.gauge("homeroom_lane_threads_busy", "Those of them that have a request in hand.", lane)
            queued = registry.gauge("homeroom_lane_queued_requests", "Requests that wait for a thread.", lane)
            refused = registry.counter(
                "homeroom_lane_refused_requests_total", "Requests answered 503 because too many waited.", lane)
            wait = registry.histogram("homeroom_lane_wait_seconds", "How long requests waited for a thread.", lane)
        }
    }

    package let reading: ExecutorMetrics
    package let writing: ExecutorMetrics
    package let light: ExecutorMetrics
    /// Passwords; named as when pictures and lists were in it too.
    package let heavy: ExecutorMetrics
    package let pictureExecutor: ExecutorMetrics
    package let listExecutor: ExecutorMetrics
    package let health: ExecutorMetrics
    package let databaseTrips: Counter
    package let databaseTime: Counter
    package let databaseLosses: Counter
    package let passwordHashes: Histogram
    package let pictures: Histogram
    package let picturesRefused: Counter
    package let mailsSent: Counter
    package let mailsFailed: Counter
    package let loginsFailed: Counter
    package let loginsLocked: Counter
    package let tokensReplayed: Counter
    package let storageFailures: Counter
    package let processesStarted: Counter
    package let processesDied: Counter
    package let reloads: Counter
    package let reloadsFailed: Counter
    package let logLinesDropped: Counter

    /// What `init` got: for the parent to hand on.
    package let file: Int32?

    let numbers: SharedCounters
    let families: [MetricFamily]
    private let targets: [Router.Target]
    private let durations: [Histogram]
    /// For each endpoint and status the address of its number; 0 until the first such request.
    private let requests: UnsafeMutablePointer<Atomic<UInt>>

    /// A file that all processes count in.
    package static func makeFile() throws(SystemError) -> Int32 { try SharedCounters.makeFile() }

    /// - Parameters:
    ///   - file: of `makeFile`, may be closed afterwards; nil counts for this process alone.
    ///   - targets: where requests can go; `request` takes their indices.
    package init(file: Int32? = nil, role: Role, targets: [Router.Target] = []) {
        self.file = file
        numbers = SharedCounters(file: file)
        self.targets = targets
        var registry = MetricsRegistry(numbers, place: numbers.place(for: getpid()))

        registry.note(Metrics.requestsName, "Requests, by where they went and how they were answered.", .counter)
        registry.note(Metrics.durationName, "From a request being there to its answer being written.", .histogram)
        durations = targets.map { registry.histogram(Metrics.durationName, "", ["contract": $0.contract]) }
        reading = ExecutorMetrics("reading", &registry)
        writing = ExecutorMetrics("writing", &registry)
        light = ExecutorMetrics("light", &registry)
        heavy = ExecutorMetrics("heavy", &registry)
        pictureExecutor = ExecutorMetrics("pictures", &registry)
        listExecutor = ExecutorMetrics("lists", &registry)
        health = ExecutorMetrics("health", &registry)
        databaseTrips = registry.counter("homeroom_database_round_trips_total", "Statements that MariaDB was sent.")
        databaseTime = registry.time("homeroom_database_seconds_total", "How long its answers were waited for.")
        databaseLosses = registry.counter(
            "homeroom_database_connections_lost_total", "Connections to MariaDB that broke or could not be made.")
        passwordHashes = registry.histogram(
            "homeroom_password_hash_seconds",
            "How long each request hashed passwords, if it did, without the wait for a core.")
        pictures = registry.histogram(
            "homeroom_picture_seconds", "How long each uploaded picture took, refused ones too.")
        picturesRefused = registry.counter("homeroom_pictures_refused_total", "Uploads that were no good picture.")
        mailsSent = registry.counter("homeroom_mails_sent_total", "Mails that the mail server took.")
        mailsFailed = registry.counter(
            "homeroom_mails_failed_total", "Mails that it did not take; they are tried again.")
        loginsFailed = registry.counter(
            "homeroom_logins_failed_total", "Logins with an unknown name or a wrong password.")
        loginsLocked = registry.counter("homeroom_logins_locked_total", "Names locked after too many failed logins.")
        tokensReplayed = registry.counter(
            "homeroom_refresh_tokens_replayed_total", "Sessions ended because an old refresh token came again.")
        storageFailures = registry.counter("homeroom_storage_failures_total", "Pictures that could not be stored.")
        processesStarted = registry.counter(
            "homeroom_processes_started_total", "Workers and mailers that were started.")
        processesDied = registry.counter(
            "homeroom_processes_died_total", "Workers and mailers that ended without being told to.")
        reloads = registry.counter("homeroom_reloads_total", "Reloads that replaced the workers.")
        reloadsFailed = registry.counter("homeroom_reloads_failed_total", "Reloads after which the old workers stayed.")
        logLinesDropped = registry.counter(
            "homeroom_log_lines_dropped_total", "Log lines that were not written because nobody read them.")
        for each in Role.allCases {
            let gauge = registry.gauge(Metrics.processesName, "Processes that run.", ["role": "\(each)"])
            if each == role { gauge.add(1) }
        }
        registry.note(Metrics.memoryName, "Memory of each process, shared parts included.", .gauge)
        registry.note(Metrics.startName, "When the parent process began, since 1970.", .gauge)
        registry.note(Metrics.checksName, "Whether what every request needs is there: 1 or 0.", .gauge)
        registry.note(
            Metrics.mailsName, "Mails that are due or wait for their next attempt; 1000 stands for more.", .gauge)
        registry.note(
            Metrics.backupName, "When the latest `homeroom backup` was whole, since 1970; 0 when there was none.",
            .gauge)
        for (name, help, shape) in Metrics.serverFamilies { registry.note(name, help, shape) }
        families = registry.families

        let count = targets.count * (Metrics.statuses.count + 1)
        requests = .allocate(capacity: count)
        for index in 0..<count { (requests + index).initialize(to: Atomic(0)) }
        let start = MetricsRegistry.single(numbers, Metrics.startName)
        _ = start.pointee.compareExchange(expected: 0, desired: UInt64(time(nil)), ordering: .relaxed)
    }

    deinit {
        requests.deallocate()
    }

    static let requestsName = "homeroom_requests_total"
    static let durationName = "homeroom_request_duration_seconds"
    static let processesName = "homeroom_processes"
    static let memoryName = "homeroom_process_resident_memory_bytes"
    static let startName = "homeroom_start_time_seconds"
    static let checksName = "homeroom_check_passed"
    static let mailsName = "homeroom_mails_waiting"
    static let backupName = "homeroom_backup_last_success_timestamp_seconds"

    /// Of each database server, where there are several, or one is a node of a cluster.
    static let serverFamilies: [(name: String, help: String, shape: MetricFamily.Shape)] = [
        ("homeroom_database_server_serving", "Whether a database server can serve: 1 or 0.", .gauge),
        ("homeroom_database_server_used", "Whether the asked worker sends its statements there: 1 or 0.", .gauge),
        (
            "homeroom_database_server_synced", "Whether a node is neither behind nor giving its data away: 1 or 0.",
            .gauge
        ),
        ("homeroom_database_cluster_size", "Nodes that a node sees in its cluster.", .gauge),
        ("homeroom_database_receive_queue", "Transactions of other nodes that a node has still to apply.", .gauge),
        (
            "homeroom_database_flow_control_milliseconds_total",
            "How long a node's cluster waited for slow nodes.", .counter
        ),
    ]

    /// What the service answers, the most frequent first; anything else counts as `other`.
    private static let statuses = [200, 401, 204, 201, 400, 404, 503, 429, 403, 405, 408, 413, 415, 422, 423, 500]

    /// Counts a request that was answered.
    ///
    /// - Parameters:
    ///   - target: its index among those of `init`.
    ///   - microseconds: from the request being there to its answer being written.
    package func request(_ target: Int, status: Int, microseconds: Int64) {
        durations[target].observe(microseconds: microseconds)
        let known = Metrics.statuses.firstIndex(of: status) ?? Metrics.statuses.count
        let address = requests[target * (Metrics.statuses.count + 1) + known].load(ordering: .relaxed)
        let number = UnsafeMutablePointer<SharedCounters.Number>(bitPattern: address) ?? find(target, known)
        number.pointee.wrappingAdd(1, ordering: .relaxed)
    }

    private func find(_ target: Int, _ known: Int) -> UnsafeMutablePointer<SharedCounters.Number> {
        let found = targets[target]
        let status = known < Metrics.statuses.count ? "\(Metrics.statuses[known])" : "other"
        let series = MetricsRegistry.series(
            Metrics.requestsName,
            ["contract": found.contract, "method": found.method, "route": found.path, "status": status])
        let number = MetricsRegistry.single(numbers, series)
        requests[target * (Metrics.statuses.count + 1) + known].store(UInt(bitPattern: number), ordering: .relaxed)
        return number
    }

    /// Takes a process that has ended out of all gauges; for its parent.
    package func forget(_ pid: pid_t) {
        numbers.clear(pid)
    }
}

extension Metrics.ExecutorMetrics: ExecutorObserver {
    /// Adds threads that have started.
    package func countThreads(_ started: Int) { threads.add(Int64(started)) }
    /// Adds requests that wait.
    package func countQueued(_ change: Int) { queued.add(Int64(change)) }
    /// Adds threads that are at work.
    package func countBusy(_ change: Int) { busy.add(Int64(change)) }
    /// Adds the wait of a request.
    package func countWait(_ time: Duration) { wait.observe(microseconds: time.inMicroseconds) }
    /// Adds a request that is refused.
    package func countRefused() { refused.add() }
}
