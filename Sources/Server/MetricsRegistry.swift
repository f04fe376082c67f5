import Synchronization

/// A number that only grows.
package struct Counter: @unchecked Sendable {
    fileprivate let number: UnsafeMutablePointer<SharedCounters.Number>

    /// Adds to the number, for all processes.
    package func add(_ amount: UInt64 = 1) {
        number.pointee.wrappingAdd(amount, ordering: .relaxed)
    }
}

/// A process's own part of a number that goes up and down; it ends with the process.
package struct Gauge: @unchecked Sendable {
    fileprivate let number: UnsafeMutablePointer<SharedCounters.Number>

    /// Adds to this process's part; less than nothing takes away.
    package func add(_ amount: Int64) {
        number.pointee.wrappingAdd(UInt64(bitPattern: amount), ordering: .relaxed)
    }
}

/// How often something was done, how long it took in all, and how many of them took how long.
package struct Histogram: @unchecked Sendable {
    /// The longest of each group, in microseconds; one more group is above them.
    static let bounds: [Int64] = [
        100, 250, 500, 1000, 2500, 5000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
        5_000_000, 10_000_000,
    ]

    fileprivate let numbers: UnsafeMutablePointer<SharedCounters.Number>

    /// Counts one of these, which took so long.
    package func observe(microseconds: Int64) {
        let bounds = Histogram.bounds
        var group = 0
        while group < bounds.count, bounds[group] < microseconds { group += 1 }
        numbers[group].wrappingAdd(1, ordering: .relaxed)
        numbers[bounds.count + 1].wrappingAdd(UInt64(max(0, microseconds)), ordering: .relaxed)
    }
}

/// All series of one name: `# HELP` and `# TYPE` in the text.
struct MetricFamily {
    enum Shape: String {
        case counter, gauge, histogram
    }

    let name: String
    let help: String
    let shape: Shape
    /// Counted in microseconds, told in seconds.
    var isTime = false
}

/// Gives each series its numbers and keeps what is to be said of their families, in order.
struct MetricsRegistry {
    typealias Labels = KeyValuePairs<String, String>

    private let numbers: SharedCounters
    private let place: Int?
    private(set) var families: [MetricFamily] = []

    /// - Parameter place: of this process; nil when none was free: then its gauges are not seen.
    init(_ numbers: SharedCounters, place: Int?) {
        self.numbers = numbers
        self.place = place
    }

    mutating func counter(_ name: String, _ help: String, _ labels: Labels = [:]) -> Counter {
        note(name, help, .counter)
        return Counter(number: MetricsRegistry.single(numbers, MetricsRegistry.series(name, labels)))
    }

    /// A counter of microseconds.
    mutating func time(_ name: String, _ help: String) -> Counter {
        families.append(MetricFamily(name: name, help: help, shape: .counter, isTime: true))
        return Counter(number: MetricsRegistry.single(numbers, name))
    }

    mutating func gauge(_ name: String, _ help: String, _ labels: Labels = [:]) -> Gauge {
        note(name, help, .gauge)
        let all = MetricsRegistry.numbers(
            numbers, MetricsRegistry.series(name, labels), .ofProcesses, count: SharedCounters.maxProcesses)
        return Gauge(number: place.map { all + $0 } ?? MetricsRegistry.unseen(1))
    }

    mutating func histogram(_ name: String, _ help: String, _ labels: Labels = [:]) -> Histogram {
        note(name, help, .histogram)
        let bounds = Histogram.bounds
        return Histogram(
            numbers: MetricsRegistry.numbers(
                numbers, MetricsRegistry.series(name, labels), .histogram(bounds), count: bounds.count + 2))
    }

    /// A family whose series come later.
    mutating func note(_ name: String, _ help: String, _ shape: MetricFamily.Shape) {
        guard !families.contains(where: { $0.name == name }) else { return }
        families.append(MetricFamily(name: name, help: help, shape: shape))
    }

    /// `name{label="value",…}`.
    static func series(_ name: String, _ labels: Labels) -> String {
        guard !labels.isEmpty else { return name }
        return name + "{" + labels.map { "\($0)=\"\($1)\"" }.joined(separator: ",") + "}"
    }

    static func single(_ numbers: SharedCounters, _ series: String) -> UnsafeMutablePointer<SharedCounters.Number> {
        MetricsRegistry.numbers(numbers, series, .single, count: 1)
    }

    private static func numbers(
        _ numbers: SharedCounters, _ series: String, _ kind: SharedCounters.Kind, count: Int
    ) -> UnsafeMutablePointer<SharedCounters.Number> {
        numbers.numbers(series, kind, count: count)?.baseAddress ?? unseen(count)
    }

    /// Where there is no room to count, nothing is seen, and nothing fails.
    private static func unseen(_ count: Int) -> UnsafeMutablePointer<SharedCounters.Number> {
        let numbers = UnsafeMutablePointer<SharedCounters.Number>.allocate(capacity: count)
        for index in 0..<count { (numbers + index).initialize(to: SharedCounters.Number(0)) }
        return numbers
    }
}
