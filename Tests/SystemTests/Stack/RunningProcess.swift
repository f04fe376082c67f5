import DevStack
import Foundation

/// A process as /proc shows it.
struct RunningProcess: Equatable {
    let id: pid_t
    let name: String
    let parent: pid_t
    /// `R`, `S`, `Z` …
    let state: String

    static func all() -> [RunningProcess] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { pid_t($0) }.compactMap(RunningProcess.init)
    }

    /// The first word behind the program's name.
    var call: String? {
        let words = (try? Data(contentsOf: URL(filePath: "/proc/\(id)/cmdline"))) ?? Data()
        return words.split(separator: 0).dropFirst().first.map { String(decoding: $0, as: UTF8.self) }
    }

    /// Whether it names a folder in its command line or holds a file in it open.
    func uses(_ folder: String) -> Bool {
        let words = (try? Data(contentsOf: URL(filePath: "/proc/\(id)/cmdline"))) ?? Data()
        if String(decoding: words, as: UTF8.self).contains(folder) { return true }
        let files = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(id)/fd")) ?? []
        return files.contains { file in
            let path = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(id)/fd/\(file)")
            return path?.hasPrefix(folder) == true
        }
    }

    /// `12 (name) S 1 …`; the name may hold anything.
    private init?(_ id: pid_t) {
        guard let text = try? String(contentsOfFile: "/proc/\(id)/stat", encoding: .utf8),
            let parts = text.wholeMatch(of: /\d+ \((.*)\) (\S) (\d+) .*\n?/.dotMatchesNewlines()),
            let parent = pid_t(parts.3)
        else { return nil }
        self.id = id
        name = String(parts.1)
        self.parent = parent
        state = String(parts.2)
    }
}

/// How a program ended and what it wrote.
struct Outcome: Equatable {
    let status: Int32
    let output: String
    let errors: String
    /// The lines of the trail that an operator leaves, from among the errors.
    let trail: [String]

    /// Runs `homeroom` to its end.
    static func homeroom(
        _ arguments: [String], environment: [String: String] = [:], input: String = ""
    ) throws -> Outcome {
        try Outcome(Site.homeroom, arguments, environment: environment, input: input)
    }

    init(status: Int32, output: String = "", errors: String = "") {
        self.status = status
        self.output = output
        let lines = errors.split(separator: "\n", omittingEmptySubsequences: false)
        self.errors = lines.filter { !Outcome.isTrail($0) }.joined(separator: "\n")
        trail = lines.filter { Outcome.isTrail($0) }.map { String($0) }
    }

    /// Runs a program to its end, for at most so many seconds.
    init(
        _ name: String, _ arguments: [String], environment: [String: String] = [:], input: String = "",
        within seconds: Int = 60
    ) throws {
        let folder = try DevStack.scratch("run")
        defer { try? DevStack.removeScratch(folder) }
        let apart = ["-c", #"exec "$@" 2>"$0""#, folder + "/errors", name]
        var program = try Program("sh", apart + arguments)
        program.environment = environment
        let (status, output) = try Outcome.run(program, input, within: seconds)
        let written = try String(contentsOfFile: folder + "/errors", encoding: .utf8)
        self.init(status: status, output: output, errors: written)
    }

    private static func run(_ program: Program, _ input: String, within seconds: Int) throws -> (Int32, String) {
        do {
            return (0, try program.output(input: input, within: seconds))
        } catch StackError.ended(_, let status, let output) {
            return (status, output)
        }
    }

    private static func isTrail(_ line: Substring) -> Bool {
        line.hasPrefix("{\"time\":") && line.contains("\"operator\":\"")
    }

    /// The trail is another question.
    static func == (left: Outcome, right: Outcome) -> Bool {
        (left.status, left.output, left.errors) == (right.status, right.output, right.errors)
    }
}

extension DevStack {
    /// Runs `homeroom` with this site's homeroom.conf.
    func homeroom(_ arguments: String..., environment: [String: String] = [:], input: String = "") throws -> Outcome {
        try Outcome.homeroom(arguments + ["--config", folder.settings], environment: environment, input: input)
    }
}
