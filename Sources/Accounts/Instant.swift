/// A point in time: microseconds since 1970-01-01T00:00:00Z.
package struct Instant: Sendable, Hashable, Comparable {
    /// Since 1970-01-01T00:00:00Z.
    package let microseconds: Int64

    /// Seconds by which clocks of machines side by side may differ. What was written down for later than that from now was
    /// written by a clock that has been put right since.
    package static let skew: Int64 = 60

    /// `microseconds` after 1970-01-01T00:00:00Z.
    package init(microseconds: Int64) {
        self.microseconds = microseconds
    }

    /// Later than any time that is written down.
    static let distantFuture = Instant(seconds: 253_370_764_800)

    /// `seconds` after 1970-01-01T00:00:00Z.
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

    /// 8 bytes, big-endian: as tables keep several times in one column, where bytes compare as the times do.
    package var bytes: [UInt8] { withUnsafeBytes(of: microseconds.bigEndian) { Array($0) } }

    /// The times of such a column.
    package static func all(in bytes: [UInt8]) -> [Instant] {
        stride(from: 0, to: bytes.count - 7, by: 8).map { start in
            Instant(microseconds: bytes[start..<start + 8].reduce(0) { $0 << 8 | Int64($1) })
        }
    }

    /// Seconds from `earlier` to here, rounded up; at least 0.
    package func seconds(since earlier: Instant) -> Int64 {
        max(0, (microseconds - earlier.microseconds + 999_999) / 1_000_000)
    }
}
