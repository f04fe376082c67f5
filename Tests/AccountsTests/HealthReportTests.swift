import Foundation
import TestSupport
import Testing

@testable import Accounts
@testable import Database

@Suite struct HealthReportTests {
    @Test func `when all is there nothing fails`() throws {
        let fixture = try AccountsFixture()

        let found = fixture.accounts().health()

        #expect(found.failures == [:])
        #expect(found.reasons == [])
        #expect(found.waitingMails == 0)
        #expect(fixture.files("incoming") == [])
    }

    @Test func `mails that are due and mails that wait are counted, mails that went are not`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        for (subject, due) in [("a", "NOW()"), ("b", "NOW() + INTERVAL 1 HOUR"), ("c", "NULL")] {
            try fixture.sql("INSERT INTO outbox (subject, due_at, sent_at) VALUES ('\(subject)', \(due), NOW())")
        }

        #expect(accounts.health().waitingMails == 2)
    }

    @Test func `a database that is not there is no answer`() throws {
        let fixture = try AccountsFixture()
        let address = DatabaseAddress(
            transport: .socket(path: "\(fixture.media.root)/none"), database: "x", user: "x", password: "x")

        let found = fixture.accounts(on: Connection(address, timeouts: .probe)).health()

        #expect(found.failures == [.database: "no answer", .schema: "unknown"])
        #expect(found.reasons.count == 1)
        #expect(found.waitingMails == nil)
    }

    @Test func `an empty database, and one that is behind, is named with its version`() throws {
        let fixture = try AccountsFixture()
        let empty = Connection(try TestEnvironment.emptyDatabase())
        let behind = Connection(try TestEnvironment.freshDatabase())
        try behind.execute("DELETE FROM migrations WHERE version = \(Migration.newest)")

        let found = [empty, behind].map { fixture.accounts(on: $0).health() }

        #expect(
            found.map(\.failures) == [
                [.schema: "version 0, needs \(Migration.newest)"],
                [.schema: "version \(Migration.newest - 1), needs \(Migration.newest)"],
            ])
        #expect(found[0].reasons[0].hasSuffix("Run: homeroom migrate"))
    }

    @Test func `a schema that is ahead, before a new version is started, is good`() throws {
        let fixture = try AccountsFixture()
        let ahead = Connection(try TestEnvironment.freshDatabase())
        try ahead.execute("INSERT INTO migrations (version, name) VALUES (\(Migration.newest + 1), 'next')")

        #expect(fixture.accounts(on: ahead).health().failures == [:])
    }

    @Test func `a media folder that takes no file is not writable`() throws {
        let fixture = try AccountsFixture()
        try FileManager.default.removeItem(atPath: fixture.media.root + "/incoming")

        let found = fixture.accounts().health()

        #expect(found.failures == [.media: "not writable"])
        #expect(found.reasons.first?.hasPrefix("media: open ") == true)
        #expect(found.waitingMails == 0)
    }
}
