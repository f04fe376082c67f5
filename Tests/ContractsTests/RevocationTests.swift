import Accounts
import JSON
import TestSupport
import Testing

/// What ends sessions, and that whatever a client kept of them is refused everywhere from the next request on.
struct RevocationTests {
    let client: TestClient
    /// One session of every kind, all of alice's.
    let all: [Kept]

    /// Everything that a client kept of a session.
    struct Kept: CustomTestStringConvertible {
        let api: ContractAPI
        let name: String
        let held: SessionCredentials

        var testDescription: String { name }
    }

    init() throws {
        client = try TestClient()
        let client = client
        _ = ContractAPI.v1Auth.register("alice", at: client)
        let remembered = client.post(
            ContractAPI.v1Auth.login, ContractAPI.v1Auth.credentials("alice").with("remember_me", true))
        all =
            ContractAPI.allCases.map { Kept(api: $0, name: "\($0)", held: $0.openSession("alice", at: client)) }
            + [
                Kept(
                    api: .v1Auth, name: "remembered", held: SessionCredentials(access: remembered.text("access_token")))
            ]
    }

    /// Every use of what was kept that is not refused: `emailAuth refresh`.
    private func uses(of kept: Kept) -> [String] {
        var uses: [String] = []
        func note(_ use: String, _ answer: Response) {
            if answer.status < 400 { uses.append("\(kept.name) \(use)") }
        }
        if let access = kept.held.access {
            for path in ContractAPI.bearerEndpoints { note("GET \(path)", client.get(path, bearer: access)) }
            note("update", client.ask("PUT", "/api/user/update/", bearer: access))
        }
        if let cookie = kept.held.cookie {
            for path in ContractAPI.cookieEndpoints { note("GET \(path)", client.get(path, cookie: cookie)) }
            note("update", client.ask("PUT", "/api/user/update/", cookie: cookie))
        }
        if let refresh = kept.held.refresh, let path = kept.api.renewal {
            note("renewal", client.post(path, ["refresh": .string(refresh)]))
        } else if let access = kept.held.access, let path = kept.api.renewal {
            note("renewal", client.ask("POST", path, bearer: access))
        }
        return uses
    }

    private func alice() throws -> Account {
        try #require(try client.accounts.account("alice"))
    }

    @Test func `all that was kept is good before`() {
        let unused = all.filter { uses(of: $0).isEmpty }

        #expect(unused.map(\.name) == [])
        #expect(all.flatMap { uses(of: $0) }.count == 5 * 10 + 3)
    }

    // MARK: What ends all sessions

    enum Deed: CaseIterable {
        case resetByMail, resetWithOldPassword, disable, deactivate, changeRole, setPassword, endSessions, delete
    }

    @Test(arguments: Deed.allCases) func `everything is refused from the next request on`(_ deed: Deed) throws {
        let link = try client.mailedToken("alice@school.example")

        switch deed {
        case .resetByMail:
            _ = client.post(
                "/api/v1/auth/reset-password", ["token": .string(link), "new_password": "\(otherPassword)"])
        case .resetWithOldPassword:
            _ = client.post(
                "/api/users/reset_password",
                [
                    "email": "alice@school.example", "old_password": "\(goodPassword)",
                    "new_password": "\(otherPassword)",
                ])
        case .disable: try client.accounts.setStatus(.disabled, of: alice())
        case .deactivate: try client.accounts.setStatus(.inactive, of: alice())
        case .changeRole: try client.accounts.setRole(.teacher, of: alice())
        case .setPassword:
            try client.accounts.setPassword(otherPassword, of: alice(), rules: PasswordRules(shortest: 8))
        case .endSessions: try client.accounts.endSessions(of: alice())
        case .delete: try client.accounts.delete(alice())
        }

        #expect(all.flatMap { uses(of: $0) } == [])
    }

    @Test(arguments: ["disabled", "inactive"])
    func `a status that was written past us counts from the next request on`(_ status: String) throws {
        try client.fixture.sql("UPDATE accounts SET status = '\(status)'")

        #expect(all.flatMap { uses(of: $0) } == [])
    }

    @Test(arguments: Deed.allCases) func `nobody else's sessions are touched`(_ deed: Deed) throws {
        _ = ContractAPI.v1Auth.register("bob", at: client)
        let bob = ContractAPI.v1Auth.openSession("bob", at: client)

        try `everything is refused from the next request on`(deed)

        #expect(client.get("/api/v1/auth/me", bearer: bob.access).status == 200)
    }

    @Test func `a session begun after an end is good`() throws {
        try client.accounts.setRole(.teacher, of: alice())

        let held = ContractAPI.v1Auth.openSession("alice", at: client)

        #expect(client.get("/api/user/me/", bearer: held.access).text("role") == "teacher")
    }

    // MARK: What ends one session

    private func logOut(_ kept: Kept) -> Response {
        switch kept.api {
        case .v1Profile:
            client.post(
                "/api/v1/auth/logout/", ["refresh": .string(kept.held.refresh ?? "")], bearer: kept.held.access)
        case .emailAuth: client.post("/api/auth/logout/", ["refresh": .string(kept.held.refresh ?? "")])
        case .roleSession: client.ask("POST", "/api/user/logout/", cookie: kept.held.cookie)
        case .usersToken: client.ask("POST", "/api/users/logout", bearer: kept.held.access)
        case .v1Auth: client.ask("POST", "/api/v1/auth/logout", bearer: kept.held.access)
        }
    }

    @Test(arguments: 0..<6) func `logout ends the session with all that was kept of it, and no other`(_ index: Int) {
        let kept = all[index]

        let answer = logOut(kept)

        #expect(answer.status == 200)
        #expect(uses(of: kept) == [])
        #expect(all.filter { $0.name != kept.name && uses(of: $0).isEmpty }.map(\.name) == [])
    }

    @Test(arguments: 0..<6) func `logging out twice is refused`(_ index: Int) {
        _ = logOut(all[index])

        let answer = logOut(all[index])

        #expect(answer.status == 401)
    }

    // MARK: Change of the password

    /// The three endpoints that change the password.
    private func change(_ path: String, with held: SessionCredentials) -> Response {
        let body: JSON = [
            "old_password": "\(goodPassword)", "current_password": "\(goodPassword)",
            "new_password": "\(otherPassword)",
            "new_password_confirm": "\(otherPassword)", "confirm_password": "\(otherPassword)",
        ]
        return client.post(path, body, bearer: held.access, cookie: held.cookie)
    }

    @Test(
        arguments: ["/api/v1/password/change/", "/api/user/change-password/", "/api/v1/auth/change-password"],
        [0, 1, 3, 4, 5])
    func `a change of the password keeps the session that made it and ends all others`(_ path: String, _ index: Int) {
        let kept = all[index]

        let answer = change(path, with: kept.held)

        #expect(answer.status == 200)
        #expect(!uses(of: kept).isEmpty)
        #expect(all.filter { $0.name != kept.name }.flatMap { uses(of: $0) } == [])
    }

    @Test func `a change of the password by cookie keeps the cookie and ends all others`() {
        let kept = all[2]

        let answer = change("/api/user/change-password/", with: kept.held)

        #expect(answer.status == 200)
        #expect(!uses(of: kept).isEmpty)
        #expect(all.filter { $0.name != kept.name }.flatMap { uses(of: $0) } == [])
    }

    @Test func `a failed change of the password ends nothing`() {
        let answer = client.post(
            "/api/v1/auth/change-password", ["old_password": "wrong", "new_password": "\(otherPassword)"],
            bearer: all[4].held.access)

        #expect(answer.status == 400)
        #expect(all.filter { uses(of: $0).isEmpty }.map(\.name) == [])
    }
}
