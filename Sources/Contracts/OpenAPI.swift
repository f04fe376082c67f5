import Accounts
import HTTP
import JSON

/// OpenAPI 3.1 descriptions of contracts, made of the declarations that answer requests.
/// (https://spec.openapis.org/oas/v3.1.1)
package enum OpenAPI {
    /// One contract, or all of them.
    package static func document(of contracts: [Contract]) -> JSON {
        let title = contracts.count == 1 ? "Homeroom: \(contracts[0].name)" : "Homeroom"
        return [
            "openapi": "3.1.0",
            "info": ["title": .string(title), "version": "1", "description": .string(description)],
            "servers": [["url": "/"]],
            "tags": .array(
                contracts.map {
                    [
                        "name": .string($0.name),
                        "description": .string($0.notes.isEmpty ? $0.title : "\($0.title).\n\n\($0.notes)"),
                    ]
                }),
            "paths": .object(paths(contracts)),
            "components": ["securitySchemes": securitySchemes],
        ]
    }

    private static let description = """
        A path is accepted with and without its final slash; only `/api/v1/auth/register`, `login` and `logout` are \
        two endpoints each, of v1-profile with it and of v1-auth without it. HEAD is answered wherever GET is, OPTIONS \
        with 204 and `Allow`. Every answer has `X-Request-Id`.
        """

    private static let securitySchemes: JSON = [
        "bearer": ["type": "http", "scheme": "bearer", "bearerFormat": "JWT"],
        "cookie": ["type": "apiKey", "in": "cookie", "name": "sessionid"],
    ]

    private static func paths(_ contracts: [Contract]) -> JSON.Object {
        var paths = JSON.Object()
        for contract in contracts {
            for route in contract.routes {
                let operation = JSON.Member(
                    name: route.method.rawValue.lowercased(), value: self.operation(route, of: contract))
                guard let index = paths.members.firstIndex(where: { $0.name == route.path }),
                    case .object(let others) = paths.members[index].value
                else {
                    paths.members.append(.init(name: route.path, value: .object(JSON.Object([operation]))))
                    continue
                }
                paths.members[index] = .init(
                    name: route.path, value: .object(JSON.Object(others.members + [operation])))
            }
        }
        return paths
    }

    private static func operation(_ route: Route, of contract: Contract) -> JSON {
        var operation: JSON.Object = [
            "tags": [.string(contract.name)],
            "operationId": .string(route.identifier(in: contract)),
            "summary": .string(route.title),
        ]
        func set(_ name: String, _ value: JSON) { operation.members.append(.init(name: name, value: value)) }
        if route.access != .everybody { set("security", security(route, contract)) }
        let parameters = route.query.map { ($0, "query") } + (route.parameter.map { [($0, "path")] } ?? [])
        if !parameters.isEmpty {
            set(
                "parameters",
                .array(
                    parameters.map { input, place in
                        [
                            "name": .string(input.name), "in": .string(place), "required": .bool(place == "path"),
                            "schema": input.schema(by: contract.policy, in: .form),
                            "description": .string(
                                input.text(by: contract.policy)), "example": input.example,
                        ]
                    }))
        }
        if route.takesFields { set("requestBody", requestBody(route, contract)) }
        set("responses", .object(responses(route, contract)))
        return .object(operation)
    }

    private static func security(_ route: Route, _ contract: Contract) -> JSON {
        let bearer: JSON = ["bearer": []]
        return contract.policy.isCookie && route.access == .signedIn ? [["cookie": []], bearer] : [bearer]
    }

    // MARK: Requests

    private static func requestBody(_ route: Route, _ contract: Contract) -> JSON {
        let content = (route.encodings ?? contract.encodings).map { encoding in
            // The whole body is the picture. (OpenAPI 3.1.1 §4.8.14.2)
            guard encoding != .picture else { return JSON.Member(name: encoding.mediaType, value: [:]) }
            let inputs = route.inputs
            let required = inputs.filter(\.isRequired).map { JSON.string($0.name) }
            var schema: JSON.Object = [
                "type": "object",
                "properties": .object(
                    JSON.Object(
                        inputs.map {
                            .init(name: $0.name, value: $0.schema(by: contract.policy, in: encoding))
                        })),
            ]
            if !required.isEmpty { schema.members.append(.init(name: "required", value: .array(required))) }
            let shown = inputs.filter { $0.field != .avatar }
            let example = JSON.object(JSON.Object(shown.map { .init(name: $0.name, value: $0.example) }))
            return JSON.Member(name: encoding.mediaType, value: ["schema": .object(schema), "example": example])
        }
        let isRequired = route.inputs.contains(where: \.isRequired)
        return ["required": .bool(isRequired), "content": .object(JSON.Object(content))]
    }

    // MARK: Responses

    private static func responses(_ route: Route, _ contract: Contract) -> JSON.Object {
        var members = [JSON.Member(name: String(route.success.status), value: success(route.success))]
        for group in FailureSamples(route, of: contract).byStatus {
            members.append(.init(name: String(group.status), value: group.response))
        }
        return JSON.Object(members)
    }

    private static func success(_ success: SuccessDescription) -> JSON {
        var response: JSON.Object = ["description": .string(Reply.reason(success.status))]
        if !success.headers.isEmpty {
            let headers = success.headers.map { name, text in
                JSON.Member(name: name, value: ["description": .string(text), "schema": ["type": "string"]])
            }
            response.members.append(.init(name: "headers", value: .object(JSON.Object(headers))))
        }
        if let body = success.body {
            response.members.append(
                .init(name: "content", value: [Reply.json: ["schema": body.schema, "example": body.example]]))
        }
        return .object(response)
    }
}

extension Route {
    /// For links and generated code: `v1-profile-post-api-v1-auth-register`.
    func identifier(in contract: Contract) -> String {
        let path = path.split { "/{}".contains($0) }.joined(separator: "-")
        return "\(contract.name)-\(method.rawValue.lowercased())-\(path)"
    }
}

extension Fields.Encoding {
    fileprivate var mediaType: String {
        switch self {
        case .json: "application/json"
        case .form: "application/x-www-form-urlencoded"
        case .multipart: "multipart/form-data"
        case .picture: "image/*"
        }
    }
}
