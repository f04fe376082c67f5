import Accounts
import Testing

@testable import Contracts

@Suite struct TimesTests {
    @Test(
        arguments: [
            (1_753_515_759_508_828, "2025-07-26T07:42:39.508828Z"), (0, "1970-01-01T00:00:00.000000Z"),
            (1, "1970-01-01T00:00:00.000001Z"), (1_000_000, "1970-01-01T00:00:01.000000Z"),
            (-1, "1969-12-31T23:59:59.999999Z"), (951_782_400_000_000, "2000-02-29T00:00:00.000000Z"),
            (1_709_251_199_999_999, "2024-02-29T23:59:59.999999Z"),
            (1_740_787_200_000_000, "2025-03-01T00:00:00.000000Z"),
            (1_735_689_599_999_999, "2024-12-31T23:59:59.999999Z"),
            (4_107_542_400_000_000, "2100-03-01T00:00:00.000000Z"),
            (-30_610_224_000_000_000, "1000-01-01T00:00:00.000000Z"),
            (253_402_300_799_999_999, "9999-12-31T23:59:59.999999Z"),
        ] as [(Int64, String)])
    func `a time has six digits behind the seconds`(microseconds: Int64, text: String) {
        #expect(Instant(microseconds: microseconds).withMicroseconds == text)
    }

    @Test(
        arguments: [
            (1_704_110_400_000_000, "2024-01-01T12:00:00Z"), (1_704_110_400_999_999, "2024-01-01T12:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"), (0, "1970-01-01T00:00:00Z"),
        ] as [(Int64, String)])
    func `a time in seconds drops what is behind them`(microseconds: Int64, text: String) {
        #expect(Instant(microseconds: microseconds).withSeconds == text)
    }
}
