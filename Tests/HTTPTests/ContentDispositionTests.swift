import HTTP
import TestSupport
import Testing

struct ContentDispositionTests {
    /// The parts of a body with the boundary `b`.
    private func parts(_ body: [UInt8], boundary: String = "b") throws(MultipartError<Never>) -> [Part] {
        var unread = body[...]
        var reader = try MultipartReader<Never>(boundary: boundary) { buffer in
            let piece = unread.prefix(buffer.count)
            buffer.copyBytes(from: piece)
            unread = unread.dropFirst(piece.count)
            return piece.count
        }
        var parts: [Part] = []
        while let part = try reader.nextPart() { parts.append(part) }
        return parts
    }

    private func part(headers: String) throws(MultipartError<Never>) -> Part? {
        try parts([UInt8]("--b\r\n\(headers)\r\n\r\n\r\n--b--\r\n".utf8)).first
    }

    private func part(disposition: String) throws(MultipartError<Never>) -> Part? {
        try part(headers: "Content-Disposition: \(disposition)")
    }

    @Test(arguments: [
        (#"form-data; name="full_name""#, "full_name"), ("form-data; name=full_name", "full_name"),
        (#"Form-Data;NAME="x""#, "x"), (#"form-data; name="""#, ""), (#"form-data; name="注册 é""#, "注册 é"),
        (#"form-data; name="a\"b\\c""#, #"a"b\c"#), (#"form-data; name="a\b""#, #"a\b"#),
        (#"form-data; name="a%22b%0D%0Ac""#, "a\"b\r\nc"),
        (#"form-data; name="a;b=c""#, "a;b=c"), (#"form-data; size=1; name="a"; "#, "a"),
        (#"form-data; name = "a" ; size"#, "a"), ("form-data; name=a; name=b", "a"), ("attachment; name=a", "a"),
        ("form-data; name=\"a", "\"a"), ("form-data; charset; =; name=a", "a"), ("; name=a", "a"),
        (#"form-data; filename="x"; name="a""#, "a"), (#"form-data; filename="x "y" z.png"; name="a""#, "a"),
        (#"form-data; filename="C:\x\"; name="a""#, "a"), ("form-data; filename=my photo.png; name=a", "a"),
        ("form-data; filename*=GBK''%CD%B7.png; name=a", "a"), ("form-data;\r\n name=a;\r\n\tfilename=b", "a"),
    ])
    func `a name is read with its escapes`(disposition: String, name: String) throws {
        #expect(try part(disposition: disposition)?.name == name)
    }

    @Test func `only the escapes that browsers write are decoded`() throws {
        #expect(try part(disposition: #"form-data; name="%2522 %41 %2F %%22""#)?.name == #"%2522 %41 %2F %""#)
    }

    @Test func `a part without a filename is a text field`() throws {
        #expect(try part(disposition: "form-data; name=a")?.filename == .absent)
    }

    @Test(arguments: [
        #"filename="""#, "filename=", #"filename=""; filename="""#, "filename*=", "filename= ;size=1",
        #"filename="";x"#,
    ])
    func `a part with an empty filename is a file control without a file`(parameter: String) throws {
        #expect(try part(disposition: "form-data; name=a; \(parameter)")?.filename == .empty)
    }

    @Test(arguments: [
        #"filename="me.png""#, "filename=me.png", #"FileName="C:\new\me.png""#, #"filename="a\"b.png""#,
        #"filename="a "b" c.png""#, "filename=my photo; of me.png", #"filename="a.png"#,
        "filename*=UTF-8''%e2%82%ac%20rates.png", "filename*=GBK''%CD%B7%CF%F1.png", "filename*=UTF-8''%FF.png",
        "filename*=me.png", "filename*0=me; filename*1=.png", #"filename="a.png"; filename="b.png""#,
        #"filename=""; filename*=UTF-8''a.png"#, #"filename="a"; name="b.png""#, "filename=\"a\nb\u{0}c.png\"",
    ])
    func `however a file's name is written, the part is a file of its field`(parameter: String) throws {
        let part = try part(disposition: "form-data; name=a; \(parameter)")

        #expect(part?.filename == .given)
        #expect(part?.name == "a")
    }

    private static let encodings: [[UInt8]] = [
        // 头像 in GBK, 表 in Shift JIS, whose second byte is a backslash, é in ISO 8859-1, a byte of no encoding.
        [0xCD, 0xB7, 0xCF, 0xF1], [0x95, 0x5C], [0xE9], [0xFF],
    ]

    @Test(arguments: encodings) func `a file's name may be in any encoding`(name: [UInt8]) throws {
        for disposition in [#"name="avatar"; filename="#, "filename="] {
            let head = Array("--b\r\nContent-Disposition: form-data; \(disposition)\"".utf8)
            let end = Array((disposition == "filename=" ? "\"; name=\"avatar\"" : "\"").utf8)

            let parts = try parts(head + name + end + Array("\r\n\r\n\r\n--b--".utf8))

            #expect(parts.map(\.name) == ["avatar"])
            #expect(parts.map(\.filename) == [.given])
        }
    }

    @Test func `header names are found whatever their case, and others ignored`() throws {
        let part = try part(
            headers: "x-one: 1\r\nCONTENT-TYPE:image/png\r\ncontent-disposition:\tform-data; name=a \r\nX-Two:")

        #expect(part?.name == "a")
    }

    @Test(arguments: [
        "nonsense\r\nContent-Disposition: form-data; name=a", "Content-Disposition: form-data; name=a\r\nnonsense",
        "Content-Disposition: form-data; name=a\r\nContent-Disposition: form-data; name=b",
        "Content-Disposition : form-data; name=a", "Content-Disposition: form-data; name=a\r\nX: \u{0}\r",
        "Content-Type: image\r\nContent-Disposition: form-data; name=a",
        "Content-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64",
        ": x\r\n"
            + "Content-Disposition: form-data; name=a",
    ])
    func `lines that say nothing of name and file are passed over`(headers: String) throws {
        #expect(try part(headers: headers)?.name == "a")
    }

    @Test(arguments: [
        ("Content-Type: text/plain", "a part has no Content-Disposition"),
        ("Content-Disposition: form-data", "Content-Disposition has no name"),
        (#"Content-Disposition: form-data; filename="a""#, "Content-Disposition has no name"),
        ("Content-Disposition: form-data; name", "Content-Disposition has no name"),
        ("Content-Disposition:", "Content-Disposition has no name"),
        ("Content-Disposition", "a part has no Content-Disposition"), (": x", "a part has no Content-Disposition"),
    ])
    func `malformed headers are refused with the reason`(headers: String, reason: String) {
        #expect(throws: MultipartError<Never>.malformed(reason)) { try part(headers: headers) }
    }

    @Test func `a part without header lines is refused`() {
        #expect(throws: MultipartError<Never>.malformed("a part has no Content-Disposition")) {
            try parts([UInt8]("--b\r\n\r\nx\r\n--b--".utf8))
        }
    }

    @Test func `a name that is not UTF-8 is repaired, and so the name of no field`() throws {
        let latin1 = [UInt8]("--b\r\nContent-Disposition: form-data; name=\"é\"\r\n\r\n\r\n--b--".utf8).filter {
            $0 != 0xC3
        }

        #expect(try parts(latin1).map(\.name) == ["\u{FFFD}"])
    }

    @Test func `8 KiB of quotes that nothing ends are read as fast as others`() throws {
        let quotes = "form-data; name=a" + String(repeating: ";a=\"x", count: 1600)

        let time = try processorTime { _ = try part(disposition: quotes) }

        #expect(time < .milliseconds(50))
    }

    @Test func `what curl 7_88 sends is read`() throws {
        let body = [UInt8](
            """
            --------------------------51b1d9de85056172\r
            Content-Disposition: form-data; name="full_name"\r
            \r
            Ada Lovelace\r
            --------------------------51b1d9de85056172\r
            Content-Disposition: form-data; name="na%22me\\x"\r
            \r
            v\r
            --------------------------51b1d9de85056172\r
            Content-Disposition: form-data; name="avatar"; filename="a %22b\\c.gif"\r
            Content-Type: image/gif\r
            \r
            GIF89a\r
            --------------------------51b1d9de85056172\r
            Content-Disposition: form-data; name="é"\r
            Content-Type: text/plain;charset=utf-8\r
            \r
            x\r
            --------------------------51b1d9de85056172--\r\n
            """.utf8)

        let parts = try parts(body, boundary: "------------------------51b1d9de85056172")

        #expect(parts.map(\.name) == ["full_name", #"na"me\x"#, "avatar", "é"])
        #expect(parts.map(\.filename) == [.absent, .absent, .given, .absent])
    }

    @Test func `what Chrome sends is read`() throws {
        let body = [UInt8](
            """
            ------WebKitFormBoundaryYkQdnVKd4JKTU1pQ\r
            Content-Disposition: form-data; name="bio"\r
            \r
            line\r\nline\r
            ------WebKitFormBoundaryYkQdnVKd4JKTU1pQ\r
            Content-Disposition: form-data; name="avatar"; filename=""\r
            Content-Type: application/octet-stream\r
            \r
            \r
            ------WebKitFormBoundaryYkQdnVKd4JKTU1pQ--\r\n
            """.utf8)

        let parts = try parts(body, boundary: "----WebKitFormBoundaryYkQdnVKd4JKTU1pQ")

        #expect(parts.map(\.name) == ["bio", "avatar"])
        #expect(parts.map(\.filename) == [.absent, .empty])
    }

    @Test func `what Firefox sends is read`() throws {
        let body = [UInt8](
            """
            -----------------------------9051914041544843365972754266\r
            Content-Disposition: form-data; name="full_name"\r
            \r
            Ada\r
            -----------------------------9051914041544843365972754266\r
            Content-Disposition: form-data; name="avatar"; filename="头像 %22x%22.png"\r
            Content-Type: image/png\r
            \r
            PNG\r
            -----------------------------9051914041544843365972754266--\r\n
            """.utf8)

        let parts = try parts(body, boundary: "---------------------------9051914041544843365972754266")

        #expect(parts.map(\.name) == ["full_name", "avatar"])
        #expect(parts.map(\.filename) == [.absent, .given])
    }
}
