import Secrets
import Testing

@Suite struct Argon2HashTests {
    @Test(arguments: [
        // phc-winner-argon2, src/test.c.
        ("password", "$argon2i$m=65536,t=2,p=1$c29tZXNhbHQ$9sTbSlTio3Biev89thdrlKKiCaYsjjYVJxGAL3swxpQ"),
        ("password", "$argon2i$m=256,t=2,p=1$c29tZXNhbHQ$/U3YPXYsSb3q9XxHvc0MLxur+GP960kN9j7emXX8zwY"),
        ("password", "$argon2i$m=256,t=2,p=2$c29tZXNhbHQ$tsEVYKap1h6scGt5ovl9aLRGOqOth+AMB+KwHpDFZPs"),
        ("password", "$argon2i$v=19$m=65536,t=1,p=1$c29tZXNhbHQ$0WgHXE2YXhPr6uVgz4uUw7XYoWxRkWtvSsLaOsEbvs8"),
        ("password", "$argon2i$v=19$m=256,t=2,p=1$c29tZXNhbHQ$iekCn0Y3spW+sCcFanM2xBT63UP2sghkUoHLIUpWRS8"),
        ("password", "$argon2i$v=19$m=256,t=2,p=2$c29tZXNhbHQ$T/XOJ2mh1/TIpJHfCdQan76Q5esCFVoT5MAeIM1Oq2E"),
        ("password", "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"),
        ("password", "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc"),
        ("password", "$argon2id$v=19$m=65536,t=4,p=1$c29tZXNhbHQ$kCXUjmjvc5XMqQedpMTsOv+zyJEf5PhtGiUghW9jFyw"),
        ("differentpassword", "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$C4TWUs9rDEvq7w3+J4umqA32aWKB1+DSiRuBfYxFj94"),
    ])
    func `the reference implementation's hashes match`(password: String, stored: String) throws {
        let hash = PasswordHash(stored: stored)

        #expect(try hash.matches(password))
        #expect(try !hash.matches(password + "x"))
    }

    @Test(arguments: [
        // argon2-cffi 25.1.0 in every variant, with its defaults, and in version 1.0 of the algorithm.
        "$argon2d$v=19$m=64,t=2,p=2$/6/LP2+cDX5CoXQX5mrCwg$fznIvZYmB+WOvxGyDmrIZV4lDUxMY5zi",
        "$argon2i$v=19$m=64,t=2,p=2$AZiXwtQKqPxmwb/E0CT5gA$wONbeBQlze4P+leRzBwheUIhMoVcZaO8x7QiuWL3gvo",
        "$argon2id$v=19$m=64,t=2,p=2$RICqNDbQiGeQJuNXV0h2JQ$CQHP3bHhfP+Dpt9ni5rI5cZd+3A4uOer7D/CCaxL52A",
        "$argon2id$v=19$m=65536,t=3,p=4$B8wid3nDYx9MBBHUON0EHA$ovtGDihpShbcRvZjbl+yQFTgTvvZQVClYKO7ziTU1Lw",
        "$argon2i$v=16$m=64,t=2,p=1$c29tZXNhbHQxMjM0NTY3OA$QbsQglNqPc8OG5DRWpKzyrVS4PfvdiFWBr658EsDJ4s",
    ])
    func `hashes of argon2-cffi match`(stored: String) throws {
        let hash = PasswordHash(stored: stored)

        #expect(try hash.matches("学生 pass-2024"))
        #expect(try !hash.matches("学生 pass-2024" + "x"))
        #expect(hash.needsRehash(HashParameters()))
    }

    @Test(arguments: [
        // passlib 1.7.4.
        "$argon2i$v=19$m=64,t=2,p=2$lbLWOkeo9Z4zRuhdy1nrfQ$efMclheatoccq/XmS7f3db+W8Xw3pV2irn5e+i0ACEg",
        "$argon2id$v=19$m=64,t=2,p=1$iNEaA0AIobQWYsy5V2qt1Q$9gvF3hPwgWUhQsJOhBpluQcrawPkjxayl3THqE2PwiQ",
    ])
    func `hashes of passlib match`(stored: String) throws {
        let hash = PasswordHash(stored: stored)

        #expect(try hash.matches("学生 pass-2024"))
        #expect(try !hash.matches("学生 pass-2024" + "x"))
        #expect(hash.needsRehash(HashParameters()))
    }

    @Test(arguments: [
        // Django 5.2.19, Argon2PasswordHasher: with its defaults and with less memory.
        "argon2$argon2id$v=19$m=102400,t=2,p=8$SjQwc2pWcldvd2VuTE9PTk1ZRnFtNw"
            + "$RpkynE2l4zN1yQ6ZpqXdc61IoiqQTlxiCucq0E7qiXw",
        "argon2$argon2id$v=19$m=256,t=2,p=8$WEdPSkJPTDhqdmVHRk4zcVZZZnVSZQ"
            + "$kQEN7tqMMqkuU6j4hzvrfqZo9nXY6R0yIw0LPS3Av+Q",
    ])
    func `Django's argon2 hashes match`(stored: String) throws {
        let hash = PasswordHash(stored: stored)

        #expect(try hash.matches("学生 pass-2024"))
        #expect(try !hash.matches("学生 pass-2024" + "x"))
        #expect(hash.needsRehash(HashParameters()))
    }
}
