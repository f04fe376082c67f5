import Secrets
import Testing

@Suite struct PBKDF2HashTests {
    @Test(arguments: [
        // RFC 7914 §11, the first 32 of 64 bytes.
        ("passwd", "pbkdf2_sha256$1$salt$VawEblbjCJ/sFpHCJUS2BflBhSFt3gRl5oudV8INrLw="),
        ("Password", "pbkdf2_sha256$80000$NaCl$TdzY9guYviGDDO5e8icB+WQaRBjQTAQUrv8Ih2s0q1Y="),
    ])
    func `the vectors for PBKDF2 with SHA-256 match`(password: String, stored: String) throws {
        let hash = PasswordHash(stored: stored)

        #expect(try hash.matches(password))
        #expect(try !hash.matches(password + "x"))
    }

    @Test(arguments: [
        // RFC 6070 §2.
        ("password", "pbkdf2_sha1$1$salt$DGDID5YfDnHzqbUkr2ASBi/gN6Y="),
        ("password", "pbkdf2_sha1$2$salt$6mwBTcctb4zNHtkqzh1B8NjeiVc="),
        ("password", "pbkdf2_sha1$4096$salt$SwB5AbdlSJq+rUnZJvch0GWkKcE="),
    ])
    func `the vectors for PBKDF2 with SHA-1 match`(password: String, stored: String) throws {
        let hash = PasswordHash(stored: stored)

        #expect(try hash.matches(password))
        #expect(try !hash.matches(password + "x"))
    }

    @Test(arguments: [
        // Django 5.2.19, the second with its default iterations.
        "pbkdf2_sha256$1000$pepperSalt1234567890ab$ApNgWiqRxh7/25bdGpI34UCXXuEXz5znnbz4+nsOptU=",
        "pbkdf2_sha256$1000000$kAouOcUZAVGFo0i2v5Gm5f$ur4+vnIJ3xlsUiBfJFRa14CsZ9fT5awwDi+IbAYoCog=",
        "pbkdf2_sha1$1000$pepperSalt1234567890ab$cvIQEuh/YWgkF85zAkv05vHiP+E=",
    ])
    func `Django's pbkdf2 hashes match`(stored: String) throws {
        let hash = PasswordHash(stored: stored)

        #expect(try hash.matches("学生 pass-2024"))
        #expect(try !hash.matches("学生 pass-2024" + "x"))
        #expect(hash.needsRehash(HashParameters()))
    }

    @Test(arguments: [
        // passlib 1.7.4: pbkdf2_sha256, pbkdf2_sha512 and pbkdf2_sha1 with its default rounds, then with a salt whose
        // base64 has both of its own letters, then without any.
        "$pbkdf2-sha256$29000$rlWKsXaO0dqb815L6V1rLQ$k.vzE3pc5opnWKaJZocRUnWDgOymF9xdS1Mu1aTuVKI",
        "$pbkdf2-sha512$25000$EeKc8957b82ZU6o1JgSAcA$BpsuimShoGq8BM39dEuCjUc49OfmaozjKxxporgGfdJ8lzES6jSbEflnES9Rtgpv"
            + "YGfLu8z/ix3WAyFnDDz0Wg",
        "$pbkdf2$131000$IWTsfW8txdib07rXmrOW0g$GIYLaegE1vHa9qjjXgziL3rKs7U",
        "$pbkdf2-sha256$1000$....///.$YA7aracye9FUltnklRjOxkxQQNydgZgutxo6sh4zt4s",
        "$pbkdf2-sha512$1000$....///.$myomLOtDQehpeLy.iuTqWYcTH.7BNoWwAaUd2kTsMaRicDT14JlBLZGCFkI8nL2uQWxzKXlrtiYyiEAz"
            + "pJKdWQ",
        "$pbkdf2-sha256$1$$dsCKnnetXG3aQH3s676q/FdfvaUt2rZlOYKeZTz2Smc",
    ])
    func `passlib's pbkdf2 hashes match`(stored: String) throws {
        let hash = PasswordHash(stored: stored)

        #expect(try hash.matches("学生 pass-2024"))
        #expect(try !hash.matches("学生 pass-2024" + "x"))
        #expect(hash.needsRehash(HashParameters()))
    }
}
