import HTTP
import JSON
import Testing

struct FieldsTests {
    private static let all: [Fields.Encoding] = [.json, .form, .multipart]

    /// What went to each sink.
    private final class Files {
        var contents: [[UInt8]] = []

        func sink() -> Fields.Sink {
            contents.append([])
            let index = contents.count - 1
            return { self.contents[index] += $0 }
        }
    }

    private func fields(
        _ type: String?, _ body: [UInt8], accepting encodings: [Fields.Encoding] = all, announced: Int? = nil,
        piece: Int = .max, failing: Bool = false, isMarkSkipped: Bool = false, into files: Files = Files()
    ) throws(Fields.Failure) -> Fields {
        let headers = type.map { ["content-type": $0] } ?? [:]
        let request = request(headers: headers, body: body, announced: announced, piece: piece, failing: failing)
        return try Fields(
            of: request, accepting: encodings, isMarkSkipped: isMarkSkipped, fileField: "avatar", makeSink: files.sink)
    }

    private func json(_ text: String) throws(Fields.Failure) -> Fields {
        try fields("application/json", Array(text.utf8))
    }

    private func form(_ text: String) throws(Fields.Failure) -> Fields {
        try fields("application/x-www-form-urlencoded", Array(text.utf8))
    }

    /// A text part where `filename` is nil.
    private func part(_ name: String, _ content: String, filename: String? = nil) -> String {
        let file = filename.map { "; filename=\"\($0)\"" } ?? ""
        return "--b\r\nContent-Disposition: form-data; name=\"\(name)\"\(file)\r\n\r\n\(content)\r\n"
    }

    private func multipart(
        _ parts: String..., end: String = "--b--\r\n", piece: Int = .max, into files: Files = Files()
    ) throws(Fields.Failure) -> Fields {
        try fields("multipart/form-data; boundary=b", Array((parts.joined() + end).utf8), piece: piece, into: files)
    }

    // MARK: JSON

    @Test func `JSON values are text, null, flags or something else`() throws {
        let fields = try json(
            #"{"a": "x", "b": "", "c": null, "d": true, "e": false, "f": 1, "g": 1.5, "h": [], "i": {}, "j": [null]}"#)

        #expect(fields["a"] == .text("x"))
        #expect(fields["b"] == .text(""))
        #expect(fields["c"] == .null)
        #expect(fields["d"] == .flag(true))
        #expect(fields["e"] == .flag(false))
        #expect(fields["f"] == .other(1))
        #expect(fields["g"] == .other(1.5))
        #expect(fields["h"] == .other([]))
        #expect(fields["i"] == .other([:]))
        #expect(fields["j"] == .other([nil]))
        #expect(fields["k"] == nil)
    }

    @Test(arguments: [1, 2, 7, .max])
    func `JSON is read in whatever pieces it comes`(piece: Int) throws {
        let body = Array(#"{"username": "注册", "n": null}"#.utf8)

        let fields = try fields("application/json", body, piece: piece)

        #expect(fields["username"] == .text("注册"))
        #expect(fields["n"] == .null)
    }

    @Test func `of duplicate JSON keys the last wins`() throws {
        #expect(try json(#"{"a": "1", "a": null, "a": "2"}"#)["a"] == .text("2"))
        #expect(try json(#"{"a": "1", "a": null}"#)["a"] == .null)
    }

    @Test(arguments: ["[]", "\"text\"", "1", "null", "true", "[{\"a\": 1}]"])
    func `JSON that is no object is refused as such`(text: String) {
        #expect(throws: Fields.Failure.notAnObject) { try json(text) }
    }

    @Test(arguments: ["{", " ", "{\"a\": 1,}", "{'a': 1}", "a=1", "{\"a\": NaN}", "{}{}", "\u{FEFF}{}", "\0"])
    func `what is no JSON is refused as such`(text: String) {
        let failure = #expect(throws: Fields.Failure.self) { try json(text) }

        guard case .notJSON = failure else {
            Issue.record("another failure: \(String(describing: failure))")
            return
        }
    }

    @Test(arguments: [("{", 1), ("{\"a\": x}", 6), ("注", 0), ("{} ,", 3)])
    func `malformed JSON is reported with the character where it breaks`(text: String, character: Int) {
        let failure = #expect(throws: Fields.Failure.self) { try json(text) }

        guard case .notJSON(_, character) = failure else {
            Issue.record("another failure: \(String(describing: failure))")
            return
        }
    }

    @Test func `JSON that is not UTF-8 is malformed`() {
        let body = Array(#"{"a": ""#.utf8) + [0xFF] + Array(#""}"#.utf8)

        let failure = #expect(throws: Fields.Failure.self) { try fields("application/json", body) }

        guard case .notJSON = failure else {
            Issue.record("not malformed: \(String(describing: failure))")
            return
        }
    }

    @Test func `where it is skipped, JSON may have one byte order mark before it`() throws {
        let body = Array("\u{FEFF}{\"a\": \"\u{FEFF}é\"}".utf8)

        #expect(try fields("application/json", body, isMarkSkipped: true)["a"] == .text("\u{FEFF}é"))
        #expect(throws: Fields.Failure.self) { try fields("application/json", body) }
        for text in ["\u{FEFF}\u{FEFF}{}", " \u{FEFF}{}", "{\u{FEFF}}", "\u{FEFF}"] {
            #expect(throws: Fields.Failure.self) {
                try fields("application/json", Array(text.utf8), isMarkSkipped: true)
            }
        }
    }

    @Test func `behind a byte order mark the place of an error is counted without it`() {
        #expect(throws: Fields.Failure.notJSON(JSON.ParseError(.valueExpected, at: 6), character: 6)) {
            try fields("application/json", Array("\u{FEFF}{\"a\": x}".utf8), isMarkSkipped: true)
        }
    }

    @Test func `a name that only looks like a field's is another`() throws {
        #expect(try json(#"{"\u212A": "x"}"#)["K"] == nil)
        #expect(try json(#"{"e\u0301": "x"}"#)["é"] == nil)
    }

    @Test func `JSON may be nested 32 deep, counting the object itself`() throws {
        let deepest = "{\"a\": " + String(repeating: "[", count: 31) + String(repeating: "]", count: 31) + "}"
        let deeper = "{\"a\": " + String(repeating: "[", count: 32) + String(repeating: "]", count: 32) + "}"

        #expect(throws: Never.self) { try json(deepest) }
        #expect(throws: Fields.Failure.self) { try json(deeper) }
    }

    // MARK: Forms

    @Test func `a form's fields are text, and what is not sent is absent`() throws {
        let fields = try form("username=%E6%B3%A8&email=&flag&a+b=c+d")

        #expect(fields["username"] == .text("注"))
        #expect(fields["email"] == .text(""))
        #expect(fields["flag"] == .text(""))
        #expect(fields["a b"] == .text("c d"))
        #expect(fields["bio"] == nil)
    }

    @Test func `of a form's repeated fields the last wins`() throws {
        #expect(try form("a=1&b=x&a=2")["a"] == .text("2"))
    }

    @Test func `a form may have 64 fields`() throws {
        let most = (1...64).map { "f\($0)=\($0)" }.joined(separator: "&")

        #expect(try form(most)["f64"] == .text("64"))
        #expect(throws: Fields.Failure.malformed("Form parse error - more than 64 fields")) {
            try form(most + "&f65=65")
        }
    }

    @Test func `a form that is not UTF-8 is malformed`() {
        #expect(throws: Fields.Failure.malformed("Form parse error - a field is not UTF-8")) { try form("a=%FF") }
    }

    // MARK: Multipart

    @Test(arguments: [1, 5, .max])
    func `text parts are fields, a file's content goes to its sink`(piece: Int) throws {
        let files = Files()

        let fields = try multipart(
            part("email", "a@b.example"), part("avatar", "\u{1}\0PNG\r\n--", filename: "me.png"), part("bio", ""),
            piece: piece, into: files)

        #expect(fields["email"] == .text("a@b.example"))
        #expect(fields["bio"] == .text(""))
        #expect(fields["avatar"] == .file(hasName: true, size: 9))
        #expect(fields["username"] == nil)
        #expect(files.contents == [Array("\u{1}\0PNG\r\n--".utf8)])
    }

    @Test func `a browser's part for no file chosen has neither name nor content`() throws {
        let fields = try multipart(part("avatar", "", filename: ""))

        #expect(fields["avatar"] == .file(hasName: false, size: 0))
    }

    @Test func `a named file of 0 bytes is a file`() throws {
        #expect(try multipart(part("avatar", "", filename: "me.png"))["avatar"] == .file(hasName: true, size: 0))
    }

    @Test func `a file without a name but with content is a file`() throws {
        #expect(try multipart(part("avatar", "abc", filename: ""))["avatar"] == .file(hasName: false, size: 3))
    }

    @Test func `an empty part without a filename is text, also under a file's name`() throws {
        let files = Files()

        #expect(try multipart(part("avatar", ""), into: files)["avatar"] == .text(""))

        #expect(files.contents.isEmpty)
    }

    @Test(arguments: [1, 5, .max])
    func `under a file's name a part with content is a file, also without a filename`(piece: Int) throws {
        let files = Files()

        let fields = try multipart(part("avatar", "\u{1}\0PNG"), part("bio", "x"), piece: piece, into: files)

        #expect(fields["avatar"] == .file(hasName: false, size: 5))
        #expect(fields["bio"] == .text("x"))
        #expect(files.contents == [Array("\u{1}\0PNG".utf8)])
    }

    @Test func `a file that nobody asked for is dropped`() throws {
        let files = Files()

        let fields = try multipart(part("other", "abc", filename: "a"), part("bio", "x"), into: files)

        #expect(fields["other"] == .file(hasName: true, size: 3))
        #expect(fields["bio"] == .text("x"))
        #expect(files.contents.isEmpty)
    }

    @Test func `of repeated parts the last wins, also a file over a text`() throws {
        #expect(try multipart(part("a", "1"), part("a", "2"))["a"] == .text("2"))
        #expect(
            try multipart(part("avatar", ""), part("avatar", "abc", filename: "x"))["avatar"]
                == .file(hasName: true, size: 3))
    }

    @Test func `a multipart body may have 64 parts`() throws {
        let most = (1...64).map { part("f\($0)", "\($0)") }.joined()

        #expect(try multipart(most)["f64"] == .text("64"))
        #expect(throws: Fields.Failure.malformed("Multipart form parse error - more than 64 fields")) {
            try multipart(most, part("f65", ""))
        }
    }

    @Test func `all text parts together may have 64 KiB`() throws {
        let half = String(repeating: "x", count: 32 << 10)

        #expect(try multipart(part("a", half), part("b", half), part("c", ""))["b"] == .text(half))
        #expect(throws: Fields.Failure.tooLarge) { try multipart(part("a", half), part("b", half + "x")) }
        #expect(throws: Fields.Failure.tooLarge) {
            try multipart(part("a", half), part("b", half), part("c", "x"))
        }
    }

    @Test func `a multipart body without its last boundary is malformed`() {
        #expect(
            throws: Fields.Failure.malformed("Multipart form parse error - the closing boundary is missing")
        ) {
            try multipart(part("a", "1"), end: "")
        }
    }

    @Test func `a text part that is not UTF-8 is malformed`() {
        let body = Array("--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n".utf8) + [0xFF]

        #expect(throws: Fields.Failure.malformed("Multipart form parse error - a text field is not UTF-8")) {
            try fields("multipart/form-data; boundary=b", body + Array("\r\n--b--\r\n".utf8))
        }
    }

    @Test(arguments: ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=\"\""])
    func `a multipart body without a boundary is refused`(type: String) {
        #expect(throws: Fields.Failure.self) { try fields(type, Array("--\r\n".utf8)) }
    }

    // MARK: Any body

    @Test(
        arguments: [
            "application/json", "Application/JSON", "APPLICATION/JSON; charset=utf-8",
            "application/json;charset=\"ISO-8859-1\"", "application/json ; a=b; c=d", "application/json; utf-8",
            "application/json;charset", "application/json;charset=", "application/json; charset=\"utf-8",
        ])
    func `JSON is told by its type in any case and with any parameter`(type: String) throws {
        #expect(try fields(type, Array(#"{"a": "é"}"#.utf8))["a"] == .text("é"))
    }

    @Test(arguments: ["application/x-www-form-urlencoded; charset=UTF-8", "Application/X-WWW-Form-URLEncoded"])
    func `a form is told by its type in any case and with any parameter`(type: String) throws {
        #expect(try fields(type, Array("a=%C3%A9".utf8))["a"] == .text("é"))
    }

    @Test(arguments: [
        "Multipart/Form-Data; Boundary=b", "multipart/form-data; charset=utf-8; boundary=\"b\"",
        "multipart/form-data; utf-8; boundary=b", "multipart/form-data; charset=; boundary=b",
    ])
    func `a multipart body is told by its type in any case and with any parameter`(type: String) throws {
        #expect(try fields(type, Array((part("a", "1") + "--b--").utf8))["a"] == .text("1"))
    }

    @Test(arguments: ["text/plain", "application/xml", "application/json-patch+json", "json", "", "application/jsonx"])
    func `other types are refused as they were sent`(type: String) {
        #expect(throws: Fields.Failure.unsupportedMediaType(type)) { try fields(type, Array("{}".utf8)) }
    }

    @Test func `a body without a type is refused`() {
        #expect(throws: Fields.Failure.unsupportedMediaType("")) { try fields(nil, Array("{}".utf8)) }
    }

    @Test func `a type that the route does not accept is refused`() {
        #expect(throws: Fields.Failure.unsupportedMediaType("application/json")) {
            try fields("application/json", Array("{}".utf8), accepting: [.form])
        }
    }

    @Test(arguments: ["application/json", "multipart/form-data", "text/plain", nil] as [String?])
    func `an empty body has no fields, whatever its type`(type: String?) throws {
        let fields = try fields(type, [])

        #expect(fields["a"] == nil)
        #expect(fields.isAbsent)
    }

    @Test func `a body without fields is not absent`() throws {
        #expect(try !json("{}").isAbsent)
        #expect(try !form("&").isAbsent)
        #expect(try !multipart().isAbsent)
    }

    @Test func `the fields can be shown as the object that was sent`() throws {
        let sent: JSON.Object = ["b": "x", "a": nil, "c": true, "d": [1, 2.5, ["e": "f"]]]

        #expect(try json(#"{"b": "x", "a": null, "c": true, "d": [1, 2.5, {"e": "f"}]}"#).object == sent)
    }

    @Test func `a file is shown as null`() throws {
        #expect(
            try multipart(part("avatar", "abc", filename: "x"), part("a", "1")).object == ["avatar": nil, "a": "1"])
    }

    @Test(arguments: ["application/json", "application/x-www-form-urlencoded"])
    func `a body of text may have 64 KiB`(type: String) throws {
        let isJSON = type == "application/json"
        let (start, end) = isJSON ? (#"{"a":""#, #""}"#) : ("a=", "")
        let value = String(repeating: "x", count: 65_536 - start.utf8.count - end.utf8.count)

        #expect(try fields(type, Array((start + value + end).utf8))["a"] == .text(value))
        #expect(throws: Fields.Failure.tooLarge) { try fields(type, Array((start + value + "x" + end).utf8)) }
    }

    @Test func `a multipart body may have 6 MiB`() throws {
        let head = Array("--b\r\nContent-Disposition: form-data; name=\"avatar\"; filename=\"a\"\r\n\r\n".utf8)
        let end = Array("\r\n--b--\r\n".utf8)
        let size = 6_291_456 - head.count - end.count
        let largest = head + [UInt8](repeating: 0x61, count: size) + end
        let type = "multipart/form-data; boundary=b"

        #expect(try fields(type, largest)["avatar"] == .file(hasName: true, size: size))
        #expect(throws: Fields.Failure.tooLarge) { try fields(type, largest + [0x0A]) }
    }

    @Test(arguments: ["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"])
    func `of a body that is too large nothing is read`(type: String) {
        #expect(throws: Fields.Failure.tooLarge) { try fields(type, [], announced: 6_291_457, failing: true) }
    }

    @Test(arguments: [false, true])
    func `a JSON body that ends before its announced length is cut short`(failing: Bool) {
        #expect(throws: Fields.Failure.cutShort) {
            try fields("application/json", Array("{}".utf8), announced: 3, failing: failing)
        }
    }

    @Test(arguments: [false, true])
    func `a form that ends before its announced length is cut short`(failing: Bool) {
        #expect(throws: Fields.Failure.cutShort) {
            try fields("application/x-www-form-urlencoded", Array("a=1".utf8), announced: 4, failing: failing)
        }
    }

    @Test func `a multipart body that breaks off is cut short`() {
        let body = Array((part("a", "1") + "--b").utf8)

        #expect(throws: Fields.Failure.cutShort) {
            try fields("multipart/form-data; boundary=b", body, announced: body.count + 4, failing: true)
        }
    }
}
