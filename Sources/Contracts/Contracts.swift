import Accounts
import HTTP
import JSON

/// All contracts behind one door: finds the route of a request and answers it.
package struct Contracts: Sendable {
    private struct Place: Sendable {
        let contract: Contract
        let route: Route
    }

    private let places: [String: [Place]]
    private let contracts: [Contract]

    private let trustedOrigins: Set<String>

    /// - Parameter trustedOrigins: other origins whose pages may use the session cookie: `https://app.school.example`.
    package init(trustedOrigins: Set<String> = []) {
        self.init([v1Profile, emailAuth, roleSession, usersToken, v1Auth], trustedOrigins: trustedOrigins)
    }

    init(_ contracts: [Contract], trustedOrigins: Set<String>) {
        self.contracts = contracts
        self.trustedOrigins = trustedOrigins
        var places: [String: [Place]] = [:]
        for contract in contracts {
            for route in contract.routes {
                for path in contract.spellings(of: route.path) {
                    places[path, default: []].append(Place(contract: contract, route: route))
                }
            }
        }
        self.places = places
    }

    /// Where a request goes.
    package struct Destination: Sendable {
        /// nil for a path of no contract.
        let contract: Contract?
        /// nil where `failure` or `options` says why not.
        let route: Route?
        let failure: Failure?
        let allowed: String

        /// Whether the request must not hold up others.
        package func isHeavy(_ request: Request) -> Bool {
            switch route?.weight {
            case nil, .light: false
            case .heavy: true
            case .heavyWithFile: request.contentType?.essence == "multipart/form-data"
            }
        }

        /// `v1-profile /info/` in the log; `-` where there is no route.
        package var name: String { "\(contract?.name ?? "-") \(route?.path ?? "-")" }
    }

    package func destination(of request: Request) -> Destination {
        guard let candidates = places[request.path] else {
            let owner = contracts.first { $0.owns(request.path) }
            return Destination(contract: owner, route: nil, failure: .notFound, allowed: "")
        }
        let methods = Method.allCases.filter { method in candidates.contains { $0.route.method == method } }
        let allowed = methods.flatMap { $0 == .get ? ["GET", "HEAD"] : [$0.rawValue] } + ["OPTIONS"]
        let list = allowed.joined(separator: ", ")
        if let method = request.routedMethod, let place = candidates.first(where: { $0.route.method == method }) {
            return Destination(contract: place.contract, route: place.route, failure: nil, allowed: list)
        }
        let contract = candidates[0].contract
        let failure = Failure.methodNotAllowed(method: request.method, allowed: list)
        return Destination(
            contract: contract, route: nil, failure: request.method == "OPTIONS" ? nil : failure, allowed: list)
    }

    /// What a request is answered, and who made it.
    package struct Answer {
        package let reply: Reply
        package let accountID: UInt64?
        /// A mistake of ours, for the log.
        package let fault: String?
    }

    package func answer(_ request: Request, at destination: Destination, accounts: Accounts) -> Answer {
        guard let contract = destination.contract, let route = destination.route else {
            return Answer(reply: refuse(destination, destination.failure, Fields()), accountID: nil, fault: nil)
        }
        let call = Call(
            request, route: route, contract: contract, accounts: accounts, trustedOrigins: trustedOrigins)
        do throws(Failure) {
            let reply = call.renewingCookie(in: try route.handle(call))
            return Answer(reply: reply, accountID: call.accountID, fault: nil)
        } catch {
            guard case .refused(.fault(let text)) = error else {
                let reply = call.renewingCookie(in: refuse(destination, error, call.fields))
                return Answer(reply: reply, accountID: call.accountID, fault: nil)
            }
            let reply = refuse(destination, .internalError(requestID: request.id), call.fields)
            return Answer(reply: reply, accountID: call.accountID, fault: text)
        }
    }

    /// The answer where the queue for heavy work is full.
    package func busy(_ destination: Destination) -> Reply {
        refuse(destination, .busy, Fields())
    }

    private func refuse(_ destination: Destination, _ failure: Failure?, _ fields: Fields) -> Reply {
        guard let failure else { return Reply(204).with("Allow", destination.allowed) }
        guard let contract = destination.contract else { return Reply(404, ["detail": "Not found."]) }
        let head = destination.route?.head ?? ""
        var reply = contract.answer(failure, Circumstances(contract: contract, head: head, fields: fields))
        if case .methodNotAllowed(_, let allowed) = failure { reply = reply.with("Allow", allowed) }
        if let seconds = failure.retryAfter { reply = reply.with("Retry-After", String(seconds)) }
        return reply
    }
}

extension Contract {
    fileprivate func spellings(of path: String) -> [String] {
        guard slashIsOptional(path) else { return [path] }
        return path.hasSuffix("/") ? [path, String(path.dropLast())] : [path, path + "/"]
    }
}
