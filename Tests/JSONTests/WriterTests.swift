import JSON
import Testing

struct WriterTests {
    private func text(_ json: JSON) -> String {
        String(decoding: json.bytes, as: UTF8.self)
    }

    @Test func `a literal is written in its order, without blanks, null included`() {
        let json: JSON = [
            "user": ["id": 7, "bio": nil, "tags": ["a", "b"]], "ok": true, "rate": 0.5, "none": [], "no": [:],
        ]

        #expect(text(json) == #"{"user":{"id":7,"bio":null,"tags":["a","b"]},"ok":true,"rate":0.5,"none":[],"no":{}}"#)
    }

    @Test func `an interpolated string is a string`() {
        let name = "Ada"

        #expect(["greeting": "Hello \(name)"] as JSON == .object(["greeting": .string("Hello Ada")]))
    }

    @Test(arguments: [
        ("", #""""#), ("plain", #""plain""#), ("\"", #""\"""#), (#"a\b"#, #""a\\b""#), ("/", #""/""#),
        ("\u{8}\t\n\u{C}\r", #""\b\t\n\f\r""#), ("\0\u{1}\u{B}\u{1F}\u{7F}", "\"\\u0000\\u0001\\u000b\\u001f\u{7F}\""),
        ("注册成功 é 😀", #""注册成功 é 😀""#), ("\u{2028}\u{2029}", "\"\u{2028}\u{2029}\""),
        ("longer than fifteen bytes\n", #""longer than fifteen bytes\n""#),
    ])
    func `quotes, backslashes and control characters are escaped, nothing else`(string: String, written: String) {
        #expect(text(.string(string)) == written)
        #expect(text(.object([string: 1])) == "{\(written):1}")
    }

    @Test(
        arguments: [
            0.0, -0.0, 1, -1.5, 0.1, 1.0 / 3, 1e16, 1e21, 123_456_789_012_345_680, .leastNonzeroMagnitude,
            .leastNormalMagnitude,
            .greatestFiniteMagnitude, -.greatestFiniteMagnitude, .pi, 9_007_199_254_740_992,
        ] as [Double])
    func `a double reads back equal and as a double`(value: Double) throws {
        guard case .double(let read) = try JSON.parse(JSON.double(value).bytes) else { throw NotADouble() }

        #expect(read.bitPattern == value.bitPattern)
    }

    @Test(arguments: [Double.infinity, -.infinity, .nan])
    func `a double that is not finite is written as null`(value: Double) {
        #expect(text(.double(value)) == "null")
    }

    @Test(arguments: [Int64.min, -1, 0, 1, Int64.max])
    func `an integer reads back equal`(value: Int64) throws {
        #expect(try JSON.parse(JSON.integer(value).bytes) == .integer(value))
    }

    @Test func `every character reads back equal`() throws {
        var string = ""
        for value in UInt32(0)...0x10FFFF where value < 0x3000 || value % 257 == 0 {
            if let scalar = Unicode.Scalar(value) { string.unicodeScalars.append(scalar) }
        }

        guard case .string(let read) = try JSON.parse(JSON.string(string).bytes) else { throw NotAString() }

        #expect(read.utf8.elementsEqual(string.utf8))
    }

    @Test func `writing appends to what is there`() {
        var bytes = [UInt8]("data: ".utf8)

        (["a": 1] as JSON).write(to: &bytes)

        #expect(String(decoding: bytes, as: UTF8.self) == #"data: {"a":1}"#)
    }

    private struct NotADouble: Error {}
    private struct NotAString: Error {}
}
