import JSON
import TestSupport
import Testing

/// Contract 4's 422 bodies. What is expected was answered by FastAPI 0.165 with Pydantic 2.14 and email-validator 2.4,
/// but for `input`, which is null in place of a password and of a body that holds one.
struct PydanticErrorTests {
    let client: TestClient

    init() throws {
        client = try TestClient()
    }

    private static let good: JSON = [
        "email": "a@b.example", "password": "secret1", "first_name": "A", "last_name": "B", "phone_number": "1",
    ]

    private func register(_ body: JSON) -> Response {
        client.post("/api/users/register", body)
    }

    private static let wrongFields: [(String, JSON?, String)] = [
        ("email", nil, #"{"type":"missing","loc":["body","email"],"msg":"Field required","input":null}"#),
        ("last_name", nil, #"{"type":"missing","loc":["body","last_name"],"msg":"Field required","input":null}"#),
        (
            "password", nil,
            """
            {"type":"missing","loc":["body","password"],"msg":"Field required",\
            "input":{"email":"a@b.example","first_name":"A","last_name":"B","phone_number":"1"}}
            """
        ),
        (
            "first_name", .null,
            #"{"type":"string_type","loc":["body","first_name"],"msg":"Input should be a valid string","input":null}"#
        ),
        (
            "email", 5,
            #"{"type":"string_type","loc":["body","email"],"msg":"Input should be a valid string","input":5}"#
        ),
        (
            "password", 5,
            #"{"type":"string_type","loc":["body","password"],"msg":"Input should be a valid string","input":null}"#
        ),
        (
            "first_name", true,
            #"{"type":"string_type","loc":["body","first_name"],"msg":"Input should be a valid string","input":true}"#
        ),
        (
            "last_name", ["x"],
            #"{"type":"string_type","loc":["body","last_name"],"msg":"Input should be a valid string","input":["x"]}"#
        ),
        (
            "phone_number", ["a": 1],
            """
            {"type":"string_type","loc":["body","phone_number"],"msg":"Input should be a valid string",\
            "input":{"a":1}}
            """
        ),
        (
            "password", "abc",
            """
            {"type":"string_too_short","loc":["body","password"],"msg":"String should have at least 6 characters",\
            "input":null,"ctx":{"min_length":6}}
            """
        ),
        (
            "password", "",
            """
            {"type":"string_too_short","loc":["body","password"],"msg":"String should have at least 6 characters",\
            "input":null,"ctx":{"min_length":6}}
            """
        ),
        (
            "password", .string(String(repeating: "x", count: 1025)),
            """
            {"type":"value_error","loc":["body","password"],"msg":"Value error, must have at most 1024 bytes",\
            "input":null,"ctx":{"error":{}}}
            """
        ),
        (
            "phone_number", "123456789012345678901234567890123",
            """
            {"type":"string_too_long","loc":["body","phone_number"],"msg":"String should have at most 32 characters",\
            "input":"123456789012345678901234567890123","ctx":{"max_length":32}}
            """
        ),
    ]

    @Test(arguments: wrongFields)
    func `a wrong field is described like Pydantic does`(_ field: String, _ value: JSON?, _ error: String) {
        let answer = register(PydanticErrorTests.good.with(field, value))

        #expect(answer.said == #"422 {"detail":["# + error + "]}")
    }

    @Test(arguments: [
        ("nope", "An email address must have an @-sign."),
        ("", "An email address must have an @-sign."),
        (" ", "An email address must have an @-sign."),
        ("@b.example", "There must be something before the @-sign."),
        ("a@", "There must be something after the @-sign."),
        ("a@b", "The part after the @-sign is not valid. It should have a period."),
        ("a@localhost", "The part after the @-sign is not valid. It should have a period."),
        ("a@b.123", "The part after the @-sign is not valid. It is not within a valid top-level domain."),
        ("a@@b.example", "The part after the @-sign contains invalid characters: '@'."),
        ("a@b@c.example", "The part after the @-sign contains invalid characters: '@'."),
        ("a@b_c.example", "The part after the @-sign contains invalid characters: '_'."),
        ("a@b c.example", "The part after the @-sign contains invalid characters: SPACE."),
        ("a@b\0.example", "The part after the @-sign contains invalid characters: U+0000."),
        ("a b@c.example", "The email address contains invalid characters before the @-sign: SPACE."),
        ("a\0@b.example", "The email address contains invalid characters before the @-sign: U+0000."),
        ("a;b,c@d.example", "The email address contains invalid characters before the @-sign: ',', ';'."),
        ("(c)a@b.example", "The email address contains invalid characters before the @-sign: '(', ')'."),
        (".a@b.example", "An email address cannot start with a period."),
        ("a.@b.example", "An email address cannot have a period immediately before the @-sign."),
        ("a..b@c.example", "An email address cannot have two periods in a row."),
        ("a@.b.example", "An email address cannot have a period immediately after the @-sign."),
        ("a@b.example.", "An email address cannot end with a period."),
        ("a@b..example", "An email address cannot have two periods in a row."),
        ("a@-b.example", "An email address cannot have a hyphen immediately after the @-sign."),
        ("a@b.example-", "An email address cannot end with a hyphen."),
        ("a@b-.example", "An email address cannot have a period and a hyphen next to each other."),
        ("a\u{200B}@b.example", "The email address contains unsafe characters: ZERO WIDTH SPACE."),
        ("a\u{202E}@b.example", "The email address contains unsafe characters: RIGHT-TO-LEFT OVERRIDE."),
        ("\u{0301}a@b.example", "The email address contains unsafe characters: COMBINING ACUTE ACCENT."),
        (
            "a@" + String(repeating: "b", count: 64) + ".example",
            "After the @-sign, periods cannot be separated by so many characters (1 character too many)."
        ),
        (
            String(repeating: "a", count: 64) + "@"
                + String(repeating: String(repeating: "b", count: 60) + ".", count: 4)
                + "example", "The email address is too long (62 characters too many)."
        ),
    ]) func `an address that is none is described like email-validator does`(_ email: String, _ reason: String) {
        let answer = register(PydanticErrorTests.good.with("email", .string(email)))

        let expected: JSON = [
            "detail": [
                [
                    "type": "value_error", "loc": ["body", "email"],
                    "msg": "value is not a valid email address: \(reason)", "input": .string(email),
                    "ctx": ["reason": .string(reason)],
                ]
            ]
        ]
        #expect(answer.status == 422)
        #expect(answer.json == expected)
    }

    @Test func `all errors come together in the order of the model`() {
        _ = register(PydanticErrorTests.good)

        let answer = register(["email": "no", "password": "x", "first_name": nil])

        #expect(
            answer.said == """
                422 {"detail":[{"type":"value_error","loc":["body","email"],\
                "msg":"value is not a valid email address: An email address must have an @-sign.","input":"no",\
                "ctx":{"reason":"An email address must have an @-sign."}},\
                {"type":"string_too_short","loc":["body","password"],"msg":"String should have at least 6 characters",\
                "input":null,"ctx":{"min_length":6}},\
                {"type":"string_type","loc":["body","first_name"],"msg":"Input should be a valid string","input":null},\
                {"type":"missing","loc":["body","last_name"],"msg":"Field required","input":null},\
                {"type":"missing","loc":["body","phone_number"],"msg":"Field required","input":null}]}
                """)
    }

    @Test func `a taken email does not hide what else is wrong`() {
        _ = register(PydanticErrorTests.good)

        let answer = register(PydanticErrorTests.good.with("password", "x"))

        #expect(
            answer.said == """
                422 {"detail":[{"type":"value_error","loc":["body","email"],"msg":"Value error, already registered",\
                "input":"a@b.example","ctx":{"error":{}}},\
                {"type":"string_too_short","loc":["body","password"],"msg":"String should have at least 6 characters",\
                "input":null,"ctx":{"min_length":6}}]}
                """)
    }

    @Test func `a body without a password is shown again`() {
        let answer = client.post("/api/users/login", ["email": "x"])

        #expect(
            answer.said == """
                422 {"detail":[{"type":"missing","loc":["body","password"],"msg":"Field required",\
                "input":{"email":"x"}}]}
                """)
    }

    @Test func `an empty object lacks every field`() {
        let answer = client.post("/api/users/login", [:])

        #expect(
            answer.said == """
                422 {"detail":[{"type":"missing","loc":["body","email"],"msg":"Field required","input":{}},\
                {"type":"missing","loc":["body","password"],"msg":"Field required","input":{}}]}
                """)
    }

    @Test(arguments: [Body.none, .json("")]) func `without a body the body is missing`(_ body: Body) {
        let answer = client.ask("POST", "/api/users/register", body)

        #expect(
            answer.said == #"422 {"detail":[{"type":"missing","loc":["body"],"msg":"Field required","input":null}]}"#)
    }

    @Test(arguments: ["[]", #"["password"]"#, #""abc""#, "5", "null", "true"])
    func `a body that is no object is not shown again`(_ text: String) {
        let answer = client.ask("POST", "/api/users/register", .json(text))

        #expect(
            answer.said == """
                422 {"detail":[{"type":"model_attributes_type","loc":["body"],\
                "msg":"Input should be a valid dictionary or object to extract fields from","input":null}]}
                """)
    }

    @Test(arguments: [
        ("{", 1, "Expecting property name enclosed in double quotes"),
        ("not json", 0, "Expecting value"),
        (#"{"email": "a",}"#, 14, "Expecting property name enclosed in double quotes"),
        (#"{"a" 1}"#, 5, "Expecting ':' delimiter"),
        (#"{"a": 1 "b": 2}"#, 8, "Expecting ',' delimiter"),
        (#"{"a": "x"#, 6, "Unterminated string starting at"),
        (#"{"a": }"#, 6, "Expecting value"),
        (#"{"a":-}"#, 5, "Expecting value"),
        ("{\"a\":\n\n tru}", 8, "Expecting value"),
        ("{} x", 3, "Extra data"),
        ("{a: 1}", 1, "Expecting property name enclosed in double quotes"),
        ("[1 2]", 3, "Expecting ',' delimiter"),
        ("[1,]", 3, "Expecting value"),
        ("{\"a\": \"\u{1}\"}", 7, "Invalid control character at"),
        (#"{"a": "\q"}"#, 7, #"Invalid \escape"#),
        (#"{"a": "中" 1}"#, 10, "Expecting ',' delimiter"),
        ("  ", 2, "Expecting value"),
    ]) func `a body that is no JSON is described like Python does`(_ text: String, _ character: Int64, _ reason: String)
    {
        let answer = client.ask("POST", "/api/users/register", .json(text))

        let expected: JSON = [
            "detail": [
                [
                    "type": "json_invalid", "loc": ["body", .integer(character)], "msg": "JSON decode error",
                    "input": [:], "ctx": ["error": .string(reason)],
                ]
            ]
        ]
        #expect(answer.status == 422)
        #expect(answer.json == expected)
    }
}
