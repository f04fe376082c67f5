import TestSupport
import Testing

@testable import Accounts

/// How long sessions live at most, how many, and how all of them end.
@Suite struct SessionLimitTests {
    private func living(_ sessions: [Credentials], _ accounts: Accounts) -> [Bool] {
        sessions.map { session in refusal { try accounts.caller(session) } == "none" }
    }

    @Test func `of 101 sessions the oldest has ended`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        try accounts.register("anna")
        var sessions: [Credentials] = []

        for _ in 1...101 {
            fixture.clock.move(seconds: 1)
            sessions.append(try accounts.signIn("anna"))
        }

        #expect(living(sessions, accounts) == [false] + Array(repeating: true, count: 100))
    }

    @Test func `other people's sessions do not count`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let bert = try accounts.register("bert")
        try accounts.register("anna")

        for _ in 1...101 {
            fixture.clock.move(seconds: 1)
            try accounts.signIn("anna")
        }

        #expect(living([bert], accounts) == [true])
    }

    @Test func `an account with 100,000 sessions changes its password at once, and all others have ended`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let own = try accounts.register("anna")
        let other = try accounts.signIn("anna")
        try fixture.sql(
            """
            INSERT INTO sessions (id, account_id, contract, generation_times, created_at, expires_at, epoch)
            SELECT seq, 1, 1, '', '2025-07-26', '2025-07-27', 0 FROM seq_1_to_100000
            """)

        try accounts.changePassword(own)

        #expect(living([own, other], accounts) == [true, false])
        #expect(try accounts.sessions(of: own.account).count == 1)
    }

    @Test func `an account with 100,000 sessions can be deleted`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let own = try accounts.register("anna")
        try fixture.sql(
            """
            INSERT INTO sessions (id, account_id, contract, generation_times, created_at, expires_at, epoch)
            SELECT seq, 1, 1, '', '2025-07-26', '2025-07-27', 0 FROM seq_1_to_100000
            """)

        try accounts.delete(own.account)

        #expect(try fixture.sql("SELECT COUNT(*) FROM sessions") == "0")
        #expect(try accounts.account("anna") == nil)
    }

    @Test func `a session that ended with all others stays so after another change of the password`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let own = try accounts.register("anna")
        let other = try accounts.signIn("anna")
        let row = try fixture.sql("SELECT * FROM sessions WHERE id = \(accounts.caller(other).session.id)")
        let isThere = !row.isEmpty

        try accounts.changePassword(own)
        try accounts.changePassword(own, from: otherPassword, to: goodPassword)

        #expect(isThere)
        #expect(living([own, other], accounts) == [true, false])
    }

    @Test func `a session without an epoch, of a program that knew none, lives and can change the password`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let own = try accounts.register("anna")
        try fixture.sql("UPDATE sessions SET epoch = NULL; UPDATE accounts SET session_epoch = 7")

        try accounts.changePassword(own)

        #expect(living([own], accounts) == [true])
    }

    @Test func `sessions of a program that knew no epochs end too, however many there are`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let own = try accounts.register("anna")
        let thief = try accounts.signIn("anna")
        try fixture.sql(
            """
            UPDATE sessions SET epoch = NULL;
            INSERT INTO sessions (id, account_id, contract, generation_times, created_at, expires_at)
            SELECT seq, 1, 1, '', '2025-07-26', '2025-07-27' FROM seq_1_to_6000
            """)

        try accounts.changePassword(own)

        #expect(living([own, thief], accounts) == [true, false])
        #expect(refusal { try accounts.refresh(thief.refresh) } == "badRefreshToken")
        #expect(try accounts.sessions(of: own.account).count == 1)
    }

    @Test func `a session that was ended while its holder changes the password does not come back`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let own = try accounts.register("anna")
        let account = own.account
        fixture.random.interrupt { try? fixture.accounts().endSessions(of: account) }

        let answer = violations { try accounts.changePassword(own) }

        #expect(answer == [Violation(.currentPassword, .incorrect)])
        #expect(living([own], accounts) == [false])
        #expect(refusal { try accounts.signIn("anna") } == "none")
    }

    // MARK: The absolute end

    @Test func `a session ends after 90 days, however often it is renewed`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        var tokens = try accounts.register("anna")

        for _ in 1...179 {
            fixture.clock.move(seconds: 43_200)
            tokens = try accounts.refresh(tokens.refresh)
        }
        fixture.clock.move(seconds: 43_199)
        let last = refusal { try accounts.refresh(tokens.refresh) }
        fixture.clock.move(seconds: 1)
        let over = refusal { try accounts.refresh(tokens.refresh) }

        #expect(last == "none")
        #expect(over == "badRefreshToken")
    }

    @Test func `no token outlives the absolute end of its session`() throws {
        let fixture = try AccountsFixture { $0.longestSession = 86_400 + 1800 }
        let accounts = fixture.accounts()
        let first = try accounts.register("anna")
        fixture.clock.move(seconds: 86_399)
        let second = try accounts.refresh(first.refresh)

        fixture.clock.move(seconds: 1800)
        let before = refusal { try accounts.caller(second) }
        fixture.clock.move(seconds: 1)
        let after = refusal { try accounts.caller(second) }

        #expect(before == "none")
        #expect(after == "badToken")
    }

    @Test func `a cookie that is used each day ends after 90 days`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        try accounts.register("anna")
        let policy = Policy(contract: 3, renewal: .cookie(life: 14 * 86_400), passwords: PasswordRules(shortest: 8))
        let cookie =
            try accounts.signIn(
                SignIn(name: .text("anna"), password: .text(goodPassword)), by: policy
            ).cookie ?? ""

        var lives: [Int64?] = []
        for _ in 1...89 {
            fixture.clock.move(seconds: 86_400)
            lives.append(try accounts.caller(cookie: cookie, by: policy).renewedCookieLife)
        }
        fixture.clock.move(seconds: 86_400)
        let over = refusal { try accounts.caller(cookie: cookie, by: policy) }

        #expect(lives.prefix(76).allSatisfy { $0 == 14 * 86_400 })
        #expect(lives.suffix(13).allSatisfy { $0 == nil })
        #expect(over == "badToken")
    }

    @Test func `a shorter absolute end holds for sessions that began before it was set`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let old = try accounts.register("anna")
        try fixture.sql("UPDATE sessions SET created_at = created_at - INTERVAL 90 DAY")

        #expect(refusal { try accounts.caller(old) } == "badToken")
        #expect(try accounts.sessions(of: old.account).isEmpty)
    }
}
