import Accounts
import HTTP
import JSON

/// All contracts behind one door: finds the route of a request and answers it.
package struct Contracts: Sendable {
    /// A path with what can be done there.
    private struct Place: Sendable {
        /// The one that answers where no route does.
        let contract: Contract
        /// Of that contract without a route.
        let endpoint: Int
        var routes: [(contract: Contract, route: Route, endpoint: Int)]

        /// For `Allow`.
        var methods: String {
            let methods = Method.allCases.filter { method in routes.contains { $0.route.method == method } }
            let allowed = methods.flatMap { $0 == .get ? ["GET", "HEAD"] : [$0.rawValue] } + ["OPTIONS"]
            return allowed.joined(separator: ", ")
        }
    }

    /// Where a request can end, for whoever counts them; with `-` for what there is none of.
    package struct Endpoint: Sendable {
        package var contract = "-"
        package var method = "-"
        package var path = "-"
    }

    /// All of them; the first is for paths of no contract.
    package let endpoints: [Endpoint]
    private let places: [String: Place]
    /// With the endpoint of what they answer without a route.
    private let contracts: [(contract: Contract, endpoint: Int)]

    private let trustedOrigins: Set<String>

    /// - Parameter trustedOrigins: other origins whose pages may use the session cookie: `https://app.school.example`.
    package init(trustedOrigins: Set<String> = []) {
        self.init([v1Profile, emailAuth, roleSession, usersToken, v1Auth, accountAPI], trustedOrigins: trustedOrigins)
    }

    init(_ contracts: [Contract], trustedOrigins: Set<String>) {
        self.trustedOrigins = trustedOrigins
        var places: [String: Place] = [:]
        var endpoints = [Endpoint()]
        var all: [(contract: Contract, endpoint: Int)] = []
        for contract in contracts {
            let own = endpoints.count
            all.append((contract, own))
            endpoints.append(Endpoint(contract: contract.name))
            for route in contract.routes {
                for path in contract.spellings(of: route.path) {
                    places[path, default: Place(contract: contract, endpoint: own, routes: [])].routes
                        .append((contract, route, endpoints.count))
                }
                endpoints.append(
                    Endpoint(contract: contract.name, method: route.method.rawValue, path: route.path))
            }
        }
        self.contracts = all
        self.places = places
        self.endpoints = endpoints
    }

    /// Where a request goes.
    package struct Destination: Sendable {
        /// nil for a path of no contract.
        let contract: Contract?
        /// nil where `failure` or `options` says why not.
        let route: Route?
        let failure: Failure?
        /// For `Allow`, where there is no route.
        let allowed: String
        /// Its index among `endpoints`.
        package let endpoint: Int

        /// What answering a request costs; nil where it can be said at once why not.
        package func weight(of request: Request) -> Route.Weight? {
            guard route?.weight == .lightOrPicture else { return route?.weight }
            return request.contentType?.essence == "multipart/form-data" ? .pictures : .light
        }

        /// Whether whose the request is can be looked up together with others.
        package var isSignedIn: Bool { route?.isSignedIn == true }

        /// Whether the path is of no contract.
        package var isNowhere: Bool {
            if case .notFound? = failure { contract == nil } else { false }
        }

        /// For the log: `v1-profile`; `-` for a path of no contract.
        package var contractName: String { contract?.name ?? "-" }
        /// For the log: the route's path, not the client's; `-` where there is no route.
        package var path: String { route?.path ?? "-" }
    }

    /// Where a request goes: nowhere with a Host that is none, for links are made of it.
    package func destination(of request: Request) -> Destination {
        let found = place(of: request)
        guard !request.isHostValid else { return found }
        return Destination(
            contract: found.contract, route: nil, failure: .invalidHost, allowed: "", endpoint: found.endpoint)
    }

    private func place(of request: Request) -> Destination {
        // No path of ours has another byte, and to compare texts with many marks takes the square of their length.
        let isASCII = request.path.utf8.allSatisfy { $0 < 0x80 }
        let path =
            isASCII
            ? request.path
            : String(decoding: request.path.utf8.map { $0 < 0x80 ? $0 : UInt8(ascii: "?") }, as: UTF8.self)
        guard let place = places[path] else {
            let owner = contracts.first { $0.contract.owns(path) }
            return Destination(
                contract: owner?.contract, route: nil, failure: .notFound, allowed: "", endpoint: owner?.endpoint ?? 0)
        }
        if let method = request.routedMethod, let found = place.routes.first(where: { $0.route.method == method }) {
            return Destination(
                contract: found.contract, route: found.route, failure: nil, allowed: "", endpoint: found.endpoint)
        }
        let failure = Failure.methodNotAllowed(method: request.method, allowed: place.methods)
        return Destination(
            contract: place.contract, route: nil, failure: request.method == "OPTIONS" ? nil : failure,
            allowed: place.methods, endpoint: place.endpoint)
    }

    /// What a request is answered, and who made it.
    package struct Answer {
        package let reply: Reply
        package let accountID: UInt64?
        /// A mistake of ours, for the log.
        package let fault: String?

        package init(reply: Reply, accountID: UInt64?, fault: String?) {
            self.reply = reply
            self.accountID = accountID
            self.fault = fault
        }
    }

    /// A request to a route for those who are signed in, as far as it can be dealt with without the database.
    package enum Beginning {
        case answered(Answer)
        case waiting(Proof)
    }

    /// What a request shows to say whose it is, or why it is refused.
    package func begin(_ request: Request, at destination: Destination, accounts: Accounts) -> Beginning {
        guard let contract = destination.contract, let route = destination.route else {
            return .answered(answer(request, at: destination, accounts: accounts))
        }
        let call = Call(request, route: route, contract: contract, accounts: accounts, trustedOrigins: trustedOrigins)
        do throws(Failure) {
            try call.refuseCrossOrigin()
            return .waiting(try call.refusing { () throws(AccountsError) in try call.proof() })
        } catch {
            return .answered(answered(destination, error, call))
        }
    }

    /// Whether the answer to a request to a `reading` route has to wait until its cookie's session is written.
    package func mustWrite(_ known: Call.Known, at destination: Destination, accounts: Accounts) -> Bool {
        guard case .cookie = known.proof, case .success(let caller?) = known.found,
            let policy = destination.contract?.policy
        else { return false }
        return accounts.slides(caller, by: policy) != nil
    }

    /// - Parameter known: what was found for what `begin` gave.
    package func answer(
        _ request: Request, at destination: Destination, accounts: Accounts, known: Call.Known? = nil
    ) -> Answer {
        guard let contract = destination.contract, let route = destination.route else {
            return Answer(
                reply: refuse(request, destination, destination.failure, Fields()), accountID: nil, fault: nil)
        }
        accounts.actor = .client(address: request.address)
        let call = Call(
            request, route: route, contract: contract, accounts: accounts, trustedOrigins: trustedOrigins, known: known)
        do throws(Failure) {
            let reply = call.renewingCookie(in: try route.handle(call))
            return Answer(reply: reply, accountID: call.accountID, fault: nil)
        } catch {
            return answered(destination, error, call)
        }
    }

    private func answered(_ destination: Destination, _ failure: Failure, _ call: Call) -> Answer {
        let reply = refuse(call.request, destination, failure, call.fields)
        guard call.fault == nil else { return Answer(reply: reply, accountID: call.accountID, fault: call.fault) }
        return Answer(reply: call.renewingCookie(in: reply), accountID: call.accountID, fault: nil)
    }

    /// The answer, or that of a mistake of ours where its headers cannot be sent.
    package func sendable(_ answer: Answer, to request: Request, at destination: Destination) -> Answer {
        guard let fault = answer.reply.fault else { return answer }
        let reply = refuse(request, destination, .internalError(requestID: request.id), Fields())
        return Answer(reply: reply, accountID: answer.accountID, fault: fault)
    }

    /// The answer where too many requests of its kind wait.
    package func busy(_ request: Request, at destination: Destination) -> Reply {
        refuse(request, destination, .busy, Fields())
    }

    private func refuse(
        _ request: Request, _ destination: Destination, _ failure: Failure?, _ fields: Fields
    ) -> Reply {
        guard let failure else { return Reply(204).with("Allow", destination.allowed) }
        guard let contract = destination.contract else { return Reply(failure) }
        let head = destination.route?.head ?? ""
        let language = request.header("accept-language").flatMap(Language.init(accepted:)) ?? .english
        var reply = contract.answer(
            failure,
            Circumstances(contract: contract, head: head, fields: fields, requestID: request.id, language: language))
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

extension Reply {
    /// Where no contract has words.
    fileprivate init(_ failure: Failure) {
        switch failure {
        case .invalidHost: self.init(400, ["detail": "Invalid Host header."])
        case .internalError(let id): self.init(500, ["detail": .string("Internal server error. Request \(id).")])
        default: self.init(404, ["detail": "Not found."])
        }
    }
}
