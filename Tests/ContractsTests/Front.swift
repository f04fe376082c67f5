import Accounts
import HTTP
import JSON
import TestSupport

@testable import Contracts

/// All contracts in memory: what nginx would send goes in, what it would get comes out.
struct Front {
    let school: School
    private let accounts: Accounts
    private let contracts = Contracts()

    init() throws {
        school = try School()
        accounts = school.accounts()
    }

    /// - Parameter token: goes into `Authorization: Bearer`.
    func send(
        _ method: String, _ path: String, _ body: Body = .none, token: String? = nil, headers: [String: String] = [:]
    ) -> Answer {
        var headers = headers
        if let type = body.type { headers["content-type"] = type }
        if let token { headers["authorization"] = "Bearer \(token)" }
        var rest = body.bytes[...]
        let request = Request(
            id: "r1", method: method, target: path, origin: "http://127.0.0.1:8000", contentLength: body.bytes.count,
            header: { [headers] in headers[$0] },
            read: { buffer throws(BodyCutShort) in
                let count = min(buffer.count, rest.count)
                buffer.copyBytes(from: rest.prefix(count))
                rest = rest.dropFirst(count)
                return count
            })
        let answer = contracts.answer(request, at: contracts.destination(of: request), accounts: accounts)
        return Answer(
            status: answer.reply.status, body: String(decoding: answer.reply.body, as: UTF8.self),
            headers: Dictionary(answer.reply.headers.map { ($0.name, $0.value) }) { "\($0), \($1)" })
    }

    /// The name of the endpoint that a request goes to: `v1-profile /api/v1/info/`.
    func destination(_ method: String, _ path: String) -> String {
        let request = Request(
            id: "r1", method: method, target: path, origin: "", contentLength: 0, header: { _ in nil },
            read: { _ throws(BodyCutShort) in 0 })
        let destination = contracts.destination(of: request)
        return "\(destination.contractName) \(destination.path)"
    }

    /// Registers `testuser`, as document 1 does, and gives the answer.
    @discardableResult
    func register(_ username: String = "testuser", email: String = "test@example.com") -> Answer {
        send(
            "POST", "/api/v1/auth/register/",
            .json(
                #"{"username":"\#(username)","email":"\#(email)","password":"testpassword123","#
                    + #""password_confirm":"testpassword123"}"#))
    }
}

struct Answer {
    let status: Int
    let body: String
    let headers: [String: String]

    var json: JSON { (try? JSON.parse(Array(body.utf8))) ?? .null }

    /// The text at a path of names: `answer["tokens", "access"]`; empty when there is none.
    subscript(names: String...) -> String {
        var value = json
        for name in names {
            guard case .object(let object) = value, let next = object[name] else { return "" }
            value = next
        }
        switch value {
        case .string(let text): return text
        case .integer(let number): return String(number)
        default: return ""
        }
    }

    /// The names of the members of the object at a path, in order.
    func names(_ path: String...) -> [String] {
        var value = json
        for name in path {
            guard case .object(let object) = value, let next = object[name] else { return [] }
            value = next
        }
        guard case .object(let object) = value else { return [] }
        return object.members.map(\.name)
    }

    var access: String { self["tokens", "access"] }
    var refresh: String { self["tokens", "refresh"] }
    var id: String { self["user", "id"] }
}

/// The body of a request.
enum Body {
    case none
    case json(String)
    case form(String)
    case parts([Part])
    case other(type: String?, [UInt8])

    struct Part {
        let name: String
        /// nil for a text field.
        var filename: String?
        let content: [UInt8]

        static func text(_ name: String, _ text: String) -> Part { Part(name: name, content: Array(text.utf8)) }
        static func file(_ name: String, _ filename: String, _ content: [UInt8]) -> Part {
            Part(name: name, filename: filename, content: content)
        }
    }

    var type: String? {
        switch self {
        case .none: nil
        case .json: "application/json"
        case .form: "application/x-www-form-urlencoded"
        case .parts: "multipart/form-data; boundary=limit"
        case .other(let type, _): type
        }
    }

    var bytes: [UInt8] {
        switch self {
        case .none: []
        case .json(let text), .form(let text): Array(text.utf8)
        case .other(_, let bytes): bytes
        case .parts(let parts):
            parts.flatMap { part in
                let file = part.filename.map { "; filename=\"\($0)\"\r\nContent-Type: application/octet-stream" } ?? ""
                let head = "--limit\r\nContent-Disposition: form-data; name=\"\(part.name)\"\(file)\r\n\r\n"
                return Array(head.utf8) + part.content + Array("\r\n".utf8)
            } + Array("--limit--\r\n".utf8)
        }
    }
}
