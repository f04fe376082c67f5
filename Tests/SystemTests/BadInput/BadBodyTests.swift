import DevStack
import JSON
import TestSupport
import Testing

/// What clients send wrong, by mistake or on purpose: a clear refusal, and nothing is changed by it.
struct BadBodyTests {
    private let target: TargetSite

    init() throws {
        target = try TargetSite.shared.get()
    }

    static let malformed: [(name: String, body: [UInt8])] = [
        ("blank", Array("   ".utf8)),
        ("no JSON", Array("username=a&password=b".utf8)),
        ("cut off", Array(#"{"username": "a", "#.utf8)),
        ("a comma too many", Array(#"{"username": "a",}"#.utf8)),
        ("something behind it", Array(#"{"username": "a"} {}"#.utf8)),
        ("a comment", Array("{} // nothing".utf8)),
        ("single quotes", Array("{'username': 'a'}".utf8)),
        ("NaN", Array(#"{"username": NaN}"#.utf8)),
        (
            "33 deep",
            Array((#"{"a":"# + String(repeating: "[", count: 32) + String(repeating: "]", count: 32) + "}").utf8)
        ),
        ("60,000 deep", [UInt8](repeating: UInt8(ascii: "["), count: 60_000)),
        ("60,000 objects deep", Array(String(repeating: #"{"a":"#, count: 12_000).utf8)),
        ("a raw NUL", Array("{\"username\": \"a\0b\"}".utf8)),
        ("a raw line break", Array("{\"username\": \"a\nb\"}".utf8)),
        ("invalid UTF-8", Array(#"{"username": ""#.utf8) + [0xC3, 0x28] + Array(#""}"#.utf8)),
        ("overlong UTF-8", Array(#"{"username": ""#.utf8) + [0xC0, 0xAF] + Array(#""}"#.utf8)),
        ("a UTF-8 surrogate", Array(#"{"username": ""#.utf8) + [0xED, 0xA0, 0x80] + Array(#""}"#.utf8)),
        ("a lone high surrogate", Array(#"{"username": "\ud800"}"#.utf8)),
        ("a lone low surrogate", Array(#"{"username": "\udc00"}"#.utf8)),
        ("UTF-16", [0xFF, 0xFE, 0x7B, 0x00, 0x7D, 0x00]),
    ]

    @Test(arguments: Endpoint.withBody)
    func `a body that is no JSON is refused in the shape of field errors`(endpoint: Endpoint) throws {
        for (name, body) in Self.malformed {
            let answer = try target.send(endpoint, type: "application/json", body)

            #expect(answer.status == 400, "\(name)")
            #expect(answer.string("message") == endpoint.head, "\(name)")
            #expect(answer.text.contains(#""errors":{"non_field_errors":["JSON parse error - "#), "\(name)")
        }
        #expect(try target.isUnchanged())
    }

    @Test(arguments: Endpoint.withBody, ["[]", "[{}]", "null", "true", "7", "\"text\""])
    func `JSON that is no object is refused`(endpoint: Endpoint, body: String) throws {
        let answer = try target.send(endpoint, type: "application/json", Array(body.utf8))

        #expect(answer.status == 400)
        #expect(
            answer.json == [
                "message": .string(endpoint.head),
                "errors": ["non_field_errors": ["Invalid data. Expected a dictionary."]],
            ])
        #expect(try target.isUnchanged())
    }

    @Test(arguments: [Endpoint.register, .login, .refresh, .changePassword])
    func `without a body every field is missing`(endpoint: Endpoint) throws {
        let answer = try target.send(endpoint, type: "application/json", [])

        #expect(answer.status == 400)
        #expect(
            answer.json == [
                "message": .string(endpoint.head),
                "errors": .object(
                    .init(endpoint.fields.map { .init(name: $0, value: ["This field is required."]) })),
            ])
        #expect(try target.isUnchanged())
    }

    @Test(
        arguments: [Endpoint.register, .login, .refresh, .changePassword], ["7", "1.5", "true", "[]", "{}", "[\"a\"]"])
    func `a field of another type is an error of that field`(endpoint: Endpoint, value: String) throws {
        let body = "{" + endpoint.fields.map { "\"\($0)\": \(value)" }.joined(separator: ", ") + "}"

        let answer = try target.send(endpoint, type: "application/json", Array(body.utf8))

        #expect(answer.status == 400)
        #expect(
            answer.json == [
                "message": .string(endpoint.head),
                "errors": .object(.init(endpoint.fields.map { .init(name: $0, value: ["Not a valid string."]) })),
            ])
        #expect(try target.isUnchanged())
    }

    @Test(arguments: [Endpoint.register, .login, .refresh, .changePassword])
    func `null is an error of its field`(endpoint: Endpoint) throws {
        let body = "{" + endpoint.fields.map { "\"\($0)\": null" }.joined(separator: ", ") + "}"

        let answer = try target.send(endpoint, type: "application/json", Array(body.utf8))

        #expect(answer.status == 400)
        #expect(
            answer[["errors"]]
                == .object(.init(endpoint.fields.map { .init(name: $0, value: ["This field may not be null."]) })))
    }

    @Test(arguments: ["7", "true", "[]", "{}"])
    func `the profile's fields of another type are errors of these fields`(value: String) throws {
        let body = #"{"email": \#(value), "bio": \#(value), "avatar": \#(value)}"#

        let answer = try target.send(.update, type: "application/json", Array(body.utf8))

        #expect(answer.status == 400)
        #expect(
            answer.json == [
                "message": "资料更新失败",
                "errors": [
                    "email": ["Not a valid string."], "bio": ["Not a valid string."],
                    "avatar": ["The submitted data was not a file. Check the encoding type on the form."],
                ],
            ])
        #expect(try target.isUnchanged())
    }

    @Test(arguments: [
        #"{"refresh": 7}"#, #"{"refresh": null}"#, #"{"refresh": ""}"#, "{}", #"{"refresh": "a.b.c"}"#,
        #"{"refresh": "\u0000"}"#,
    ])
    func `logout with anything but its own refresh token is refused as documented`(body: String) throws {
        let answer = try target.send(.logout, type: "application/json", Array(body.utf8))

        #expect(answer.status == 400)
        #expect(answer.text == #"{"message":"登出失败: Token is invalid or expired"}"#)
        #expect(try target.isUnchanged())
    }

    @Test(arguments: [("username", "a\u{0}b"), ("email", "a\u{0}b@example.com")])
    func `a NUL in a name is an error of that field`(field: String, value: String) throws {
        var form: JSON.Object = [
            "username": "newcomer", "email": "new@example.com", "password": "seven-Owls-42",
            "password_confirm": "seven-Owls-42",
        ]
        form.members.append(.init(name: field, value: .string(value)))

        let answer = try target.send(.register, type: "application/json", JSON.object(form).bytes)

        #expect(answer.status == 400)
        #expect(answer[["errors", field]] == ["Null characters are not allowed."])
        #expect(try target.isUnchanged())
    }

    @Test func `a NUL in the biography is an error of that field`() throws {
        let answer = try target.send(.update, type: "application/json", Array(#"{"bio": "a\u0000b"}"#.utf8))

        #expect(answer.status == 400)
        #expect(answer[["errors"]] == ["bio": ["Null characters are not allowed."]])
        #expect(try target.isUnchanged())
    }

    @Test(arguments: ["\u{0}", "' OR 1=1 -- ", "\u{FFFD}", "😀", "\\", "%00", String(repeating: "a", count: 60_000)])
    func `login under an impossible name is a failed login`(name: String) throws {
        let body: JSON = ["username": .string(name), "password": "seven-Owls-42"]

        let answer = try target.send(.login, type: "application/json", body.bytes)

        #expect(answer.status == 401)
        #expect(answer.text == #"{"message":"用户名或密码错误"}"#)
    }

    @Test func `a password of more than 1,024 bytes cannot be set`() throws {
        let long = JSON.string("aB3-" + String(repeating: "x", count: 1021))
        let body: JSON = [
            "username": "newcomer", "email": "new@example.com", "password": long, "password_confirm": long,
        ]

        let answer = try target.send(.register, type: "application/json", body.bytes)

        #expect(answer.status == 400)
        #expect(answer[["errors", "password"]] == ["Ensure this field has no more than 1024 bytes."])
        #expect(try target.isUnchanged())
    }

    @Test(
        arguments: Endpoint.withBody, ["text/plain", "application/xml", "application/jsonx", "image/png", "nonsense"])
    func `another content type is refused with 415`(endpoint: Endpoint, type: String) throws {
        let answer = try target.send(endpoint, type: type, Array("{}".utf8))

        #expect(answer.status == 415)
        #expect(answer.text == #"{"detail":"Unsupported media type \"\#(type)\" in request."}"#)
        #expect(try target.isUnchanged())
    }

    @Test(arguments: Endpoint.withBody)
    func `a body without a content type is refused with 415`(endpoint: Endpoint) throws {
        let answer = try target.send(endpoint, type: nil, Array("{}".utf8))

        #expect(answer.status == 415)
        #expect(answer.text == #"{"detail":"Unsupported media type \"\" in request."}"#)
    }

    @Test(arguments: Endpoint.withBody, [65_537, 131_072, 131_073, 300_000])
    func `a JSON body over 64 KiB is refused with 413`(endpoint: Endpoint, size: Int) throws {
        let body = Array("{}".utf8) + [UInt8](repeating: UInt8(ascii: " "), count: size - 2)

        let answer = try target.send(endpoint, type: "application/json", body)

        #expect(answer.status == 413)
        #expect(answer.json == ["detail": "Request body is too large."])
        #expect(try target.isUnchanged())
    }

    @Test func `a JSON body of 64 KiB is read`() throws {
        let body = Array("{}".utf8) + [UInt8](repeating: UInt8(ascii: " "), count: 65_534)

        let answer = try target.send(.login, type: "application/json", body)

        #expect(answer.status == 400)
        #expect(answer[["errors", "username"]] == ["This field is required."])
    }

    @Test(arguments: ["username=%ff%fe", "username=%", "username=%zz", String(repeating: "a=b&", count: 65)])
    func `a broken form is refused or a field error, never more`(body: String) throws {
        let answer = try target.send(.register, type: "application/x-www-form-urlencoded", Array(body.utf8))

        #expect(answer.status == 400)
        #expect(answer.string("message") == "注册失败")
        #expect(try target.isUnchanged())
    }

    private static let unread: [(type: String, body: String)] = [
        ("application/json", "null"), ("application/json", "{broken"), ("text/plain;charset=UTF-8", "bye"),
        ("multipart/form-data", "--"), ("application/json", String(repeating: "[", count: 100_000)),
    ]

    @Test(
        arguments: [
            (.roleSession, "/api/user/logout/"), (.usersToken, "/api/users/logout"),
            (.usersToken, "/api/users/refresh_token"),
            (.v1Auth, "/api/v1/auth/logout"), (.v1Auth, "/api/v1/auth/refresh"),
        ] as [(ContractAPI, String)], unread)
    func `an endpoint that takes no field reads no body`(
        endpoint: (api: ContractAPI, path: String), sent: (type: String, body: String)
    ) throws {
        let site = try Site.shared()
        let keys = try site.session(of: site.newPerson(), through: endpoint.api)

        let answer = try site.send(
            "POST", endpoint.path, headers: [keys.header, ("Content-Type", sent.type)], body: Array(sent.body.utf8))

        #expect(answer.status == 200)
    }

    @Test(arguments: [Endpoint.profile, .info])
    func `a body that nobody asked for is ignored`(endpoint: Endpoint) throws {
        let answer = try target.send(endpoint, type: "application/json", Array("{broken".utf8))

        #expect(answer.status == 200)
    }
}
