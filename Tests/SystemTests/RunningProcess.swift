import DevStack
import Foundation

/// A process as /proc shows it.
struct RunningProcess {
    let id: pid_t
    let parent: pid_t
    /// `R`, `S`, `Z` …
    let state: String

    static func all() -> [RunningProcess] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { pid_t($0) }.compactMap(RunningProcess.init)
    }

    /// Whether a process names `text` in its command line.
    static func mention(_ text: String) -> Bool {
        all().contains { process in
            let words = (try? Data(contentsOf: URL(filePath: "/proc/\(process.id)/cmdline"))) ?? Data()
            return String(decoding: words, as: UTF8.self).contains(text)
        }
    }

    /// `12 (name) S 1 …`; the name may hold anything.
    private init?(_ id: pid_t) {
        guard let text = try? String(contentsOfFile: "/proc/\(id)/stat", encoding: .utf8),
            let rest = text.split(separator: ")").last?.split(separator: " "), rest.count > 1,
            let parent = pid_t(rest[1])
        else { return nil }
        self.id = id
        self.parent = parent
        state = String(rest[0])
    }
}

/// How a program ended and what it wrote.
struct Outcome: Equatable {
    let status: Int32
    let output: String
    let errors: String

    /// Runs `homeroom` to its end.
    static func homeroom(
        _ arguments: [String], environment: [String: String] = [:], input: String = ""
    ) throws -> Outcome {
        try Outcome(Site.homeroom, arguments, environment: environment, input: input)
    }

    init(status: Int32, output: String, errors: String = "") {
        self.status = status
        self.output = output
        self.errors = errors
    }

    init(_ name: String, _ arguments: [String], environment: [String: String] = [:], input: String = "") throws {
        let folder = try DevStack.scratch("run")
        defer { try? DevStack.removeScratch(folder) }
        let apart = ["-c", #"exec "$@" 2>"$0""#, folder + "/errors", name]
        var program = try Program("sh", apart + arguments)
        program.environment = environment
        do {
            output = try program.output(input: input)
            status = 0
        } catch StackError.ended(_, let status, let output) {
            self.output = output
            self.status = status
        }
        errors = try String(contentsOfFile: folder + "/errors", encoding: .utf8)
    }
}

extension DevStack {
    /// Runs `homeroom` with this site's homeroom.conf.
    func homeroom(_ arguments: String..., environment: [String: String] = [:], input: String = "") throws -> Outcome {
        try Outcome.homeroom(arguments + ["--config", folder.settings], environment: environment, input: input)
    }
}
