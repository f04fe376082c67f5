import Secrets
import Testing

/// Vectors of Django 5.2.19's `ScryptPasswordHasher`, over Python's hashlib.
@Suite struct ScryptHashTests {
    private static let vectors = [
        (
            "学生 pass-2024",
            "scrypt$16384$5AdhMJunJhYvmp15AMlYxX$8$5$5pSqBAD0gMhyQXTgdaovHIgdnz0WpYN9+JILhn8B0IpM9awf119TGI/BcQMgfIDCTPj"
                + "ibhdbSoZC52L5Q83rwA=="
        ),
        (
            "学生 pass-2024",
            "scrypt$1024$seasalt$8$1$KfuTZ71yUd5oqUqtX4puY62lxoAyyfG1JDbEJ7mqYJBITcBXtu/6fesZL0EVE89xFtFVYgVl7R3t0GfR"
                + "7CJswA=="
        ),
        (
            "seven-Owls-42",
            "scrypt$2048$Xy7 ü/+.$4$3$NqivzRF2iOBxSp85HIE1H/hpA+xv46GqhbGIUxbDQIkeZCrgIXuhVvl0S3k8btR02Sy3CgaS+oxiDh2"
                + "2GbnQMA=="
        ),
    ]

    @Test(arguments: vectors) func `Django's hash is the password's, and no other's`(
        password: String, stored: String
    ) throws {
        let hash = PasswordHash(stored: stored)

        #expect(hash.isUsable)
        #expect(try hash.matches(password))
        #expect(try !hash.matches(password + " "))
        #expect(try !hash.matches(""))
        #expect(hash.needsRehash(HashParameters()))
    }

    private static let key = String(repeating: "A", count: 86) + "=="

    @Test(arguments: [
        "scrypt", "scrypt$1024$s$8$1", "scrypt$1024$s$8$1$", "scrypt$1024$s$8$1$AAAA", "scrypt$1024$s$8$1$\(key)$",
        "scrypt$1024$s$8$1$\(key.dropLast())", "scrypt$1000$s$8$1$\(key)", "scrypt$1$s$8$1$\(key)",
        "scrypt$0$s$8$1$\(key)", "scrypt$1024$s$0$1$\(key)", "scrypt$1024$s$8$0$\(key)", "scrypt$-1024$s$8$1$\(key)",
        "scrypt$65536$s$1$1$\(key)", "scrypt$s$1024$8$1$\(key)",
    ]) func `what Django does not write is of no use`(stored: String) throws {
        let hash = PasswordHash(stored: stored)

        #expect(!hash.isUsable)
        #expect(hash.excess == nil)
        #expect(try !hash.matches("password"))
    }

    @Test(
        arguments: [
            ("scrypt$524288$s$8$4$\(key)", nil),
            (
                "scrypt$524288$s$8$5$\(key)",
                "scrypt: N times r times p: 20971520 is too much, at most 16777216 is accepted"
            ),
            (
                "scrypt$2097152$s$8$1$\(key)",
                "scrypt: KiB of memory: 2097153 is too much, at most 1048576 is accepted"
            ),
            (
                "scrypt$2$s$1$999999999$\(key)",
                "scrypt: KiB of memory: 125000000 is too much, at most 1048576 is accepted"
            ),
            (
                "scrypt$536870912$s$999999999$999999999$\(key)",
                "scrypt: KiB of memory: 192108863682891136 is too much, at most 1048576 is accepted"
            ),
            (
                "pbkdf2_sha256$10000001$salt$VawEblbjCJ/sFpHCJUS2BflBhSFt3gRl5oudV8INrLw=",
                "pbkdf2: iterations: 10000001 is too much, at most 10000000 is accepted"
            ),
            (
                "$argon2id$v=19$m=1048577,t=1,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA",
                "argon2: m, KiB of memory: 1048577 is too much, at most 1048576 is accepted"
            ),
            (
                "argon2$argon2i$v=19$m=64,t=32769,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA",
                "argon2: m times t: 2097216 is too much, at most 2097152 is accepted"
            ),
            (
                "bcrypt_sha256$$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
                "bcrypt: the binary logarithm of the rounds: 31 is too much, at most 16 is accepted"
            ),
            ("!", nil), ("nonsense", nil),
        ] as [(String, String?)]) func `what costs too much is told, with value and ceiling`(
            stored: String, excess: String?
        )
    {
        #expect(PasswordHash(stored: stored).excess == excess)
    }
}
