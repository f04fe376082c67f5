import Secrets
import Testing

@Suite struct BcryptHashTests {
    @Test(arguments: [
        // Openwall crypt_blowfish 1.2, John the Ripper 1.7.9, jBCrypt.
        ("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
        ("U*U*", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK"),
        ("U*U*U", "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a"),
        ("", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy"),
        ("U*U*U*U*", "$2a$05$c92SVSfjeiCD6F2nAD6y0uBpJDjdRkt0EgeC4/31Rf2LUZbDRDE.O"),
        ("U*U***U", "$2a$05$WY62Xk2TXZ7EvVDQ5fmjNu7b0GEzSzUXUh2cllxJwhtOeMtWV3Ujq"),
        ("abc", "$2a$06$If6bvum7DFjUnE9p2uDeDu0YHzrHM6tf.iqN8.yx.jNN1ILEf7h0i"),
    ])
    func `the vectors for bcrypt match`(password: String, stored: String) throws {
        let hash = PasswordHash(stored: stored)

        #expect(try hash.matches(password))
        #expect(try !hash.matches(password + "x"))
    }

    @Test(arguments: [
        // bcrypt 5.0.0 for Python, then Django 5.2.19's BCryptPasswordHasher and BCryptSHA256PasswordHasher.
        "$2b$04$APghSKsnNxXgQIC8nvXP9eU2EzGy6O3htxpkK38NOCWOwpRwoMine",
        "$2a$04$mcGQgmlKFhFeS.YDrPz.s.BwwJdTm/Z5ahYzRYPZ14FsYzadeoxAa",
        "bcrypt$$2b$04$ebwJ/JUyhSvRO844EgUtWeunqsrzHTBTdrfSbWXPQsW0ljaRttjzi",
        "bcrypt_sha256$$2b$04$g6lOvoHEGWjqV3AA7TIjOe76xxO/Kbv2qar6N94fIEwhazLql5Oym",
    ])
    func `bcrypt hashes of Python and Django match`(stored: String) throws {
        let hash = PasswordHash(stored: stored)

        #expect(try hash.matches("学生 pass-2024"))
        #expect(try !hash.matches("学生 pass-2024" + "x"))
        #expect(hash.needsRehash(HashParameters()))
    }

    @Test(arguments: [
        // passlib 1.7.4 with bcrypt 4.0.1: bcrypt, bcrypt_sha256, the latter with its default rounds and as before 1.7.3.
        "$2b$04$wjdRFL7kBiFCmC.KTOvlouOmO7mHRQCgcJf0YxwkuN32XI2OqN8jS",
        "$bcrypt-sha256$v=2,t=2b,r=4$KhKmhKDLCKJoYyhcxjCkFu$oOLI6RTpX9kgK/28iUpZce.nF3rfwtO",
        "$bcrypt-sha256$v=2,t=2b,r=12$NSDBB4LgxwEWwj/rK.Qioe$P50ryovjCcnk9AdqZ1/JqlCkEmKZE.6",
        "$bcrypt-sha256$2b,4$od5u2igSLwOtK/sjsQXiiO$3lTtuy1go2QAYeH34gxUEF8xdKoclua",
        "$bcrypt-sha256$2a,4$S2K5uhbmYju0sHuQ05Ug8e$qmQYxK4Qnfhhq.cPCrIXLr18IZQVl1y",
    ])
    func `passlib's bcrypt hashes match`(stored: String) throws {
        let hash = PasswordHash(stored: stored)

        #expect(try hash.matches("学生 pass-2024"))
        #expect(try !hash.matches("学生 pass-2024" + "x"))
        #expect(hash.needsRehash(HashParameters()))
    }

    @Test(arguments: ["2a", "2b", "2y"])
    func `the three names of bcrypt mean the same`(name: String) throws {
        let hash = PasswordHash(stored: "$\(name)$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW")

        #expect(try hash.matches("U*U"))
    }

    @Test func `only the first 72 bytes count for bcrypt`() throws {
        let alphabet = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
        let hash = PasswordHash(stored: "$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui")

        #expect(try hash.matches(alphabet + "0123456789"))
        #expect(try hash.matches(alphabet + "0123456789chars after 72 are ignored"))
        #expect(try hash.matches(alphabet + "0123456789" + String(repeating: "x", count: 1000)))
        #expect(try !hash.matches(alphabet + "012345678"))
    }

    @Test func `a password does not end at a zero byte`() throws {
        let hash = PasswordHash(stored: "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW")

        #expect(try !hash.matches("U*U\0"))
        #expect(try !hash.matches("U*U\0more"))
    }

    @Test func `bits without meaning in the salt do not matter`() throws {
        let hash = PasswordHash(stored: "$2a$05$CCCCCCCCCCCCCCCCCCCCC/E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW")

        #expect(try hash.matches("U*U"))
    }
}
