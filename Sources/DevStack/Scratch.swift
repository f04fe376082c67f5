import CLinux
import Glibc
import System

extension DevStack {
    /// A port on 127.0.0.1 that nobody uses now.
    package static func freePort() throws(StackError) -> UInt16 {
        try Port.free()
    }

    /// A new folder `/tmp/h-<name>-…` that the stack's users can enter; `name` must be short (sockets go below it).
    package static func scratch(_ name: String) throws(StackError) -> String {
        var path = Array("/tmp/h-\(name)-XXXXXX".utf8CString)
        guard mkdtemp(&path) != nil else { throw .system(SystemError("mkdtemp", "/tmp/h-\(name)-XXXXXX", code: errno)) }
        let made = String(decoding: path.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        guard chmod(made, 0o711) == 0 else { throw .system(SystemError("chmod", made, code: errno)) }
        return made
    }

    /// Removes what `scratch` made, with all in it.
    package static func removeScratch(_ path: String) throws(StackError) {
        precondition(path.hasPrefix("/tmp/h-"), "not a scratch folder: \(path)")
        try Program("rm", ["-rf", "--", path]).output()
    }
}
