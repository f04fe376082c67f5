import Accounts
import HTTP
import JSON

/// How a route can fail, in its contract's own words: the statuses, forms and examples of its errors.
struct FailureSamples {
    struct Group {
        let status: Int
        /// Of what is wrong with fields, of which several can come together.
        var fieldErrors: [Reply] = []
        var others: [Reply] = []

        var replies: [Reply] { fieldErrors + others }
    }

    /// In the order of the statuses.
    private(set) var groups: [Group] = []

    init(_ route: Route, of contract: Contract) {
        for (failure, fields) in FailureSamples.failures(of: route, contract) {
            let here = FailureContext(
                contract: contract, route: route, fields: fields, requestID: FailureSamples.requestID,
                language: .english)
            var reply = route.answer?(failure, here) ?? contract.answer(failure, here)
            if let seconds = failure.retryAfter { reply = reply.with("Retry-After", String(seconds)) }
            if case .refused(.invalid) = failure { add(reply, to: \.fieldErrors) } else { add(reply, to: \.others) }
        }
        for error in FailureSamples.nginxErrors { add(error.reply(as: contract.nginxError), to: \.others) }
        groups.sort { $0.status < $1.status }
    }

    private static let requestID = "9c1f02a5e0b14d7c8a3f6b2d1e0c9f84"

    private mutating func add(_ reply: Reply, to kind: WritableKeyPath<Group, [Reply]>) {
        if !groups.contains(where: { $0.status == reply.status }) { groups.append(Group(status: reply.status)) }
        for index in groups.indices where groups[index].status == reply.status {
            groups[index][keyPath: kind].append(reply)
        }
    }

    /// Every failure that a request to this route can have, with a body as it may have been.
    private static func failures(of route: Route, _ contract: Contract) -> [(Failure, Fields)] {
        var failures: [Failure] = route.refusals.map { .refused($0) }
        switch route.access {
        case .everybody, .inside: break
        case .bearer, .signedIn: failures += [.refused(.notAuthenticated), .refused(.badToken)]
        }
        if !route.servesBeforeChange { failures.append(.refused(.passwordChangeRequired)) }
        if contract.policy.isCookie, route.method != .get { failures.append(.crossOrigin) }
        if route.takesFields {
            failures += [
                .malformed("Multipart form parse error - the closing boundary is missing"),
                .notJSON(JSON.ParseError(.valueExpected, at: 0), character: 0), .notAnObject,
                .unsupportedMediaType("text/plain"), .tooLarge,
            ]
        }
        failures += [.invalidHost, .busy, .refused(.unavailable), .internalError(requestID: requestID)]
        let filled = Fields(samples: route.inputs.map { ($0.name, $0.example) })
        return violations(of: route, contract) + failures.map { ($0, filled) }
    }

    /// What can be wrong with the fields: with all of them at once, as documents show it, then with each alone.
    private static func violations(of route: Route, _ contract: Contract) -> [(Failure, Fields)] {
        let inputs = route.inputs + route.query
        let known = inputs.map { input in (input, telling(input, by: contract.policy), common(input, route)) }
        func body(without missing: [Input], _ own: [(name: String, value: JSON)] = []) -> Fields {
            let absent = missing.map(\.name) + own.map(\.name)
            return Fields(
                samples: route.inputs.filter { !absent.contains($0.name) }.map { ($0.name, $0.example) } + own)
        }
        func refused(_ violations: [Violation]) -> Failure { .refused(.invalid(violations)) }
        let together = known.flatMap { input, telling, _ in telling.prefix(1).map { Violation(input.field, $0) } }
        let missing = inputs.filter(\.isRequired)
        var found: [(Failure, Fields)] = []
        if !together.isEmpty { found.append((refused(together), body(without: []))) }
        if !missing.isEmpty {
            found.append((refused(missing.map { Violation($0.field, .required) }), body(without: missing)))
            found.append((refused(missing.map { Violation($0.field, .required) }), Fields()))
        }
        for (input, telling, _) in known {
            for rule in telling { found.append((refused([Violation(input.field, rule)]), body(without: []))) }
        }
        for (input, _, common) in known {
            for rule in common {
                for value in values(thatBreak: rule) {
                    let fields =
                        value.map { body(without: [], [(input.name, $0)]) } ?? body(without: [input])
                    found.append((refused([Violation(input.field, rule)]), fields))
                }
            }
        }
        return found
    }

    /// The rules of a field that say more than that it is missing or no text.
    private static func telling(_ input: Input, by policy: Policy) -> [Rule] {
        switch input.field {
        case .username where input.isNew: return [.taken, .malformed, .foreignAddress]
        case .email where input.isNew: return [.taken, .malformed, .tooManyBytes(254)]
        case .password where input.isNew, .newPassword where input.isNew:
            var rules: [Rule] = []
            if let length = policy.length(of: input.field) { rules.append(.tooShort(length.lowerBound)) }
            if let max = policy.passwords.longest { rules.append(.tooLong(max)) }
            if policy.passwords.refusesCommon { rules.append(.common) }
            if policy.passwords.refusesNumeric { rules.append(.numeric) }
            rules += policy.passwords.dissimilarTo.map { .similar(to: $0) }
            return rules + (input.field == .newPassword ? [.unchanged] : [])
        case .confirmation, .newConfirmation: return [.mismatch]
        case .currentPassword: return [.incorrect]
        case .role: return input.isRequired ? [.otherRole, .unknownRole] : [.unknownRole]
        case .limit, .after: return policy.range(of: input.field).map { [.notANumber($0)] } ?? []
        case .avatar: return [.notAPicture, .notAFile, .emptyFile, .fileTooLarge(bytes: 5 << 20), .tooManyPixels]
        case .remembered: return [.notAFlag]
        case .fullName, .firstName, .lastName, .phone, .bio:
            return policy.length(of: input.field).map { [.tooLong($0.upperBound)] } ?? []
        case .language, .timezone, .theme: return [.notAChoice]
        case .search: return [.tooShort(PeopleQuery.lengths.lowerBound), .tooLong(PeopleQuery.lengths.upperBound)]
        case .username, .email, .password, .newPassword, .refresh, .resetToken, .id, .sessionID: return []
        }
    }

    /// That a field is missing, empty or of another type, as far as it can be.
    private static func common(_ input: Input, _ route: Route) -> [Rule] {
        if route.query.contains(where: { $0.name == input.name }) { return [.blank] }
        if input.field == .avatar || input.field == .remembered { return [] }
        return input.isRequired ? [.required, .blank, .null, .notText] : [.notText]
    }

    /// Values that break a rule; nil stands for none.
    private static func values(thatBreak rule: Rule) -> [JSON?] {
        switch rule {
        case .required: [nil]
        case .null: [.some(.null)]
        case .blank: [""]
        default: [1, 1.5, true, [], [:]]
        }
    }

    /// What nginx answers by itself, as `nginx/http.conf` has it.
    struct NginxError {
        let status: Int
        let text: String
        let code: String

        func reply(as form: Contract.NginxError) -> Reply {
            let retry = status == 429 ? "1" : status > 500 ? "2" : nil
            let reply =
                switch form {
                case .text(let key): Reply(status, .object([key: .string(text)]))
                case .problem:
                    Reply(
                        status,
                        ([
                            "type": "about:blank", "status": .integer(Int64(status)), "title": .string(text),
                            "code": .string(code), "request": .string(FailureSamples.requestID),
                        ] as JSON).bytes, type: "application/problem+json")
                }
            return retry.map { reply.with("Retry-After", $0) } ?? reply
        }
    }

    static let nginxErrors = [
        NginxError(status: 400, text: "Bad request.", code: "malformed"),
        NginxError(status: 408, text: "Request timed out.", code: "malformed"),
        NginxError(status: 413, text: "Request body is too large.", code: "too_large"),
        NginxError(status: 414, text: "Request URI is too long.", code: "too_large"),
        NginxError(status: 429, text: "Too many requests. Try again later.", code: "too_many_requests"),
        NginxError(status: 431, text: "Request headers are too large.", code: "too_large"),
        NginxError(status: 501, text: "Not implemented.", code: "malformed"),
        NginxError(status: 502, text: "Service unavailable. Try again later.", code: "unavailable"),
        NginxError(status: 503, text: "Service unavailable. Try again later.", code: "unavailable"),
        NginxError(status: 504, text: "Service timed out. Try again later.", code: "unavailable"),
    ]
}

extension FailureSamples {
    /// For `responses` of OpenAPI.
    var byStatus: [(status: Int, response: JSON)] { groups.map { ($0.status, $0.response) } }
}

extension FailureSamples.Group {
    fileprivate var response: JSON {
        var response: JSON.Object = ["description": .string(Reply.reason(status))]
        let names = Set(replies.flatMap { $0.headers.map(\.name) }).sorted()
        if !names.isEmpty {
            let headers = names.map { name in
                JSON.Member(
                    name: name,
                    value: [
                        "schema": ["type": "string"],
                        "example": .string(replies.lazy.flatMap(\.headers).first { $0.name == name }?.value ?? ""),
                    ])
            }
            response.members.append(.init(name: "headers", value: .object(JSON.Object(headers))))
        }
        var content = JSON.Object()
        for type in Set(replies.map(\.mediaType)).sorted() {
            func bodies(_ replies: [Reply]) -> [JSON] {
                replies.filter { $0.mediaType == type }.map { (try? JSON.parse($0.body)) ?? .null }
            }
            let samples = bodies(replies)
            let fields = bodies(fieldErrors)
            var schemas = fields.isEmpty ? [] : [JSON.schema(of: fields)]
            for schema in bodies(others).map({ JSON.schema(of: [$0]) }) where !schemas.contains(schema) {
                schemas.append(schema)
            }
            var examples = JSON.Object()
            for sample in samples where !examples.members.contains(where: { $0.value == ["value": sample] }) {
                // Those that tell most come first.
                guard examples.members.count < 24 else { break }
                examples.members.append(
                    .init(name: "example \(examples.members.count + 1)", value: ["value": sample]))
            }
            content.members.append(
                .init(
                    name: type,
                    value: [
                        "schema": schemas.count == 1 ? schemas[0] : ["anyOf": .array(schemas)],
                        "examples": .object(examples),
                    ]))
        }
        response.members.append(.init(name: "content", value: .object(content)))
        return .object(response)
    }
}

extension JSON {
    /// The narrowest JSON Schema of this form that all samples fit: objects with the members that they have, all of which
    /// must be there that all of them have.
    static func schema(of samples: [JSON]) -> JSON {
        var types: [String] = []
        for sample in samples where !types.contains(sample.typeName) { types.append(sample.typeName) }
        // What a client sent and is shown again can be anything.
        if types.count >= 4 { return [:] }
        var schema: JSON.Object = [
            "type": types.count == 1 ? .string(types[0]) : .array(types.map(JSON.string))
        ]
        let objects = samples.compactMap { sample -> JSON.Object? in
            if case .object(let object) = sample { object } else { nil }
        }
        if !objects.isEmpty {
            var names: [String] = []
            for name in objects.flatMap({ $0.members.map(\.name) }) where !names.contains(name) { names.append(name) }
            let properties = names.map { name in
                JSON.Member(name: name, value: JSON.schema(of: objects.compactMap { $0[name] }))
            }
            let required = names.filter { name in objects.allSatisfy { $0[name] != nil } }
            schema.members += [
                .init(name: "properties", value: .object(JSON.Object(properties))),
                .init(name: "required", value: .array(required.map(JSON.string))),
                .init(name: "additionalProperties", value: false),
            ]
        }
        let elements = samples.flatMap { sample -> [JSON] in
            if case .array(let elements) = sample { elements } else { [] }
        }
        if !elements.isEmpty { schema.members.append(.init(name: "items", value: JSON.schema(of: elements))) }
        return .object(schema)
    }

    private var typeName: String {
        switch self {
        case .null: "null"
        case .bool: "boolean"
        case .integer: "integer"
        case .double: "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }
}
