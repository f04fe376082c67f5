import TestSupport
import Testing

@testable import Accounts

@Suite struct LockTests {
    @Test(arguments: ["anna", "nobody"])
    func `ten failures lock a name, whether or not anybody has it`(name: String) throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        try accounts.register("anna")

        try fixture.fail(name, times: 10)

        #expect(refusal { try accounts.signIn(name, "wrong") } == "locked(retryAfter: 900)")
        #expect(refusal { try accounts.signIn(name) } == "locked(retryAfter: 900)")
    }

    @Test(arguments: ["anna", "nobody"])
    func `nine failures do not lock`(name: String) throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        try accounts.register("anna")

        try fixture.fail(name, times: 9)

        #expect(refusal { try accounts.signIn(name, "wrong") } == "wrongCredentials")
    }

    @Test func `failures are counted over all names of an account together`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        try accounts.register("anna")

        try fixture.fail("anna", times: 4)
        try fixture.fail("anna@school.example", times: 3)
        try fixture.fail("ANNA", times: 3)

        #expect(refusal { try accounts.signIn("anna@school.example") } == "locked(retryAfter: 900)")
    }

    @Test func `failures of a name that nobody has are counted in its canonical form`() throws {
        let fixture = try AccountsFixture()

        try fixture.fail("nobody", times: 5)
        try fixture.fail(" ＮＯＢＯＤＹ ", times: 5)

        #expect(refusal { try fixture.accounts().signIn("Nobody") } == "locked(retryAfter: 900)")
    }

    @Test func `the lock of one name does not lock another`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        try accounts.register("anna")
        try accounts.register("bert")

        try fixture.fail("anna", times: 10)

        #expect(refusal { try accounts.signIn("bert") } == "none")
        #expect(refusal { try accounts.signIn("nobody") } == "wrongCredentials")
    }

    @Test func `a lock ends after 15 minutes`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        try accounts.register("anna")
        try fixture.fail("anna", times: 10)

        fixture.clock.move(seconds: 899)
        fixture.clock.move(microseconds: 999_999)
        #expect(refusal { try accounts.signIn("anna") } == "locked(retryAfter: 1)")

        fixture.clock.move(microseconds: 1)
        #expect(refusal { try accounts.signIn("anna") } == "none")
    }

    @Test func `after a lock ten more failures are needed`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        try accounts.register("anna")
        try fixture.fail("anna", times: 10)
        fixture.clock.move(seconds: 900)

        try fixture.fail("anna", times: 9)

        #expect(refusal { try accounts.signIn("anna") } == "none")
    }

    @Test func `failures 15 minutes after the first no longer count with it`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        try accounts.register("anna")
        try fixture.fail("anna", times: 9)

        fixture.clock.move(seconds: 900)
        try fixture.fail("anna", times: 9)

        #expect(refusal { try accounts.signIn("anna") } == "none")
    }

    @Test func `failures within the 15 minutes count`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        try accounts.register("anna")
        try fixture.fail("anna", times: 1)
        fixture.clock.move(seconds: 899)

        try fixture.fail("anna", times: 9)

        #expect(refusal { try accounts.signIn("anna") } == "locked(retryAfter: 900)")
    }

    @Test func `the window slides: ten failures within any 15 minutes lock`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        try accounts.register("anna")
        try fixture.fail("anna", times: 1)
        fixture.clock.move(seconds: 600)
        try fixture.fail("anna", times: 8)

        fixture.clock.move(seconds: 600)
        try fixture.fail("anna", times: 1)
        let after = refusal { try accounts.signIn("anna", "wrong") }
        let locked = refusal { try accounts.signIn("anna") }

        #expect(after == "wrongCredentials")
        #expect(locked == "locked(retryAfter: 900)")
    }

    @Test func `failures that are never closer than ten in 15 minutes do not lock`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        try accounts.register("anna")

        for _ in 1...40 {
            try fixture.fail("anna", times: 1)
            fixture.clock.move(seconds: 100)
        }

        #expect(refusal { try accounts.signIn("anna") } == "none")
    }

    @Test(arguments: ["anna", "nobody"])
    func `a username in an email's field counts for whose username it is`(name: String) throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        try accounts.register("anna")

        for _ in 1...10 {
            _ = refusal {
                try accounts.signIn(SignIn(name: .text(name), as: .email, password: .text("wrong")), by: .pair)
            }
        }

        #expect(refusal { try accounts.signIn(name, "wrong") } == "locked(retryAfter: 900)")
    }

    @Test func `a username in an email's field does not sign in`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        try accounts.register("anna")

        let answer = refusal {
            try accounts.signIn(SignIn(name: .text("anna"), as: .email, password: .text(goodPassword)), by: .pair)
        }

        #expect(answer == "wrongCredentials")
    }

    @Test func `a password that is checked without a session beginning is refused when the lock came meanwhile`() throws
    {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let id = try accounts.register("anna").account.id
        fixture.random.interrupt {
            let others = fixture.accounts()
            for _ in 1...10 { try? others.countFailure(LoginSubject(id, name: nil), accountID: id) }
        }

        let answer = refusal {
            try accounts.resetPassword(
                email: .text("anna@school.example"), old: .text(goodPassword), new: .text(otherPassword), by: .pair)
        }

        #expect(answer == "locked(retryAfter: 900)")
    }

    @Test func `a successful login clears the count`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        try accounts.register("anna")
        try fixture.fail("anna", times: 9)

        try accounts.signIn("anna")
        try fixture.fail("anna", times: 9)

        #expect(refusal { try accounts.signIn("anna") } == "none")
    }

    @Test func `attempts while locked do not make the lock longer`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        try accounts.register("anna")
        try fixture.fail("anna", times: 10)

        fixture.clock.move(seconds: 800)
        for _ in 1...20 { _ = refusal { try accounts.signIn("anna", "wrong") } }

        #expect(refusal { try accounts.signIn("anna") } == "locked(retryAfter: 100)")
    }

    @Test func `a failure that was under way when the lock came does not end it`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let id = try accounts.register("anna").account.id
        try fixture.fail("anna", times: 1)
        fixture.clock.move(seconds: 899)
        try fixture.fail("anna", times: 9)

        fixture.clock.move(seconds: 2)
        try accounts.countFailure(LoginSubject(id, name: nil), accountID: id)

        #expect(refusal { try accounts.signIn("anna") }.hasPrefix("locked"))
    }

    @Test func `a lock is reported once, with the account if there is one`() throws {
        let fixture = try AccountsFixture()
        let id = try fixture.accounts().register("anna").account.id

        try fixture.fail("anna", times: 10)
        _ = refusal { try fixture.accounts().signIn("anna") }
        let known = fixture.events().map { "\($0)" }
        try fixture.fail("nobody", times: 10)
        let unknown = fixture.events().map { "\($0)" }

        #expect(known == ["locked(accountID: Optional(\(id)))"])
        #expect(unknown == ["locked(accountID: nil)"])
    }

    @Test func `the numbers of the lock are settings`() throws {
        let fixture = try AccountsFixture {
            $0.lockAfter = 2
            $0.lockTime = 60
        }
        let accounts = fixture.accounts()
        try accounts.register("anna")

        try fixture.fail("anna", times: 2)

        #expect(refusal { try accounts.signIn("anna") } == "locked(retryAfter: 60)")
    }

    @Test func `one failure can be enough to lock`() throws {
        let fixture = try AccountsFixture { $0.lockAfter = 1 }
        let accounts = fixture.accounts()
        try accounts.register("anna")

        try fixture.fail("anna", times: 1)

        #expect(refusal { try accounts.signIn("anna") } == "locked(retryAfter: 900)")
    }

    @Test func `of 20 failures at once each is counted`() throws {
        let fixture = try AccountsFixture()
        try fixture.accounts().register("anna")

        let outcomes = concurrently(20) { _ in
            fixture.accounts()
        } _: { _, accounts in
            refusal { try accounts.signIn("anna", "wrong") }
        }

        #expect(Set(outcomes).isSubset(of: ["wrongCredentials", "locked(retryAfter: 900)"]))
        #expect(outcomes.filter { $0 == "wrongCredentials" }.count >= 10)
        #expect(refusal { try fixture.accounts().signIn("anna") } == "locked(retryAfter: 900)")
    }

    @Test func `sign-ins still work when a lock's account registers anew under the name`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        try fixture.fail("anna", times: 10)

        try accounts.register("anna")

        #expect(refusal { try accounts.signIn("anna") } == "none")
    }

    @Test(arguments: ["anna", "ANNA@school.example", "nobody"])
    func `an operator unlocks a name`(name: String) throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        try accounts.register("anna")
        try fixture.fail(name, times: 10)

        try accounts.unlock(name)

        #expect(refusal { try accounts.signIn(name, "wrong") } == "wrongCredentials")
    }
}
