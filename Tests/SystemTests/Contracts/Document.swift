import DevStack
import Foundation
import JSON

/// One of the five API documents: its `curl` commands, examples of JSON and lists of fields, each with its section.
///
/// Examples may stand in fences or not, and may hold `//` comments. Blanks at the end of a line are Markdown's.
struct Document {
    /// A command as it stands, without blanks at the ends of its lines.
    struct Command: Sendable {
        let section: String
        let text: String

        /// The command with what a reader has to fill in.
        func filled(_ values: [String: String]) -> Command {
            Command(section: section, text: values.reduce(text) { $0.replacing($1.key, with: $1.value) })
        }
    }

    struct Example {
        let section: String
        /// The line above it, without its marks: `成功响应 (201):`.
        let label: String
        let json: JSON

        /// The number in the label's brackets.
        var status: Int? { label.firstMatch(of: /\((\d{3})/).flatMap { Int($0.1) } }
    }

    /// A field of a request or answer, from a table's row or a line ``- `name` (type): …``.
    struct NamedField {
        let section: String
        let label: String
        let name: String
        /// `string`, `str`, `int` …; empty where only a text is given.
        let type: String
        /// The text that stands in quotes behind it: what the field always holds.
        let text: String?
    }

    private(set) var commands: [Command] = []
    private(set) var examples: [Example] = []
    private(set) var fields: [NamedField] = []

    /// Reads `Documents/<name>.md`.
    init(named name: String) throws {
        let path = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Documents/\(name).md").path
        let text = try String(contentsOfFile: path, encoding: .utf8)
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false)
            .map { String($0.replacing(/\s+$/, with: "")) }[...]
        var section = ""
        var level = Int.max
        var label = ""
        while let line = lines.first {
            let content = line.drop { $0 == " " }
            if content.hasPrefix("curl "), let text = Self.take(&lines, while: { !Self.isWhole(command: $0) }) {
                commands.append(Command(section: section, text: text))
            } else if content.hasPrefix("{") || content.hasPrefix("["), let json = Self.takeJSON(&lines) {
                examples.append(Example(section: section, label: label, json: json))
            } else {
                let depth = line.prefix { $0 == "#" }.count
                let name = String(content.drop { "#-* ".contains($0) })
                // A heading without a number stands within a section, unless it is as high as the section's own.
                if depth > 0, depth <= level || name.first?.isNumber == true { (section, level) = (name, depth) }
                if let field = Self.field(content, section, label) {
                    fields.append(field)
                } else if !name.isEmpty, !name.hasPrefix("```"), !name.hasPrefix("|") {
                    label = name
                }
                lines.removeFirst()
            }
        }
    }

    /// The example of a section whose label begins like this.
    func example(_ section: String, _ label: String) throws -> Example {
        guard let example = examples.first(where: { $0.section.hasPrefix(section) && $0.label.hasPrefix(label) })
        else { throw Missing(section: section, label: label) }
        return example
    }

    /// The command of a section.
    func command(_ section: String) throws -> Command {
        guard let command = commands.first(where: { $0.section.hasPrefix(section) }) else {
            throw Missing(section: section, label: "curl")
        }
        return command
    }

    /// All examples of the first section that begins like this, below a label that does.
    func examples(_ section: String, _ label: String) -> [Example] {
        examples.filter { $0.section.hasPrefix(section) && $0.label.hasPrefix(label) }
    }

    /// An object made of a section's list of fields, each with a value of its type.
    func object(_ section: String, _ label: String) throws -> JSON {
        let list = fields.drop { !$0.section.hasPrefix(section) || !$0.label.hasPrefix(label) }
            .prefix { $0.section.hasPrefix(section) && $0.label.hasPrefix(label) }
        guard !list.isEmpty else { throw Missing(section: section, label: label) }
        let members = list.map { field in
            let value: JSON =
                switch field.type {
                case "int": 0
                case "bool": false
                default: .string(field.text ?? "")
                }
            return JSON.Member(name: field.name, value: value)
        }
        return .object(JSON.Object(members))
    }

    struct Missing: Error {
        let section: String
        let label: String
    }

    /// Takes lines as long as the text of them is not whole; nil, and nothing taken, when it never is.
    private static func take(_ lines: inout ArraySlice<String>, while isPart: (String) -> Bool) -> String? {
        var text = ""
        for index in lines.indices {
            text += (text.isEmpty ? "" : "\n") + lines[index]
            if isPart(text) { continue }
            lines = lines[(index + 1)...]
            return text
        }
        return nil
    }

    private static func takeJSON(_ lines: inout ArraySlice<String>) -> JSON? {
        take(&lines) { (try? JSON.parse(Array(withoutComments($0).utf8))) == nil }.flatMap {
            try? JSON.parse(Array(withoutComments($0).utf8))
        }
    }

    private static func field(_ line: Substring, _ section: String, _ label: String) -> NamedField? {
        let item = /- `(?<name>\w+)`(?: \((?<type>\w+))?.*?(?:"(?<text>[^"]*)")?/
        if let match = line.wholeMatch(of: item) {
            return NamedField(
                section: section, label: label, name: String(match.name), type: match.type.map(String.init) ?? "",
                text: match.text.map(String.init))
        }
        if let match = line.prefixMatch(of: /\| (?<name>[a-z]\w*) +\| (?<type>[a-z]+) +\|/) {
            return NamedField(
                section: section, label: label, name: String(match.name), type: String(match.type), text: nil)
        }
        return nil
    }

    /// Its quotes are closed and no line is to follow.
    private static func isWhole(command: String) -> Bool {
        var quote: Character?
        var isEscaped = false
        for character in command {
            if isEscaped {
                isEscaped = false
            } else if character == "\\", quote != "'" {
                isEscaped = true
            } else if character == quote {
                quote = nil
            } else if quote == nil, character == "'" || character == "\"" {
                quote = character
            }
        }
        return quote == nil && !isEscaped && !command.hasSuffix("\\")
    }

    /// `//` in a string is none: `http://…`.
    private static func withoutComments(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            var quotes = 0
            for index in line.indices {
                if line[index] == "\"" { quotes += 1 }
                if quotes.isMultiple(of: 2), line[index...].hasPrefix("//") { return line[..<index] }
            }
            return line
        }.joined(separator: "\n")
    }
}

extension Document.Command {
    /// Runs it through /bin/sh, as somebody would who pastes it into a terminal.
    ///
    /// A .curlrc makes curl tell the status, so that the command itself stays as it is.
    func run() throws -> Answer {
        let folder = try DevStack.scratch("curl")
        defer { try? DevStack.removeScratch(folder) }
        try "silent\nwrite-out = \"\\n%{http_code}\"\n".write(
            toFile: folder + "/.curlrc", atomically: true, encoding: .utf8)
        let output = try Outcome("/bin/sh", ["-c", text], environment: ["CURL_HOME": folder]).output
        let end = output.lastIndex(of: "\n") ?? output.startIndex
        return Answer(status: Int(output[end...].dropFirst()) ?? 0, headers: [], body: Array(output[..<end].utf8))
    }
}

/// In what an answer differs from the documented one: names, their order, types, and the texts that are fixed.
struct Comparison {
    /// Names whose text is the document's word for word.
    var fixed: Set<String> = ["message", "detail", "code", "error", "errors"]
    /// Names whose value may be missing: then it is `null`.
    var nullable: Set<String>

    func differences(_ answer: JSON?, from documented: JSON, at path: String = "") -> [String] {
        let name = path.split(separator: "/").last.map(String.init) ?? ""
        switch (answer, documented) {
        case (let answer, let documented) where fixed.contains(name):
            return answer == documented ? [] : ["\(path): \(answer as Any), not \(documented)"]
        case (.object(let answer), .object(let documented)):
            let names = (answer.members.map(\.name), documented.members.map(\.name))
            guard names.0 == names.1 else { return ["\(path): names \(names.0), not \(names.1)"] }
            return zip(answer.members, documented.members).flatMap { member, documented in
                differences(member.value, from: documented.value, at: "\(path)/\(member.name)")
            }
        case (.array(let answer), .array(let documented)):
            return answer.flatMap { differences($0, from: documented.first ?? .null, at: path + "/*") }
        case (.null, _) where nullable.contains(name), (.string, .null) where nullable.contains(name):
            return []
        case (.null, .null), (.bool, .bool), (.integer, .integer), (.double, .double), (.string, .string):
            return []
        default:
            return ["\(path): \(answer as Any), not like \(documented)"]
        }
    }
}
