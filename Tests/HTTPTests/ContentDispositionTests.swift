import HTTP
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
    ])
    func `a name is read with its escapes`(disposition: String, name: String) throws {
        #expect(try part(disposition: disposition)?.name == name)
    }

    @Test func `only the escapes that browsers write are decoded`() throws {
        #expect(try part(disposition: #"form-data; name="%2522 %41 %2F %%22""#)?.name == #"%2522 %41 %2F %""#)
    }

    @Test func `a part without a filename is a text field`() throws {
        #expect(try part(disposition: "form-data; name=a")?.filename == .some(nil))
    }

    @Test func `a part with an empty filename is a file control without a file`() throws {
        #expect(try part(disposition: #"form-data; name="a"; filename="""#)?.filename == "")
    }

    @Test(arguments: [
        (#"filename="me.png""#, "me.png"), (#"filename="C:\new\me.png""#, #"C:\new\me.png"#),
        (#"filename="a\"b.png""#, "a\"b.png"), (#"filename="a%22b.png""#, "a\"b.png"),
        ("filename*=UTF-8''%e2%82%ac%20rates.png", "€ rates.png"), ("filename*=utf-8'en'me.png", "me.png"),
        (#"filename="EURO.png"; filename*=UTF-8''%E2%82%AC.png"#, "€.png"),
        (#"filename*=UTF-8''%E2%82%AC.png; filename="EURO.png""#, "€.png"),
        (#"filename="plain.png"; filename*=UTF-8''%FF.png"#, "plain.png"),
        (#"filename="plain.png"; filename*=ISO-8859-1''%A3.png"#, "plain.png"),
        (#"filename="plain.png"; filename*=me.png"#, "plain.png"),
        (#"filename="plain.png"; filename*=UTF-8''50%.png"#, "plain.png"),
    ])
    func `a filename is read, the extended one first when it is valid`(parameter: String, filename: String) throws {
        #expect(try part(disposition: "form-data; name=a; \(parameter)")?.filename == filename)
    }

    @Test func `header names are found whatever their case, and others ignored`() throws {
        let part = try part(
            headers: "x-one: 1\r\nCONTENT-TYPE:image/png\r\ncontent-disposition:\tform-data; name=a \r\nX-Two:")

        #expect(part?.name == "a")
        #expect(part?.contentType == MediaType("image/png"))
    }

    @Test func `a malformed type counts as none`() throws {
        #expect(try part(headers: "Content-Type: image\r\nContent-Disposition: form-data; name=a")?.contentType == nil)
    }

    @Test(arguments: [
        ("Content-Type: text/plain", "a part has no Content-Disposition"),
        ("Content-Disposition: form-data", "Content-Disposition has no name"),
        (#"Content-Disposition: form-data; filename="a""#, "Content-Disposition has no name"),
        ("Content-Disposition: form-data; name=a; name=b", "Content-Disposition has name twice"),
        ("Content-Disposition: form-data; name=a; filename=a; FileName=b", "Content-Disposition has filename twice"),
        ("Content-Disposition: form-data; name=a; filename*=UTF-8''%FF", "filename* is malformed"),
        ("Content-Disposition: attachment; name=a", "Content-Disposition is not form-data with parameters"),
        ("Content-Disposition: form-data; name=\"a", "Content-Disposition is not form-data with parameters"),
        ("Content-Disposition: form-data; name", "Content-Disposition is not form-data with parameters"),
        ("Content-Disposition:", "Content-Disposition is not form-data with parameters"),
        (
            "Content-Disposition: form-data; name=a\r\ncontent-disposition: form-data; name=b",
            "a part has Content-Disposition twice"
        ),
        ("Content-Disposition: form-data; name=a;\r\n filename=b", "a part has a line that is no header"),
        ("Content-Disposition: form-data; name=a\nX: y", "a part has a line that is no header"),
        ("Content-Disposition: form-data; name=a\rX: y", "a part has a line that is no header"),
        ("Content-Disposition: form-data; name=\"a\0b\"", "a part has a line that is no header"),
        ("Content-Disposition: form-data; name=a\r\nnonsense", "a part has a line that is no header"),
        ("Content-Disposition : form-data; name=a", "a part has a line that is no header"),
        (": x", "a part has a line that is no header"),
    ])
    func `malformed headers are refused with the reason`(headers: String, reason: String) {
        #expect(throws: MultipartError<Never>.malformed(reason)) { try part(headers: headers) }
    }

    @Test func `a part without header lines is refused`() {
        #expect(throws: MultipartError<Never>.malformed("a part has no Content-Disposition")) {
            try parts([UInt8]("--b\r\n\r\nx\r\n--b--".utf8))
        }
    }

    @Test func `a name that is not UTF-8 is refused`() {
        let latin1 = [UInt8]("--b\r\nContent-Disposition: form-data; name=\"é\"\r\n\r\n\r\n--b--".utf8).filter {
            $0 != 0xC3
        }

        #expect(throws: MultipartError<Never>.malformed("a part's headers are not UTF-8")) { try parts(latin1) }
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
        #expect(parts.map(\.filename) == [nil, nil, #"a "b\c.gif"#, nil])
        #expect(parts.map(\.contentType) == [nil, nil, MediaType("image/gif"), MediaType("text/plain;charset=utf-8")])
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
        #expect(parts.map(\.filename) == [nil, ""])
        #expect(parts.map(\.contentType?.essence) == [nil, "application/octet-stream"])
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
        #expect(parts.map(\.filename) == [nil, #"头像 "x".png"#])
        #expect(parts.map(\.contentType) == [nil, MediaType("image/png")])
    }
}
