import Accounts
import HTTP
import JSON
import TestSupport
import Testing

@testable import Contracts

/// Every text that an answer can hold: none is empty, and none shows a name out of our sources.
struct WordsTests {
    private static let contracts = [v1Profile, emailAuth, roleSession, usersToken, v1Auth, accountAPI]

    private static let fields: [Field] = [
        .username, .email, .password, .confirmation, .currentPassword, .newPassword, .newConfirmation, .fullName,
        .firstName, .lastName, .phone, .bio, .avatar, .role, .refresh, .resetToken, .remembered, .limit, .after, .id,
        .language, .timezone, .theme, .search, .sessionID,
    ]

    private static let rules: [Rule] = [
        .required, .null, .blank, .notText, .notAFlag, .tooShort(8), .tooLong(128), .tooManyBytes(1024), .malformed,
        .foreignAddress, .nulCharacter, .controlCharacter, .taken, .common, .numeric, .similar(to: .username),
        .similar(to: .email),
        .mismatch, .incorrect, .unchanged, .expired, .unknown, .unknownRole, .otherRole, .notAChoice,
        .notANumber(1...1000),
        .notAFile,
        .emptyFile, .notAPicture,
        .fileTooLarge(bytes: 5 << 20), .tooManyPixels, .tooLongSide(16_384),
    ]

    /// A rule that is missing above does not compile here.
    private static func isListed(_ rule: Rule) -> Bool {
        switch rule {
        case .required, .null, .blank, .notText, .notAFlag, .tooShort, .tooLong, .tooManyBytes, .malformed,
            .foreignAddress, .nulCharacter, .controlCharacter, .taken, .common, .numeric, .similar, .mismatch,
            .incorrect, .unchanged, .expired, .unknown, .unknownRole, .otherRole, .notAChoice, .notANumber, .notAFile,
            .emptyFile,
            .notAPicture,
            .fileTooLarge, .tooManyPixels, .tooLongSide:
            rules.contains(rule)
        }
    }

    private static let refusals: [Refusal] =
        [
            .notAuthenticated, .badToken, .staleToken, .badRefreshToken, .foreignRefreshToken, .wrongCredentials,
            .notFound, .badResetToken, .inactive, .forbidden, .passwordChangeRequired, .locked(retryAfter: 900),
            .unavailable,
        ] + fields.flatMap { field in rules.map { .invalid([Violation(field, $0)]) } }

    private static let reasons: [JSON.ParseError.Reason] = [
        .valueExpected, .nameExpected, .colonExpected, .commaExpected, .trailingBytes, .tooDeep, .malformedNumber,
        .numberTooLarge, .unendedString, .controlCharacter, .unknownEscape, .loneSurrogate, .notUTF8,
    ]

    /// What is found before a route's head could stand over it.
    private static let early: [Failure] = [
        .invalidHost, .notFound, .methodNotAllowed(method: "BREW", allowed: "GET"), .busy,
        .internalError(requestID: "r-1"),
    ]

    private static let failures: [Failure] =
        early + [
            .malformed("The request's body is incomplete."), .notAnObject, .crossOrigin,
            .unsupportedMediaType("text/plain"), .tooLarge,
        ] + refusals.map(Failure.refused) + reasons.map { .notJSON(JSON.ParseError($0, at: 1), character: 1) }

    /// A failure that is missing above does not compile here.
    private static func isListed(_ failure: Failure) -> Bool {
        switch failure {
        case .refused(let refusal):
            switch refusal {
            case .invalid, .notAuthenticated, .badToken, .staleToken, .badRefreshToken, .foreignRefreshToken,
                .wrongCredentials, .notFound, .badResetToken, .inactive, .forbidden, .passwordChangeRequired, .locked,
                .unavailable:
                true
            }
        case .malformed, .notJSON, .notAnObject, .crossOrigin, .invalidHost, .unsupportedMediaType, .tooLarge,
            .notFound,
            .methodNotAllowed, .busy, .internalError:
            true
        }
    }

    private static func texts(_ json: JSON) -> Set<String> {
        switch json {
        case .string(let text): [text]
        case .array(let elements): Set(elements.flatMap(texts))
        case .object(let object): Set(object.members.flatMap { texts($0.value) })
        case .null, .bool, .integer, .double: []
        }
    }

    /// Those that are empty, or have a word like `notUTF8`, `Rule.blank`, `tooLong(128)`, `ParseError` or `nil`.
    private static func wrong(_ texts: Set<String>) -> [String] {
        texts.filter { text in
            // Python's own words.
            if text == #"Invalid \uXXXX escape"# { return false }
            return text.isEmpty
                || text.contains(
                    #/\b[a-z]+[A-Z]|\b[A-Z][A-Za-z]*\.[a-z]|\b[A-Za-z]+\(["0-9]|\bnil\b|Optional|[a-z]Error\b/#)
        }.sorted()
    }

    @Test func `all rules, refusals and failures are looked at`() {
        #expect(WordsTests.rules.allSatisfy(WordsTests.isListed))
        #expect(WordsTests.failures.allSatisfy(WordsTests.isListed))
        #expect(
            WordsTests.wrong(WordsTests.texts(["a", "", "notUTF8", ["b": "tooLong(128)"], "Rule.blank", "is nil"]))
                == ["", "Rule.blank", "is nil", "notUTF8", "tooLong(128)"])
    }

    @Test(arguments: contracts.indices) func `no answer has an empty text or a name of ours`(_ index: Int) throws {
        let contract = WordsTests.contracts[index]
        let failures =
            contract.routes.flatMap { route in WordsTests.failures.map { (route as Route?, $0) } }
            + WordsTests.early.map { (nil, $0) }

        let replies = failures.flatMap { route, failure in
            [Language.chinese, .english].map { language in
                let here = FailureContext(
                    contract: contract, route: route, fields: Fields(), requestID: "r-1", language: language)
                return route?.answer?(failure, here) ?? contract.answer(failure, here)
            }
        }

        #expect(try WordsTests.wrong(Set(replies.flatMap { WordsTests.texts(try JSON.parse($0.body)) })) == [])
        #expect(replies.compactMap(\.fault) == [])
    }

    @Test(arguments: contracts.indices) func `no text for a field is empty or a name of ours`(_ index: Int) {
        let contract = WordsTests.contracts[index]
        let violations = WordsTests.fields.flatMap { field in WordsTests.rules.map { Violation(field, $0) } }

        #expect(WordsTests.wrong(Set(violations.map(contract.words))) == [])
        #expect(WordsTests.wrong(Set(WordsTests.fields.map(\.name))) == [])
    }

    // MARK: As they come out

    private static let bodies: [(type: String, body: [UInt8])] =
        [
            "", "{", "{\"a\"", "{\"a\":", "{\"a\":1", "{} {}", "{\"a\":01}", "{\"a\":1e999}", "{\"a\":\"",
            "{\"a\":\"\n\"}",
            "{\"a\":\"\\x\"}", "{\"a\":\"\\ud800\"}", "[]", "null", String(repeating: "[", count: 40),
        ].map { ("application/json", Array($0.utf8)) } + [
            ("application/json", Array("{\"a\":\"".utf8) + [0xFF]),
            ("application/json", [UInt8](repeating: 0x20, count: 65_537)),
            ("application/x-www-form-urlencoded", Array("a=%FF".utf8)),
            ("application/x-www-form-urlencoded", Array(String(repeating: "a=b&", count: 65).utf8)),
            ("multipart/form-data", Array("--".utf8)), ("multipart/form-data; boundary=b", Array("--b\r\n".utf8)),
            ("multipart/form-data; boundary=b", Array("--b\r\n\r\n\r\n\r\n--b--".utf8)),
            ("multipart/form-data; boundary=b", Array("--b\r\nContent-Disposition: form-data\r\n\r\n\r\n--b--".utf8)),
            (
                "multipart/form-data; boundary=b",
                Array("--b\r\nContent-Disposition: form-data; name=a\r\n\r\n".utf8) + [0xFF] + Array("\r\n--b--".utf8)
            ), ("multipart/form-data; boundary=b", Array("--b\r\n".utf8) + [UInt8](repeating: 0x61, count: 9000)),
            (
                "multipart/form-data; boundary=b",
                Array(
                    (String(repeating: "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n", count: 65) + "--b--")
                        .utf8)
            ), ("text/plain", Array("a".utf8)), ("nonsense", Array("a".utf8)),
        ]

    @Test func `whatever is wrong with a body, the answer has no empty text and no name of ours`() throws {
        let client = try TestClient()
        let access = ContractAPI.v1Profile.register("alice", at: client).access

        let routes = WordsTests.contracts.flatMap(\.routes).filter(\.takesFields)
        let answers = routes.flatMap { route in
            WordsTests.bodies.map { type, body in
                client.ask(route.method.rawValue, route.path, .other(type: type, body), bearer: access)
            }
        }

        #expect(WordsTests.wrong(Set(answers.flatMap { WordsTests.texts($0.json) })) == [])
    }

    @Test func `without a body the heads are there too`() throws {
        let client = try TestClient()
        let access = ContractAPI.v1Profile.register("alice", at: client).access

        let answers = WordsTests.contracts.flatMap(\.routes).map {
            client.ask($0.method.rawValue, $0.path, bearer: access)
        }

        let refusals = answers.filter { $0.status >= 400 }
        #expect(WordsTests.wrong(Set(refusals.flatMap { WordsTests.texts($0.json) })) == [])
    }
}
