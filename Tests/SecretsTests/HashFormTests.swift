import Glibc
import Secrets
import Testing

@Suite struct HashFormTests {
    private static let stored = [
        (
            "$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "$argon2id$v=19$m=64,t=1,p=1"
        ),
        ("$argon2i$m=512,t=2,p=2$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA", "$argon2i$m=512,t=2,p=2"),
        ("$argon2id$v=16$m=64,t=1,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA", "$argon2id$v=16$m=64,t=1,p=1"),
        (
            "argon2$argon2id$v=19$m=1024,t=2,p=8$MDEyMzQ1Njc4OWFiY2RlZg$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
            "argon2$argon2id$v=19$m=1024,t=2,p=8"
        ),
        ("pbkdf2_sha256$1$salt$VawEblbjCJ/sFpHCJUS2BflBhSFt3gRl5oudV8INrLw=", "pbkdf2_sha256$1"),
        ("pbkdf2_sha1$1$salt$DGDID5YfDnHzqbUkr2ASBi/gN6Y=", "pbkdf2_sha1$1"),
        ("bcrypt_sha256$$2b$04$g6lOvoHEGWjqV3AA7TIjOe76xxO/Kbv2qar6N94fIEwhazLql5Oym", "bcrypt_sha256$$2b$04"),
        ("bcrypt$$2b$04$ebwJ/JUyhSvRO844EgUtWeunqsrzHTBTdrfSbWXPQsW0ljaRttjzi", "bcrypt$$2b$04"),
        ("$2b$04$wjdRFL7kBiFCmC.KTOvlouOmO7mHRQCgcJf0YxwkuN32XI2OqN8jS", "$2b$04"),
        (
            "$pbkdf2-sha256$29000$rlWKsXaO0dqb815L6V1rLQ$k.vzE3pc5opnWKaJZocRUnWDgOymF9xdS1Mu1aTuVKI",
            "$pbkdf2-sha256$29000"
        ),
        (
            "$pbkdf2-sha512$1000$....///.$myomLOtDQehpeLy.iuTqWYcTH.7BNoWwAaUd2kTsMaRicDT14JlBLZGCFkI8nL2uQWxzKXlrtiYy"
                + "iEAzpJKdWQ",
            "$pbkdf2-sha512$1000"
        ),
        ("$pbkdf2$131000$IWTsfW8txdib07rXmrOW0g$GIYLaegE1vHa9qjjXgziL3rKs7U", "$pbkdf2$131000"),
        (
            "$bcrypt-sha256$v=2,t=2b,r=4$KhKmhKDLCKJoYyhcxjCkFu$oOLI6RTpX9kgK/28iUpZce.nF3rfwtO",
            "$bcrypt-sha256$v=2,t=2b,r=4"
        ),
        ("$bcrypt-sha256$2a,4$S2K5uhbmYju0sHuQ05Ug8e$qmQYxK4Qnfhhq.cPCrIXLr18IZQVl1y", "$bcrypt-sha256$2a,4"),
        (
            "scrypt$1024$seasalt$8$1$KfuTZ71yUd5oqUqtX4puY62lxoAyyfG1JDbEJ7mqYJBITcBXtu/6fesZL0EVE89xFtFVYgVl7R3t0GfR"
                + "7CJswA==",
            "scrypt$1024$8$1"
        ),
    ]

    @Test(arguments: stored)
    func `a hash's form is what stands before salt and hash`(stored: String, form: String) {
        #expect(PasswordHash.form(of: stored) == form)
    }

    @Test(arguments: stored)
    func `a form's decoy matches nothing and is no account's hash`(stored: String, form: String) throws {
        let decoy = try #require(PasswordHash.decoy(form: form))

        #expect(try !decoy.matches("学生 pass-2024"))
        #expect(try !decoy.matches(""))
        #expect(!decoy.isUsable)
    }

    @Test(arguments: [
        ("pbkdf2_sha256$200000", "pbkdf2_sha256$200000$salt$VawEblbjCJ/sFpHCJUS2BflBhSFt3gRl5oudV8INrLw="),
        (
            "scrypt$16384$8$5",
            "scrypt$16384$5AdhMJunJhYvmp15AMlYxX$8$5$5pSqBAD0gMhyQXTgdaovHIgdnz0WpYN9+JILhn8B0IpM9awf119TGI/BcQMgfIDCTPj"
                + "ibhdbSoZC52L5Q83rwA=="
        ),
        ("$2b$08", "$2b$08$wjdRFL7kBiFCmC.KTOvlouOmO7mHRQCgcJf0YxwkuN32XI2OqN8jS"),
        (
            "$argon2id$v=19$m=32768,t=2,p=1",
            "$argon2id$v=19$m=32768,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        ),
    ])
    func `a form's decoy costs what its hashes cost`(form: String, stored: String) throws {
        let decoy = try #require(PasswordHash.decoy(form: form))
        let hash = PasswordHash(stored: stored)

        let ratio = try leastSeconds { _ = try decoy.matches("password") } / leastSeconds { _ = try hash.matches("x") }

        #expect((0.5...2).contains(ratio))
    }

    @Test(arguments: [
        "", "$", "!", "password", "$argon2id", "$argon2id$v=19", "$argon2id$v=19$m=1048577,t=1,p=1",
        "$argon2id$v=19$m=64,t=1,p=1$", "$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg", "pbkdf2_sha256",
        "pbkdf2_sha256$10000001", "pbkdf2_sha256$1$salt", "$2b$17", "$2b", "bcrypt$2b$12", "$pbkdf2-sha512$2000001",
        "$bcrypt-sha256$v=2,t=2b,r=17", "$bcrypt-sha256$v=3,t=2b,r=12", "scrypt$16384", "scrypt$16384$8",
        "scrypt$1048576$8$3", "scrypt$16383$8$5",
    ])
    func `what is no usable form has no decoy`(form: String) {
        #expect(PasswordHash.decoy(form: form) == nil)
    }

    @Test(arguments: [
        "", "!", "!PGAQSflagwtDedmBHEqPtQYcS6G5AbnGbAI1M0bs", "md5$salt$5f4dcc3b5aa765d61d8327deb882cf99",
    ])
    func `what is no usable hash has no form`(stored: String) {
        #expect(PasswordHash.form(of: stored) == nil)
    }

    /// Of the processor for this thread, the least of three times.
    private func leastSeconds(_ work: () throws -> Void) rethrows -> Double {
        var least = Double.infinity
        for _ in 1...3 {
            let start = threadSeconds()
            try work()
            least = min(least, threadSeconds() - start)
        }
        return least
    }

    private func threadSeconds() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
