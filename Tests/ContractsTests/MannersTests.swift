import JSON
import TestSupport
import Testing

/// What contracts 2 to 5 do alike, each in its own words: bodies that cannot be read, paths and methods that are not.
struct MannersTests {
    let client: TestClient

    init() throws {
        client = try TestClient()
    }

    // MARK: Bodies

    private static let unreadable = [
        ("/api/auth/login/", #"400 {"non_field_errors":["请求体格式错误。"]}"#),
        (
            "/api/user/login/",
            #"400 {"message":"登录失败","errors":{"non_field_errors":["请求体格式错误。"]},"non_field_errors":["请求体格式错误。"]}"#
        ),
        ("/api/v1/auth/login/json", #"400 {"detail":"参数验证失败","errors":{"non_field_errors":["请求体格式错误。"]}}"#),
    ]

    private static let noObjects = [
        "{", "nonsense", "{} {}", #"{"a":"\ud800"}"#, #"{"a":"\udc00\ud800"}"#, "{'a':1}", "{\"a\":\"\0\"}", "[]",
        "null", "1",
        #""a""#, "[{}]", #"{"a":NaN}"#, " \u{FEFF}{}", " ",
        "{\"a\":" + String(repeating: "[", count: 32) + String(repeating: "]", count: 32) + "}",
        String(repeating: "[", count: 60_000),
    ]

    @Test(arguments: unreadable) func `a body that is no JSON object is refused`(_ path: String, _ said: String) {
        let answers = MannersTests.noObjects.map { client.ask("POST", path, .json($0)).said }

        #expect(answers == Array(repeating: said, count: MannersTests.noObjects.count))
    }

    @Test func `in contract 4 a body that is no JSON object is 422`() {
        let statuses = MannersTests.noObjects.map { client.ask("POST", "/api/users/login", .json($0)).status }

        #expect(statuses == Array(repeating: 422, count: MannersTests.noObjects.count))
    }

    @Test(arguments: unreadable.map(\.0) + ["/api/users/login"])
    func `bytes that are not UTF-8 are no JSON`(_ path: String) {
        let body = Array(#"{"a":""#.utf8) + [0xFF] + Array(#""}"#.utf8)

        let answer = client.ask("POST", path, .other(type: "application/json", body))

        #expect(answer.status == (path == "/api/users/login" ? 422 : 400))
    }

    private static let logins = [
        "/api/auth/login/", "/api/user/login/", "/api/users/login", "/api/v1/auth/login/json",
    ]

    @Test(arguments: logins) func `a body nested 32 deep is read`(_ path: String) throws {
        _ = ContractAPI.v1Auth.register("alice", at: client)
        let deep = String(repeating: "[", count: 31) + String(repeating: "]", count: 31)
        let body =
            #"{"username":"alice","email":"alice@school.example","role":"student","password":"\#(goodPassword)","a":\#(deep)}"#

        let answer = client.ask("POST", path, .json(body))

        #expect(answer.status == 200)
    }

    @Test(arguments: logins) func `of a name sent twice the last counts`(_ path: String) {
        _ = ContractAPI.v1Auth.register("alice", at: client)
        let body = #"""
            {"password":"wrong","username":"x","email":"x","role":"mentor",\#
            "username":"alice","email":"alice@school.example","role":"student","password":"\#(goodPassword)"}
            """#

        let answer = client.ask("POST", path, .json(body))

        #expect(answer.status == 200)
    }

    @Test(arguments: [
        "application/json", "application/json; charset=utf-8", "application/json;charset=GBK", "Application/JSON",
    ]) func `the charset of JSON is no matter`(_ type: String) {
        _ = ContractAPI.v1Auth.register("alice", at: client)
        let body =
            #"{"username":"alice","email":"alice@school.example","role":"student","password":"\#(goodPassword)"}"#

        let statuses = MannersTests.logins.map {
            client.ask("POST", $0, .other(type: type, Array(body.utf8))).status
        }

        #expect(statuses == [200, 200, 200, 200])
    }

    private static let unsupported = [
        ("/api/auth/login/", #"415 {"error":"不支持的媒体类型。"}"#), ("/api/user/login/", #"415 {"message":"不支持的媒体类型。"}"#),
        ("/api/users/login", #"415 {"detail":"Unsupported Media Type"}"#),
        ("/api/users/reset_password", #"415 {"detail":"Unsupported Media Type"}"#),
        ("/api/v1/auth/login/json", #"415 {"detail":"不支持的媒体类型。"}"#),
        ("/api/v1/auth/login", #"415 {"detail":"不支持的媒体类型。"}"#),
    ]

    @Test(arguments: unsupported) func `another media type is refused`(_ path: String, _ said: String) {
        let types: [String?] = [
            nil, "", "text/plain", "application/xml", "application/problem+json", "json",
            "application/json, text/plain",
        ]

        let answers = types.map { client.ask("POST", path, .other(type: $0, Array("{}".utf8))).said }

        #expect(answers == Array(repeating: said, count: types.count))
    }

    @Test(arguments: [
        ("/api/users/login", "application/x-www-form-urlencoded"),
        ("/api/users/register", "multipart/form-data; boundary=x"),
        ("/api/v1/auth/login/json", "application/x-www-form-urlencoded"),
        ("/api/v1/auth/register", "multipart/form-data; boundary=x"), ("/api/v1/auth/login", "application/json"),
    ]) func `contracts 4 and 5 take JSON, and a form only at its login`(_ path: String, _ type: String) {
        let answer = client.ask("POST", path, .other(type: type, Array("{}".utf8)))

        #expect(answer.status == 415)
    }

    private static let tooLarge = [
        ("/api/auth/login/", #"413 {"error":"请求体过大。"}"#), ("/api/user/login/", #"413 {"message":"请求体过大。"}"#),
        ("/api/users/login", #"413 {"detail":"Request Entity Too Large"}"#),
        ("/api/v1/auth/login/json", #"413 {"detail":"请求体过大。"}"#),
    ]

    @Test(arguments: tooLarge) func `a body over 64 KiB is refused`(_ path: String, _ said: String) {
        let filler = String(repeating: " ", count: 65_536 - 2)

        let fitting = client.ask("POST", path, .json("{\(filler)}"))
        let larger = client.ask("POST", path, .json("{\(filler) }"))

        #expect(fitting.status == (path == "/api/users/login" ? 422 : 400))
        #expect(larger.said == said)
    }

    @Test(arguments: ["/api/auth/login/", "/api/user/login/", "/api/v1/auth/login"])
    func `a form has at most 64 fields`(_ path: String) {
        _ = ContractAPI.v1Auth.register("alice", at: client)
        let form = "username=alice&email=alice@school.example&role=student&password=correct+horse+battery"

        let full = client.ask("POST", path, .form(form + String(repeating: "&x=1", count: 60)))
        let larger = client.ask("POST", path, .form(form + String(repeating: "&x=1", count: 61)))

        #expect(full.status == 200)
        #expect(larger.status == 400)
    }

    // MARK: Paths and methods

    @Test(arguments: [
        ("/api/auth/nothing/", #"404 {"error":"资源不存在。"}"#), ("/api/auth/", #"404 {"error":"资源不存在。"}"#),
        ("/api/auth/login//", #"404 {"error":"资源不存在。"}"#), ("/api/protected/x", #"404 {"error":"资源不存在。"}"#),
        ("/api/user/nothing", #"404 {"message":"资源不存在。"}"#), ("/api/user/List/", #"404 {"message":"资源不存在。"}"#),
        ("/api/users/nothing", #"404 {"detail":"Not Found"}"#), ("/api/me/x", #"404 {"detail":"Not Found"}"#),
        ("/api/v1/auth/nothing", #"404 {"detail":"资源不存在。"}"#),
        ("/api/v1/auth/login/jso%6E", #"404 {"detail":"资源不存在。"}"#),
        ("/api/userx", #"404 {"detail":"Not found."}"#), ("/api/", #"404 {"detail":"Not found."}"#),
    ]) func `an unknown path is refused in the words of its prefix`(_ path: String, _ said: String) {
        let answers = ["GET", "POST", "OPTIONS", "BREW"].map { client.ask($0, path).said }

        #expect(answers == Array(repeating: said, count: 4))
    }

    private static let post = ["POST", "OPTIONS"]
    private static let get = ["GET", "HEAD", "OPTIONS"]
    private static let endpoints: [(String, [String])] = [
        ("/api/auth/register/", post), ("/api/auth/login/", post), ("/api/auth/token/refresh/", post),
        ("/api/auth/logout/", post), ("/api/protected/", get), ("/api/user/register/", post),
        ("/api/user/login/", post),
        ("/api/user/list/", get), ("/api/user/update/", ["PUT", "PATCH", "OPTIONS"]),
        ("/api/user/change-password/", post), ("/api/user/me/", get), ("/api/user/logout/", post),
        ("/api/users/register/", post), ("/api/users/login/", post), ("/api/users/me/", get), ("/api/me/", get),
        ("/api/users/logout/", post), ("/api/users/refresh_token/", post), ("/api/users/reset_password/", post),
        ("/api/users/reset-password/", post), ("/api/v1/auth/login/json/", post), ("/api/v1/auth/me/", get),
        ("/api/v1/auth/refresh/", post), ("/api/v1/auth/change-password/", post),
        ("/api/v1/auth/forgot-password/", post), ("/api/v1/auth/reset-password/", post),
    ]
    private static let endpointsWithoutSlash = [
        ("/api/v1/auth/register", post), ("/api/v1/auth/login", post), ("/api/v1/auth/logout", post),
    ]

    @Test(arguments: endpoints + endpoints.map { (String($0.0.dropLast()), $0.1) } + endpointsWithoutSlash)
    func `a path says which methods it has`(_ path: String, _ allowed: [String]) {
        let methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "get", "BREW"]

        let options = client.ask("OPTIONS", path)
        let refused = methods.filter { client.ask($0, path).status == 405 }
        let list = Set(refused.map { client.ask($0, path).all("Allow") })

        #expect(options.said == "204")
        #expect(options.header("Allow") == allowed.joined(separator: ", "))
        #expect(refused == methods.filter { !allowed.contains($0) })
        #expect(list == [[allowed.joined(separator: ", ")]])
    }

    @Test(arguments: [
        ("/api/auth/login/", #"405 {"error":"不支持 DELETE 方法。"}"#),
        ("/api/user/login/", #"405 {"message":"不支持 DELETE 方法。"}"#),
        ("/api/users/login", #"405 {"detail":"Method Not Allowed"}"#),
        ("/api/v1/auth/login", #"405 {"detail":"不支持 DELETE 方法。"}"#),
    ]) func `a wrong method is refused in the contract's words`(_ path: String, _ said: String) {
        let answer = client.ask("DELETE", path)

        #expect(answer.said == said)
    }

    @Test(arguments: ContractAPI.bearerEndpoints) func `HEAD answers like GET`(_ path: String) {
        let access = ContractAPI.v1Profile.register("alice", at: client).text("tokens", "access")

        let answers = [String?.some(access), nil].map { token in
            ["GET", "HEAD"].map { client.ask($0, path, bearer: token).said }
        }

        #expect(answers[0][0] == answers[0][1])
        #expect(answers[1][0] == answers[1][1])
    }
}
