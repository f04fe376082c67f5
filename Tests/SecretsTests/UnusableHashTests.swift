import Secrets
import Testing

@Suite struct UnusableHashTests {
    @Test(arguments: [
        "", "$", "$$", "$$$$$", "!", "!PGAQSflagwtDedmBHEqPtQYcS6G5AbnGbAI1M0bs", "password", "plain$password",
        "md5$salt$5f4dcc3b5aa765d61d8327deb882cf99", "$1$salt$qJH7.N4xYta3aEG/dfqo/0", "$6$salt$hash", "\0",
        String(repeating: "$", count: 100_000),
    ])
    func `what is no hash of a known form matches nothing`(stored: String) throws {
        try expectUnusable(stored)
    }

    @Test(arguments: [
        "$argon2id", "$argon2id$", "$argon2id$v=19$m=64,t=2,p=1$c29tZXNhbHQ", "$argon2id$v=19$m=64,t=2,p=1$$",
        "$argon2x$v=19$m=64,t=2,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=20$m=64,t=2,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=64,t=2$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$t=2,m=64,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=64,t=2,p=1,data=AAAA$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=+64,t=2,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=-64,t=2,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=64,t=0,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=64,t=2,p=0$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=64,t=2,p=9$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=64,t=2,p=1$c29tZXNhbHQ=$AAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=64,t=2,p=1$c29tZXM$AAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=64,t=2,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAA",
        "$argon2id$v=19$m=64,t=2,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA$",
        "argon2$v=19$m=64,t=2,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA",
        "argon2$$argon2id$v=19$m=64,t=2,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA",
    ])
    func `a damaged argon2 hash matches nothing`(stored: String) throws {
        try expectUnusable(stored)
    }

    @Test(arguments: [
        "pbkdf2_sha256$1000$salt", "pbkdf2_sha256$$salt$VawEblbjCJ/sFpHCJUS2BflBhSFt3gRl5oudV8INrLw=",
        "pbkdf2_sha256$0$salt$VawEblbjCJ/sFpHCJUS2BflBhSFt3gRl5oudV8INrLw=",
        "pbkdf2_sha256$1$salt$VawEblbjCJ/sFpHCJUS2BflBhSFt3gRl5oudV8INrLw",
        "pbkdf2_sha256$1$salt$VawEblbjCJ/sFpHCJUS2BflBhSFt3gRl5oudV8INrA==", "pbkdf2_sha256$1$salt$=",
        "pbkdf2_sha1$1$salt$VawEblbjCJ/sFpHCJUS2BflBhSFt3gRl5oudV8INrLw=",
        "pbkdf2_md5$1$salt$VawEblbjCJ/sFpHCJUS2BflBhSFt3gRl5oudV8INrLw=", "pbkdf2$1$$dsCKnnetXG3aQH3s676q",
        "$pbkdf2-sha256$1$$dsCKnnetXG3aQH3s676q/FdfvaUt2rZlOYKeZTz2Sm", "$pbkdf2-sha256$1$salt", "$pbkdf2-sha256$1",
        "$pbkdf2-sha256$1$$dsCKnnetXG3aQH3s676q/FdfvaUt2rZlOYKeZTz2Smc=", "$pbkdf2-sha256$1$+$AAAA",
        "$pbkdf2-sha256$0$$dsCKnnetXG3aQH3s676q/FdfvaUt2rZlOYKeZTz2Smc",
        "$pbkdf2-sha512$1$$dsCKnnetXG3aQH3s676q/FdfvaUt2rZlOYKeZTz2Smc",
        "$pbkdf2-md5$1$$dsCKnnetXG3aQH3s676q/FdfvaUt2rZlOYKeZTz2Smc",
    ])
    func `a damaged pbkdf2 hash matches nothing`(stored: String) throws {
        try expectUnusable(stored)
    }

    @Test(arguments: [
        "$2b$05$", "$2$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$2b$5$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$2b$03$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe",
        "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeWW",
        "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe!",
        "bcrypt$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "bcrypt_md5$$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$bcrypt-sha256$v=1,t=2b,r=4$KhKmhKDLCKJoYyhcxjCkFu$oOLI6RTpX9kgK/28iUpZce.nF3rfwtO",
        "$bcrypt-sha256$v=2,t=2a,r=4$KhKmhKDLCKJoYyhcxjCkFu$oOLI6RTpX9kgK/28iUpZce.nF3rfwtO",
        "$bcrypt-sha256$v=2,t=2b,r=3$KhKmhKDLCKJoYyhcxjCkFu$oOLI6RTpX9kgK/28iUpZce.nF3rfwtO",
        "$bcrypt-sha256$v=2,t=2b,r=4$KhKmhKDLCKJoYyhcxjCkFuo$OLI6RTpX9kgK/28iUpZce.nF3rfwtO",
        "$bcrypt-sha256$v=2,t=2b,r=4$KhKmhKDLCKJoYyhcxjCkFuoOLI6RTpX9kgK/28iUpZce.nF3rfwtO",
        "$bcrypt-sha256$2y,4$S2K5uhbmYju0sHuQ05Ug8e$qmQYxK4Qnfhhq.cPCrIXLr18IZQVl1y", "$bcrypt-sha256$",
    ])
    func `a damaged bcrypt hash matches nothing`(stored: String) throws {
        try expectUnusable(stored)
    }

    @Test(arguments: [
        "$argon2id$v=19$m=1048577,t=1,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=1048576,t=3,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=64,t=32769,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=4294967296,t=1,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=99999999999999999999,t=1,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA",
        "pbkdf2_sha256$10000001$salt$VawEblbjCJ/sFpHCJUS2BflBhSFt3gRl5oudV8INrLw=",
        "$2b$17$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$pbkdf2-sha256$10000001$$dsCKnnetXG3aQH3s676q/FdfvaUt2rZlOYKeZTz2Smc",
        "$pbkdf2-sha512$2000001$....///.$myomLOtDQehpeLy.iuTqWYcTH.7BNoWwAaUd2kTsMaRicDT14JlBLZGCFkI8nL2uQWxzKXlrtiYyi"
            + "EAzpJKdWQ",
        "$bcrypt-sha256$v=2,t=2b,r=17$KhKmhKDLCKJoYyhcxjCkFu$oOLI6RTpX9kgK/28iUpZce.nF3rfwtO",
        "bcrypt_sha256$$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
    ])
    func `a hash that would cost too much matches nothing`(stored: String) throws {
        try expectUnusable(stored)
    }

    private func expectUnusable(_ stored: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let hash = PasswordHash(stored: stored)

        #expect(!hash.isUsable, sourceLocation: sourceLocation)
        #expect(try !hash.matches("password"), sourceLocation: sourceLocation)
        #expect(try !hash.matches(""), sourceLocation: sourceLocation)
        #expect(hash.needsRehash(HashParameters()), sourceLocation: sourceLocation)
    }
}
