import DevStack
import JSON
import TestSupport
import Testing

/// Uploads that are broken, too large or no pictures: a clear refusal, and no file is left of them.
struct BadUploadTests {
    private let target: TargetSite

    init() throws {
        target = try TargetSite.shared.get()
    }

    @Test(arguments: [6_291_457, 8_000_000])
    func `an upload over 6 MiB is refused with 413`(size: Int) throws {
        let form = MultipartForm([.file("avatar", name: "big.png", [UInt8](repeating: 1, count: size))])

        let answer = try target.send(.update, type: form.type, form.body)

        #expect(answer.status == 413)
        #expect(answer.json == ["detail": "Request body is too large."])
        #expect(try target.isUnchanged())
    }

    @Test func `an avatar over 5 MiB is an error of that field`() throws {
        let form = MultipartForm([
            .file("avatar", name: "big.png", onePixelPNG + [UInt8](repeating: 1, count: 5_242_880))
        ])

        let answer = try target.send(.update, type: form.type, form.body)

        #expect(answer.status == 400)
        #expect(answer[["errors"]] == ["avatar": ["The file is larger than 5 MiB."]])
        #expect(try target.isUnchanged())
    }

    @Test func `a text field over 64 KiB is refused with 413`() throws {
        let form = MultipartForm([.text("bio", String(repeating: "x", count: 70_000))])

        let answer = try target.send(.update, type: form.type, form.body)

        #expect(answer.status == 413)
        #expect(try target.isUnchanged())
    }

    @Test(arguments: [
        "<html></html>", "GIF89", "%PDF-1.7", "<svg xmlns='http://www.w3.org/2000/svg'/>", "\u{89}PNG", "BM", "RIFF",
    ])
    func `a file that is no picture is an error of that field`(content: String) throws {
        let form = MultipartForm([.file("avatar", name: "me.png", Array(content.utf8))])

        let answer = try target.send(.update, type: form.type, form.body)

        #expect(answer.status == 400)
        #expect(
            answer[["errors"]] == [
                "avatar": ["Upload a valid image. The file you uploaded was either not an image or a corrupted image."]
            ])
        #expect(try target.isUnchanged())
    }

    @Test func `a named file of 0 bytes is an error of that field`() throws {
        let form = MultipartForm([.file("avatar", name: "me.png", [])])

        let answer = try target.send(.update, type: form.type, form.body)

        #expect(answer.status == 400)
        #expect(answer[["errors"]] == ["avatar": ["The submitted file is empty."]])
        #expect(try target.isUnchanged())
    }

    @Test func `a good avatar beside a bad email is not kept`() throws {
        let form = MultipartForm([.text("email", "nowhere"), .file("avatar", name: "me.png", onePixelPNG)])

        let answer = try target.send(.update, type: form.type, form.body)

        #expect(answer.status == 400)
        #expect(answer[["errors"]] == ["email": ["Enter a valid email address."]])
        #expect(try target.isUnchanged())
    }

    static let multipart: [(name: String, type: String, body: String)] = [
        ("no boundary", "multipart/form-data", "--x\r\n\r\n\r\n--x--\r\n"),
        ("a blank boundary", "multipart/form-data; boundary=\"\"", "----\r\n"),
        ("a boundary of 201", "multipart/form-data; boundary=\(String(repeating: "b", count: 201))", "--b--"),
        ("another boundary", "multipart/form-data; boundary=x", "--y\r\n\r\n\r\n--y--\r\n"),
        ("no end", "multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=bio\r\n\r\nhello"),
        ("nothing", "multipart/form-data; boundary=x", "--x"),
        ("headers cut off", "multipart/form-data; boundary=x", "--x\r\nContent-Dispo"),
        (
            "no name", "multipart/form-data; boundary=x",
            "--x\r\nContent-Disposition: form-data\r\n\r\nhello\r\n--x--\r\n"
        ),
        ("no disposition", "multipart/form-data; boundary=x", "--x\r\nX: y\r\n\r\nhello\r\n--x--\r\n"),
        (
            "long headers", "multipart/form-data; boundary=x",
            "--x\r\nX: \(String(repeating: "y", count: 9000))\r\n\r\nhello\r\n--x--\r\n"
        ),
        (
            "65 fields", "multipart/form-data; boundary=x",
            String(repeating: "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n", count: 65) + "--x--\r\n"
        ),
        (
            "a file without an end", "multipart/form-data; boundary=x",
            "--x\r\nContent-Disposition: form-data; name=\"avatar\"; filename=\"a.gif\"\r\n\r\nGIF89a..."
        ),
    ]

    @Test(arguments: Endpoint.withBody)
    func `broken multipart is refused in the shape of field errors`(endpoint: Endpoint) throws {
        for (name, type, body) in Self.multipart {
            let answer = try target.send(endpoint, type: type, Array(body.utf8))

            #expect(answer.status == 400, "\(name)")
            #expect(answer.string("message") == endpoint.head, "\(name)")
            #expect(answer.text.contains(#""errors":{"non_field_errors":["Multipart form parse error - "#), "\(name)")
        }
        #expect(try target.isUnchanged())
    }

    @Test func `a text field that is not UTF-8 is refused`() throws {
        let body =
            "--x\r\nContent-Disposition: form-data; name=\"bio\"\r\n\r\n".utf8 + [0xC3, 0x28] + "\r\n--x--\r\n".utf8

        let answer = try target.send(.update, type: "multipart/form-data; boundary=x", Array(body))

        #expect(answer.status == 400)
        #expect(answer.string("message") == "资料更新失败")
        #expect(try target.isUnchanged())
    }
}
