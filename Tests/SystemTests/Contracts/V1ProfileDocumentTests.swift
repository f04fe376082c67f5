import DevStack
import Foundation
import JSON
import TestSupport
import Testing

/// Document 1's commands as they stand, in its order, against a system with nothing changed from its defaults.
struct V1ProfileDocumentTests {
    private let reading: Reading

    init() throws {
        reading = try Reading.shared.get()
    }

    @Test func `the document has nine commands`() throws {
        #expect(reading.document.commands.count == 9)
    }

    @Test(arguments: [
        ("1.", 201), ("2.", 200), ("3.", 200), ("4.", 200), ("5.", 200), ("6.", 200), ("7.", 200), ("8.", 200),
        ("9.", 200),
    ])
    func `a command has the documented status`(section: String, status: Int) throws {
        let documented = try reading.document.example(section, "成功响应")

        let answer = try #require(reading.answers[section])

        #expect(documented.status == status)
        #expect(answer.status == status)
    }

    @Test(arguments: ["1.", "2.", "3.", "4.", "5.", "6.", "7.", "8.", "9."])
    func `a command's answer has the documented names, order, types and texts`(section: String) throws {
        let comparison = Comparison(nullable: ["bio", "avatar", "avatar_url", "last_login"])
        let documented = try reading.document.example(section, "成功响应")

        let answer = try #require(reading.answers[section])

        #expect(comparison.differences(answer.json, from: documented.json) == [])
    }

    @Test(arguments: [
        ("1.", "失败响应", 400), ("2.", "失败响应", 401), ("3.", "失败响应", 401), ("4.", "未认证响应", 401),
        ("5.", "失败响应", 400), ("7.", "失败响应", 400), ("9.", "失败响应", 400),
    ])
    func `a failure is answered word for word as documented`(section: String, label: String, status: Int) throws {
        let documented = try reading.document.example(section, label)

        let answer = try #require(reading.failures[section])

        #expect(documented.status == status)
        #expect(answer.status == status)
        #expect(answer.json == documented.json)
    }

    @Test(arguments: ["1.", "2."])
    func `the first to register is the documented user`(section: String) throws {
        let answer = try #require(reading.answers[section])

        #expect(answer[["user"]] == ["id": 1, "username": "testuser", "email": "test@example.com"])
    }

    @Test func `the update shows the new email and bio`() throws {
        let answer = try #require(reading.answers["5."])

        #expect(answer.string("user", "email") == "updated@example.com")
        #expect(answer.string("user", "bio") == "这是更新后的个人简介")
    }

    @Test func `the upload shows all three new fields`() throws {
        let answer = try #require(reading.answers["6."])
        let avatar = try #require(answer.string("user", "avatar"))

        #expect(answer.string("user", "email") == "test@example.com")
        #expect(answer.string("user", "bio") == "新的个人简介")
        #expect(avatar.wholeMatch(of: /avatars\/[0-9a-f]{32}\.jpg/) != nil)
        #expect(answer.string("user", "avatar_url") == "\(reading.site.url)/media/\(avatar)")
    }

    @Test func `the information shows the avatar's URL`() throws {
        let uploaded = try #require(reading.answers["6."]?.string("user", "avatar_url"))

        let answer = try #require(reading.answers["8."])

        #expect(answer.string("avatar") == uploaded)
    }

    @Test func `times are UTC with six digits`() throws {
        let answer = try #require(reading.answers["4."])

        for name in ["date_joined", "last_login"] {
            let time = try #require(answer.string("user", name))
            #expect(time.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z/) != nil)
        }
    }

    @Test func `the avatar's URL gives the picture`() throws {
        let url = try #require(reading.answers["6."]?.string("user", "avatar_url"))

        let answer = try reading.site.send("GET", url.replacing(reading.site.url, with: ""))

        #expect(answer.status == 200)
        #expect(answer["Content-Type"] == "image/jpeg")
    }
}

/// The document read once from top to bottom, every command tried.
private struct Reading: Sendable {
    static let shared = Result { try Reading() }

    let document: Document
    let site: DevStack
    private(set) var answers: [String: Answer] = [:]
    private(set) var failures: [String: Answer] = [:]
    private var fillings: [String: String]

    private init() throws {
        site = try Site.start(environment: [:], limits: true)
        document = try Document(named: "1-v1-profile")
        let image = site.folder.path + "/image.jpg"
        try Data(onePixelJPEG).write(to: URL(filePath: image))
        fillings = ["http://127.0.0.1:8000": site.url, "/path/to/your/image.jpg": image]

        try run("1.")
        try run("2.")
        try takeTokens(answers["2."], below: ["tokens"])
        try run("3.")
        try takeTokens(answers["3."], below: [])
        for section in ["4.", "5.", "6.", "8."] { try run(section) }
        // The document changes a password that its own user never had.
        let another = try site.newPerson("another", password: "oldpassword123")
        answers["7."] = try document.command("7.").filled(fillings)
            .filled(["Bearer \(fillings["your_access_token_here"] ?? "")": "Bearer \(another.access)"]).run()
        try fail(takenEmail: another.email)
        try run("9.")
    }

    private mutating func run(_ section: String) throws {
        answers[section] = try document.command(section).filled(fillings).run()
    }

    private mutating func takeTokens(_ answer: Answer?, below path: [String]) throws {
        guard case .string(let access)? = answer?[path + ["access"]],
            case .string(let refresh)? = answer?[path + ["refresh"]]
        else { throw Document.Missing(section: "2., 3.", label: "tokens") }
        fillings["your_access_token_here"] = access
        fillings["your_refresh_token_here"] = refresh
    }

    /// The commands again, with what makes them fail as documented.
    private mutating func fail(takenEmail: String) throws {
        var forgetful = fillings
        forgetful["your_refresh_token_here"] = nil
        let mistakes: [String: [String: String]] = [
            "1.": ["testpassword123": "password"],
            "2.": ["testpassword123": "wrongpassword123"],
            "3.": [:],
            "4.": [" \\\n  -H \"Authorization: Bearer your_access_token_here\"": ""],
            "5.": ["updated@example.com": takenEmail],
            "7.": ["confirm\": \"newpassword456": "confirm\": \"newpassword457"],
            "9.": [:],
        ]
        for (section, mistake) in mistakes {
            failures[section] = try document.command(section).filled(mistake).filled(forgetful).run()
        }
    }
}
