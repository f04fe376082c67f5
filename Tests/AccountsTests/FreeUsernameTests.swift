import Database
import TestSupport
import Testing

@testable import Accounts

/// The username that is made from an email where somebody has the first one.
struct FreeUsernameTests {
    private let fixture: AccountsFixture
    private let connection: Connection

    init() throws {
        fixture = try AccountsFixture()
        connection = Connection(fixture.address)
    }

    /// Accounts `pupil`, `pupil2` … up to a number.
    private func fill(_ count: Int, except free: [Int] = []) throws {
        let gaps = free.isEmpty ? "" : "WHERE seq NOT IN (\(free.map { "\($0)" }.joined(separator: ", ")))"
        try fixture.sql(
            """
            INSERT INTO accounts (username, username_key, email, email_key, password_hash, created_at, updated_at)
            SELECT CONCAT('pupil', IF(seq = 1, '', seq)), CONCAT('pupil', IF(seq = 1, '', seq)),
            CONCAT('p', seq, '@b.example'), CONCAT('p', seq, '@b.example'), '!', NOW(), NOW()
            FROM seq_1_to_\(count) \(gaps)
            """)
    }

    private func freeName() throws -> String {
        try fixture.accounts(on: connection).freeUsername(for: EmailAddress("pupil@c.example")).text
    }

    /// What finding a free name costs: round trips, and rows that are looked up or read one after the other.
    private func cost() throws -> (roundTrips: Int, rows: Int64) {
        let before = (connection.waits.roundTrips, try connection.rows(RowsRead()).reduce(0, +))
        _ = try freeName()
        return (
            connection.waits.roundTrips - before.0, try connection.rows(RowsRead()).reduce(0, +) - before.1
        )
    }

    @Test(arguments: [
        ([1], "pupil"), ([2], "pupil2"), ([3, 9], "pupil3"), ([63], "pupil63"), ([64, 65], "pupil64"), ([], "pupil101"),
    ])
    func `the first free one of 64 is found exactly`(free: [Int], name: String) throws {
        try fill(100, except: free)

        #expect(try freeName() == name)
    }

    @Test(arguments: [64, 65, 127, 128, 129, 1000])
    func `behind those it is the next where none is free in between`(count: Int) throws {
        try fill(count)

        #expect(try freeName() == "pupil\(count + 1)")
    }

    @Test func `behind those it is a free one, though not the first, where some are free in between`() throws {
        try fill(1000, except: [200, 512])

        #expect(try ["pupil200", "pupil512", "pupil1001"].contains(freeName()))
    }

    @Test func `among a hundred thousand it costs some thirty looks into the index, not a row more`() throws {
        try fill(100_000)
        _ = try freeName()

        let cost = try cost()

        #expect(cost.roundTrips < 40)
        // 64 of the first statement, and those of the statement that counts them.
        #expect(cost.rows < 200)
    }
}

private struct RowsRead: Query {
    static let sql: SQL = """
        SELECT CAST(variable_value AS SIGNED) FROM information_schema.session_status \
        WHERE variable_name IN ('HANDLER_READ_KEY', 'HANDLER_READ_NEXT', 'HANDLER_READ_FIRST', 'HANDLER_READ_RND')
        """
    var parameters: [SQLValue] { [] }
    static func row(_ columns: inout Columns) throws(DatabaseError) -> Int64 { try columns.integer() }
}
