import CLinux
import Foundation
import System

/// A user that a program of the stack becomes.
package struct User: Sendable, Equatable {
    package let name: String
    package let id: uid_t
    package let group: gid_t

    /// The first of `names` that this machine has.
    package static func first(of names: [String]) -> User? {
        for name in names {
            if let user = found({ getpwnam_r(name, $0, $1, $2, $3) }) { return user }
        }
        return nil
    }

    /// Whom this process runs as.
    package static func own() throws(StackError) -> User {
        guard let user = found({ getpwuid_r(geteuid(), $0, $1, $2, $3) }) else {
            throw .userUnknown("\(geteuid())")
        }
        return user
    }

    private typealias Answer = UnsafeMutablePointer<UnsafeMutablePointer<passwd>?>

    private static func found(
        _ ask: (UnsafeMutablePointer<passwd>, UnsafeMutablePointer<CChar>, Int, Answer) -> Int32
    ) -> User? {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 16_384) { text in
            var entry = passwd()
            var answer: UnsafeMutablePointer<passwd>?
            guard let start = text.baseAddress, ask(&entry, start, text.count, &answer) == 0, answer != nil,
                let name = entry.pw_name
            else { return nil }
            return User(name: String(cString: name), id: entry.pw_uid, group: entry.pw_gid)
        }
    }
}

/// A program with its arguments, and as whom and with what it runs.
package struct Program: Sendable {
    /// What errors call it.
    package let name: String
    let path: String
    package var arguments: [String]
    package var environment: [String: String] = [:]
    /// Whom it becomes; nil: stays what we are. Only root may name another.
    package var user: User?
    /// The signal that it gets when we end without having ended it.
    var orphanSignal = "TERM"
    /// A descriptor that the program finds open as 3, and so holds as long as it lives.
    package var kept: Int32?

    /// Throws `.missing` when `name` is neither a path of a program nor in PATH or /usr/sbin.
    package init(_ name: String, _ arguments: [String]) throws(StackError) {
        self.name = name.split(separator: "/").last.map(String.init) ?? name
        self.arguments = arguments
        path = try Self.path(of: name)
    }

    private static func path(of name: String) throws(StackError) -> String {
        if name.contains("/") {
            guard access(name, X_OK) == 0 else { throw .system(SystemError("execute", name, code: errno)) }
            return name
        }
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init)
        for folder in folders + ["/usr/local/sbin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"] {
            let path = folder + "/" + name
            if access(path, X_OK) == 0 { return path }
        }
        throw .missing(name)
    }

    /// Runs it to its end; gives what it wrote. Throws `.ended` with that unless its exit code is 0.
    @discardableResult
    package func output(input: String = "", within seconds: Int = 60) throws(StackError) -> String {
        let source = try Descriptor.temporary(holding: input)
        let sink = try Descriptor.temporary()
        let child = try Child(self, input: source.number, output: sink.number)
        guard let status = child.waitForExit(within: Double(seconds)) else {
            child.kill()
            throw .late(name, seconds: seconds, output: sink.text())
        }
        let text = sink.text()
        guard status == 0 else { throw .ended(name, status: status, output: text) }
        return text
    }
}
