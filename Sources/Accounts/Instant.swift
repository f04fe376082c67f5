/// A point in time: microseconds since 1970-01-01T00:00:00Z.
package struct Instant: Sendable, Hashable, Comparable {
    package let microseconds: Int64

    /// Seconds by which clocks of machines side by side may differ. What was written down for later than that from now was
    /// written by a clock that has been put right since.
    static let skew: Int64 = 60

    package init(microseconds: Int64) {
        self.microseconds = microseconds
    }

    package init(seconds: Int64) {
        microseconds = seconds * 1_000_000
    }

    /// Whole seconds since 1970, rounded down.
    package var seconds: Int64 { microseconds >= 0 ? microseconds / 1_000_000 : (microseconds - 999_999) / 1_000_000 }

    package static func < (left: Instant, right: Instant) -> Bool { left.microseconds < right.microseconds }
    package static func + (left: Instant, seconds: Int64) -> Instant {
        Instant(microseconds: left.microseconds + seconds * 1_000_000)
    }
    package static func - (left: Instant, seconds: Int64) -> Instant { left + -seconds }

    /// Seconds from `earlier` to here, rounded up; at least 0.
    package func seconds(since earlier: Instant) -> Int64 {
        max(0, (microseconds - earlier.microseconds + 999_999) / 1_000_000)
    }
}
