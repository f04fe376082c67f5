import CLinux
import Foundation
import System

/// Files and folders with exact modes and owners, whatever the umask.
enum FileSystem {
    /// Makes the folder unless it is there, and gives it `mode`, `owner` and `group` in both cases.
    static func makeFolder(
        _ path: String, mode: mode_t, owner: User? = nil, group: gid_t? = nil
    ) throws(StackError) {
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw .system(SystemError("mkdir", path, code: errno)) }
        if Folder.isRoot, owner != nil || group != nil {
            guard chown(path, owner?.id ?? 0, owner?.group ?? group ?? 0) == 0 else {
                throw .system(SystemError("chown", path, code: errno))
            }
        }
        guard chmod(path, mode) == 0 else { throw .system(SystemError("chmod", path, code: errno)) }
    }

    /// Makes the folder and those above it as far as they are not there.
    static func makeFolders(_ path: String) throws(StackError) {
        var status = stat()
        if stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR { return }
        try makeFolders(URL(filePath: path).deletingLastPathComponent().path(percentEncoded: false))
        guard mkdir(path, 0o755) == 0 || errno == EEXIST else { throw .system(SystemError("mkdir", path, code: errno)) }
    }

    static func realPath(_ path: String) throws(StackError) -> String {
        guard let real = realpath(path, nil) else { throw .system(SystemError("realpath", path, code: errno)) }
        defer { free(real) }
        return String(cString: real)
    }

    /// The file from byte `start` on, or its last 1 MiB.
    static func read(_ path: String, from start: Int = 0) throws(StackError) -> String {
        try Descriptor(open(path, O_RDONLY | O_CLOEXEC), "open", path).text(from: start)
    }

    /// Puts a file of ours with `text` at `path`, at once or not at all.
    static func replace(_ path: String, with text: String, mode: mode_t = 0o600) throws(StackError) {
        let fresh = path + ".new"
        unlink(fresh)
        let file = try Descriptor(open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode), "create", fresh)
        try file.append(text)
        guard fsync(file.number) == 0, rename(fresh, path) == 0 else {
            throw .system(SystemError("replace", path, code: errno))
        }
    }
}
