import System
import Testing

struct CivilTimeTests {
    private static let days: [(seconds: Int64, year: Int64, month: Int64, day: Int64, weekday: Int64)] = [
        (0, 1970, 1, 1, 4),
        (951_782_400, 2000, 2, 29, 2),
        (951_868_800, 2000, 3, 1, 3),
        (1_732_060_800, 2024, 11, 20, 3),
        (4_107_456_000, 2100, 2, 28, 0),
        (4_107_542_400, 2100, 3, 1, 1),
        (-86_400, 1969, 12, 31, 3),
        (-62_135_596_800, 1, 1, 1, 1),
        (253_402_214_400, 9999, 12, 31, 5),
    ]

    @Test(arguments: days)
    func `a day has its date and weekday`(seconds: Int64, year: Int64, month: Int64, day: Int64, weekday: Int64) {
        let time = CivilTime(microseconds: seconds * 1_000_000)

        #expect(time == CivilTime(year: year, month: month, day: day, hour: 0, minute: 0, second: 0))
        #expect(time.weekday == weekday)
        #expect(time.microseconds == seconds * 1_000_000)
    }

    @Test func `the time of day goes to the microsecond`() {
        let time = CivilTime(microseconds: 1_753_515_759_508_828)

        #expect(
            time
                == CivilTime(
                    year: 2025, month: 7, day: 26, hour: 7, minute: 42, second: 39, microsecond: 508_828))
    }

    @Test func `a moment before 1970 counts up to the next second`() {
        let time = CivilTime(microseconds: -1)

        #expect(
            time
                == CivilTime(
                    year: 1969, month: 12, day: 31, hour: 23, minute: 59, second: 59, microsecond: 999_999))
    }

    @Test func `every day of eight centuries comes back`() {
        for day in stride(from: Int64(-150_000), to: 150_000, by: 1) {
            let time = CivilTime(microseconds: day * 86_400_000_000)
            guard time.microseconds == day * 86_400_000_000, time.exists else {
                Issue.record("day \(day)")
                return
            }
        }
    }

    @Test(arguments: [
        CivilTime(year: 2025, month: 2, day: 29, hour: 0, minute: 0, second: 0),
        CivilTime(year: 2025, month: 4, day: 31, hour: 0, minute: 0, second: 0),
        CivilTime(year: 2025, month: 0, day: 1, hour: 0, minute: 0, second: 0),
        CivilTime(year: 2025, month: 13, day: 1, hour: 0, minute: 0, second: 0),
        CivilTime(year: 2025, month: 1, day: 0, hour: 0, minute: 0, second: 0),
        CivilTime(year: 2025, month: 1, day: 1, hour: 24, minute: 0, second: 0),
        CivilTime(year: 2025, month: 1, day: 1, hour: 0, minute: 60, second: 0),
        CivilTime(year: 2016, month: 12, day: 31, hour: 23, minute: 59, second: 60),
    ])
    func `what the calendar or the clock does not have does not exist`(time: CivilTime) {
        #expect(!time.exists)
    }
}
