import Mail
import TestSupport
import Testing

@testable import Accounts

/// A clock that was wrong and is put right, so that what was written down lies in the future.
@Suite struct ClockTests {
    /// An hour, and the years that a machine without a battery may be ahead until it hears of the time.
    static let steps: [Int64] = [3600, 10 * 365 * 86_400]

    @Test(arguments: steps)
    func `who signed in before goes on, and can renew, sign out and in again`(step: Int64) throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let held = try accounts.register("anna")

        fixture.clock.move(seconds: -step)
        let caller = try accounts.caller(held)
        let renewed = try accounts.refresh(held.refresh)
        try accounts.signOut(accounts.caller(renewed))
        let again = try accounts.signIn("anna")

        #expect(caller.account.username == "anna")
        #expect(refusal { try accounts.caller(held) } == "badToken")
        #expect(refusal { try accounts.caller(again) } == "none")
        #expect(refusal { try accounts.refresh(again.refresh) } == "none")
    }

    @Test(arguments: steps, ["anna", "nobody"])
    func `a lock does not outlast its time`(step: Int64, name: String) throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        try accounts.register("anna")
        try fixture.fail(name, times: 10)

        fixture.clock.move(seconds: -step)

        #expect(refusal { try accounts.signIn(name, "wrong") } == "wrongCredentials")
        if name == "anna" { #expect(refusal { try accounts.signIn(name) } == "none") }
    }

    @Test(arguments: steps)
    func `ten failures lock as ever, for as long as ever`(step: Int64) throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        try accounts.register("anna")
        try fixture.fail("anna", times: 10)
        fixture.clock.move(seconds: -step)

        try fixture.fail("anna", times: 10)

        #expect(refusal { try accounts.signIn("anna") } == "locked(retryAfter: 900)")
        fixture.clock.move(seconds: 900)
        #expect(refusal { try accounts.signIn("anna") } == "none")
    }

    @Test(arguments: steps)
    func `failures from before do not count for ever`(step: Int64) throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        try accounts.register("anna")
        try fixture.fail("anna", times: 9)
        fixture.clock.move(seconds: -step)

        try fixture.fail("anna", times: 9)
        fixture.clock.move(seconds: 900)
        try fixture.fail("anna", times: 9)

        #expect(refusal { try accounts.signIn("anna") } == "none")
    }

    @Test func `clocks of machines side by side that differ by seconds lock together`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        try accounts.register("anna")
        try fixture.fail("anna", times: 10)

        fixture.clock.move(seconds: -30)

        #expect(refusal { try accounts.signIn("anna") } == "locked(retryAfter: 930)")
    }

    @Test(arguments: steps)
    func `an old refresh token that is replayed ends the session, as ever`(step: Int64) throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let first = try accounts.register("anna").refresh
        let second = try accounts.refresh(first).refresh
        let third = try accounts.refresh(second)

        fixture.clock.move(seconds: -step)

        #expect(refusal { try accounts.refresh(first) } == "badRefreshToken")
        #expect(refusal { try accounts.caller(third) } == "badToken")
    }

    @Test(arguments: steps)
    func `a mail that waits is sent, and so is one that is asked for again`(step: Int64) throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        try accounts.register("anna")
        let request = { try accounts.requestPasswordReset(email: .text("anna@school.example")) }
        let deliver = {
            try accounts.deliverNext(publicURL: "https://school.example") { _, _ throws(MailTransport.Failure) in }
        }

        try request()
        fixture.clock.move(seconds: -step)
        let first = try deliver()
        fixture.clock.move(seconds: -step)
        try request()
        let second = try deliver()

        #expect([first, second] == [true, true])
    }
}
