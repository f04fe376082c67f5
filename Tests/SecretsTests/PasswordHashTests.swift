import Secrets
import Testing

@Suite struct PasswordHashTests {
    private let small = HashParameters(memoryKiB: 64, iterations: 1)
    private let salt: [UInt8] = Array("0123456789abcdef".utf8)

    @Test func `new hashes cost what OWASP asks for`() {
        let wanted = HashParameters()

        #expect(wanted.variant == .argon2id)
        #expect(wanted.memoryKiB == 19_456)
        #expect(wanted.iterations == 2)
        #expect(wanted.parallelism == 1)
    }

    @Test func `a hash is made as a PHC string`() throws {
        let stored = try PasswordHash.make("学生 pass-2024", with: HashParameters(), salt: salt)

        // What argon2-cffi's hash_secret writes for the same input.
        #expect(
            stored == "$argon2id$v=19$m=19456,t=2,p=1$MDEyMzQ1Njc4OWFiY2RlZg"
                + "$z0n7ZBQH85jjvLrVSX7mj6Nj1md+iY/jPys01zrGm1Q")
    }

    @Test func `argon2i is made when wanted`() throws {
        let parameters = HashParameters(variant: .argon2i, memoryKiB: 64, iterations: 2, parallelism: 2)

        let stored = try PasswordHash.make("学生 pass-2024", with: parameters, salt: salt)

        #expect(
            stored == "$argon2i$v=19$m=64,t=2,p=2$MDEyMzQ1Njc4OWFiY2RlZg"
                + "$xRKFKZbxT9njmbAGDPWUpUCVNqvtbCZhlonBV174uGM")
    }

    @Test(arguments: ["", "a", "with\0zero", " spaces kept ", "é", String(repeating: "长", count: 341)])
    func `the password of a hash matches`(password: String) throws {
        let hash = PasswordHash(stored: try PasswordHash.make(password, with: small, salt: salt))

        #expect(try hash.matches(password))
    }

    @Test(arguments: ["", "Password", "password ", "password\0", "e\u{301}"])
    func `another password does not match`(password: String) throws {
        let hash = PasswordHash(stored: try PasswordHash.make("password", with: small, salt: salt))

        #expect(try !hash.matches(password))
    }

    @Test func `letters that look the same are different passwords`() throws {
        let hash = PasswordHash(stored: try PasswordHash.make("caf\u{e9}", with: small, salt: salt))

        #expect(try !hash.matches("cafe\u{301}"))
    }

    @Test func `another salt gives another hash`() throws {
        let one = try PasswordHash.make("password", with: small, salt: salt)
        let other = try PasswordHash.make("password", with: small, salt: salt.reversed())

        #expect(one != other)
    }

    @Test func `a fresh hash needs no rehash`() throws {
        let hash = PasswordHash(stored: try PasswordHash.make("password", with: small, salt: salt))

        #expect(!hash.needsRehash(small))
    }

    @Test(arguments: [
        HashParameters(variant: .argon2i, memoryKiB: 64, iterations: 1),
        HashParameters(memoryKiB: 65, iterations: 1),
        HashParameters(memoryKiB: 64, iterations: 2),
        HashParameters(memoryKiB: 64, iterations: 1, parallelism: 2),
    ])
    func `a hash with other parameters needs a rehash`(wanted: HashParameters) throws {
        let hash = PasswordHash(stored: try PasswordHash.make("password", with: small, salt: salt))

        #expect(hash.needsRehash(wanted))
    }

    @Test(arguments: [
        // Version 1.0 of the algorithm, a salt of 8 bytes, a tag of 16.
        "$argon2id$v=16$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$AAAAAAAAAAAAAAAAAAAAAA",
        // The same costs in Django's form.
        "argon2$argon2id$v=19$m=64,t=1,p=1$MDEyMzQ1Njc4OWFiY2RlZg$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    ])
    func `a hash in an old form needs a rehash`(stored: String) {
        let hash = PasswordHash(stored: stored)

        #expect(hash.isUsable)
        #expect(hash.needsRehash(small))
    }

    @Test(arguments: ["", "password", "\0"])
    func `a decoy matches nothing`(password: String) throws {
        #expect(try !PasswordHash.decoy(small).matches(password))
    }

    @Test func `a decoy fails as the real computation does`() {
        let impossible = HashParameters(memoryKiB: 1)

        #expect(throws: HashingFailure.outOfBounds(impossible)) {
            try PasswordHash.decoy(impossible).matches("password")
        }
    }

    @Test(arguments: [
        HashParameters(memoryKiB: 7), HashParameters(memoryKiB: 16, parallelism: 3), HashParameters(memoryKiB: .min),
        HashParameters(memoryKiB: 1_048_577, iterations: 1), HashParameters(memoryKiB: 1_048_576, iterations: 3),
        HashParameters(iterations: 0), HashParameters(iterations: .max), HashParameters(parallelism: 0),
        HashParameters(parallelism: .max),
    ])
    func `what could not be verified is not made`(parameters: HashParameters) {
        #expect(!parameters.isInBounds)
        #expect(throws: HashingFailure.outOfBounds(parameters)) {
            try PasswordHash.make("password", with: parameters, salt: salt)
        }
    }

    @Test(arguments: [
        HashParameters(), HashParameters(memoryKiB: 8, iterations: 262_144),
        HashParameters(memoryKiB: 16, parallelism: 2),
        HashParameters(memoryKiB: 1_048_576, iterations: 2),
    ])
    func `parameters reach up to their bounds`(parameters: HashParameters) {
        #expect(parameters.isInBounds)
    }

    @Test func `a failure tells the operator what is wrong`() {
        let outOfBounds = HashingFailure.outOfBounds(HashParameters(iterations: 0))

        #expect(
            outOfBounds.description == "argon2: m=19456,t=0,p=1 is out of bounds: m from 8 times p to 1048576 KiB, "
                + "t and p from 1, m times t up to 2097152")
        #expect(HashingFailure.argon2(-22).description == "argon2: Memory allocation error (-22)")
    }

    @Test func `too little salt is an error`() {
        #expect(throws: HashingFailure.argon2(-6)) {
            try PasswordHash.make("password", with: small, salt: [1, 2, 3])
        }
    }
}
