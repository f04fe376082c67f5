import CLinux
import Glibc
import System

/// An open file; closed when it goes out of use.
struct Descriptor: ~Copyable {
    let number: Int32

    /// Takes over `number`, the result of `call` on `path`; negative throws.
    init(_ number: Int32, _ call: String, _ path: String) throws(StackError) {
        guard number >= 0 else { throw .system(SystemError(call, path, code: errno)) }
        self.number = number
    }

    /// A nameless file with `text` in it, at its beginning.
    static func temporary(holding text: String = "") throws(StackError) -> Descriptor {
        let name = "/tmp/homeroom-\(UInt64.random(in: 0 ... .max))"
        let file = try Descriptor(open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600), "create", name)
        unlink(name)
        try file.append(text)
        lseek(file.number, 0, SEEK_SET)
        return file
    }

    /// A file that only grows, made when it is not there.
    static func log(_ path: String) throws(StackError) -> Descriptor {
        try Descriptor(open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o600), "open", path)
    }

    func append(_ text: String) throws(StackError) {
        do throws(SystemError) {
            try writeAll(Array(text.utf8), to: number, path: "a file")
        } catch {
            throw .system(error)
        }
    }

    /// The file from byte `start` on, or its last 1 MiB.
    func text(from start: Int = 0) -> String {
        let size = lseek(number, 0, SEEK_END)
        let start = max(start, size - 1_048_576)
        var bytes = [UInt8](repeating: 0, count: max(0, size - start))
        let count = bytes.withUnsafeMutableBytes { pread(number, $0.baseAddress, $0.count, start) }
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }

    deinit { close(number) }
}
