import Database
import TestSupport
import Testing

@testable import Accounts

struct BioWritesTests {
    private let school: School
    private let accounts: [Account]
    private let writes = BioWrites()

    init() throws {
        school = try School()
        let everybody = school.accounts()
        accounts = try (0..<12).map { try everybody.register("user\($0)").account }
    }

    /// What each of so many threads is told who writes a bio for the person `owner` gives.
    private func write(_ count: Int, rounds: Int = 1, for owner: @escaping @Sendable (Int) -> UInt64) -> [String] {
        let (address, writes, now) = (school.address, writes, school.clock.now)
        return atOnce(count, prepare: { _ in Connection(address) }) { number, database in
            var told: Set<String> = []
            for round in 0..<rounds {
                do throws(DatabaseError) {
                    let update = UpdateBio(id: owner(number), bio: "\(number) \(round)", now: now)
                    told.insert("\(try writes.write(update, on: database))")
                } catch {
                    told.insert("\(error)")
                }
            }
            return told.sorted().joined(separator: ", ")
        }
    }

    private func bios() throws -> [String] {
        try school.sql("SELECT bio FROM accounts ORDER BY id").split(separator: "\n").map(String.init)
    }

    @Test func `bios written at once stand each in its own row`() throws {
        let ids = accounts.map(\.id)

        let told = write(12, rounds: 20) { ids[$0] }

        #expect(told == Array(repeating: "true", count: 12))
        #expect(try bios() == (0..<12).map { "\($0) 19" })
    }

    @Test func `of one person's bios written at once the row has one`() throws {
        let id = accounts[0].id

        let told = write(8, rounds: 5) { _ in id }

        #expect(told == Array(repeating: "true", count: 8))
        #expect(try (0..<8).map { "\($0) 4" }.contains(bios()[0]))
    }

    @Test func `who has no account any more is told so, and the others' bios are written`() throws {
        let ids = accounts.map(\.id)

        let told = write(6) { $0 == 3 ? 999_999 : ids[$0] }

        #expect(told == (0..<6).map { $0 == 3 ? "false" : "true" })
        #expect(try bios()[5] == "5 0")
    }

    @Test func `a row that is locked holds up nobody else`() throws {
        let ids = accounts.map(\.id)
        let operatorsOwn = Connection(school.address)

        let told = try operatorsOwn.transaction { () throws(DatabaseError) -> [String] in
            _ = try operatorsOwn.first(AvatarForUpdate(id: ids[3]))
            return write(6) { ids[$0] }
        }

        #expect(told.enumerated().filter { $0.element == "true" }.map(\.offset) == [0, 1, 2, 4, 5])
        #expect(told[3].contains("lock conflicts: 1205"))
        #expect(try bios()[3] == "NULL")
    }
}
