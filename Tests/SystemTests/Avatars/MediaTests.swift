import DevStack
import Foundation
import JSON
import TestSupport
import Testing

/// Avatars on their way in, and as nginx serves them.
struct MediaTests {
    private let site: DevStack

    init() throws {
        site = try Site.shared()
    }

    @Test(arguments: [
        (onePixelJPEG, "jpg", "image/jpeg"), (onePixelPNG, "png", "image/png"), (onePixelGIF, "gif", "image/gif"),
    ])
    func `a picture is served with the type of its content`(picture: [UInt8], ending: String, type: String) throws {
        let upload = try site.upload(picture, named: "me.exe", as: site.newPerson())
        let path = try #require(upload.string("user", "avatar"))

        let answer = try site.send("GET", "/media/\(path)")

        #expect(path.hasSuffix(".\(ending)"))
        #expect(answer.status == 200)
        #expect(answer["Content-Type"] == type)
    }

    @Test(arguments: [
        ("X-Content-Type-Options", "nosniff"), ("Content-Security-Policy", "default-src 'none'; sandbox"),
        ("Cache-Control", "private, max-age=31536000, immutable"), ("Server", "nginx"),
    ])
    func `a picture comes with headers that keep it harmless and cached`(header: String, value: String) throws {
        let path = try avatar(of: site.newPerson())

        let answer = try site.send("GET", path)

        #expect(answer[header] == value)
    }

    @Test func `HEAD of a picture tells its size and sends none of it`() throws {
        let path = try avatar(of: site.newPerson())
        let size = try site.send("GET", path).body.count

        let client = try Client(site.address)
        let answer = try client.send("HEAD", path)
        let next = try client.send("HEAD", path)

        #expect(answer.status == 200)
        #expect(answer["Content-Length"] == "\(size)")
        #expect(next.status == 200)
    }

    @Test(arguments: ["POST", "PUT", "DELETE", "PATCH"])
    func `a picture can only be read`(method: String) throws {
        let path = try avatar(of: site.newPerson())

        let answer = try site.send(method, path, body: Array("x".utf8))

        #expect(answer.status == 405)
        #expect(answer["Allow"] == "GET, HEAD, OPTIONS")
        #expect(answer.text == #"{"detail": "Method not allowed."}"#)
        #expect(try site.send("GET", path).status == 200)
    }

    @Test func `a client that has the picture gets 304`() throws {
        let path = try avatar(of: site.newPerson())
        let tag = try #require(site.send("GET", path)["ETag"])

        let answer = try site.send("GET", path, headers: [("If-None-Match", tag)])

        #expect(answer.status == 304)
    }

    @Test(arguments: ["/media", "/media/", "/media/avatars", "/media/avatars/", "/media/incoming/"])
    func `no folder is listed`(path: String) throws {
        let answer = try site.send("GET", path)

        #expect(answer.status == 404)
        #expect(answer.json == ["detail": "Not found."])
    }

    @Test(arguments: ["0123456789abcdef0123456789abcdef", "0123456789abcdef0123456789abcdef.png"])
    func `incoming files are never served`(name: String) throws {
        let path = site.folder.media + "/incoming/" + name
        try Data(onePixelPNG).write(to: URL(filePath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }

        let answers = try ["/media/incoming/", "/media/avatars/../incoming/", "/media/%69ncoming/"].map {
            try site.send("GET", $0 + name).status
        }

        #expect(answers == [404, 404, 404])
    }

    @Test(arguments: ["notes.txt", "0123456789abcdef0123456789abcde1.html", "0123456789abcdef0123456789abcde1.png.tmp"])
    func `a file of another name beside the avatars is not served`(name: String) throws {
        let path = site.folder.media + "/avatars/" + name
        try Data(onePixelPNG).write(to: URL(filePath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }

        let answer = try site.send("GET", "/media/avatars/\(name)")

        #expect(answer.status == 404)
    }

    @Test func `a symbolic link among the avatars is not followed`() throws {
        let name = "0123456789abcdef0123456789abcde2.png"
        let path = site.folder.media + "/avatars/" + name
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "/etc/hostname")
        defer { try? FileManager.default.removeItem(atPath: path) }

        let answer = try site.send("GET", "/media/avatars/\(name)")

        #expect(answer.status == 404)
        #expect(answer.json == ["detail": "Not found."])
    }

    @Test(arguments: [
        ("/media/../homeroom.conf", 404), ("/media/%2e%2e/homeroom.conf", 404), ("/media/..%2fhomeroom.conf", 404),
        ("/media/avatars/../../homeroom.conf", 404), ("/media/avatars/%2e%2e/%2e%2e/homeroom.conf", 404),
        ("/media/avatars/..%2f..%2fhomeroom.conf", 404), ("/media//homeroom.conf", 404),
        ("/media/avatars//etc/hostname", 404), ("//media/avatars/", 404), ("/media/avatars/..\\..\\homeroom.conf", 404),
        ("/media/avatars/%00", 400), ("/media/../../homeroom.conf", 400), ("/%2e%2e/homeroom.conf", 400),
    ])
    func `no trick with a path leads out of the avatars`(path: String, status: Int) throws {
        let answer = try site.send("GET", path)

        #expect(answer.status == status)
        #expect(answer["Content-Type"]?.hasPrefix("application/json") == true)
        #expect(!answer.text.contains("HOMEROOM_"))
    }

    @Test func `an avatar under a path with two slashes is not found`() throws {
        let path = try avatar(of: site.newPerson())

        let answer = try site.send("GET", path.replacing("/avatars/", with: "//avatars/"))

        #expect(answer.status == 404)
    }

    @Test func `after a replacement the old avatar is gone and the new one has another name`() throws {
        let person = try site.newPerson()
        let old = try avatar(of: person)

        let new = try avatar(of: person)

        #expect(new != old)
        #expect(try site.send("GET", old).status == 404)
        #expect(try site.send("GET", new).status == 200)
    }

    @Test func `an empty text field removes the avatar`() throws {
        let person = try site.newPerson()
        let old = try avatar(of: person)
        let form = MultipartForm([.text("avatar", "")])

        let answer = try site.send(
            "PUT", "/api/v1/profile/update/", as: person, headers: [("Content-Type", form.type)], body: form.body)

        #expect(answer[["user", "avatar"]] == .null)
        #expect(answer[["user", "avatar_url"]] == .null)
        #expect(try site.send("GET", old).status == 404)
    }

    @Test func `null removes the avatar`() throws {
        let person = try site.newPerson()
        let old = try avatar(of: person)

        let answer = try site.send("PATCH", "/api/v1/profile/update/", as: person, json: ["avatar": nil])

        #expect(answer[["user", "avatar"]] == .null)
        #expect(try site.send("GET", old).status == 404)
    }

    @Test func `a form in which no file was chosen leaves the avatar`() throws {
        let person = try site.newPerson()
        let old = try avatar(of: person)
        let form = MultipartForm([.text("bio", "still me"), .file("avatar", name: "", [])])

        let answer = try site.send(
            "PUT", "/api/v1/profile/update/", as: person, headers: [("Content-Type", form.type)], body: form.body)

        #expect(answer.string("user", "bio") == "still me")
        #expect(try site.send("GET", old).status == 200)
    }

    @Test func `PATCH takes an upload as PUT does`() throws {
        let person = try site.newPerson()
        let form = MultipartForm([.file("avatar", name: "me.gif", onePixelGIF)])

        let answer = try site.send(
            "PATCH", "/api/v1/profile/update/", as: person, headers: [("Content-Type", form.type)], body: form.body)

        #expect(answer.status == 200)
        #expect(answer.string("user", "avatar")?.hasSuffix(".gif") == true)
    }

    @Test func `the client's file name appears nowhere`() throws {
        let answer = try site.upload(onePixelPNG, named: "../../../../tmp/evil.php", as: site.newPerson())
        let path = try #require(answer.string("user", "avatar"))

        #expect(path.wholeMatch(of: /avatars\/[0-9a-f]{32}\.png/) != nil)
    }

    @Test func `the URL of an avatar has the scheme and host of the request, whatever a client claims`() throws {
        let person = try site.newPerson()
        let path = try avatar(of: person)

        let answer = try site.send(
            "GET", "/api/v1/info/", as: person,
            headers: [
                ("Host", "school.example:8000"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Host", "evil.example"),
            ])

        #expect(answer.string("avatar") == "http://school.example:8000\(path)")
    }

    /// Uploads an avatar; its path at nginx.
    private func avatar(of person: Person) throws -> String {
        "/media/\(try #require(site.upload(onePixelPNG, as: person).string("user", "avatar")))"
    }
}
