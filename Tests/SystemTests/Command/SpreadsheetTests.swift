import DevStack
import Foundation
import TestSupport
import Testing

/// `homeroom user import` of tables.
struct SpreadsheetTests {
    private let site: DevStack

    init() throws {
        site = try Site.shared()
    }

    /// Imports a file with this content, in a folder that goes away; answers also with what is in the folder afterwards.
    private func take(
        _ content: [UInt8], _ words: [String]
    ) throws -> (outcome: Outcome, files: [String: String]) {
        let folder = try DevStack.scratch("csv")
        defer { try? DevStack.removeScratch(folder) }
        let name = "people.csv"
        let path = "\(folder)/\(name)"
        try Data(content).write(to: URL(fileURLWithPath: path))
        let outcome = try Outcome.homeroom(
            ["user", "import", path, "--config", site.folder.settings] + words)
        var files: [String: String] = [:]
        for file in try FileManager.default.contentsOfDirectory(atPath: folder) where file != name {
            files[file] = String(
                decoding: try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(file)")), as: UTF8.self)
        }
        return (
            Outcome(
                status: outcome.status, output: outcome.output.replacing(path, with: name),
                errors: outcome.errors.replacing(path, with: name)), files
        )
    }

    private func take(_ content: String, _ words: String...) throws -> (outcome: Outcome, files: [String: String]) {
        try take(Array(content.utf8), words)
    }

    @Test func `a class list in Chinese with passwords in the clear signs in`() throws {
        let name = Person.newName()
        let table =
            "\u{FEFF}用户名,邮箱,姓名,手机号,角色,密码\r\n\(name),\(name)@school.example,\"李, \"\"伟\"\"\",138,教师,green-kite-8\r\n"

        let (outcome, files) = try take(table, "--passwords", "plain")

        let shown = try site.homeroom("user", "show", name).output
        #expect(outcome.status == 0)
        #expect(outcome.output == "took in 1\n")
        #expect(outcome.errors.hasPrefix("people.csv: CSV, UTF-8, commas\n"))
        #expect(!outcome.errors.contains("green-kite-8"))
        #expect(files.isEmpty)
        #expect(shown.contains(#""role":"teacher""#) && shown.contains(#""full_name":"李, \"伟\"","#))
        #expect(try site.signIn(name, "green-kite-8").status == 200)
    }

    @Test(arguments: [
        (";", "semicolons", "GB18030"), ("\t", "tabs", "UTF-16"), (",", "commas", "UTF-8"),
    ])
    func `separators are told by the header, encodings by a mark or an option`(
        separator: String, word: String, encoding: String
    ) throws {
        let name = Person.newName()
        let table = ["email,姓名,bio", "\(name)@school.example,王芳,\"一\n二\""].joined(separator: "\n").replacing(
            ",", with: separator)
        let bytes: [UInt8] =
            switch encoding {
            case "UTF-16": [0xFF, 0xFE] + table.utf16.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }
            // 王芳, 姓名, 一 and 二 as GB 2312 has them.
            case "GB18030":
                table.unicodeScalars.flatMap { scalar -> [UInt8] in
                    switch scalar {
                    case "王": [0xCD, 0xF5]
                    case "芳": [0xB7, 0xBC]
                    case "姓": [0xD0, 0xD5]
                    case "名": [0xC3, 0xFB]
                    case "一": [0xD2, 0xBB]
                    case "二": [0xB6, 0xFE]
                    default: [UInt8(scalar.value)]
                    }
                }
            default: Array(table.utf8)
            }
        let words = encoding == "GB18030" ? ["--encoding", "GB18030"] : ["--format", "csv"]

        let (outcome, _) = try take(bytes, words + ["--passwords", "generate"])

        let shown = try site.homeroom("user", "show", "\(name)@school.example").output
        #expect(outcome.output == "took in 1\n", "\(outcome)")
        #expect(outcome.errors.hasPrefix("people.csv: CSV, \(encoding), \(word)\n"))
        #expect(shown.contains(#""full_name":"王芳""#) && shown.contains(#""bio":"一\n二""#))
    }

    @Test(
        arguments: [
            ("用户名,邮箱,班级,x\n", "nobody knows the columns 班级, x. Leave one out with --ignore-column NAME"),
            ("邮箱,email\n", "`邮箱` and `email` are both email. Leave one out"),
            ("PK\u{3}\u{4}…", "is a zip archive or an Excel workbook (.xlsx). Save the table as CSV UTF-8"),
            ("email\na\0b\n", "has a NUL byte near byte 7: it is no text, or UTF-16."),
            ("email\n\"a\n\n", "a quote that is never closed"),
            ("email,name\nx\n", "1 fields, and the header has 2"),
            ("email\n\"a\"b\n", "text behind a closing quote"),
            (String(repeating: ",", count: 1_000_000), "the header: more than 256 columns"),
            ("email\n" + String(repeating: "x", count: 1_000_000), "longer than 65536 bytes"),
            ("", "people.csv: is empty"),
        ])
    func `what is no table of ours is named, and nothing is done`(content: String, complaint: String) throws {
        let (outcome, files) = try take(content)

        #expect(outcome.status == 1)
        #expect(outcome.output == "" || outcome.output == "took in 0\n")
        #expect(outcome.errors.contains(complaint), "\(outcome.errors.prefix(500))")
        #expect(files.keys.allSatisfy { $0 == "people.csv.refused.csv" })
    }

    @Test func `bytes that are no UTF-8 are refused before anything is done`() throws {
        let name = Person.newName()

        let (outcome, _) = try take(
            Array("email\n\(name)@school.example\n".utf8) + [0xCD, 0xF5, 0x0A], ["--passwords", "generate"])

        #expect(outcome.status == 1)
        #expect(outcome.errors.contains("people.csv: no UTF-8 at byte "))
        #expect(outcome.errors.contains("--encoding gb18030"))
        #expect(try site.homeroom("user", "show", "\(name)@school.example").status == 1)
    }

    @Test func `what was refused can be put right and imported again`() throws {
        let (first, second) = (Person.newName(), Person.newName())
        let table = """
            username,email,role,班级,密码
            \(first),\(first)@school.example,校长,3b,green-kite-8
            \(second),\(second)@school.example,学生,3b,12345678

            """
        let (outcome, files) = try take(table, "--ignore-column", "班级", "--passwords", "plain")
        let refused = try #require(files["people.csv.refused.csv"])
        let right = refused.replacing("校长", with: "mentor").replacing("学生,3b,", with: "学生,3b,blue-kite-8")
            .replacing("mentor,3b,", with: "mentor,3b,green-kite-8")

        let (again, _) = try take(right, "--ignore-column", "班级", "--passwords", "plain")

        #expect(outcome.status == 1)
        #expect(outcome.errors.hasSuffix("people.csv.refused.csv, without their passwords\n"))
        #expect(
            refused == """
                \u{FEFF}refused_line,refused_because,username,email,role,班级,密码\r
                2,"role: must be one of student, mentor, teacher",\(first),\(first)@school.example,校长,3b,\r
                3,password: is among the passwords that are guessed first. Take another one; password: has nothing \
                but digits. Add letters,\(second),\(second)@school.example,学生,3b,\r\n
                """)
        #expect(again.output == "took in 2\n", "\(again)")
        #expect(try site.signIn(second, "blue-kite-8").status == 200)
    }

    @Test func `generated passwords stand on slips, are escaped, and sign in`() throws {
        let (name, other) = (Person.newName(), Person.newName())
        let table = """
            username,email,姓名
            \(name),\(name)@school.example,<b>李&'伟
            \(other),no address,王

            """

        let (outcome, files) = try take(table, "--passwords", "generate")

        let page = try #require(files["people.csv.slips.html"])
        let password = try #require(page.firstMatch(of: /[a-km-np-z2-9]{4}-[a-km-np-z2-9]{4}-[a-km-np-z2-9]{4}/))
        #expect(outcome.output == "took in 1\n")
        #expect(page.contains("<h2>&lt;b&gt;李&amp;&#39;伟</h2>"))
        #expect(page.matches(of: /<section>/).count == 1)
        #expect(!outcome.errors.contains(password.0))
        #expect(try site.signIn(name, String(password.0)).status != 401)
        #expect(try site.homeroom("user", "show", name).output.contains(#""must_change_password":true"#))
    }

    @Test func `a dry run says all that would happen, and writes nothing`() throws {
        let (here, new) = (try site.newPerson(), Person.newName())
        let hash = "!"
        let table = """
            username,email,phone,password
            \(here.username),\(here.email),139,\(hash)
            \(here.username),other-\(here.email),,\(hash)
            \(new),\(here.email),,\(hash)
            \(new),\(new)@school.example,,\(hash)
            \(new),\(new)@school.example,,\(hash)
            \(new),other-\(new)@school.example,,\(hash)

            """
        let before = try site.homeroom("user", "show", here.username).output

        let (outcome, files) = try take(table, "--dry-run")

        #expect(
            outcome.output == """
                people.csv:2: account \(here.id) has another phone, and keeps it without --update
                people.csv:5: new: \(new)
                people.csv:6: the person of record 5
                would take in 1, 1 were in already, 1 were in otherwise and stay so without --update

                """)
        #expect(
            outcome.errors == """
                people.csv: CSV, UTF-8, commas
                homeroom: people.csv:3: username: account \(here.id) has it, with another email. Take another, or none: \
                then one is made
                homeroom: people.csv:4: email: account \(here.id) has it, with another username
                homeroom: people.csv:7: username: record 5 has it, with another email
                homeroom: 3 of 6 records were refused

                """)
        #expect(files.isEmpty)
        #expect(try site.homeroom("user", "show", here.username).output == before)
        #expect(try site.homeroom("user", "show", new).status == 1)
    }

    @Test func `with --update changed texts and roles come over, and the session ends with the role`() throws {
        let person = try site.newPerson()
        let table = "username,email,姓名,role\n\(person.username),\(person.email),新名,教师\n"

        let kept = try take(table, "--passwords", "generate").outcome
        let changed = try take(table, "--update", "--passwords", "generate").outcome
        let again = try take(table, "--update", "--passwords", "generate").outcome

        #expect(kept.output == "took in 0, 1 were in otherwise and stay so without --update\n")
        #expect(changed.output == "took in 0, changed 1\n")
        #expect(again.output == "took in 0, 1 were in already\n")
        #expect(try site.send("GET", "/api/v1/profile/", as: person).status == 401)
        #expect(try site.homeroom("user", "show", person.username).output.contains(#""full_name":"新名""#))
        #expect(try site.signIn(person.username, person.password).status == 200)
    }

    @Test func `a password comes over until the person has signed in here, and not back again`() throws {
        let name = Person.newName()
        func table(_ hash: String) -> String { "username,email,password\n\(name),\(name)@school.example,\(hash)\n" }
        // Django's of `seven-Owls-42`, with few iterations.
        let old = "pbkdf2_sha256$1000$seasalt$SPLOGCeINGzu3ZlEq30axrL0yfGXDzLGFhp2q3/JNtY="

        _ = try take(table("!nothing"))
        let changed = try take(table(old), "--update").outcome
        let isIn = try site.signIn(name, "seven-Owls-42").status
        let later = try take(table("!nothing"), "--update").outcome

        #expect(changed.output == "took in 0, changed 1\n")
        #expect(isIn == 200)
        #expect(later.output == "took in 0, 1 were in already\n")
        #expect(try site.signIn(name, "seven-Owls-42").status == 200)
    }

    @Test func `two imports at once of the same people take each in once`() throws {
        let names = (0..<60).map { _ in Person.newName() }
        let table = "username,email,password\n" + names.map { "\($0),\($0)@school.example,!\n" }.joined()

        let outcomes = concurrently(2) { _ in
            ()
        } _: { _, _ in
            try? take(table).outcome
        }

        let taken = outcomes.compactMap { $0?.output.firstMatch(of: /took in (\d+)/).flatMap { Int($0.1) } }
        #expect(taken.reduce(0, +) == 60, "\(outcomes)")
        for name in [names[0], names[59]] { #expect(try site.homeroom("user", "show", name).status == 0) }
    }
}
