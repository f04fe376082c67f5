import Secrets
import TestSupport
import Testing

@testable import Accounts

@Suite struct RefreshTests {
    @Test func `a refresh gives a new access token and a new refresh token`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna")
        fixture.clock.move(seconds: 100)

        let next = try accounts.refresh(new.refresh)

        #expect(next.refresh != new.refresh)
        #expect(next.access != new.access)
        #expect(try accounts.caller(next).session.id == accounts.caller(new).session.id)
        #expect(try fixture.signer.verify(next.refresh ?? "", now: 1_753_515_859).expiresAt == 1_753_602_259)
    }

    @Test func `the predecessor is answered with the current token as long as that is unused`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let first = try accounts.register("anna").refresh
        fixture.clock.move(seconds: 100)
        let second = try accounts.refresh(first).refresh

        for seconds in [0, 1, 10, 3600, 40_000] as [Int64] {
            fixture.clock.move(seconds: seconds)
            #expect(try accounts.refresh(first).refresh == second)
        }
        #expect(try fixture.events().isEmpty && accounts.refresh(second).refresh != second)
    }

    @Test func `the access token that the predecessor is answered with is good`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let first = try accounts.register("anna").refresh
        _ = try accounts.refresh(first)
        fixture.clock.move(seconds: 7200)

        let again = try accounts.refresh(first)

        fixture.clock.move(seconds: 3599)
        #expect(refusal { try accounts.caller(again) } == "none")
    }

    @Test func `an older token is answered within 10 s of its replacement`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let first = try accounts.register("anna").refresh
        fixture.clock.move(seconds: 100)
        let second = try accounts.refresh(first).refresh
        fixture.clock.move(seconds: 5)
        let third = try accounts.refresh(second).refresh

        fixture.clock.move(microseconds: 4_999_999)

        #expect(try accounts.refresh(first).refresh == third)
        #expect(fixture.events().isEmpty)
    }

    @Test func `an older token ends the session 10 s after its replacement and is reported`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna")
        let session = try accounts.caller(new).session.id
        fixture.clock.move(seconds: 100)
        let second = try accounts.refresh(new.refresh).refresh
        fixture.clock.move(seconds: 5)
        let third = try accounts.refresh(second)

        fixture.clock.move(seconds: 5)

        #expect(refusal { try accounts.refresh(new.refresh) } == "badRefreshToken")
        #expect(refusal { try accounts.refresh(third.refresh) } == "badRefreshToken")
        #expect(refusal { try accounts.caller(third) } == "badToken")
        #expect(
            fixture.events().map { "\($0)" } == [
                "replayedRefreshToken(accountID: \(new.account.id), sessionID: \(session))"
            ])
    }

    @Test func `an ended session leaves the account's others alone`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let first = try accounts.register("anna").refresh
        let other = try accounts.signIn("anna")
        _ = try accounts.refresh(accounts.refresh(first).refresh)
        fixture.clock.move(seconds: 10)

        _ = refusal { try accounts.refresh(first) }

        #expect(refusal { try accounts.caller(other) } == "none")
    }

    @Test func `each token has 10 s of its own after its replacement`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let first = try accounts.register("anna").refresh
        fixture.clock.move(seconds: 100)
        let second = try accounts.refresh(first).refresh
        fixture.clock.move(seconds: 3)
        let third = try accounts.refresh(second).refresh
        fixture.clock.move(seconds: 3)
        let fourth = try accounts.refresh(third).refresh

        fixture.clock.move(seconds: 3)
        #expect(try accounts.refresh(first).refresh == fourth)
        #expect(try accounts.refresh(second).refresh == fourth)
        fixture.clock.move(microseconds: 3_999_999)
        #expect(try accounts.refresh(second).refresh == fourth)
        #expect(try accounts.refresh(third).refresh == fourth)

        fixture.clock.move(microseconds: 1)
        #expect(refusal { try accounts.refresh(second) } == "badRefreshToken")
        #expect(refusal { try accounts.refresh(fourth) } == "badRefreshToken")
    }

    @Test func `a token of long ago ends the session`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let first = try accounts.register("anna").refresh
        var current = first
        for _ in 1...30 {
            fixture.clock.move(seconds: 60)
            current = try accounts.refresh(current).refresh
        }

        #expect(refusal { try accounts.refresh(first) } == "badRefreshToken")
        #expect(refusal { try accounts.refresh(current) } == "badRefreshToken")
        #expect(fixture.events().count == 1)
    }

    @Test func `many refreshes within 10 s leave all tokens of that time good`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let first = try accounts.register("anna").refresh
        var current = first
        for _ in 1...30 {
            fixture.clock.move(microseconds: 300_000)
            current = try accounts.refresh(current).refresh
        }

        #expect(try accounts.refresh(first).refresh == current)
        #expect(fixture.events().isEmpty)
    }

    @Test func `of 20 with one token at once none fails and all hold one current token`() throws {
        let fixture = try AccountsFixture()
        let first = try fixture.accounts().register("anna").refresh

        let tokens = concurrently(20) { _ in
            fixture.accounts()
        } _: { _, accounts in
            try? accounts.refresh(first).refresh
        }

        #expect(tokens.compactMap { $0 }.count == 20)
        #expect(Set(tokens).count == 1)
        #expect(fixture.events().isEmpty)
        #expect(try fixture.sql("SELECT generation FROM sessions") == "2")
        #expect(refusal { try fixture.accounts().refresh(tokens[0]) } == "none")
    }

    @Test func `of 20 that go on refreshing with their newest token none fails`() throws {
        let fixture = try AccountsFixture()
        let first = try fixture.accounts().register("anna").refresh

        let outcomes = concurrently(20) { _ in
            fixture.accounts()
        } _: { _, accounts in
            var token = first
            return refusal { for _ in 1...10 { token = try accounts.refresh(token).refresh } }
        }

        #expect(Set(outcomes) == ["none"])
        #expect(fixture.events().isEmpty)
    }

    @Test func `an access token from before a rotation is good until its own end`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna")
        fixture.clock.move(seconds: 100)
        let next = try accounts.refresh(new.refresh)
        _ = try accounts.refresh(next.refresh)

        fixture.clock.move(seconds: 3499)
        #expect(refusal { try accounts.caller(new) } == "none")

        fixture.clock.move(seconds: 1)
        #expect(refusal { try accounts.caller(new) } == "badToken")
    }

    @Test func `a refresh token lives a day`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna")
        let other = try accounts.signIn("anna")

        fixture.clock.move(seconds: 86_398)
        #expect(refusal { try accounts.refresh(new.refresh) } == "none")

        fixture.clock.move(seconds: 2)
        #expect(refusal { try accounts.refresh(other.refresh) } == "badRefreshToken")
    }

    @Test func `a rotated token lives a day from its rotation`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna")
        fixture.clock.move(seconds: 80_000)
        let next = try accounts.refresh(new.refresh)

        fixture.clock.move(seconds: 86_398)

        #expect(refusal { try accounts.refresh(next.refresh) } == "none")
    }

    @Test func `an access token does not outlive its session`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let first = try accounts.register("anna").refresh
        fixture.clock.move(seconds: 100)
        _ = try accounts.refresh(first)
        fixture.clock.move(seconds: 85_000)

        let again = try accounts.refresh(first)

        #expect(try fixture.signer.verify(again.access, now: 1_753_600_859).expiresAt == 1_753_602_259)
    }

    @Test func `an access token is no refresh token`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna")

        #expect(refusal { try accounts.refresh(new.access) } == "badRefreshToken")
    }

    @Test(arguments: ["x", "a.b.c", "a b"])
    func `what is no token is refused`(token: String) throws {
        let fixture = try AccountsFixture()

        #expect(refusal { try fixture.accounts().refresh(token) } == "badRefreshToken")
    }

    @Test(
        arguments: [
            (.absent, .required), (.null, .null), (.notText, .notText), (.text(""), .blank), (.text(" "), .blank),
        ] as [(Entry, Rule)])
    func `a refresh needs a token as text`(entry: Entry, rule: Rule) throws {
        let fixture = try AccountsFixture()

        let found = violations { try fixture.accounts().refresh(entry, by: .pair) }

        #expect(found == [Violation(.refresh, rule)])
    }

    @Test func `a token of another contract is renewed there only`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna")
        let other = Policy(
            contract: 2, renewal: .pair(access: 3600, refresh: 86_400), passwords: PasswordRules(shortest: 6))

        #expect(refusal { try accounts.refresh(.text(new.refresh ?? ""), by: other) } == "badRefreshToken")
        #expect(refusal { try accounts.refresh(new.refresh) } == "none")
    }

    @Test func `a token of a generation that is yet to come is refused`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let caller = try accounts.caller(accounts.register("anna"))
        let claims = Claims(
            kind: .refresh, issuedAt: 1_753_515_759, expiresAt: 1_753_602_159, accountID: caller.account.id,
            sessionID: caller.session.id, id: TokenID(high: caller.session.id, low: 2), role: "student")

        #expect(refusal { try accounts.refresh(fixture.signer.sign(claims)) } == "badRefreshToken")
        #expect(refusal { try accounts.caller(accessToken: fixture.signer.sign(claims)) } == "badToken")
    }
}
