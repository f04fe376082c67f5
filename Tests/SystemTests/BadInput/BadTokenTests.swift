import DevStack
import Foundation
import JSON
import Secrets
import Testing

/// Tokens that are missing, forged or over: 401, and nothing is done for them.
struct BadTokenTests {
    private let target: TargetSite

    init() throws {
        target = try TargetSite.shared.get()
    }

    @Test(arguments: Endpoint.signedIn)
    func `without a token every endpoint that needs one says so`(endpoint: Endpoint) throws {
        let answer = try target.site.send(
            endpoint.method, endpoint.path, headers: [("Content-Type", "application/json")])

        #expect(answer.status == 401)
        #expect(answer.text == #"{"detail":"Authentication credentials were not provided."}"#)
        #expect(answer["WWW-Authenticate"] == "Bearer")
    }

    @Test(arguments: Endpoint.signedIn)
    func `a token that is not ours, or not now, is refused everywhere`(endpoint: Endpoint) throws {
        for (name, token) in try forgeries() {
            let answer = try target.site.send(
                endpoint.method, endpoint.path,
                headers: [("Authorization", "Bearer \(token)"), ("Content-Type", "application/json")],
                body: Array(#"{"email": "forged@example.com"}"#.utf8))

            #expect(answer.status == 401, "\(name)")
            #expect(
                answer.text == #"{"detail":"Given token not valid for any token type","code":"token_not_valid"}"#,
                "\(name)")
            #expect(answer["WWW-Authenticate"] == "Bearer", "\(name)")
        }
        #expect(try target.isUnchanged())
    }

    @Test func `a refresh token that is not ours, or not now, is refused`() throws {
        for (name, token) in try forgeries(kind: .refresh) {
            let body: JSON = ["refresh": .string(token)]

            let answer = try target.send(.refresh, type: "application/json", body.bytes)

            // An empty one is a field that is blank.
            if token.isEmpty { continue }
            #expect(answer.status == 401, "\(name)")
            #expect(answer.text == #"{"detail":"Token is invalid or expired","code":"token_not_valid"}"#, "\(name)")
        }
        #expect(try target.isUnchanged())
    }

    /// Tokens that somebody else could make, or that were good once.
    private func forgeries(kind: Claims.Kind = .access) throws -> [(name: String, token: String)] {
        let own = kind == .access ? target.person.access : target.person.refresh
        let parts = own.split(separator: ".").map(String.init)
        let claims = try ours.verify(own, now: 0)
        var expired = claims
        expired.expiresAt = 1_700_000_000
        var foreign = claims
        foreign.accountID += 1
        var unknown = claims
        unknown.sessionID ^= 1
        let none = Array(#"{"typ":"JWT","alg":"none"}"#.utf8)
        let noneHeader = encoded(none)
        return [
            ("empty", ""),
            ("nonsense", "nonsense"),
            ("dots", "..."),
            ("cut off", String(own.dropLast(10))),
            ("longer", own + "a"),
            ("other signature", parts[0] + "." + parts[1] + "." + String(parts[2].reversed())),
            ("no signature", parts[0] + "." + parts[1] + "."),
            ("alg none", noneHeader + "." + parts[1] + "."),
            ("alg none, signed", noneHeader + "." + parts[1] + "." + parts[2]),
            ("alg None", encoded(Array(#"{"alg":"None"}"#.utf8)) + "." + parts[1] + "."),
            ("alg HS512", encoded(Array(#"{"typ":"JWT","alg":"HS512"}"#.utf8)) + "." + parts[1] + "." + parts[2]),
            ("other claims", parts[0] + "." + encoded(Array(#"{"user_id":1}"#.utf8)) + "." + parts[2]),
            ("other key", try signer("0123456789abcdef0123456789ABCDEF0123456789abcdef").sign(claims)),
            ("other issuer", try signer(key, issuer: "elsewhere").sign(claims)),
            ("expired", try ours.sign(expired)),
            ("somebody else's account", try ours.sign(foreign)),
            ("a session that is not", try ours.sign(unknown)),
            ("the other kind", kind == .access ? target.person.refresh : target.person.access),
            ("5,000 letters", String(repeating: "a", count: 5000)),
        ]
    }

    private var key: String { target.site.settings["HOMEROOM_TOKEN_KEY"] ?? "" }

    private var ours: TokenSigner {
        get throws { try signer(key) }
    }

    private func signer(_ key: String, issuer: String = "homeroom") throws -> TokenSigner {
        try TokenSigner(keys: [Array(key.utf8)], issuer: issuer)
    }

    /// Base64url without padding.
    private func encoded(_ bytes: [UInt8]) -> String {
        Data(bytes).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}
