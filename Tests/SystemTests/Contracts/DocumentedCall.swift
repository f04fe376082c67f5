import DevStack
import JSON
import TestSupport
import Testing

/// A request with the values of a document's example, and what the document answers.
///
/// In texts `{new}` is a name that nobody has, `{username}`, `{email}` and `{password}` are those of somebody new,
/// `{other}` the name of somebody else, whose address is `{other}@example.com`, and `{access}` and `{refresh}` the tokens
/// of the person's session.
struct DocumentedCall: Sendable, CustomTestStringConvertible {
    /// How the request says whose it is.
    enum Identity: Sendable {
        case nobody
        case bearer
        case cookie
        case badToken
    }

    let section: String
    let method: String
    let path: String
    var identity = Identity.nobody
    var body: JSON?
    /// Sent as a form instead of JSON.
    var form: String?
    let status: Int
    /// The label of the documented answer.
    var label = ""

    var testDescription: String { "\(section) \(method) \(path) \(status) \(label)" }

    /// Sends it as somebody new who has signed in through a contract.
    func run(on site: DevStack, through api: ContractAPI) throws -> Answer {
        let person = try site.newPerson()
        let session = try site.session(of: person, through: api)
        var values = [
            "{new}": Person.newName(), "{username}": person.username, "{email}": person.email,
            "{password}": person.password, "{access}": session.access ?? "", "{refresh}": session.refresh ?? "",
        ]
        if body.map({ "\($0)".contains("{other}") }) == true { values["{other}"] = try site.newPerson().username }
        var headers: [(String, String)] = []
        switch identity {
        case .nobody: break
        case .bearer: headers.append(("Authorization", "Bearer \(session.access ?? "")"))
        case .cookie: headers.append(("Cookie", "sessionid=\(session.cookie ?? "")"))
        case .badToken: headers.append(("Authorization", "Bearer x.y.z"))
        }
        if let form {
            headers.append(("Content-Type", "application/x-www-form-urlencoded"))
            return try site.send(method, path, headers: headers, body: Array(DocumentedCall.fill(form, values).utf8))
        }
        return try site.send(method, path, json: body.map { DocumentedCall.fill($0, values) }, headers: headers)
    }

    private static func fill(_ text: String, _ values: [String: String]) -> String {
        values.reduce(text) { $0.replacing($1.key, with: $1.value) }
    }

    private static func fill(_ json: JSON, _ values: [String: String]) -> JSON {
        switch json {
        case .string(let text): .string(fill(text, values))
        case .array(let items): .array(items.map { fill($0, values) })
        case .object(let object):
            .object(JSON.Object(object.members.map { .init(name: $0.name, value: fill($0.value, values)) }))
        case .null, .bool, .integer, .double: json
        }
    }
}

extension DevStack {
    /// Signs somebody in through a contract.
    func session(of person: Person, through api: ContractAPI) throws -> SessionCredentials {
        let name = api.takesEmailOnly ? person.email : person.username
        let answer = try send("POST", api.login, json: api.credentials(name, person.password))
        guard answer.status == 200 else { throw Unexpected(answer) }
        return api.session(in: answer.json, setCookie: answer["Set-Cookie"])
    }
}

extension JSON {
    /// The names of an object's members in order; none where it is no object.
    var names: [String] {
        guard case .object(let object) = self else { return [] }
        return object.members.map(\.name)
    }
}
