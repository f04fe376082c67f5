import HTTP

/// `homeroom nginx-origins`: prints HOMEROOM_TRUSTED_ORIGINS as lines for the `map` of nginx/http.conf.
enum NginxOrigins {
    static func run(_ configuration: Configuration, _ arguments: inout Arguments) throws(CommandError) -> Int32 {
        try arguments.refuseRest()
        print(text(configuration), terminator: "")
        return 0
    }

    static func text(_ configuration: Configuration) -> String {
        let head = "# Made of HOMEROOM_TRUSTED_ORIGINS by `homeroom nginx-origins`.\n"
        return head + configuration.trustedOrigins.map(\.text).sorted().map { line($0) + "\n" }.joined()
    }

    /// A regular expression, because a map compares texts without regard to case:
    /// `"~^https://app\.school\.example\z" "https://app.school.example";`
    private static func line(_ origin: String) -> String {
        let pattern = origin.map { ".[]".contains($0) ? "\\\($0)" : String($0) }.joined()
        return "\"~^\(pattern)\\z\" \"\(origin)\";"
    }
}
