import DevStack
import JSON
import Synchronization
import TestSupport

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
        let form = MultipartForm([.file("avatar", name: name, file)])
        return try send(
            "PUT", "/api/v1/profile/update/", as: person, headers: [("Content-Type", form.type)], body: form.body)
    }
}
