import Glibc
import JSON

extension FuzzTarget {
    /// A piece of text, which is sent over and over, 32 KiB of it, in every field of every endpoint: to read it may not cost
    /// more than so much of anything.
    static let longTexts = FuzzTarget(name: "longtexts") { bytes throws(Broken) in
        let unit = Array(text(bytes.prefix(64)).utf8)
        guard !unit.isEmpty else { return }
        var long = Array("a".utf8)
        while long.count < length { long += unit }
        let value = text(long)
        for (path, fields) in fieldsOfEndpoints {
            let seconds = cpuSeconds { for body in bodies(fields, value) { ask(path, body) } }
            // Ten times what it takes in a slow build.
            try require(seconds < 0.15 * Double(fields.count + 1), "\(path) took \(seconds) s")
        }
    }

    private static let length = 32_768

    /// The endpoints for everybody, each kind of field at least once.
    private static let fieldsOfEndpoints: [(path: String, fields: [String])] = [
        ("/api/v1/auth/register/", ["username", "email", "password", "password_confirm"]),
        ("/api/v1/auth/login/", ["username", "password"]),
        ("/api/v1/auth/token/refresh/", ["refresh"]),
        ("/api/user/login/", ["username", "password", "role"]),
        ("/api/users/register", ["email", "password", "first_name", "last_name", "phone_number"]),
        ("/api/users/login", ["email", "password"]),
        ("/api/v1/auth/register", ["username", "email", "password", "confirm_password", "full_name", "phone"]),
        ("/api/v1/auth/login/json", ["username", "password", "remember_me"]),
        ("/api/v1/auth/forgot-password", ["email"]),
        ("/api/v1/auth/reset-password", ["token", "new_password"]),
        ("/api/account/email/undo/", ["token"]),
    ]

    /// One with the text in each field, and one with a field of that name.
    private static func bodies(_ fields: [String], _ value: String) -> [[UInt8]] {
        fields.indices.map { place in
            json(fields.enumerated().map { ($1, $0 == place ? value : "anna@school.example") })
        } + [json([(value, "x")])]
    }

    private static func json(_ members: [(String, String)]) -> [UInt8] {
        JSON.object(JSON.Object(members.map { JSON.Member(name: $0, value: .string($1)) })).bytes
    }

    private static func cpuSeconds(_ body: () -> Void) -> Double {
        func now() -> Double {
            var time = timespec()
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
            return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
        }
        let start = now()
        body()
        return now() - start
    }
}
