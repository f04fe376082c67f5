import TestSupport
import Testing

@testable import Accounts

@Suite struct AdministrationTests {
    @Test func `an operator makes an account with role and rights`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let privileges = Privileges(role: .teacher, isStaff: true, isSuperuser: true)

        let account = try accounts.create(
            " Anna ", email: "anna@b.org", password: goodPassword, privileges: privileges, rules: Policy.pair.passwords)

        #expect(account.username == "Anna")
        #expect(account.role == .teacher)
        #expect(account.isStaff && account.isSuperuser)
        #expect(try fixture.sql("SELECT COUNT(*) FROM sessions") == "0")
        #expect(refusal { try accounts.signIn("anna") } == "none")
    }

    @Test func `an operator keeps the same rules`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        try accounts.register("anna")

        let found = violations {
            try accounts.create(
                "anna", email: "x", password: "123", privileges: Privileges(), rules: Policy.pair.passwords)
        }

        #expect(
            found == [
                Violation(.username, .taken), Violation(.email, .malformed), Violation(.password, .tooShort(8)),
                Violation(.password, .common), Violation(.password, .numeric),
            ])
    }

    @Test(arguments: ["anna", "ANNA", " anna\n", "anna@school.example", "ＡＮＮＡ@school.example"])
    func `an account is found by name or email`(name: String) throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let id = try accounts.register("anna").account.id

        #expect(try accounts.account(name)?.id == id)
    }

    @Test(arguments: ["", "bert", "anna@", "ann", "anna%"])
    func `what nobody is called finds nobody`(name: String) throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        try accounts.register("anna")

        #expect(try accounts.account(name) == nil)
    }

    @Test(arguments: Role.allCases)
    func `a role is set`(role: Role) throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let account = try accounts.register("anna").account
        fixture.clock.move(seconds: 60)

        try accounts.setRole(role, of: account)

        #expect(try accounts.account("anna")?.role == role)
        #expect(try accounts.account("anna")?.updatedAt == Instant(microseconds: 1_753_515_819_508_828))
    }

    @Test(arguments: Status.allCases)
    func `a status is set and only one account's sessions end`(status: Status) throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let account = try accounts.register("anna").account
        let bert = try accounts.register("bert")

        try accounts.setStatus(status, of: account)

        #expect(try accounts.account("anna")?.status == status)
        #expect(try fixture.sql("SELECT COUNT(*) FROM sessions") == "1")
        #expect(refusal { try accounts.caller(bert) } == "none")
    }

    @Test func `an operator sets a password, which ends all sessions`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna")

        try accounts.setPassword(otherPassword, of: new.account, rules: Policy.pair.passwords)

        #expect(refusal { try accounts.caller(new) } == "badToken")
        #expect(refusal { try accounts.signIn("anna", goodPassword) } == "wrongCredentials")
        #expect(refusal { try accounts.signIn("anna", otherPassword) } == "none")
    }

    @Test func `a password of an operator keeps the rules too`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let account = try accounts.register("anna").account

        let found = violations { try accounts.setPassword("anna", of: account, rules: Policy.pair.passwords) }

        #expect(
            found == [
                Violation(.password, .tooShort(8)), Violation(.password, .common),
                Violation(.password, .similar(to: .username)),
            ])
    }

    @Test func `an operator sees the sessions that live and ends them`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna")
        let bert = try accounts.register("bert")
        fixture.clock.move(seconds: 86_399)
        let young = try accounts.signIn("anna")
        #expect(try accounts.sessions(of: new.account).count == 2)

        fixture.clock.move(seconds: 1)
        #expect(try accounts.sessions(of: new.account).map(\.id) == [accounts.caller(young).session.id])
        try accounts.endSessions(of: new.account)

        #expect(try accounts.sessions(of: new.account).isEmpty)
        #expect(refusal { try accounts.caller(young) } == "badToken")
        #expect(try fixture.sql("SELECT account_id FROM sessions") == "\(bert.account.id)")
    }

    @Test func `a deleted account takes its picture, sessions and failures along`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna")
        try accounts.update(new, avatar: accounts.upload(onePixelPNG))
        try fixture.fail("anna", times: 3)

        try accounts.delete(new.account)

        #expect(try accounts.account("anna") == nil)
        #expect(refusal { try accounts.caller(new) } == "badToken")
        #expect(try fixture.sql("SELECT COUNT(*) FROM sessions") == "0")
        #expect(try fixture.sql("SELECT COUNT(*) FROM login_failures") == "0")
        #expect(fixture.files("avatars") == [])
    }

    @Test func `a link that is asked for while the account is deleted is answered as for an address of nobody`() throws
    {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        try accounts.register("anna")
        // Between the look for the account and the row that points to it.
        try fixture.sql(
            """
            CREATE TRIGGER overtaken BEFORE INSERT ON outbox FOR EACH ROW DELETE FROM accounts WHERE id = NEW.account_id
            """)
        defer { _ = try? fixture.sql("DROP TRIGGER overtaken") }

        let outcome = refusal { try accounts.requestPasswordReset(email: .text("anna@school.example")) }

        #expect(outcome == "none")
        #expect(try fixture.sql("SELECT account_id, due_at FROM outbox") == "NULL\tNULL")
        #expect(fixture.trail().last?.hasPrefix("password reset requested -") == true)
    }

    @Test func `the id of a deleted account is not given again`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let old = try accounts.register("anna").account

        try accounts.delete(old)

        #expect(try accounts.register("anna").account.id > old.id)
    }

    @Test func `a sweep deletes only the sessions that are over`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let old = try accounts.register("anna")
        fixture.clock.move(seconds: 1)
        let young = try accounts.signIn("anna")
        fixture.clock.move(seconds: 86_399)

        while try accounts.sweep() {}

        #expect(try fixture.sql("SELECT COUNT(*) FROM sessions") == "1")
        #expect(refusal { try accounts.refresh(old.refresh) } == "badRefreshToken")
        #expect(refusal { try accounts.refresh(young.refresh) } == "none")
    }

    @Test func `a sweep deletes only the failures that no longer count`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        try fixture.fail("old", times: 1)
        fixture.clock.move(seconds: 1)
        try fixture.fail("young", times: 9)
        fixture.clock.move(seconds: 899)

        while try accounts.sweep() {}

        #expect(try fixture.sql("SELECT failures FROM login_failures") == "9")
        try fixture.fail("young", times: 1)
        #expect(refusal { try accounts.signIn("young") } == "locked(retryAfter: 900)")
    }

    @Test func `a sweep keeps a lock until its end`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        try fixture.fail("anna", times: 1)
        fixture.clock.move(seconds: 899)
        try fixture.fail("anna", times: 9)

        fixture.clock.move(seconds: 899)
        while try accounts.sweep() {}
        #expect(refusal { try accounts.signIn("anna") } == "locked(retryAfter: 1)")

        fixture.clock.move(seconds: 1)
        while try accounts.sweep() {}
        #expect(try fixture.sql("SELECT COUNT(*) FROM login_failures") == "0")
    }

    @Test func `a sweep with nothing to do says so`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        try accounts.register("anna")
        try fixture.fail("anna", times: 3)

        #expect(try accounts.sweep() == false)
        #expect(try fixture.sql("SELECT COUNT(*) FROM accounts") == "1")
        #expect(try fixture.sql("SELECT failures FROM login_failures") == "3")
    }

    @Test func `a sweep works in batches and says when there may be more`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let id = try accounts.register("anna").account.id
        try fixture.sql(
            """
            INSERT INTO sessions (id, account_id, contract, generation_times, created_at, expires_at)
            SELECT seq, \(id), 1, '', '2020-01-01', '2020-01-02' FROM seq_1_to_700
            """)

        #expect(try accounts.sweep())
        #expect(try fixture.sql("SELECT COUNT(*) FROM sessions") == "201")
        #expect(try accounts.sweep())
        #expect(try accounts.sweep() == false)
        #expect(try fixture.sql("SELECT COUNT(*) FROM sessions") == "1")
    }
}
