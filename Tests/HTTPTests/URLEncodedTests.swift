import HTTP
import Testing

struct URLEncodedTests {
    @Test(
        arguments: [
            ("", []), ("&", []), ("&&a=1&&", [("a", "1")]), ("a", [("a", "")]), ("a=", [("a", "")]),
            ("=b", [("", "b")]),
            ("=", [("", "")]), ("a=b=c", [("a", "b=c")]), ("a=1&b=2&a=3", [("a", "1"), ("b", "2"), ("a", "3")]),
            ("a+b=c+d%2B", [("a b", "c d+")]), ("%61%3d=%26%3D", [("a=", "&=")]), ("a;b=1", [("a;b", "1")]),
            ("name=%E6%B3%A8%e5%86%8c", [("name", "注册")]), ("a=%00", [("a", "\0")]), ("a=é", [("a", "é")]),
        ] as [(String, [(String, String)])])
    func `fields are read in their order`(text: String, expected: [(String, String)]) throws {
        #expect(try URLEncoded.fields(in: text.utf8.span) == expected.map { FormField(name: $0, value: $1) })
    }

    @Test(arguments: ["%", "%2", "%zz", "100%", "%%", "%4", "% 41"])
    func `a broken percent stays as it is`(text: String) throws {
        #expect(try URLEncoded.fields(in: ("a=" + text).utf8.span) == [FormField(name: "a", value: text)])
    }

    @Test func `a percent before a whole escape stays, the escape is decoded`() throws {
        #expect(try URLEncoded.fields(in: "a=%%41%4".utf8.span) == [FormField(name: "a", value: "%A%4")])
    }

    @Test(arguments: ["a=%FF", "%C0%80=1", "a=%ED%A0%80", "a=%E2%82", "b=1&a=%80&c=2"])
    func `what is not UTF-8 is refused`(text: String) {
        #expect(throws: URLEncodedError.notUTF8) { try URLEncoded.fields(in: text.utf8.span) }
    }

    @Test func `raw bytes that are not UTF-8 are refused`() {
        let bytes: [UInt8] = [UInt8(ascii: "a"), UInt8(ascii: "="), 0xE9]

        #expect(throws: URLEncodedError.notUTF8) { try URLEncoded.fields(in: bytes.span) }
    }

    @Test func `64 fields are accepted and 65 refused`() throws {
        let fields = Array(repeating: "a=1", count: 64).joined(separator: "&")

        #expect(try URLEncoded.fields(in: ("&" + fields + "&").utf8.span).count == 64)
        #expect(throws: URLEncodedError.tooManyFields) { try URLEncoded.fields(in: (fields + "&b").utf8.span) }
    }

    @Test func `the limit of fields can be set`() throws {
        #expect(try URLEncoded.fields(in: "a&b".utf8.span, atMost: 2).count == 2)
        #expect(throws: URLEncodedError.tooManyFields) { try URLEncoded.fields(in: "a&b&c".utf8.span, atMost: 2) }
    }

    @Test func `a query is written with all escaped that could mean something`() throws {
        let fields = [
            FormField(name: "role", value: "teacher"), FormField(name: "a b", value: "\r\n&=+%/注-._~"),
            FormField(name: "", value: ""),
        ]

        let query = URLEncoded.query(fields)

        #expect(query == "role=teacher&a%20b=%0D%0A%26%3D%2B%25%2F%E6%B3%A8-._~&=")
        #expect(try URLEncoded.fields(in: query.utf8.span) == fields)
    }

    @Test func `the last value of a parameter counts`() throws {
        #expect(try URLEncoded.value(of: "q", in: "a=1&q=bob&b&q=%E6%B3%A8&Q=x") == "注")
        #expect(try URLEncoded.value(of: "q", in: "q") == "")
        #expect(try URLEncoded.value(of: "q", in: "qq=1&=q") == nil)
    }

    @Test(arguments: ["q=1&%FF=2", "q=1&x=%FF", "%C0%80&q=1", "q=%FF&q=1"])
    func `a parameter is read beside others that are not UTF-8`(query: String) throws {
        #expect(try URLEncoded.value(of: "q", in: query) == "1")
        #expect(try URLEncoded.value(of: "r", in: query) == nil)
    }

    @Test func `a parameter that is not UTF-8 is refused`() {
        #expect(throws: URLEncodedError.notUTF8) { try URLEncoded.value(of: "q", in: "q=1&q=%FF") }
    }

    @Test func `a query of 65 parameters is refused`() {
        let query = Array(repeating: "a=1", count: 64).joined(separator: "&") + "&q=1"

        #expect(throws: URLEncodedError.tooManyFields) { try URLEncoded.value(of: "q", in: query) }
    }
}
