import Accounts
import HTTP
import JSON

/// How a `Source` is written as JSON, and the description of that: one declaration gives the bytes of an answer, its schema
/// and its example.
///
/// A dictionary literal is an object with its members in that order, a string literal a constant:
/// `["message": "登录成功", "user": account.of(\.account)]`.
struct Shape<Source>: Sendable {
    typealias Write = @Sendable (_ source: Source, _ request: Request, _ bytes: inout [UInt8]) -> Void

    /// JSON Schema, draft 2020-12.
    let schema: JSON
    let example: JSON
    let write: Write

    init(schema: JSON, example: JSON, write: @escaping Write) {
        self.schema = schema
        self.example = example
        self.write = write
    }

    /// This JSON, made of a part of another value.
    func of<Whole>(_ part: @escaping @Sendable (Whole) -> Source) -> Shape<Whole> {
        Shape<Whole>(schema: schema, example: example) { [write] in write(part($0), $1, &$2) }
    }

    /// A text.
    ///
    /// - Parameter rules: more of its schema: `["format": "email"]`.
    static func text(
        _ example: String, _ rules: JSON.Object = [:], _ value: @escaping @Sendable (Source) -> String
    ) -> Shape {
        Shape(schema: schema("string", rules), example: .string(example)) { JSON.write(value($0), to: &$2) }
    }

    /// A text, or null where there is none.
    static func optionalText(
        _ example: String?, _ rules: JSON.Object = [:], _ value: @escaping @Sendable (Source) -> String?
    ) -> Shape {
        Shape(schema: schema(["string", "null"], rules), example: example.map(JSON.string) ?? .null) {
            write(value($0), to: &$2)
        }
    }

    /// An absolute URL on the origin of the request, or null where there is none.
    static func url(_ example: String?, _ value: @escaping @Sendable (Source, Request) -> String?) -> Shape {
        Shape(schema: schema(["string", "null"], ["format": "uri"]), example: example.map(JSON.string) ?? .null) {
            write(value($0, $1), to: &$2)
        }
    }

    static func integer(_ example: Int64, _ value: @escaping @Sendable (Source) -> Int64) -> Shape {
        Shape(schema: schema("integer"), example: .integer(example)) { $2 += String(value($0)).utf8 }
    }

    static func flag(_ example: Bool, _ value: @escaping @Sendable (Source) -> Bool) -> Shape {
        Shape(schema: schema("boolean"), example: .bool(example)) { $2 += (value($0) ? "true" : "false").utf8 }
    }

    /// Another value's JSON, or null where there is none.
    static func optional<Part>(_ part: Shape<Part>, _ value: @escaping @Sendable (Source) -> Part?) -> Shape {
        Shape(schema: ["anyOf": [part.schema, ["type": "null"]]], example: part.example) { [write = part.write] in
            if let value = value($0) { write(value, $1, &$2) } else { $2 += "null".utf8 }
        }
    }

    private static func write(_ text: String?, to bytes: inout [UInt8]) {
        if let text { JSON.write(text, to: &bytes) } else { bytes += "null".utf8 }
    }

    private static func schema(_ type: JSON, _ rules: JSON.Object = [:]) -> JSON {
        .object(JSON.Object([.init(name: "type", value: type)] + rules.members))
    }
}

extension Shape {
    /// An array of such values.
    var list: Shape<[Source]> {
        Shape<[Source]>(schema: ["type": "array", "items": schema], example: [example]) {
            [write] values, request, bytes in
            bytes.append(UInt8(ascii: "["))
            for (index, value) in values.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                write(value, request, &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        }
    }
}

extension Shape {
    /// This object with a member behind the others that is `true`, and there only where it is.
    func marked(_ name: String, _ isTrue: @escaping @Sendable (Source) -> Bool) -> Shape {
        let tail = Array(",\"\(name)\":true}".utf8)
        return Shape(schema: schema.with(property: name, ["type": "boolean", "const": true]), example: example) {
            [write] source, request, bytes in
            write(source, request, &bytes)
            if isTrue(source) { bytes.replaceSubrange((bytes.count - 1)..., with: tail) }
        }
    }
}

extension JSON {
    /// The schema of an object with one more property, which need not be there.
    fileprivate func with(property name: String, _ schema: JSON) -> JSON {
        guard case .object(let members) = self else { return self }
        return .object(
            Object(
                members.members.map { member in
                    guard member.name == "properties", case .object(let properties) = member.value else {
                        return member
                    }
                    return Member(
                        name: member.name,
                        value: .object(Object(properties.members + [Member(name: name, value: schema)])))
                }))
    }
}

extension Shape: ExpressibleByStringLiteral, ExpressibleByUnicodeScalarLiteral,
    ExpressibleByExtendedGraphemeClusterLiteral
{
    init(stringLiteral text: String) {
        let bytes = JSON.string(text).bytes
        self.init(schema: ["type": "string", "const": .string(text)], example: .string(text)) { $2 += bytes }
    }
}

extension Shape: ExpressibleByDictionaryLiteral {
    init(dictionaryLiteral members: (String, Shape)...) {
        let parts = members.enumerated().map { index, member in
            (head: Array((index == 0 ? "{" : ",").utf8) + JSON.string(member.0).bytes + Array(":".utf8), member.1.write)
        }
        let schema: JSON = [
            "type": "object",
            "properties": .object(JSON.Object(members.map { .init(name: $0.0, value: $0.1.schema) })),
            "required": .array(members.map { .string($0.0) }),
            "additionalProperties": false,
        ]
        let example = JSON.object(JSON.Object(members.map { .init(name: $0.0, value: $0.1.example) }))
        self.init(schema: schema, example: example) { source, request, bytes in
            for (head, write) in parts {
                bytes += head
                write(source, request, &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }
}

/// What a route answers when all went well: a status and a body made of what its handler gives.
struct Success<Outcome>: Sendable {
    let status: Int
    /// nil where there is no body.
    let shape: Shape<Outcome>?
    /// What else stands in the answer, for the description: name and text of each header.
    var headers: [(name: String, text: String)] = []
    /// Replaces the rendering of `shape` where the answer has headers of its own, or is streamed.
    var render: (@Sendable (Outcome, RequestContext) throws(AccountsError) -> Reply)?
    /// Whether it may give a browser a session.
    var setsCookie = false

    static func ok(_ shape: Shape<Outcome>) -> Success { Success(status: 200, shape: shape) }
    static func created(_ shape: Shape<Outcome>) -> Success { Success(status: 201, shape: shape) }
    /// Without a body: what was asked for is yet to be done.
    static var accepted: Success { Success(status: 202, shape: nil) }
    static var noContent: Success { Success(status: 204, shape: nil) }

    func reply(_ outcome: Outcome, _ context: RequestContext) throws(AccountsError) -> Reply {
        if let render { return try render(outcome, context) }
        return plainReply(outcome, context)
    }

    /// Status and body without further headers.
    func plainReply(_ outcome: Outcome, _ context: RequestContext) -> Reply {
        guard let shape else { return Reply(status) }
        var body: [UInt8] = []
        body.reserveCapacity(512)
        shape.write(outcome, context.request, &body)
        return Reply(status, body, type: Reply.json)
    }

    /// This answer with the session cookie; a life of no seconds takes the cookie away.
    func settingCookie(
        _ cookie: @escaping @Sendable (Outcome) -> (value: String, life: Int64), opensSession: Bool
    ) -> Success {
        var copy = self
        copy.setsCookie = opensSession
        copy.headers.append(("Set-Cookie", "The session cookie `sessionid`."))
        copy.render = { outcome, context throws(AccountsError) in
            let (value, life) = cookie(outcome)
            return try context.settingCookie(value, life: life, in: plainReply(outcome, context))
        }
        return copy
    }
}
