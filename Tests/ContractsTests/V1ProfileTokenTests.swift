import TestSupport
import Testing

/// Contract 1, against `1-v1-profile.md`: tokens that are missing, bad or of another kind.
struct V1ProfileTokenTests {
    let client: TestClient

    init() throws {
        client = try TestClient()
    }

    private static let badToken =
        #"401 {"detail":"Given token not valid for any token type","code":"token_not_valid"}"#
    private static let noToken = #"401 {"detail":"Authentication credentials were not provided."}"#
    private static let badRefresh = #"401 {"detail":"Token is invalid or expired","code":"token_not_valid"}"#

    private func refresh(_ json: String) -> Response { client.ask("POST", "/api/v1/auth/token/refresh/", .json(json)) }

    @Test(arguments: ["x", "a.b.c", "eyJ0eXAiOiJKV1QiLCJhbGciOiJIUzI1NiJ9.e30.x"])
    func `a bad refresh token is answered as documented`(_ token: String) {
        #expect(refresh(#"{"refresh":"\#(token)"}"#).said == V1ProfileTokenTests.badRefresh)
    }

    @Test func `an access token is no refresh token`() {
        let access = client.register().access

        #expect(refresh(#"{"refresh":"\#(access)"}"#).said == V1ProfileTokenTests.badRefresh)
    }

    @Test func `a refresh without a token is a field error`() {
        let answer = refresh("{}")

        #expect(answer.status == 400)
        #expect(answer.body.hasSuffix(#""errors":{"refresh":["This field is required."]}}"#))
    }

    @Test(arguments: [#"{"refresh":"x"}"#, "{}", #"{"refresh":null}"#, #"{"refresh":""}"#, #"{"refresh":1}"#])
    func `a logout without the session's refresh token is answered as documented`(_ body: String) {
        let access = client.register().access

        let answer = client.ask("POST", "/api/v1/auth/logout/", .json(body), bearer: access)

        #expect(answer.said == #"400 {"message":"登出失败: Token is invalid or expired"}"#)
        #expect(client.get("/api/v1/info/", bearer: access).status == 200)
    }

    private static let signedIn = [
        ("GET", "/api/v1/profile/"), ("PUT", "/api/v1/profile/update/"), ("PATCH", "/api/v1/profile/update/"),
        ("POST", "/api/v1/password/change/"), ("GET", "/api/v1/info/"), ("POST", "/api/v1/auth/logout/"),
    ]

    @Test(arguments: signedIn + [("HEAD", "/api/v1/info/")])
    func `without a token one is not authenticated`(_ method: String, _ path: String) {
        let answer = client.ask(method, path)

        #expect(answer.said == V1ProfileTokenTests.noToken)
        #expect(answer.all("WWW-Authenticate") == ["Bearer"])
    }

    @Test(arguments: signedIn) func `with a bad token one is told so`(_ method: String, _ path: String) {
        let new = client.register()

        let answers = ["x", new.refresh, String(new.access.dropLast()), "a b"]
            .map { client.ask(method, path, .json("not even JSON"), bearer: $0) }

        #expect(answers.map(\.said) == Array(repeating: V1ProfileTokenTests.badToken, count: 4))
        #expect(answers.map { $0.all("WWW-Authenticate") } == Array(repeating: ["Bearer"], count: 4))
    }

    @Test(arguments: ["Basic dGVzdDp0ZXN0", "Token abc", "bearerx abc", ""])
    func `another scheme is no token`(_ header: String) {
        let answer = client.ask("GET", "/api/v1/info/", headers: ["authorization": header])

        #expect(answer.said == V1ProfileTokenTests.noToken)
    }

    @Test(arguments: ["Bearer", "bearer ", "BEARER   "]) func `a scheme without a token is a bad token`(
        _ header: String
    ) {
        let answer = client.ask("GET", "/api/v1/info/", headers: ["authorization": header])

        #expect(answer.said == V1ProfileTokenTests.badToken)
    }

    @Test(arguments: ["bearer", "BEARER", "Bearer  "]) func `the scheme may be written in any case`(_ scheme: String) {
        let access = client.register().access

        let answer = client.ask("GET", "/api/v1/info/", headers: ["authorization": "\(scheme) \(access)"])

        #expect(answer.status == 200)
    }
}
