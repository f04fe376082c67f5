import Accounts
import HTTP

/// Contract 3's session cookie, and what keeps pages of other origins from using it.
extension Call {
    private static let cookieName = "sessionid"
    /// In bytes: a scheme, a host's 253 letters and a port, and some more.
    private static let longestOrigin = 512

    /// All of that name: a browser also sends those that older systems have set for another path or domain.
    var sessionCookies: [String] {
        guard policy.isCookie, let header = request.header("cookie") else { return [] }
        return Cookie.values(named: Call.cookieName, in: header)
    }

    /// `sessionid=…; Max-Age=1209600; Path=/; HttpOnly; SameSite=Lax`, and `Secure` under HTTPS. Zero seconds take it away.
    func settingCookie(_ value: String, life: Int64, in reply: Reply) throws(AccountsError) -> Reply {
        // A public URL with https means TLS somewhere before nginx.
        let isSecure = request.isSecure || request.origin.hasPrefix("https:")
        guard let cookie = Cookie(name: Call.cookieName, value: value, maxAge: Int(life), isSecure: isSecure) else {
            throw .fault("a session's cookie cannot be sent as one")
        }
        return reply.with("Set-Cookie", cookie.header)
    }

    /// The browser's copy must live as long as the session, whatever became of the request; logout takes it away.
    func renewingCookie(in reply: Reply) -> Reply {
        guard let renewedCookie, !reply.headers.contains(where: { $0.name == "Set-Cookie" }) else { return reply }
        return (try? settingCookie(renewedCookie.value, life: renewedCookie.life, in: reply)) ?? reply
    }

    /// A request that changes state and carries the cookie, or is to get one, must come from the same origin, as Go's
    /// net/http.CrossOriginProtection decides it: else another page could sign a person in to an account that is not their
    /// own. A client that sends neither header is no browser and passes.
    func refuseCrossOrigin() throws(Failure) {
        guard request.routedMethod != .get, route.setsCookie || !cookies.isEmpty else { return }
        let origin = request.header("origin")
        let site = request.header("sec-fetch-site")
        // To compare texts with many marks takes the square of their length; no browser sends one as long.
        guard [origin, site].allSatisfy({ $0?.utf8.count ?? 0 <= Call.longestOrigin }) else { throw .crossOrigin }
        if let origin, trustedOrigins.contains(origin) { return }
        if let site, !site.isEmpty {
            guard ["same-origin", "none"].contains(site) else { throw .crossOrigin }
            return
        }
        guard let origin, !origin.isEmpty else { return }
        let host = origin.split(separator: "/", omittingEmptySubsequences: false).dropFirst(2).first
        guard let host, let own = request.header("host"), host.lowercased() == own.lowercased() else {
            throw .crossOrigin
        }
    }
}
