import Testing

@testable import Contracts

@Suite struct V1ProfilePathTests {
    @Test(arguments: [
        ("GET", "/api/v1/profile"), ("PUT", "/api/v1/profile/update"), ("PATCH", "/api/v1/profile/update"),
        ("POST", "/api/v1/password/change"), ("GET", "/api/v1/info"), ("POST", "/api/v1/auth/token/refresh"),
    ])
    func `a path is accepted with and without its final slash`(method: String, path: String) throws {
        let client = try TestClient()

        #expect(client.destination(method, path) == "v1-profile \(path)/")
        #expect(client.destination(method, path + "/") == "v1-profile \(path)/")
        #expect(client.destination(method, path + "?a=b") == "v1-profile \(path)/")
    }

    @Test(arguments: ["/api/v1/auth/register", "/api/v1/auth/login", "/api/v1/auth/logout"])
    func `three paths belong to contract 1 with the slash and to contract 5 without`(path: String) throws {
        let client = try TestClient()

        #expect(client.destination("POST", path + "/") == "v1-profile \(path)/")
        #expect(client.destination("POST", path) == "v1-auth \(path)")
    }

    @Test(arguments: [
        "/api/v1/", "/api/v1/nothing", "/api/v1/nothing/", "/api/v1/auth/nothing/", "/api/v1/profile/update/x/",
        "/api/v1//profile/", "/api/v1/profile//", "/api/v1/Profile/", "/api/v1/pro%66ile/", "/api/v1/auth/register//",
    ])
    func `an unknown path is answered 404`(path: String) throws {
        let client = try TestClient()

        let answer = client.ask("GET", path)

        #expect(answer.status == 404)
        #expect(answer.body == #"{"detail":"Not found."}"#)
    }

    @Test(arguments: ["/", "", "/api", "/api/v2/profile/", "/api/v1", "/favicon.ico"])
    func `a path of no contract is answered 404 too`(path: String) throws {
        let client = try TestClient()

        let answer = client.ask("POST", path)

        #expect(answer.status == 404)
        #expect(answer.body == #"{"detail":"Not found."}"#)
    }

    @Test(arguments: [
        ("GET", "/api/v1/auth/register/", "POST, OPTIONS"), ("PUT", "/api/v1/auth/login/", "POST, OPTIONS"),
        ("HEAD", "/api/v1/auth/login/", "POST, OPTIONS"), ("DELETE", "/api/v1/auth/logout/", "POST, OPTIONS"),
        ("GET", "/api/v1/auth/token/refresh", "POST, OPTIONS"), ("POST", "/api/v1/profile/", "GET, HEAD, OPTIONS"),
        ("POST", "/api/v1/profile/update/", "PUT, PATCH, OPTIONS"),
        ("GET", "/api/v1/profile/update/", "PUT, PATCH, OPTIONS"),
        ("TRACE", "/api/v1/info/", "GET, HEAD, OPTIONS"), ("get", "/api/v1/info/", "GET, HEAD, OPTIONS"),
        ("PROPFIND", "/api/v1/password/change/", "POST, OPTIONS"),
    ])
    func `a wrong method is answered 405 with those that are right`(method: String, path: String, allowed: String)
        throws
    {
        let client = try TestClient()

        let answer = client.ask(method, path)

        #expect(answer.status == 405)
        #expect(answer.body == #"{"detail":"Method \"\#(method)\" not allowed."}"#)
        #expect(answer.all("Allow") == [allowed])
    }

    @Test(arguments: [
        ("/api/v1/auth/register/", "POST, OPTIONS"), ("/api/v1/profile/", "GET, HEAD, OPTIONS"),
        ("/api/v1/profile/update/", "PUT, PATCH, OPTIONS"), ("/api/v1/info", "GET, HEAD, OPTIONS"),
    ])
    func `OPTIONS is answered 204 with the methods`(path: String, allowed: String) throws {
        let client = try TestClient()

        let answer = client.ask("OPTIONS", path)

        #expect(answer.status == 204)
        #expect(answer.body == "")
        #expect(answer.all("Allow") == [allowed])
    }

    @Test(arguments: ["/api/v1/profile/", "/api/v1/info/"])
    func `HEAD is answered like GET`(path: String) throws {
        let client = try TestClient()
        let new = client.register()

        let get = client.ask("GET", path, bearer: new.access)
        let head = client.ask("HEAD", path, bearer: new.access)

        #expect(head.status == 200)
        #expect(head.body == get.body)
    }
}
