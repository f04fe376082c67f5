import Accounts
import HTTP
import JSON

/// All contracts as one table of paths: finds the route of a request and answers it.
package struct Router: Sendable {
    /// What a request is counted as, with `-` for what there is none of.
    package struct Target: Sendable {
        package var contract = "-"
        package var method = "-"
        package var path = "-"

        package init(contract: String = "-", method: String = "-", path: String = "-") {
            self.contract = contract
            self.method = method
            self.path = path
        }
    }

    /// A path with what can be done there.
    private struct Entry: Sendable {
        /// The one that answers where no route does.
        let contract: Contract
        /// The index of the target of that contract without a route.
        let target: Int
        var routes: [(contract: Contract, route: Route, target: Int)] = []

        var isInside: Bool { routes.allSatisfy { $0.route.access == .inside } }

        /// For `Allow`.
        var methods: String {
            let methods = Method.allCases.filter { method in routes.contains { $0.route.method == method } }
            let allowed = methods.flatMap { $0 == .get ? ["GET", "HEAD"] : [$0.rawValue] }
            return (allowed + (isInside ? [] : ["OPTIONS"])).joined(separator: ", ")
        }
    }

    /// The contracts of the documents.
    package static let documented = [v1Profile, emailAuth, roleSession, usersToken, v1Auth, accountAPI]

    /// How long the longest-lived token of any contract lives, in seconds.
    package static let longestTokenLife =
        documented.map { contract -> Int64 in
            switch contract.policy.renewal {
            case .pair(_, let refresh): refresh
            case .single(let life, let remembered): max(life, remembered)
            // Nothing of it is signed.
            case .cookie: 0
            }
        }.max() ?? 0

    /// Where requests can go; the first is for paths of no contract.
    package let targets: [Target]
    private let entries: [String: Entry]
    /// With the target of what they answer without a route.
    private let contracts: [(contract: Contract, target: Int)]
    /// As text, which is what requests have.
    let trustedOrigins: Set<String>
    let cookieSameSite: Cookie.SameSite

    /// - Parameters:
    ///   - trustedOrigins: other origins whose pages may read answers and use the session cookie.
    ///   - cookieSameSite: with pages of which sites browsers send that cookie.
    package init(trustedOrigins: Set<Origin> = [], cookieSameSite: Cookie.SameSite = .lax) {
        self.init(
            Router.documented + [operations], trustedOrigins: trustedOrigins, cookieSameSite: cookieSameSite)
    }

    /// Stops the program where two routes have one method and path.
    init(_ contracts: [Contract], trustedOrigins: Set<Origin>, cookieSameSite: Cookie.SameSite = .lax) {
        self.trustedOrigins = Set(trustedOrigins.map(\.text))
        self.cookieSameSite = cookieSameSite
        var entries: [String: Entry] = [:]
        var targets = [Target()]
        var all: [(contract: Contract, target: Int)] = []
        for contract in contracts {
            let own = targets.count
            all.append((contract, own))
            targets.append(Target(contract: contract.name))
            for route in contract.routes {
                for path in contract.spellings(of: route.path) {
                    let entry = entries[path, default: Entry(contract: contract, target: own)]
                    precondition(
                        !entry.routes.contains { $0.route.method == route.method },
                        "two routes for \(route.method.rawValue) \(path)")
                    entries[path, default: entry].routes.append((contract, route, targets.count))
                }
                targets.append(Target(contract: contract.name, method: route.method.rawValue, path: route.path))
            }
        }
        self.contracts = all
        self.entries = entries
        self.targets = targets
    }

    /// Where a request goes: to no route with a Host that is none, for links are made of it.
    func destination(of request: Request) -> Destination {
        let found = route(of: request)
        guard !request.isHostValid else { return found }
        return Destination(.refused(.invalidHost), contract: found.contract, target: found.target)
    }

    private func route(of request: Request) -> Destination {
        // No path of ours has another byte, and to compare texts with many marks takes the square of their length.
        let isASCII = request.path.utf8.allSatisfy { $0 < 0x80 }
        let path =
            isASCII
            ? request.path
            : String(decoding: request.path.utf8.map { $0 < 0x80 ? $0 : UInt8(ascii: "?") }, as: UTF8.self)
        guard let entry = entries[path] ?? entries[Router.template(of: path)], request.isInside || !entry.isInside
        else {
            let owner = contracts.first { $0.contract.owns(path) }
            return Destination(.refused(.notFound), contract: owner?.contract ?? .unknown, target: owner?.target ?? 0)
        }
        if let method = request.routedMethod, let found = entry.routes.first(where: { $0.route.method == method }) {
            return Destination(
                .route(found.route), contract: found.contract, target: found.target, isProbe: entry.isInside)
        }
        let allowed = entry.methods
        let isAsking = request.method == "OPTIONS" && !entry.isInside
        return Destination(
            isAsking
                ? .options(allowed: allowed)
                : .refused(.methodNotAllowed(method: request.method, allowed: allowed)),
            contract: entry.contract, target: entry.isInside ? entry.routes[0].target : entry.target,
            isProbe: entry.isInside)
    }

    /// The path of a route with a parameter that a path may be one of: `/api/account/sessions/{id}/`.
    private static func template(of path: String) -> String {
        let bytes = path.utf8
        let end = bytes.last == UInt8(ascii: "/") ? bytes.index(before: bytes.endIndex) : bytes.endIndex
        guard let slash = bytes[..<end].lastIndex(of: UInt8(ascii: "/")), bytes.index(after: slash) < end else {
            return ""
        }
        return path[...slash] + "{id}" + path[end...]
    }

    /// Reads what requests to routes for those who are signed in show to say whose they are, without the database; gives the
    /// answer where one is refused for that.
    package func authenticate(_ context: RequestContext, _ accounts: Accounts) -> Reply? {
        guard case .route(let route) = context.destination.kind, route.access == .signedIn else { return nil }
        do throws(Failure) {
            try context.refuseCrossOrigin()
            try context.refusing { () throws(AccountsError) in try context.readCredential(accounts) }
            return nil
        } catch {
            return refuse(context, error)
        }
    }

    /// Looks up the sessions of requests that were authenticated, all with one look at the database.
    package func lookUpSessions(of contexts: [RequestContext], _ accounts: Accounts) {
        let waiting = contexts.filter { $0.credential != nil }
        let found: Result<[Caller?], AccountsError>
        do throws(AccountsError) {
            found = .success(try accounts.sessions(of: waiting.compactMap(\.credential)))
        } catch {
            found = .failure(error)
        }
        for (index, context) in waiting.enumerated() { context.session = found.map { $0[index] } }
    }

    /// What a request of known session changes, where that is texts of the own profile and can be written with those of
    /// others; nil where it is answered alone.
    package func textChange(_ context: RequestContext, _ accounts: Accounts) -> TextChange? {
        guard let change = context.destination.route?.change, context.session != nil, !context.mustWrite(accounts)
        else {
            return nil
        }
        accounts.actor = .client(address: context.request.address)
        do throws(Failure) {
            let me = try context.refusing { () throws(AccountsError) in try context.caller(accounts) }
            try context.readFields(accounts)
            return accounts.textChange(change(context), of: me)
        } catch {
            return nil
        }
    }

    /// Answers a request; looks up its session first, where that was not done.
    package func answer(_ context: RequestContext, _ accounts: Accounts) -> Reply {
        let route: Route
        switch context.destination.kind {
        case .route(let found): route = found
        case .options(let allowed): return context.shared(Reply(204).with("Allow", allowed))
        case .refused(let failure): return refuse(context, failure)
        }
        accounts.actor = .client(address: context.request.address)
        if route.access == .signedIn, context.session == nil {
            if let refusal = authenticate(context, accounts) { return refusal }
            lookUpSessions(of: [context], accounts)
        }
        defer { context.dropUpload() }
        do throws(Failure) {
            return context.shared(sendable(context.renewingCookie(in: try route.handle(context, accounts)), context))
        } catch {
            return refuse(context, error)
        }
    }

    /// The answer where too many requests of its kind wait.
    package func busy(_ context: RequestContext) -> Reply { refuse(context, .busy) }

    /// A failure in the contract's words.
    private func refuse(_ context: RequestContext, _ failure: Failure) -> Reply {
        let here = context.failureContext
        var reply = context.destination.route?.answer?(failure, here) ?? here.contract.answer(failure, here)
        if case .methodNotAllowed(_, let allowed) = failure { reply = reply.with("Allow", allowed) }
        if let seconds = failure.retryAfter { reply = reply.with("Retry-After", String(seconds)) }
        if case .internalError = failure { return context.shared(reply) }
        return context.shared(sendable(context.renewingCookie(in: reply), context))
    }

    /// The answer, or that of a mistake of ours where its headers cannot be sent.
    private func sendable(_ reply: Reply, _ context: RequestContext) -> Reply {
        guard let fault = reply.fault else { return reply }
        context.fault = fault
        return context.destination.contract.answer(
            .internalError(requestID: context.request.id), context.failureContext)
    }
}

/// Where a request goes.
package struct Destination: Sendable {
    package enum Kind: Sendable {
        case route(Route)
        /// Asks what can be done at a path.
        case options(allowed: String)
        case refused(Failure)
    }

    package let kind: Kind
    /// In whose words it is answered.
    let contract: Contract
    /// Its index among the router's `targets`.
    package let target: Int
    /// Whether it is a path that tells how the service is: those are counted, and stand in no log.
    package let isProbe: Bool

    init(_ kind: Kind, contract: Contract, target: Int, isProbe: Bool = false) {
        self.isProbe = isProbe
        self.kind = kind
        self.contract = contract
        self.target = target
    }

    package var route: Route? {
        if case .route(let route) = kind { route } else { nil }
    }

    /// For the log: `v1-profile`; `-` for a path of no contract.
    package var contractName: String { contract.name }
    /// For the log: the route's path, not the client's; `-` where there is no route.
    package var path: String { route?.path ?? "-" }
}
