import Accounts
import JSON

/// A field that a route takes: what it means to the core, its name on the wire, and what stands in it for example.
struct Input: Sendable {
    let field: Field
    let name: String
    var isRequired = true
    /// Whether the policy's rules for a new value hold, or it is only compared with one that is there.
    var isNew = true
    let example: JSON
    /// The name under which a mismatch of this field is reported, where the document has another one for that.
    var mismatchName: String?

    /// A new value, without which the request is refused.
    static func required(_ field: Field, _ name: String, _ example: JSON) -> Input {
        Input(field: field, name: name, example: example)
    }

    /// A new value that may be left out.
    static func optional(_ field: Field, _ name: String, _ example: JSON) -> Input {
        Input(field: field, name: name, isRequired: false, example: example)
    }

    /// A value that must be there and is compared with a known one: the name or the password of a login, a confirmation.
    static func compared(
        _ field: Field, _ name: String, _ example: JSON, mismatchUnder mismatchName: String? = nil
    ) -> Input {
        Input(field: field, name: name, isNew: false, example: example, mismatchName: mismatchName)
    }

    /// JSON Schema of the value, with the lengths that the policy checks.
    ///
    /// - Parameter isForm: whether it is sent as a part of a form, where all but files are texts.
    func schema(by policy: Policy, isForm: Bool) -> JSON {
        var schema: JSON.Object = [:]
        func set(_ name: String, _ value: JSON) { schema.members.append(.init(name: name, value: value)) }
        switch field {
        case .avatar:
            set("type", isForm ? "string" : ["string", "null"])
            if isForm { set("format", "binary") } else { set("maxLength", 0) }
        case .remembered:
            // What Pydantic takes for a boolean.
            let words = ["0", "1", "f", "false", "n", "no", "off", "on", "t", "true", "y", "yes"].map {
                JSON.string($0)
            }
            set("anyOf", [["type": ["boolean", "null"]], ["enum": .array([0, 1] + words)]])
            set("default", false)
        case .limit, .after:
            set("type", "integer")
            if let range = policy.range(of: field) {
                set("minimum", .integer(Int64(range.lowerBound)))
                set("maximum", .integer(Int64(range.upperBound)))
            }
        case .role:
            set("type", "string")
            set("enum", .array(Role.allCases.map { .string($0.rawValue) }))
        case .username, .email, .password, .confirmation, .currentPassword, .newPassword, .newConfirmation, .fullName,
            .firstName, .lastName, .phone, .bio, .refresh, .resetToken, .id:
            // The details of a person can be taken away.
            let canBeNull = !isRequired && [.fullName, .firstName, .lastName, .phone, .bio].contains(field)
            set("type", canBeNull ? ["string", "null"] : "string")
            if field == .email { set("format", "email") }
            if [.password, .confirmation, .currentPassword, .newPassword, .newConfirmation].contains(field) {
                set("format", "password")
            }
            if isNew, let length = policy.length(of: field) {
                if length.lowerBound > 0 { set("minLength", .integer(Int64(length.lowerBound))) }
                set("maxLength", .integer(Int64(length.upperBound)))
            }
        }
        return .object(schema)
    }
}
