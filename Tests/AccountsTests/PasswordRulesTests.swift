import Testing

@testable import Accounts

/// Contract 1's rules. What they find was found by Django 5.2's own validators.
@Suite struct PasswordRulesTests {
    private static let rules = PasswordRules(
        shortest: 8, refusesCommon: true, refusesNumeric: true, dissimilarTo: [.username, .email])

    @Test(
        arguments: [
            ("testpassword123", []), ("newpassword456", []), ("abcdefg!", []), ("😀😀😀😀😀😀😀😀", []),
            ("e\u{301}e\u{301}e\u{301}e\u{301}", []), ("        ", []), ("a\0b\0c\0d\0", []),
            ("😀😀😀😀😀😀😀", [.tooShort(8)]), ("abc", [.tooShort(8), .common]), ("a-c", [.tooShort(8)]),
            ("", [.tooShort(8)]),
            ("password", [.common]), ("PASSWORD", [.common]), (" password ", [.common]), ("\tpassword\n", [.common]),
            ("!QAZ2WSX", [.common]), ("xxxxxxxx", [.common]), ("xxxxxxxxxx", [.common]),
            ("abcdefg", [.tooShort(8), .common]), ("!", [.tooShort(8), .common]), ("я", [.tooShort(8), .common]),
            ("Я", [.tooShort(8), .common]), ("!@#$%^", [.tooShort(8), .common]),
            ("1029384756", [.common, .numeric]), ("12345678", [.common, .numeric]), ("83649201", [.numeric]),
            ("1234567", [.tooShort(8), .common, .numeric]), ("836492", [.tooShort(8), .numeric]),
            ("١٢٣٤٥٦٧٨", [.numeric]), ("１２３４５６７８", [.numeric]), ("²²²²²²²²", [.numeric]), ("①②③④⑤⑥⑦⑧", [.numeric]),
            ("½½½½½½½½", []), ("ⅧⅧⅧⅧⅧⅧⅧⅧ", []), ("一二三四五六七八", []), ("8364920-", []),
        ] as [(String, [Rule])])
    func `length, common passwords and digits are judged as Django does`(password: String, rules: [Rule]) {
        #expect(Self.rules.violations(of: password, username: "x", email: "a@b.org") == rules)
    }

    @Test(
        arguments: [
            ("testuser1", "testuser", "a@b.org", .username), ("resutset", "testuser", "a@b.org", .username),
            ("xtestuserx", "testuser", "a@b.org", .username), ("testuser12345", "testuser", "a@b.org", .username),
            ("TESTUSER99", "testuser", "a@b.org", .username), ("testuser99", "TestUser", "a@b.org", .username),
            ("testuser123456789", "testuser", "a@b.org", nil), ("testpassword123", "testuser", "test@example.com", nil),
            ("newpassword456", "testuser", "test@example.com", nil),
            ("annasmith", "xyz", "anna.smith@example.com", .email),
            ("example1", "xyz", "anna.smith@example.com", .email),
            ("example.com", "xyz", "anna.smith@example.com", .email),
            ("anna.smith@example.com", "xyz", "anna.smith@example.com", .email),
            ("annasmithexamplecom", "xyz", "anna.smith@example.com", .email),
            ("smithsmith", "xyz", "anna.smith@example.com", nil), ("orgorgorg", "abc", "a@b.org", nil),
            ("user_name", "user_name", "a@b.org", .username), ("username-", "user-name", "a@b.org", .username),
            ("王小明王小明王小明", "王小明", "a@b.org", nil), ("नमस्ते12", "नमस्ते", "a@b.org", .username),
            ("नमसनमसनमस", "नमस्ते", "a@b.org", nil), ("स्तेस्ते", "नमस्ते", "a@b.org", nil),
            ("İstanbul", "istanbul", "a@b.org", .username), ("kaputtes", "anna", "anna@b.org", nil),
        ] as [(String, String, String, Field?)])
    func `likeness to name and address is judged as Django does`(
        password: String, username: String, email: String, field: Field?
    ) {
        let rules = Self.rules.violations(of: password, username: username, email: email)

        #expect(rules == (field.map { [.similar(to: $0)] } ?? []))
    }

    @Test(
        arguments: [
            ("12345678", "12345678", [.common, .numeric, .similar(to: .username)]),
            ("password", "password", [.common, .similar(to: .username)]),
            ("user", "user-name", [.tooShort(8), .common, .similar(to: .username)]),
            ("ABCDEFGH", "abcdefgh", [.common, .similar(to: .username)]),
        ] as [(String, String, [Rule])])
    func `all that is wrong is found at once`(password: String, username: String, rules: [Rule]) {
        #expect(Self.rules.violations(of: password, username: username, email: "a@b.org") == rules)
    }

    @Test func `a password like name and address is called like the name`() {
        let rules = Self.rules.violations(of: "annasmith1", username: "annasmith", email: "annasmith@b.org")

        #expect(rules == [.similar(to: .username)])
    }

    @Test func `without name and address nothing is alike`() {
        #expect(Self.rules.violations(of: "annasmith", username: nil, email: nil) == [])
    }

    @Test func `a password has at most 1024 bytes`() {
        #expect(Self.rules.violations(of: String(repeating: "é", count: 512), username: nil, email: nil) == [])
        #expect(
            Self.rules.violations(of: String(repeating: "é", count: 513), username: nil, email: nil)
                == [.tooManyBytes(1024)])
    }

    @Test func `a rule that a contract does not have is not applied`() {
        let rules = PasswordRules(shortest: 6)

        #expect(rules.violations(of: "123456", username: "123456", email: nil) == [])
    }

    @Test func `a longest length counts characters`() {
        let rules = PasswordRules(shortest: 8, longest: 128)

        #expect(rules.violations(of: String(repeating: "😀", count: 128), username: nil, email: nil) == [])
        #expect(rules.violations(of: String(repeating: "😀", count: 129), username: nil, email: nil) == [.tooLong(128)])
    }

    @Test func `the list of common passwords is Django's, each found and in order`() {
        let lines = commonPasswordList.description.split(separator: "\n", omittingEmptySubsequences: false)

        #expect(lines.count == 19_640)
        #expect(lines.first == "!")
        #expect(lines.last == "я")
        #expect(lines.allSatisfy { CommonPasswords.contains(String($0)) })
    }

    @Test(arguments: ["", "passwor", "passworda", "zzzzzzzzzzzzzzzz", "яя", "\n", "password\n12345678", " "])
    func `what is not in the list is not common`(password: String) {
        #expect(!CommonPasswords.contains(password))
    }
}
