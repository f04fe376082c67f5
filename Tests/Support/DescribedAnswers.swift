import Contracts
import JSON

/// Holds answers against their descriptions: the status must be described, and the body must fit that status's schema.
package enum DescribedAnswers {
    /// What of an answer is not as it is described; empty when all is, or nothing is described for that method and path.
    ///
    /// - Parameter type: the value of `Content-Type`.
    package static func mismatches(
        _ method: String, _ target: String, status: Int, type: String?, body: [UInt8]
    ) -> [String] {
        let path = String(target.prefix { $0 != "?" })
        // The way to HTTPS leads through nginx alone.
        if status == 308 { return [] }
        guard let operation = operations[method + " " + path], let responses = operation["responses"] else { return [] }
        let name = "\(method) \(path): \(status) \(String(decoding: body.prefix(500), as: UTF8.self))"
        guard let response = responses["\(status)"] else { return ["\(name) is not described"] }
        guard let content = response["content"] else {
            return body.isEmpty ? [] : ["\(name) is described without a body"]
        }
        let type = type.map { String($0.prefix { $0 != ";" }) } ?? ""
        guard let schema = content[type]?["schema"] else { return ["\(name) is not described as \(type)"] }
        guard let json = try? JSON.parse(body) else { return ["\(name) is no JSON"] }
        return JSONSchema.mismatches(of: json, with: schema).map { "\(name): \($0)" }
    }

    /// By method and path, with and without the final slash where that is one endpoint.
    private static let operations: [String: JSON] = {
        var operations: [String: JSON] = [:]
        guard case .object(let paths)? = OpenAPI.document(of: Router.documented)["paths"] else { return [:] }
        for path in paths.members {
            guard case .object(let methods) = path.value else { continue }
            for method in methods.members {
                operations[method.name.uppercased() + " " + path.name] = method.value
            }
        }
        for (name, operation) in operations {
            let other = name.hasSuffix("/") ? String(name.dropLast()) : name + "/"
            if operations[other] == nil { operations[other] = operation }
        }
        return operations
    }()
}

extension JSON {
    /// What an object has of a name; nil for anything else.
    package subscript(name: String) -> JSON? {
        guard case .object(let object) = self else { return nil }
        return object[name]
    }
}
