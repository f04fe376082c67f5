import Secrets
import TestSupport
import Testing

@testable import Accounts

/// What an unknown name costs.
@Suite struct PasswordFormTests {
    /// 1,000 accounts: a tenth of them with each of two older forms, the others with ours.
    private static func filled() throws -> AccountsFixture {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        try accounts.register("anna")
        try fixture.sql(
            """
            INSERT INTO accounts (username, username_key, email, email_key, password_hash, created_at, updated_at)
            SELECT CONCAT('u', seq), CONCAT('u', seq), CONCAT('u', seq, '@b.example'), CONCAT('u', seq, '@b.example'),
            CASE seq % 10 WHEN 0 THEN 'pbkdf2_sha256$1000$salt$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='
            WHEN 1 THEN 'bcrypt_sha256$$2b$04$abcdefghijklmnopqrstuuAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'
            ELSE (SELECT password_hash FROM accounts WHERE id = 1) END, NOW(), NOW()
            FROM seq_1_to_999
            """)
        return fixture
    }

    @Test func `accounts are counted by the forms of their hashes`() throws {
        let fixture = try PasswordFormTests.filled()

        let counts = try fixture.sql("SELECT password_form, COUNT(*) FROM accounts GROUP BY password_form ORDER BY 1")

        #expect(
            counts == """
                $argon2id$v=19$m=64,t=1,p=1\t801
                bcrypt_sha256$$2b$04\t100
                pbkdf2_sha256$1000\t99
                """)
    }

    @Test(arguments: [
        "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$VGhpcyBpcyBhIHRhZyBvZiAzMiBieXRlcy4uLi4uLi4",
        "argon2$argon2id$v=19$m=102400,t=2,p=8$c29tZXNhbHRzb21lc2FsdA$VGhpcyBpcyBhIHRhZyBvZiAzMiBieXRlcy4uLi4uLi4",
        "pbkdf2_sha256$870000$salt$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "bcrypt_sha256$$2b$12$abcdefghijklmnopqrstuuAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$2b$12$abcdefghijklmnopqrstuuAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        """
        scrypt$1024$seasalt$8$1$KfuTZ71yUd5oqUqtX4puY62lxoAyyfG1JDbEJ7mqYJBITcBXtu/6fesZL0EVE89xFtFVYgVl7R3t0GfR7CJswA\
        ==
        """,
    ])
    func `the database and the program call a form the same`(hash: String) throws {
        let fixture = try AccountsFixture()
        try fixture.accounts().register("anna")

        try fixture.sql("UPDATE accounts SET password_hash = '\(hash)'")

        let form = try fixture.sql("SELECT password_form FROM accounts")
        #expect(form == PasswordHash.form(of: hash))
        #expect(PasswordHash.decoy(form: form) != nil)
    }

    @Test func `names are given forms as often as accounts have them`() throws {
        let fixture = try PasswordFormTests.filled()
        let counts = PasswordForms.Counts([
            .init(form: "$argon2id$v=19$m=64,t=1,p=1", accounts: 801),
            .init(form: "bcrypt_sha256$$2b$04", accounts: 100),
            .init(form: "pbkdf2_sha256$1000", accounts: 99),
        ])

        var drawn: [String: Int] = [:]
        for number in 0..<20_000 {
            let draw = fixture.signer.keyedHash(of: "password form of nobody\(number)")
            drawn[counts.form(at: draw) ?? "", default: 0] += 1
        }

        // Five standard deviations of 20,000 draws with p = 0.8 are 284, with p = 0.1 they are 212.
        #expect(abs((drawn["$argon2id$v=19$m=64,t=1,p=1"] ?? 0) - 16_020) < 284)
        #expect(abs((drawn["bcrypt_sha256$$2b$04"] ?? 0) - 2000) < 212)
        #expect(abs((drawn["pbkdf2_sha256$1000"] ?? 0) - 1980) < 212)
    }

    @Test func `a name is always given the same form, and another key gives it another`() throws {
        let names = (0..<64).map { "password form of nobody\($0)" }
        let (one, other) = try (
            TokenSigner(keys: [[UInt8](0..<32)], issuer: "homeroom"),
            TokenSigner(keys: [[UInt8](1..<33)], issuer: "homeroom")
        )

        #expect(names.map { one.keyedHash(of: $0) } == names.map { one.keyedHash(of: $0) })
        #expect(zip(names, names).allSatisfy { one.keyedHash(of: $0) != other.keyedHash(of: $1) })
    }

    @Test func `one more account gives hardly any name another form`() {
        func forms(_ ours: UInt64) -> [String?] {
            let counts = PasswordForms.Counts([
                .init(form: "$argon2id$v=19$m=64,t=1,p=1", accounts: ours),
                .init(form: "pbkdf2_sha256$1000", accounts: 100),
            ])
            return (0..<1000).map { counts.form(at: UInt64($0) * 18_446_744_073_709_551) }
        }

        let changed = zip(forms(300), forms(301)).count { $0 != $1 }

        #expect(changed <= 2)
    }

    @Test func `forms that no password can be checked against are given to nobody`() {
        let counts = PasswordForms.Counts([
            .init(form: "!x", accounts: 10), .init(form: "pbkdf2_sha256$1000", accounts: 1),
        ])

        #expect((0..<100).allSatisfy { counts.form(at: $0 << 57) == "pbkdf2_sha256$1000" })
    }

    /// The facts that let names be sorted by time would show here: how long each of them hashes, in CPU time.
    @Test func `by the time that they hash, unknown names cannot be told from known ones`() throws {
        let fixture = try PasswordFormTests.filled()
        // Dear enough that its time is told from ours by far.
        try fixture.sql(
            """
            UPDATE accounts SET password_hash = 'pbkdf2_sha256$30000$salt$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='
            WHERE password_hash LIKE 'pbkdf2%' OR password_hash LIKE 'bcrypt%'
            """)
        let accounts = fixture.accounts()
        func isDear(_ name: String) -> Bool {
            _ = accounts.takeUsage()
            _ = refusal { try accounts.signIn(name, "wrong") }
            return accounts.takeUsage().hashing > .milliseconds(3)
        }

        let known = (1...400).count { isDear("u\($0)") }
        let unknown = (1...400).count { isDear("nobody\($0)") }

        // A fifth of 400 accounts, ± five standard deviations of 8.
        #expect((70...100).contains(known))
        #expect((40...120).contains(unknown))
    }
}
