import JSON
import TestSupport

/// A password that keeps every contract's rules.
let goodPassword = "correct horse battery"
let otherPassword = "another staple entirely"

extension ContractAPI {
    /// A body that registers `alice` with `alice@school.example`.
    func registration(of name: String) -> JSON { registration(of: name, goodPassword) }

    /// A body that signs in as a student.
    func credentials(_ name: String) -> JSON { credentials(name, goodPassword) }

    /// Registers `alice` with `alice@school.example`.
    func register(_ name: String, _ password: String = goodPassword, at client: TestClient) -> Response {
        client.post(registration.path, registration(of: name, password))
    }

    /// Signs in with a username or an email, whichever the contract takes.
    func signIn(_ name: String, _ password: String = goodPassword, at client: TestClient) -> Response {
        client.post(login, credentials(name, password))
    }

    /// Signs in `alice` and gives what the client then holds.
    func openSession(_ name: String, _ password: String = goodPassword, at client: TestClient) -> SessionCredentials {
        let answer = signIn(takesEmailOnly ? "\(name)@school.example" : name, password, at: client)
        return session(in: answer.json, setCookie: answer.header("Set-Cookie"))
    }
}
