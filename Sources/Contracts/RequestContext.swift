import Accounts
import HTTP
import JSON

/// One request from its arrival to its answer: where it goes, what it shows and holds, and what was found for it.
///
/// Belongs to one thread at a time, which hands it on to the next.
package final class RequestContext: @unchecked Sendable {
    package let request: Request
    package let destination: Destination
    /// Where it is answered; nil where it can be said at once why it is refused.
    package let executor: Route.Executor?
    /// What the request shows to say whose it is, once it was read.
    package private(set) var credential: PresentedCredential?
    /// What was found for that: the session, nil where there is none, or why it cannot be looked up.
    package var session: Result<Caller?, AccountsError>?
    /// The caller's account with the texts that were written for it together with others, or why they were not.
    package var written: Result<Account, AccountsError>?
    /// How the service is, for the routes that tell it.
    package var report: ServiceReport?
    /// Whose request it is, once known; for the log.
    package private(set) var accountID: UInt64?
    /// A mistake of ours, for the log.
    package internal(set) var fault: String?
    /// The language of the account whose request it is, once known.
    private var accountLanguage: String?
    /// The other origin that the page which sends it says to be of; nil where there is none, or none that is trusted.
    let trustedOrigin: String?
    private let cookieSameSite: Cookie.SameSite
    private var fields = Fields()
    /// What came of reading the body, which can be done once.
    private var reading: Result<Void, Failure>?
    private var upload: Upload?
    /// The cookie whose life this request made longer, with its new life in seconds.
    private var renewedCookie: (value: String, life: Int64)?
    /// The session cookies that came, those of other sites on this host among them; none where the contract has none.
    private(set) lazy var cookies = sessionCookies

    /// - Parameter router: says where it goes, and which other origins are trusted.
    package init(_ request: Request, router: Router) {
        self.request = request
        let destination = router.destination(of: request)
        self.destination = destination
        executor = destination.route?.executor(of: request)
        trustedOrigin = RequestContext.origin(of: request, among: router.trustedOrigins)
        cookieSameSite = router.cookieSameSite
    }

    var policy: Policy { destination.contract.policy }

    // MARK: Fields

    /// A field as the core takes it; absent where the route does not take it.
    subscript(field: Field) -> Entry { given(field) ?? .absent }

    /// A field as the core takes it; nil where the route does not take it.
    func given(_ field: Field) -> Entry? {
        guard let route = destination.route else { return nil }
        if route.parameter?.field == field { return .text(pathParameter) }
        if let input = route.inputs.first(where: { $0.field == field }) { return entry(input.name) }
        return route.query.first { $0.field == field }.map { parameter($0.name) }
    }

    private func entry(_ name: String) -> Entry {
        switch fields[name] {
        case nil: .absent
        case .null: .null
        case .text(let text): .text(text)
        case .flag(let flag): .flag(flag)
        case .other, .file: .notText
        }
    }

    /// A switch as Pydantic takes one: `true`, `1`, `1.0` and some words, in any case.
    func lenientFlag(_ field: Field) -> Entry {
        guard let input = destination.route?.inputs.first(where: { $0.field == field }) else { return .absent }
        let isOn: Bool? =
            switch fields[input.name] {
            case .text(let text):
                switch text.utf8.count <= 5 ? text.lowercased() : "" {
                case "1", "on", "t", "true", "y", "yes": true
                case "0", "off", "f", "false", "n", "no": false
                default: nil
                }
            case .other(.integer(1)), .other(.double(1)): true
            case .other(.integer(0)), .other(.double(0)): false
            case nil, .null, .flag, .other, .file: nil
            }
        return isOn.map(Entry.flag) ?? entry(input.name)
    }

    /// What stands in the path in place of its parameter, as it came.
    private var pathParameter: String {
        request.path.utf8.split(separator: UInt8(ascii: "/")).last.map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    /// A parameter of the query; no text where it cannot be read.
    private func parameter(_ name: String) -> Entry {
        do {
            return try URLEncoded.value(of: name, in: request.query).map(Entry.text) ?? .absent
        } catch {
            return .notText
        }
    }

    /// The picture: a file, or empty text or null to remove it.
    var avatar: AvatarEntry {
        guard let name = destination.route?.file else { return .absent }
        return switch fields[name] {
        case nil, .file(hasName: false, size: 0): .absent
        case .null: .remove
        case .text(let text) where text.isEmpty: .remove
        case .file: upload.map(AvatarEntry.file) ?? .notAFile
        case .text, .flag, .other: .notAFile
        }
    }

    /// Reads the body, where the route takes any field and it was not read before.
    func readFields(_ accounts: Accounts) throws(Failure) {
        if let reading { return try reading.get() }
        do throws(Failure) {
            try readBody(accounts)
            reading = .success(())
        } catch {
            reading = .failure(error)
            throw error
        }
    }

    private func readBody(_ accounts: Accounts) throws(Failure) {
        guard let route = destination.route, route.takesFields else { return }
        let contract = destination.contract
        var failure: Failure?
        do throws(Fields.Failure) {
            fields = try Fields(
                of: request, accepting: route.encodings ?? contract.encodings,
                isMarkSkipped: contract.skipsByteOrderMark, fileField: route.file
            ) {
                do throws(AccountsError) {
                    let upload = try accounts.beginUpload()
                    // A second file of the name takes the place of the first.
                    self.upload = upload
                    return { upload.write($0) }
                } catch {
                    failure = self.failure(error)
                    return nil
                }
            }
        } catch {
            throw Failure(error)
        }
        if let failure { throw failure }
    }

    /// Removes what an upload has left on the disk, before the answer says that all is done.
    func dropUpload() { upload = nil }

    // MARK: Authentication

    /// Extracts the credential: a bearer token or, where the contract has cookies, its cookies. Asks no database.
    func readCredential(_ accounts: Accounts) throws(AccountsError) {
        guard credential == nil else { return }
        if let token = request.bearerToken {
            credential = try accounts.credential(accessToken: token)
        } else if !cookies.isEmpty {
            credential = accounts.credential(cookies: cookies)
        } else {
            throw .refused(.notAuthenticated)
        }
    }

    /// Who makes the request, of what was found for the credential. The life of a cookie's session becomes longer.
    func caller(_ accounts: Accounts) throws(AccountsError) -> Caller {
        guard let credential, let session else { throw .refused(.notAuthenticated) }
        var caller = try accounts.caller(credential, try session.get())
        accountID = caller.account.id
        accountLanguage = caller.account.language
        if destination.route?.servesBeforeChange == false { try caller.requireOwnPassword() }
        if case .cookie(let hashes) = credential {
            caller = try accounts.sliding(caller, by: policy)
            let cookie = zip(cookies, hashes).first { $0.1 == caller.cookieHash }?.0
            if let cookie, let life = caller.renewedCookieLife { renewedCookie = (cookie, life) }
        }
        if caller.renewedCookieLife == nil { accounts.noteUse(of: caller.session) }
        return caller
    }

    /// Whether the answer has to wait until the longer life of a cookie's session is written, or when one is used.
    package func mustWrite(_ accounts: Accounts) -> Bool {
        guard case .success(let caller?)? = session else { return false }
        if case .cookie? = credential, accounts.slides(caller, by: policy) != nil { return true }
        return accounts.isUseStale(caller.session)
    }

    // MARK: Cookies

    private static let cookieName = "sessionid"
    /// In bytes: a scheme, a host's 253 letters and a port, and some more.
    private static let maxOrigin = 512

    /// All of that name: a browser also sends those that older systems have set for another path or domain.
    private var sessionCookies: [String] {
        guard policy.isCookie, let header = request.header("cookie") else { return [] }
        return Cookie.values(named: RequestContext.cookieName, in: header)
    }

    /// `sessionid=…; Max-Age=1209600; Path=/; HttpOnly; SameSite=Lax`, and `Secure` under HTTPS. Zero seconds take it away.
    /// `SameSite=None` is always `Secure`: browsers take it from nobody else.
    func settingCookie(_ value: String, life: Int64, in reply: Reply) throws(AccountsError) -> Reply {
        // A public URL with https means TLS somewhere before nginx.
        let isSecure = request.isSecure || request.origin.hasPrefix("https:") || cookieSameSite == .none
        let name = RequestContext.cookieName
        guard
            let cookie = Cookie(
                name: name, value: value, maxAge: Int(life), isSecure: isSecure, sameSite: cookieSameSite)
        else {
            throw .fault("a session's cookie cannot be sent as one")
        }
        return reply.with("Set-Cookie", cookie.header)
    }

    /// The browser's copy must live as long as the session, whatever became of the request; logout takes it away.
    func renewingCookie(in reply: Reply) -> Reply {
        guard let renewedCookie, !reply.headers.contains(where: { $0.name == "Set-Cookie" }) else { return reply }
        do throws(AccountsError) {
            return try settingCookie(renewedCookie.value, life: renewedCookie.life, in: reply)
        } catch {
            return reply
        }
    }

    /// A request that changes state and carries the cookie, or is to get one, must come from the same origin, as Go's
    /// net/http.CrossOriginProtection decides it: else another page could sign a person in to an account that is not their
    /// own. A client that sends neither header is no browser and passes.
    func refuseCrossOrigin() throws(Failure) {
        guard request.routedMethod != .get, destination.route?.setsCookie == true || !cookies.isEmpty else { return }
        let origin = request.header("origin")
        let site = request.header("sec-fetch-site")
        // To compare texts with many marks takes the square of their length; no browser sends one as long.
        guard [origin, site].allSatisfy({ $0?.utf8.count ?? 0 <= RequestContext.maxOrigin }) else {
            throw .crossOrigin
        }
        if trustedOrigin != nil { return }
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

    // MARK: Failures

    /// Runs what needs the accounts, and translates why it was not done.
    func refusing<T>(_ body: () throws(AccountsError) -> T) throws(Failure) -> T {
        do throws(AccountsError) {
            return try body()
        } catch {
            throw failure(error)
        }
    }

    /// A mistake of ours is noted for the log: the client gets only the request's id.
    private func failure(_ error: AccountsError) -> Failure {
        switch error {
        case .refused(let refusal): return .refused(refusal)
        case .fault(let text):
            fault = text
            return .internalError(requestID: request.id)
        }
    }

    /// What a contract needs to put a failure of this request into its words.
    var failureContext: FailureContext {
        FailureContext(
            contract: destination.contract, route: destination.route, fields: fields, requestID: request.id,
            language: request.header("accept-language").flatMap(Language.init(accepted:))
                ?? accountLanguage.flatMap { Language(accepted: $0) } ?? .english)
    }
}
