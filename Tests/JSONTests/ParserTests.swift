import JSON
import Testing

struct ParserTests {
    private func refusal(of bytes: [UInt8]) -> JSON.ParseError? {
        #expect(throws: JSON.ParseError.self) { try JSON.parse(bytes) }
    }

    private func refusal(of text: String) -> JSON.ParseError? {
        refusal(of: [UInt8](text.utf8))
    }

    private func parsed(_ text: String) throws -> JSON {
        try JSON.parse([UInt8](text.utf8))
    }

    @Test func `members keep their order`() throws {
        let json = try parsed(#"{"zeta": 1, "alpha": [true, false, null], "mid": {"b": "x", "a": -2.5}}"#)

        #expect(json == ["zeta": 1, "alpha": [true, false, nil], "mid": ["b": "x", "a": -2.5]])
        #expect(json != ["alpha": [true, false, nil], "zeta": 1, "mid": ["b": "x", "a": -2.5]])
    }

    @Test func `of members with one name the last is found`() throws {
        guard case .object(let object) = try parsed(#"{"a": 1, "b": 2, "a": 3}"#) else { throw NotAnObject() }

        #expect(object["a"] == 3)
        #expect(object["b"] == 2)
        #expect(object["c"] == nil)
        #expect(object.members.map(\.name) == ["a", "b", "a"])
    }

    @Test func `a member that is null differs from one that is absent`() throws {
        guard case .object(let object) = try parsed(#"{"phone": null}"#) else { throw NotAnObject() }

        #expect(object["phone"] == .some(.null))
        #expect(object["bio"] == Optional<JSON>.none)
    }

    @Test func `a name is found by its bytes, not by what Unicode calls equal`() {
        let kelvin: JSON.Object = ["\u{212A}": 1]

        #expect(kelvin["K"] == nil)
        #expect(kelvin["\u{212A}"] == 1)
    }

    @Test func `a flood of one name is read in linear time`() throws {
        let flood = "{" + Array(repeating: #""a":1"#, count: 200_000).joined(separator: ",") + "}"

        let time = try ContinuousClock().measure { _ = try parsed(flood) }

        #expect(time < .seconds(10))
    }

    @Test(arguments: ["[", "{\"a\":"])
    func `32 levels are accepted and 33 refused`(opening: String) throws {
        let closing = opening == "[" ? "]" : "}"
        let deepest = String(repeating: opening, count: 32) + "1" + String(repeating: closing, count: 32)

        #expect(throws: Never.self) { try parsed(deepest) }
        #expect(refusal(of: opening + deepest + closing)?.reason == .tooDeep)
    }

    @Test func `levels beside each other do not add up`() throws {
        let pairs = Array(repeating: #"[{"a":[]}]"#, count: 100).joined(separator: ",")

        #expect(throws: Never.self) { try JSON.parse([UInt8]("[\(pairs)]".utf8), maximumDepth: 4) }
    }

    @Test func `a million opening brackets are refused at the 33rd`() {
        let error = refusal(of: [UInt8](repeating: UInt8(ascii: "["), count: 1_000_000))

        #expect(error == JSON.ParseError(.tooDeep, at: 32))
    }

    @Test func `a depth of 0 leaves only plain values`() throws {
        #expect(try JSON.parse([UInt8]("7".utf8), maximumDepth: 0) == 7)
        #expect(throws: JSON.ParseError.self) { try JSON.parse([UInt8]("[]".utf8), maximumDepth: 0) }
    }

    @Test(
        arguments: [
            ("0", .integer(0)), ("-0", .integer(0)), ("42", .integer(42)),
            ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
            ("9223372036854775808", .double(9_223_372_036_854_775_808)),
            ("-9223372036854775809", .double(-9_223_372_036_854_775_808)),
            ("1.0", .double(1)), ("1e2", .double(100)), ("1E+2", .double(100)), ("25e-2", .double(0.25)),
            ("-0.0", .double(-0.0)), ("0e9999", .double(0)), ("1e-400", .double(0)),
            ("5e-324", .double(.leastNonzeroMagnitude)),
            ("1.7976931348623157e308", .double(.greatestFiniteMagnitude)), ("0.1", .double(0.1)),
        ] as [(String, JSON)])
    func `a number is an integer when it is written as one and fits, else a double`(text: String, json: JSON) throws {
        #expect(try parsed(text) == json)
    }

    @Test(arguments: ["1e309", "-1e309", "1.8e308"])
    func `a number beyond the doubles is refused`(text: String) {
        #expect(refusal(of: text)?.reason == .numberTooLarge)
    }

    @Test(arguments: ["-", "1.", "1.e1", "1e", "1e+", "-a", "[-]"])
    func `half a number is refused`(text: String) {
        #expect(refusal(of: text)?.reason == .malformedNumber)
    }

    @Test(arguments: [
        (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"), (#""\u00e9\u00E9""#, "éé"), (#""\u0000""#, "\0"),
        (#""\ud83d\ude00""#, "😀"), (#""\uDBFF\uDFFF""#, "\u{10FFFF}"), (#""\uD7FF\uE000""#, "\u{D7FF}\u{E000}"),
        (#""a\u0062c😀\n""#, "abc😀\n"), ("\"\u{7F}\u{2028}\"", "\u{7F}\u{2028}"), (#""""#, ""),
    ])
    func `escapes and what needs none are read`(text: String, string: String) throws {
        #expect(try parsed(text) == .string(string))
    }

    @Test(arguments: [
        #""\ud83d""#, #""\ude00""#, #""\ud83d\n""#, #""\ud83dx\ude00""#, #""\ud83d\ud83d""#, #""\ud83d\"#,
    ])
    func `a lone surrogate is refused`(text: String) {
        #expect(refusal(of: text)?.reason == .loneSurrogate)
    }

    @Test(arguments: [#""\x""#, #""\u12""#, #""\u12g4""#, #""\U0041""#, #""\"#, #""\u"#, #""\u+123""#])
    func `an escape that does not exist is refused`(text: String) {
        #expect(refusal(of: text)?.reason == .unknownEscape)
    }

    @Test(
        arguments: [
            [0xC0, 0x80], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80],
            [0x80], [0xE2, 0x82], [0xFF],
        ] as [[UInt8]])
    func `bytes that are not UTF-8 are refused, also beside an escape`(bytes: [UInt8]) {
        let quote = [UInt8(ascii: "\"")]
        let escape = [UInt8](#"\n"#.utf8)

        #expect(refusal(of: quote + bytes + quote) == JSON.ParseError(.notUTF8, at: 0))
        #expect(refusal(of: quote + bytes + escape + quote)?.reason == .notUTF8)
        #expect(refusal(of: quote + escape + bytes + quote)?.reason == .notUTF8)
    }

    @Test func `a control character in a string is refused`() {
        for byte in UInt8(0)..<0x20 {
            let error = refusal(of: [UInt8(ascii: "\""), byte, UInt8(ascii: "\"")])
            #expect(error == JSON.ParseError(.controlCharacter, at: 1))
        }
    }

    @Test(arguments: [
        ("", JSON.ParseError(.valueExpected, at: 0)),
        ("  ", JSON.ParseError(.valueExpected, at: 2)),
        (#"{"a":}"#, JSON.ParseError(.valueExpected, at: 5)),
        ("[1,]", JSON.ParseError(.valueExpected, at: 3)),
        ("\u{FEFF}{}", JSON.ParseError(.valueExpected, at: 0)),
        ("nul", JSON.ParseError(.valueExpected, at: 0)),
        (" True", JSON.ParseError(.valueExpected, at: 1)),
        ("{a:1}", JSON.ParseError(.nameExpected, at: 1)),
        (#"{"a":1,}"#, JSON.ParseError(.nameExpected, at: 7)),
        (#"{"a" 1}"#, JSON.ParseError(.colonExpected, at: 5)),
        ("[1 2]", JSON.ParseError(.commaExpected, at: 3)),
        ("[1", JSON.ParseError(.commaExpected, at: 2)),
        ("[1}", JSON.ParseError(.commaExpected, at: 2)),
        ("{} x", JSON.ParseError(.trailingBytes, at: 3)),
        ("01", JSON.ParseError(.trailingBytes, at: 1)),
        (#" "abc"#, JSON.ParseError(.unendedString, at: 1)),
    ])
    func `an error tells what is wrong and where`(text: String, error: JSON.ParseError) {
        #expect(refusal(of: text) == error)
    }

    @Test func `an error describes itself in one line`() {
        #expect(refusal(of: #"{"email": }"#)?.description == "a value is missing, at byte 10")
    }

    private struct NotAnObject: Error {}
}
