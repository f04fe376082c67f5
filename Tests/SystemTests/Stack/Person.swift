import DevStack
import JSON
import Synchronization

/// Somebody who has registered through contract 1, with the tokens of that registration.
struct Person: Sendable {
    var id: Int64
    var username: String
    var email: String
    var password: String
    var access: String
    var refresh: String

    /// A name that nobody else has.
    static func newName() -> String { "person\(count.wrappingAdd(1, ordering: .relaxed).newValue)" }

    private static let count = Atomic<Int>(0)
}

struct Unexpected: Error {
    let answer: String

    init(_ answer: Answer) {
        self.answer = "\(answer.status) \(answer.text)"
    }
}

extension DevStack {
    /// Registers somebody with a name of their own.
    func newPerson(
        _ username: String = Person.newName(), email: String? = nil, password: String = "seven-Owls-42"
    ) throws -> Person {
        let email = email ?? "\(username)@example.com"
        let answer = try send(
            "POST", "/api/v1/auth/register/",
            json: [
                "username": .string(username), "email": .string(email), "password": .string(password),
                "password_confirm": .string(password),
            ])
        guard answer.status == 201, case .integer(let id)? = answer[["user", "id"]],
            let access = answer.string("tokens", "access"), let refresh = answer.string("tokens", "refresh")
        else { throw Unexpected(answer) }
        return Person(id: id, username: username, email: email, password: password, access: access, refresh: refresh)
    }

    func signIn(_ name: String, _ password: String) throws -> Answer {
        try send("POST", "/api/v1/auth/login/", json: ["username": .string(name), "password": .string(password)])
    }

    /// Sends a file as the avatar of a person.
    func upload(_ file: [UInt8], named name: String = "me.png", as person: Person) throws -> Answer {
        let form = Form([.file("avatar", name: name, file)])
        return try send(
            "PUT", "/api/v1/profile/update/", as: person, headers: [("Content-Type", form.type)], body: form.body)
    }
}

/// A multipart/form-data body. (RFC 7578)
struct Form {
    enum Part {
        case text(String, String)
        case file(String, name: String, [UInt8])
    }

    static let boundary = "----homeroom-7MA4YWxkTrZu0gW"
    let body: [UInt8]
    let type = "multipart/form-data; boundary=\(Form.boundary)"

    init(_ parts: [Part]) {
        var body: [UInt8] = []
        for part in parts {
            body += "--\(Form.boundary)\r\n".utf8
            switch part {
            case .text(let name, let value):
                body += "Content-Disposition: form-data; name=\"\(name)\"\r\n\r\n\(value)\r\n".utf8
            case .file(let name, let filename, let content):
                body += "Content-Disposition: form-data; name=\"\(name)\"; filename=\"\(filename)\"\r\n".utf8
                body += "Content-Type: application/octet-stream\r\n\r\n".utf8
                body += content
                body += "\r\n".utf8
            }
        }
        self.body = body + Array("--\(Form.boundary)--\r\n".utf8)
    }
}
