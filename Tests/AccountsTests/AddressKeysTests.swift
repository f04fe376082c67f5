import Accounts
import Database
import TestSupport
import Testing

/// Accounts from before domains were compared as their A-labels.
struct AddressKeysTests {
    private let fixture: AccountsFixture

    init() throws {
        fixture = try AccountsFixture()
    }

    /// An account as it was stored then: the address in lower case is its key.
    private func insert(_ id: Int, _ email: String, key: String, username: String? = nil) throws {
        let name = username ?? "user\(id)"
        try fixture.sql(
            """
            INSERT INTO accounts (id, username, username_key, email, email_key, password_hash, created_at, updated_at)
            VALUES (\(id), '\(name)', '\(username == nil ? name : key)', '\(email)', '\(key)', '!', NOW(), NOW())
            """)
    }

    private func migrate() throws -> [String] {
        var lines: [String] = []
        for step in AddressKeys.steps(report: { lines.append($0) }).values { try step(Connection(fixture.address)) }
        return lines
    }

    private func keys() throws -> String {
        try fixture.sql("SELECT id, email_key, username_key FROM accounts ORDER BY id")
    }

    @Test func `keys of addresses in other scripts become A-labels, of all others nothing changes`() throws {
        try insert(1, "anna@b.example", key: "anna@b.example")
        try insert(2, "x@München.de", key: "x@münchen.de")
        try insert(3, "x@faß.de", key: "x@fass.de")
        try insert(4, "x@xn--mnchen-3ya.example", key: "x@xn--mnchen-3ya.example")
        try insert(5, "josé@b.example", key: "josé@b.example")
        try insert(6, "x@xn--zzzz99999.de", key: "x@xn--zzzz99999.de")

        #expect(try migrate() == [])

        #expect(
            try keys() == """
                1\tanna@b.example\tuser1
                2\tx@xn--mnchen-3ya.de\tuser2
                3\tx@xn--fa-hia.de\tuser3
                4\tx@xn--mnchen-3ya.example\tuser4
                5\tjosé@b.example\tuser5
                6\tx@xn--zzzz99999.de\tuser6
                """)
    }

    @Test func `a username that is the address goes along`() throws {
        try insert(1, "x@münchen.de", key: "x@münchen.de", username: "x@münchen.de")

        #expect(try migrate() == [])

        #expect(try keys() == "1\tx@xn--mnchen-3ya.de\tx@xn--mnchen-3ya.de")
    }

    @Test func `of two accounts with one address both are named, and one keeps its old key`() throws {
        try insert(1, "x@münchen.de", key: "x@münchen.de")
        try insert(2, "x@xn--mnchen-3ya.de", key: "x@xn--mnchen-3ya.de")
        try insert(3, "y@xn--mnchen-3ya.de", key: "y@xn--mnchen-3ya.de")
        try insert(4, "y@münchen.de", key: "y@münchen.de", username: "y@münchen.de")

        let lines = try migrate()

        #expect(
            lines == [
                "accounts 2 and 1 have one address, x@xn--mnchen-3ya.de. It signs in 2; 1 keeps the form x@münchen.de, "
                    + "which signs nobody in. Delete one, or give 1 another address: UPDATE accounts SET email = '…', "
                    + "email_key = '…' WHERE id = 1",
                "accounts 3 and 4 have one address, y@xn--mnchen-3ya.de. It signs in 3; 4 keeps the form y@münchen.de, "
                    + "which signs nobody in. Delete one, or give 4 another address: UPDATE accounts SET email = '…', "
                    + "email_key = '…', username = '…', username_key = '…' WHERE id = 4",
            ])
        #expect(
            try keys() == """
                1\tx@münchen.de\tuser1
                2\tx@xn--mnchen-3ya.de\tuser2
                3\ty@xn--mnchen-3ya.de\tuser3
                4\ty@münchen.de\ty@münchen.de
                """)
    }

    @Test func `a username that would grow too long stays, and the address signs in all the same`() throws {
        let local = String(repeating: "x", count: 64)
        let typed =
            "\(local)@" + Array(repeating: String(repeating: "ü", count: 26), count: 3).joined(separator: ".") + ".de"
        try insert(1, typed, key: typed, username: typed)

        #expect(try migrate() == [])

        let label = "xn--tda" + String(repeating: "a", count: 25)
        #expect(try keys() == "1\t\(local)@\(label).\(label).\(label).de\t\(typed)")
    }

    @Test func `it may be repeated, and goes on where it was killed`() throws {
        for id in 1...3 { try insert(id, "x\(id)@münchen.de", key: "x\(id)@münchen.de") }
        _ = try migrate()
        try fixture.sql("UPDATE accounts SET email_key = 'x3@münchen.de' WHERE id = 3")

        #expect(try migrate() == [])

        #expect(
            try fixture.sql("SELECT email_key FROM accounts ORDER BY id") == """
                x1@xn--mnchen-3ya.de
                x2@xn--mnchen-3ya.de
                x3@xn--mnchen-3ya.de
                """)
    }

    @Test func `more than a batch of them is one pass`() throws {
        try fixture.sql(
            """
            INSERT INTO accounts (username, username_key, email, email_key, password_hash, created_at, updated_at)
            SELECT CONCAT('u', seq), CONCAT('u', seq), CONCAT('u', seq, '@münchen.de'), CONCAT('u', seq, '@münchen.de'),
            '!', NOW(), NOW() FROM seq_1_to_1200
            """)

        #expect(try migrate() == [])

        #expect(
            try fixture.sql("SELECT COUNT(*) FROM accounts WHERE email_key LIKE 'u%@xn--mnchen-3ya.de'") == "1200")
    }
}
