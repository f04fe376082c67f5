import Accounts
import Glibc
import Synchronization

extension Metrics {
    /// All that was counted, in Prometheus's text format.
    ///
    /// - Parameter health: what was found just now; nil leaves it out.
    package func text(_ health: HealthReport? = nil) -> [UInt8] {
        var series: [String: [Sample]] = [:]
        for sample in samples() + processes() + (health.map(checks) ?? []) {
            series[sample.family, default: []].append(sample)
        }
        var text = ""
        for family in families {
            text += "# HELP \(family.name) \(family.help)\n# TYPE \(family.name) \(family.shape.rawValue)\n"
            for sample in (series[family.name] ?? []).sorted(by: { $0.name < $1.name }) {
                if family.shape == .histogram {
                    sample.writeHistogram(to: &text)
                } else {
                    text += "\(sample.name) \(family.isTime ? seconds(sample.values[0]) : "\(sample.values[0])")\n"
                }
            }
        }
        return Array(text.utf8)
    }

    /// A series: one value, or those of a histogram's record.
    private struct Sample {
        let name: String
        var values: [Int64]

        init(_ name: String, _ values: [Int64]) {
            self.name = name
            self.values = values
        }

        /// The name without labels.
        var family: String { String(name.prefix { $0 != "{" }) }

        func writeHistogram(to text: inout String) {
            let (family, bounds) = (family, Histogram.bounds)
            // `a="b"` of `name{a="b"}`.
            let labels = name.dropFirst(family.count + 1).dropLast()
            let tail = labels.isEmpty ? "" : "{\(labels)}"
            var total: Int64 = 0
            for (group, bound) in (bounds.map(seconds) + ["+Inf"]).enumerated() {
                total += values[group]
                text += "\(family)_bucket{\(labels)\(labels.isEmpty ? "" : ",")le=\"\(bound)\"} \(total)\n"
            }
            text += "\(family)_sum\(tail) \(seconds(values[bounds.count + 1]))\n\(family)_count\(tail) \(total)\n"
        }
    }

    /// What is in the shared memory. Records of one name are one series, and the parts of processes one value.
    private func samples() -> [Sample] {
        let histogram = SharedCounters.Kind.histogram(Histogram.bounds)
        // Behind the last process there is nothing: memory that was never written stays unused.
        let places = (numbers.processes.last?.place ?? -1) + 1
        var samples: [Sample] = []
        var indices: [String: Int] = [:]
        for record in numbers.records() {
            let used = record.numbers.indices.prefix(record.kind == .ofProcesses ? places : .max)
            var values = used.map { Int64(bitPattern: record.numbers[$0].load(ordering: .relaxed)) }
            switch record.kind {
            case .single where values.count == 1: break
            case .ofProcesses: values = [values.reduce(0, &+)]
            case histogram where values.count == Histogram.bounds.count + 2: break
            default: continue
            }
            if let index = indices[record.name] {
                samples[index].values = zip(samples[index].values, values).map { $0 &+ $1 }
            } else {
                indices[record.name] = samples.count
                samples.append(Sample(record.name, values))
            }
        }
        return samples
    }

    /// What the kernel knows of our processes.
    private func processes() -> [Sample] {
        let page = Int64(sysconf(Int32(_SC_PAGESIZE)))
        return numbers.processes.compactMap { place, pid in
            // Pages in all, then those in memory. (proc(5))
            guard let file = fopen("/proc/\(pid)/statm", "re") else { return nil }
            defer { fclose(file) }
            var line = [CChar](repeating: 0, count: 128)
            guard fgets(&line, Int32(line.count), file) != nil else { return nil }
            let words = line.split(separator: 0x20)
            guard words.count > 1, let pages = Int64(String(decoding: words[1].map(UInt8.init), as: UTF8.self)) else {
                return nil
            }
            return Sample(MetricsRegistry.series(Metrics.memoryName, ["process": "\(place)"]), [pages * page])
        }
    }

    private func checks(_ health: HealthReport) -> [Sample] {
        let checks = HealthReport.Check.allCases.map { check in
            Sample(
                MetricsRegistry.series(Metrics.checksName, ["check": "\(check)"]),
                [health.failures[check] == nil ? 1 : 0])
        }
        let servers = health.servers.flatMap { server in
            let node = server.node
            let values = [
                server.fault == nil ? 1 : 0, server.isUsed ? 1 : 0, node.map { $0.isSynced ? 1 : 0 }, node?.clusterSize,
                node?.receiveQueue, node?.pausedTime,
            ]
            return zip(Metrics.serverFamilies, values).compactMap { family, value in
                value.map { Sample(MetricsRegistry.series(family.name, ["server": server.name]), [Int64($0)]) }
            }
        }
        let single = [(Metrics.mailsName, health.waitingMails), (Metrics.backupName, health.lastBackup)]
        return checks + servers + single.compactMap { name, value in value.map { Sample(name, [$0]) } }
    }
}

/// Microseconds as a decimal number of seconds.
private func seconds(_ microseconds: Int64) -> String {
    let (whole, part) = microseconds.quotientAndRemainder(dividingBy: 1_000_000)
    guard part > 0 else { return "\(whole)" }
    var digits = String(part)
    digits = String(repeating: "0", count: 6 - digits.count) + digits
    while digits.hasSuffix("0") { digits.removeLast() }
    return "\(whole).\(digits)"
}
