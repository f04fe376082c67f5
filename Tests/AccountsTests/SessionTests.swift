import Secrets
import TestSupport
import Testing

@testable import Accounts

@Suite struct SessionTests {
    @Test func `an access token opens the account that it was issued to`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let anna = try accounts.register("anna")
        let bert = try accounts.register("bert")

        #expect(try accounts.caller(anna).account.username == "anna")
        #expect(try accounts.caller(bert).account.username == "bert")
    }

    @Test(arguments: ["", "x", "a.b.c", "Bearer", "eyJ0eXAiOiJKV1QiLCJhbGciOiJub25lIn0.e30."])
    func `what is no token is refused`(token: String) throws {
        let fixture = try AccountsFixture()

        #expect(refusal { try fixture.accounts().caller(accessToken: token) } == "badToken")
    }

    @Test func `a refresh token is no access token`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna")

        #expect(refusal { try accounts.caller(accessToken: new.refresh ?? "") } == "badToken")
    }

    @Test func `an access token lives 60 minutes`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna")

        fixture.clock.move(seconds: 3599)
        #expect(refusal { try accounts.caller(new) } == "none")

        fixture.clock.move(seconds: 1)
        #expect(refusal { try accounts.caller(new) } == "badToken")
    }

    @Test func `a token of another account with this session's id is refused`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let anna = try accounts.caller(accounts.register("anna"))
        let bert = try accounts.register("bert").account

        for kind in [Claims.Kind.access, .refresh] {
            let claims = Claims(
                kind: kind, issuedAt: 1_753_515_759, expiresAt: 1_753_519_359, accountID: bert.id,
                sessionID: anna.session.id, id: TokenID(high: anna.session.id, low: 1), role: "student")
            let token = fixture.signer.sign(claims)

            #expect(refusal { try accounts.caller(accessToken: token) } == "badToken")
            #expect(refusal { try accounts.refresh(token) } == "badRefreshToken")
        }
    }

    @Test func `a well signed token of no session is refused`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let anna = try accounts.caller(accounts.register("anna"))
        let claims = Claims(
            kind: .access, issuedAt: 1_753_515_759, expiresAt: 1_753_519_359, accountID: anna.account.id,
            sessionID: anna.session.id ^ 1, id: TokenID(high: 1, low: 1), role: "student")

        #expect(refusal { try accounts.caller(accessToken: fixture.signer.sign(claims)) } == "badToken")
    }

    @Test func `the tokens of a signed-out session are refused`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna")

        try accounts.signOut(accounts.caller(new), refresh: .text(new.refresh ?? ""))

        #expect(refusal { try accounts.caller(new) } == "badToken")
        #expect(refusal { try accounts.refresh(new.refresh) } == "badRefreshToken")
    }

    @Test func `signing out leaves the account's other sessions`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna")
        let other = try accounts.signIn("anna")

        try accounts.signOut(accounts.caller(new), refresh: .text(new.refresh ?? ""))

        #expect(refusal { try accounts.caller(other) } == "none")
        #expect(refusal { try accounts.refresh(other.refresh) } == "none")
    }

    @Test(arguments: [.absent, .null, .notText, .text(""), .text("nonsense")] as [Entry])
    func `signing out needs a refresh token`(entry: Entry) throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna")

        #expect(refusal { try accounts.signOut(accounts.caller(new), refresh: entry) } == "foreignRefreshToken")
        #expect(refusal { try accounts.caller(new) } == "none")
    }

    @Test func `signing out needs the refresh token of the same session`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna")
        let again = try accounts.signIn("anna")
        let bert = try accounts.register("bert")

        for token in [again.refresh, bert.refresh, new.access, again.access] {
            let outcome = refusal { try accounts.signOut(accounts.caller(new), refresh: .text(token ?? "")) }
            #expect(outcome == "foreignRefreshToken")
        }
        for credentials in [new, again, bert] {
            #expect(refusal { try accounts.caller(credentials) } == "none")
        }
    }

    @Test(arguments: [Status.inactive, .disabled])
    func `the tokens of an account that is not active are refused at once`(status: Status) throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna")

        try fixture.accounts().setStatus(status, of: new.account)

        #expect(refusal { try accounts.caller(new) } == "badToken")
        #expect(refusal { try accounts.refresh(new.refresh) } == "badRefreshToken")
    }

    @Test func `sessions do not come back when the account is active again`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna")

        try accounts.setStatus(.disabled, of: new.account)
        try accounts.setStatus(.active, of: new.account)

        #expect(refusal { try accounts.caller(new) } == "badToken")
        #expect(refusal { try accounts.signIn("anna") } == "none")
    }

    @Test func `a status in the row alone is enough to refuse a token`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna")

        try fixture.sql("UPDATE accounts SET status = 'disabled'")

        #expect(refusal { try accounts.caller(new) } == "badToken")
        #expect(refusal { try accounts.refresh(new.refresh) } == "badRefreshToken")
    }

    @Test func `a new role ends the sessions and stands in the next token`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna")

        try accounts.setRole(.mentor, of: new.account)

        #expect(refusal { try accounts.caller(new) } == "badToken")
        let again = try accounts.signIn("anna")
        #expect(try fixture.signer.verify(again.access, now: 1_753_515_759).role == "mentor")
        #expect(try accounts.caller(again).account.role == .mentor)
    }

    @Test func `the tokens of a deleted account are refused`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna")

        try fixture.sql("DELETE FROM accounts")

        #expect(refusal { try accounts.caller(new) } == "badToken")
        #expect(refusal { try accounts.refresh(new.refresh) } == "badRefreshToken")
    }

    @Test func `tokens say who, which session, which role and until when`() throws {
        let fixture = try AccountsFixture()
        let new = try fixture.accounts().register("anna")

        let access = try fixture.signer.verify(new.access, now: 1_753_515_759)
        let refresh = try fixture.signer.verify(new.refresh ?? "", now: 1_753_515_759)

        #expect(access.kind == .access && refresh.kind == .refresh)
        #expect(access.issuedAt == 1_753_515_759 && refresh.issuedAt == 1_753_515_759)
        #expect(access.expiresAt == 1_753_519_359)
        #expect(refresh.expiresAt == 1_753_602_159)
        #expect(access.accountID == new.account.id && refresh.accountID == new.account.id)
        #expect(access.sessionID == refresh.sessionID)
        #expect(access.id != refresh.id)
        #expect(access.role == "student" && refresh.role == "student")
    }
}
