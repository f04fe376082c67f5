import JSON

/// The part of JSON Schema (draft 2020-12) that our descriptions use; a keyword that it does not know is a mismatch.
package enum JSONSchema {
    /// What of a value does not fit a schema; empty when it fits.
    package static func mismatches(of value: JSON, with schema: JSON, at path: String = "") -> [String] {
        guard case .object(let schema) = schema else { return ["\(path): the schema is no object"] }
        return schema.members.flatMap { keyword -> [String] in
            switch keyword.name {
            case "type":
                let types = if case .array(let types) = keyword.value { types } else { [keyword.value] }
                return types.contains { isOf($0, value) } ? [] : ["\(path): \(value) is no \(text(keyword.value))"]
            case "anyOf":
                guard case .array(let schemas) = keyword.value else { return ["\(path): anyOf is no array"] }
                let all = schemas.map { mismatches(of: value, with: $0, at: path) }
                return all.contains([]) ? [] : all.flatMap { $0 }
            case "const": return value == keyword.value ? [] : ["\(path): \(value) is not \(text(keyword.value))"]
            case "enum":
                guard case .array(let values) = keyword.value, values.contains(value) else {
                    return ["\(path): \(value) is not one of \(text(keyword.value))"]
                }
                return []
            case "properties":
                guard case .object(let value) = value, case .object(let properties) = keyword.value else { return [] }
                return properties.members.flatMap { property in
                    value[property.name].map {
                        mismatches(of: $0, with: property.value, at: "\(path)/\(property.name)")
                    } ?? []
                }
            case "required":
                guard case .object(let value) = value, case .array(let names) = keyword.value else { return [] }
                return names.compactMap { name in
                    guard case .string(let name) = name, value[name] == nil else { return nil }
                    return "\(path)/\(name) is missing"
                }
            case "additionalProperties":
                guard keyword.value == false, case .object(let value) = value,
                    case .object(let properties)? = schema["properties"]
                else { return [] }
                return value.members.filter { properties[$0.name] == nil }.map { "\(path)/\($0.name) is not described" }
            case "items":
                guard case .array(let elements) = value else { return [] }
                return elements.enumerated().flatMap {
                    mismatches(of: $0.element, with: keyword.value, at: "\(path)/\($0.offset)")
                }
            case "pattern":
                guard case .string(let pattern) = keyword.value, let regex = try? Regex(pattern) else {
                    return ["\(path): \(text(keyword.value)) is no pattern"]
                }
                guard case .string(let string) = value, !string.contains(regex) else { return [] }
                return ["\(path): \(value) does not match \(pattern)"]
            case "format", "description", "default": return []
            default: return ["\(path): the keyword \(keyword.name) is not known here"]
            }
        }
    }

    private static func isOf(_ type: JSON, _ value: JSON) -> Bool {
        switch (type, value) {
        case ("null", .null), ("boolean", .bool), ("integer", .integer), ("number", .integer), ("number", .double),
            ("string", .string), ("array", .array), ("object", .object):
            true
        default: false
        }
    }

    private static func text(_ json: JSON) -> String { String(decoding: json.bytes, as: UTF8.self) }
}
