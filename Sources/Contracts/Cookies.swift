import Accounts
import HTTP

/// Contract 3's session cookie, and what keeps pages of other origins from using it.
extension Call {
    private static let cookieName = "sessionid"

    /// The session cookie; nil where the contract has none.
    var cookie: String? {
        guard policy.isCookie, let header = request.header("cookie") else { return nil }
        return Cookie.value(named: Call.cookieName, in: header)
    }

    /// `sessionid=…; Max-Age=1209600; Path=/; HttpOnly; SameSite=Lax`, and `Secure` under HTTPS. Zero seconds take it away.
    func settingCookie(_ value: String, life: Int64, in reply: Reply) -> Reply {
        // A public URL with https means TLS somewhere before nginx.
        let isSecure = request.isSecure || request.origin.hasPrefix("https:")
        let cookie = Cookie(name: Call.cookieName, value: value, maxAge: Int(life), isSecure: isSecure)
        return reply.with("Set-Cookie", cookie.header)
    }

    /// The browser's copy must live as long as the session, whatever became of the request; logout takes it away.
    func renewingCookie(in reply: Reply) -> Reply {
        guard let life = renewedCookieLife, let cookie, !reply.headers.contains(where: { $0.name == "Set-Cookie" })
        else { return reply }
        return settingCookie(cookie, life: life, in: reply)
    }

    /// A request that changes state and carries the cookie must come from the same origin, as Go's
    /// net/http.CrossOriginProtection decides it. A client that sends neither header is no browser and passes.
    func refuseCrossOrigin() throws(Failure) {
        guard request.routedMethod != .get, cookie != nil else { return }
        let origin = request.header("origin")
        if let origin, trustedOrigins.contains(origin) { return }
        if let site = request.header("sec-fetch-site"), !site.isEmpty {
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
