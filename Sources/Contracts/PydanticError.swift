import Accounts
import HTTP
import JSON

/// What FastAPI answers where a body does not fit its model. Contract 4; compared with FastAPI 0.165, Pydantic 2.14.
struct PydanticError {
    /// In characters; an empty password breaks this rule and no other.
    let shortestPassword: Int

    /// `{"type": "missing", "loc": ["body", "email"], "msg": "Field required", "input": …}`
    func of(_ violation: Violation, _ here: FailureContext) -> JSON {
        let name = here.name(of: violation)
        let body = here.fields.object
        var error: JSON.Object = ["type": .string(type(violation)), "loc": ["body", .string(name)]]
        let context: JSON?
        if violation.field == .email, PydanticError.isAddressRule(violation.rule) {
            let reason = addressReason(here.fields[name])
            error.append("msg", .string("value is not a valid email address: \(reason)"))
            context = ["reason": .string(reason)]
        } else {
            error.append("msg", .string(words(violation)))
            context = self.context(violation)
        }
        if violation.rule == .required {
            // A body that holds a password is not shown again.
            error.append(
                "input", body.members.contains { PydanticError.mayNamePassword($0.name) } ? .null : .object(body))
        } else {
            error.append("input", name.contains("password") ? .null : body[name] ?? .null)
        }
        if let context { error.append("ctx", context) }
        return .object(error)
    }

    static let absentBody: JSON = ["type": "missing", "loc": ["body"], "msg": "Field required", "input": nil]

    /// The body is not shown: it may hold a password.
    static let notAnObject: JSON = [
        "type": "model_attributes_type", "loc": ["body"],
        "msg": "Input should be a valid dictionary or object to extract fields from", "input": nil,
    ]

    static func notJSON(_ reason: String, character: Int) -> JSON {
        [
            "type": "json_invalid", "loc": ["body", .integer(Int64(character))], "msg": "JSON decode error",
            "input": [:], "ctx": ["error": .string(reason)],
        ]
    }

    /// As Python's json module says it, where it has a word for it.
    static func words(_ reason: JSON.ParseError.Reason) -> String {
        switch reason {
        case .valueExpected, .malformedNumber: "Expecting value"
        case .nameExpected: "Expecting property name enclosed in double quotes"
        case .colonExpected: "Expecting ':' delimiter"
        case .commaExpected: "Expecting ',' delimiter"
        case .trailingBytes: "Extra data"
        case .unendedString: "Unterminated string starting at"
        case .controlCharacter: "Invalid control character at"
        case .unknownEscape: "Invalid \\escape"
        case .loneSurrogate: "Invalid \\uXXXX escape"
        case .tooDeep, .numberTooLarge, .notUTF8: reason.rawValue
        }
    }

    func words(_ violation: Violation) -> String {
        switch violation.rule {
        case .required: "Field required"
        case .null, .notText: "Input should be a valid string"
        case .notAFlag: "Input should be a valid boolean"
        case .blank:
            // A password's shortest length says the same.
            minLength(violation).map { "String should have at least \($0) characters" }
                ?? "Value error, must not be empty"
        case .tooShort(let min): "String should have at least \(min) characters"
        case .tooLong(let max): "String should have at most \(max) characters"
        case .tooManyBytes(let max): "Value error, must have at most \(max) bytes"
        case .malformed: "value is not a valid email address"
        case .foreignAddress: "Value error, must be the account's own email"
        case .nulCharacter: "Value error, must not contain null characters"
        case .controlCharacter: "Value error, must not contain control characters"
        case .taken: "Value error, already registered"
        case .common: "Value error, password is too common"
        case .numeric: "Value error, password is entirely numeric"
        case .similar: "Value error, password is too similar to the account"
        case .mismatch: "Value error, passwords do not match"
        case .incorrect: "Value error, password is incorrect"
        case .unchanged: "Value error, must differ from the old password"
        case .expired, .unknown: "Value error, token is invalid or expired"
        case .unknownRole, .otherRole, .notAChoice: "Input should be 'student', 'mentor' or 'teacher'"
        case .notANumber(let range): "Input should be an integer from \(range.lowerBound) to \(range.upperBound)"
        case .notAFile, .emptyFile, .notAPicture, .fileTooLarge, .tooManyPixels, .tooLongSide:
            "Value error, not a valid picture"
        }
    }

    private func type(_ violation: Violation) -> String {
        switch violation.rule {
        case .required: "missing"
        case .null, .notText: "string_type"
        case .blank: minLength(violation) == nil ? "value_error" : "string_too_short"
        case .tooShort: "string_too_short"
        case .tooLong: "string_too_long"
        case .notAFlag: "bool_parsing"
        case .notANumber: "int_parsing"
        case .unknownRole, .otherRole, .notAChoice: "enum"
        case .tooManyBytes, .malformed, .foreignAddress, .nulCharacter, .controlCharacter, .taken, .common, .numeric,
            .similar, .mismatch, .incorrect, .unchanged, .expired, .unknown, .notAFile, .emptyFile, .notAPicture,
            .fileTooLarge,
            .tooManyPixels, .tooLongSide:
            "value_error"
        }
    }

    private func context(_ violation: Violation) -> JSON? {
        switch violation.rule {
        case .tooShort(let min): return ["min_length": .integer(Int64(min))]
        case .tooLong(let max): return ["max_length": .integer(Int64(max))]
        case .blank: if let min = minLength(violation) { return ["min_length": .integer(Int64(min))] }
        default: break
        }
        // What is left of a ValueError in JSON.
        return type(violation) == "value_error" ? ["error": [:]] : nil
    }

    /// The shortest length of an empty password.
    private func minLength(_ violation: Violation) -> Int? {
        violation.field == .password || violation.field == .newPassword ? shortestPassword : nil
    }

    /// Also where the name is too long to look at.
    private static func mayNamePassword(_ name: String) -> Bool {
        name.utf8.count > 64 || name.contains("password")
    }

    private static func isAddressRule(_ rule: Rule) -> Bool {
        switch rule {
        case .blank, .malformed, .nulCharacter, .tooManyBytes: true
        default: false
        }
    }
}

extension JSON {
    /// The value of an object's member.
    func member(_ name: String) -> JSON? {
        guard case .object(let object) = self else { return nil }
        return object[name]
    }
}

extension JSON.Object {
    fileprivate mutating func append(_ name: String, _ value: JSON) {
        members.append(.init(name: name, value: value))
    }
}
