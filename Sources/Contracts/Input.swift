import Accounts
import HTTP
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
    /// - Parameter encoding: how it is sent: in forms all but files are texts.
    func schema(by policy: Policy, in encoding: Fields.Encoding) -> JSON {
        var schema: JSON.Object = [:]
        func set(_ name: String, _ value: JSON) { schema.members.append(.init(name: name, value: value)) }
        let isJSON = encoding == .json
        switch field {
        case .avatar:
            set("type", isJSON ? ["string", "null"] : "string")
            // Only a form with parts can bring a picture; elsewhere it can be taken away.
            if encoding == .multipart { set("format", "binary") } else { set("maxLength", 0) }
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
        case .sessionID:
            set("type", "string")
            set("pattern", "^[0-9a-f]{16}$")
        case .language:
            set("type", "string")
            set("enum", .array(Account.languages.map(JSON.string)))
        case .theme:
            set("type", "string")
            set("enum", .array(Account.themes.map(JSON.string)))
        case .role:
            set("type", "string")
            set("enum", .array(Role.allCases.map { .string($0.rawValue) }))
        case .username, .email, .password, .confirmation, .currentPassword, .newPassword, .newConfirmation, .fullName,
            .firstName, .lastName, .phone, .bio, .refresh, .resetToken, .id, .timezone, .search:
            // What a person says of themselves can be taken away.
            let canBeNull = isJSON && !isRequired && [.fullName, .firstName, .lastName, .phone, .bio].contains(field)
            set("type", canBeNull ? ["string", "null"] : "string")
            if field == .email { set("format", "email") }
            if isPassword { set("format", "password") }
            let length = isNew ? policy.length(of: field) : nil
            let min = length?.lowerBound ?? (isRequired ? 1 : 0)
            if min > 0 { set("minLength", .integer(Int64(min))) }
            if let max = length?.upperBound { set("maxLength", .integer(Int64(max))) }
        }
        let text = text(by: policy)
        if !text.isEmpty { set("description", .string(text)) }
        return .object(schema)
    }

    private var isPassword: Bool {
        switch field {
        case .password, .confirmation, .currentPassword, .newPassword, .newConfirmation: true
        case .username, .email, .fullName, .firstName, .lastName, .phone, .bio, .avatar, .role, .refresh, .resetToken,
            .remembered, .limit, .after, .id, .language, .timezone, .theme, .search, .sessionID:
            false
        }
    }

    /// What the field is, and the rules that no schema can say, for people.
    func text(by policy: Policy) -> String {
        switch field {
        case .username:
            isNew
                ? "Letters and digits of any script and @ . + - _; unique without regard to case and width. "
                    + "One with @ must be the account's own email."
                : "A username, or an email."
        case .email:
            isNew
                ? "An email address of at most 254 bytes; unique without regard to case and width."
                : "An email address."
        case .password, .newPassword: isNew ? Input.text(policy.passwords) : "The password."
        case .confirmation, .newConfirmation: "The new password once more."
        case .currentPassword: "The present password."
        case .fullName, .firstName, .lastName: "A name of the person; without control characters."
        case .phone: "A telephone number; invisible characters in it are dropped."
        case .bio: "What the person says of themselves; white space around it is dropped."
        case .avatar: "A JPEG, PNG or GIF of at most 5 MiB and 50 million pixels. An empty text takes the picture away."
        case .role: "The role in the school."
        case .refresh: "A refresh token."
        case .resetToken: "The token of a mailed link."
        case .remembered: "Whether the session lives for 30 days."
        case .limit: "How many accounts at most."
        case .after: "The id of the account behind which the list begins."
        case .id: ""
        case .language: "The language of mails, and of messages where `Accept-Language` names none."
        case .timezone: "The name of a time zone of the IANA database."
        case .theme: "How the person wants pages to look."
        case .search: "What the username, the full name or the email begins with, without regard to case and width."
        case .sessionID: "The id of a session, as the list has it."
        }
    }

    private static func text(_ rules: PasswordRules) -> String {
        var texts = ["At most 1024 bytes."]
        if rules.refusesCommon { texts.append("None of the common ones.") }
        if rules.refusesNumeric { texts.append("Not digits alone.") }
        let others = rules.dissimilarTo.map { $0 == .email ? "email" : "username" }.joined(separator: " or ")
        if !others.isEmpty { texts.append("Not too similar to the \(others).") }
        return texts.joined(separator: " ")
    }
}
