import CLinux
import Glibc
import System

/// MariaDB's own programs, as child processes that sign in as a `DatabaseAddress` says.
///
/// The password goes to them in a file in memory, so it stands in no command line and on no disk.
package enum DatabaseProgram {
    package struct Failure: Error, CustomStringConvertible {
        /// For operators.
        package let description: String

        init(_ description: String) { self.description = description }
    }

    /// Writes all tables of a database as SQL, as they were at one moment. (mariadb-dump(1))
    ///
    /// - Parameters:
    ///   - write: gets the text, piece by piece.
    ///   - hasBegun: called once that moment is over: what is committed from then on is not in the text.
    package static func dump<Problem: Error>(
        _ address: DatabaseAddress, write: (UnsafeRawBufferPointer) throws(Problem) -> Void,
        hasBegun: () throws(Problem) -> Void
    ) throws(Failure) -> Result<Void, Problem> {
        // One snapshot; no lock on tables, which would hold up the service, and nothing that takes more than SELECT.
        let words = [
            "--single-transaction", "--skip-lock-tables", "--no-tablespaces", "--skip-triggers", "--skip-add-locks",
            "--skip-add-drop-table", "--hex-blob", "--order-by-primary", "--default-character-set=utf8mb4", "--",
            address.database,
        ]
        let child = try Child("mariadb-dump", words, address, input: -1, hasOutput: true)
        defer { child.end() }
        var begun = false
        var head: [UInt8] = []
        var problem: Problem?
        let isWhole = child.read { bytes in
            do throws(Problem) {
                if !begun {
                    // The first table comes after the beginning of the transaction.
                    head += bytes
                    begun = String(decoding: head, as: UTF8.self).contains("\nCREATE TABLE ")
                    if begun { try hasBegun() }
                }
                try write(bytes)
                return true
            } catch {
                problem = error
                return false
            }
        }
        if let problem { return .failure(problem) }
        try child.finish()
        guard isWhole, begun else { throw Failure("mariadb-dump: the database `\(address.database)` has no tables") }
        return .success(())
    }

    /// Executes the SQL that a file holds. (mariadb(1))
    package static func load(_ file: Int32, into address: DatabaseAddress) throws(Failure) {
        // Through a pipe of ours: should we be killed, it reads the end and stops, and does not go on beside the next one.
        let words = ["--batch", "--default-character-set=utf8mb4", "--", address.database]
        var ends: [Int32] = [-1, -1]
        guard pipe2(&ends, O_CLOEXEC) == 0 else { throw Failure("\(SystemError("pipe", code: errno))") }
        let child: Child
        do throws(Failure) {
            child = try Child("mariadb", words, address, input: ends[0], hasOutput: false)
        } catch {
            close(ends[1])
            throw error
        }
        defer { child.end() }
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        var failure: SystemError?
        while failure == nil {
            let count = read(file, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            if count < 0 { failure = SystemError("read", code: errno) }
            if count <= 0 { break }
            let isTaken = buffer.withUnsafeBytes { bytes in
                (try? writeAll(UnsafeRawBufferPointer(rebasing: bytes[..<count]), to: ends[1])) != nil
            }
            // It has ended, and says why.
            if !isTaken { break }
        }
        // Nothing of what was cut off is executed as if it were whole.
        if failure != nil { child.kill() }
        close(ends[1])
        if let failure { throw Failure("\(failure)") }
        try child.finish()
    }

    /// One that runs.
    private final class Child {
        private let name: String
        private let pid: pid_t
        private let output: Int32
        private let errors: Int32
        private var isEnded = false

        /// - Parameter input: closed here; -1 for none.
        init(
            _ name: String, _ words: [String], _ address: DatabaseAddress, input: Int32, hasOutput: Bool
        ) throws(Failure) {
            self.name = name
            defer { if input >= 0 { close(input) } }
            guard let path = Child.path(of: name) else {
                throw Failure("\(name): not found in PATH. Install it: apt-get install mariadb-client-core")
            }
            var ends: [Int32] = [-1, -1]
            do throws(SystemError) {
                guard !hasOutput || pipe2(&ends, O_CLOEXEC) == 0 else { throw SystemError("pipe", code: errno) }
                output = ends[0]
                errors = try MemoryFile.make("errors")
                let options = try MemoryFile.make("options")
                defer { close(options) }
                // The programs pass over a file that others could write.
                guard fchmod(options, 0o600) == 0 else { throw SystemError("fchmod", code: errno) }
                try writeAll(Array(Child.options(address).utf8), to: options)
                var program = ChildProgram(path, [name, "--defaults-file=/proc/self/fd/3"] + words)
                program.descriptors = [2: errors, 3: options]
                if input >= 0 { program.descriptors[0] = input }
                if hasOutput { program.descriptors[1] = ends[1] }
                program.nullDescriptors = (input >= 0 ? [] : [0]) + (hasOutput ? [] : [1])
                program.closesOthers = true
                program.signals = .reset
                pid = try program.start()
            } catch {
                throw Failure("\(name): \(error)")
            }
            if hasOutput { close(ends[1]) }
        }

        /// Its output to the end, or until `take` wants no more: false.
        func read(_ take: (UnsafeRawBufferPointer) -> Bool) -> Bool {
            var buffer = [UInt8](repeating: 0, count: 1 << 18)
            while true {
                let count = Glibc.read(output, &buffer, buffer.count)
                if count < 0, errno == EINTR { continue }
                guard count > 0 else { return count == 0 }
                let goesOn = buffer.withUnsafeBytes { take(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
                guard goesOn else { return false }
            }
        }

        /// Waits for its end, and throws with what it said when that was not a good one.
        func finish() throws(Failure) {
            isEnded = true
            let code = exitCode(of: pid)
            guard code != 0 else { return }
            var text = [UInt8](repeating: 0, count: 4096)
            let count = pread(errors, &text, text.count, 0)
            let said = String(decoding: text.prefix(max(0, count)), as: UTF8.self).split(separator: "\n").last
            throw Failure("\(said.map(String.init) ?? "\(name): ended with status \(code)") (\(name))")
        }

        func kill() { _ = Glibc.kill(pid, SIGKILL) }

        /// Frees all that it has.
        func end() {
            if !isEnded {
                kill()
                _ = exitCode(of: pid)
            }
            if output >= 0 { close(output) }
            close(errors)
        }

        private static func path(of name: String) -> String? {
            let folders = (getenv("PATH").map { String(cString: $0) } ?? "").split(separator: ":").map(String.init)
            return (folders + ["/usr/local/bin", "/usr/bin", "/bin"]).map { "\($0)/\(name)" }.first {
                access($0, X_OK) == 0
            }
        }

        /// An option file. (my_default.c, 10.11)
        private static func options(_ address: DatabaseAddress) -> String {
            var lines = ["[client]", "user=\(quoted(address.user))"]
            if !address.password.isEmpty { lines.append("password=\(quoted(address.password))") }
            switch address.transports[0] {
            case .socket(let path):
                lines += ["protocol=socket", "socket=\(quoted(path))"]
            case .network(let host, let port, let encryption):
                lines += ["protocol=tcp", "host=\(quoted(host))", "port=\(port)"]
                switch encryption {
                case .off: lines.append("skip-ssl")
                case .required(let authorities):
                    lines += ["ssl", "ssl-verify-server-cert"]
                    if let authorities { lines.append("ssl-ca=\(quoted(authorities))") }
                }
            }
            return lines.joined(separator: "\n") + "\n"
        }

        private static func quoted(_ text: String) -> String {
            let escaped = text.replacing(#"\"#, with: #"\\"#).replacing("\"", with: "\\\"")
                .replacing("\n", with: #"\n"#).replacing("\r", with: #"\r"#).replacing("\t", with: #"\t"#)
            return "\"\(escaped)\""
        }
    }
}
