import HTTP

/// `homeroom nginx-origins`: prints HOMEROOM_TRUSTED_ORIGINS as lines for the `map` of nginx/http.conf.
enum NginxOrigins {
    static func run(_ configuration: Configuration, _ arguments: inout Arguments) throws(CommandError) -> Int32 {
        try arguments.refuseRest()
        print("# Made of HOMEROOM_TRUSTED_ORIGINS by `homeroom nginx-origins`.")
        for origin in configuration.trustedOrigins.map(\.text).sorted() { print(line(origin)) }
        return 0
    }

    /// A regular expression, because a map compares texts without regard to case:
    /// `"~^https://app\.school\.example\z" "https://app.school.example";`
    private static func line(_ origin: String) -> String {
        let pattern = origin.map { ".[]".contains($0) ? "\\\($0)" : String($0) }.joined()
        return "\"~^\(pattern)\\z\" \"\(origin)\";"
    }
}
