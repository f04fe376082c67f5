import CLinux
import Foundation
import Glibc
import System

/// A small file that is changed as a whole: whoever reads it finds all of the old or all of the new, also after a crash.
struct LockedFile {
    let path: String

    /// - Parameter path: may lead through symbolic links, which stay.
    init(_ path: String) throws(CommandError) {
        guard let real = realpath(path, nil) else { throw LockedFile.failed(path) }
        defer { free(real) }
        self.path = String(cString: real)
    }

    /// Writes what `change` makes of its text, with the owner and rights that the file has. Two at once are refused.
    func rewrite(
        _ change: (String) throws(CommandError) -> TokenKeyFile
    ) throws(CommandError) -> TokenKeyFile {
        let file = try lock()
        defer { close(file) }
        guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { throw LockedFile.failed(path) }
        let changed = try change(text.trimmingCharacters(in: .whitespacesAndNewlines))
        var status = stat()
        guard fstat(file, &status) == 0 else { throw LockedFile.failed(path) }
        // Under the lock nobody else uses the name; what is there was left by one that was killed.
        let fresh = path + ".new"
        unlink(fresh)
        let copy = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard copy >= 0 else { throw LockedFile.failed(fresh) }
        defer { close(copy) }
        do throws(SystemError) {
            guard fchown(copy, status.st_uid, status.st_gid) == 0, fchmod(copy, status.st_mode & 0o7777) == 0 else {
                throw SystemError("chown", fresh, code: errno)
            }
            try writeAll(Array(changed.text.utf8), to: copy, path: fresh)
            guard fsync(copy) == 0 else { throw SystemError("fsync", fresh, code: errno) }
            guard rename(fresh, path) == 0 else { throw SystemError("rename", path, code: errno) }
        } catch {
            unlink(fresh)
            throw .refused("\(error.path): \(error.reason). Nothing was changed")
        }
        try flushFolder()
        return changed
    }

    /// Of the file that has the name now: another call may just have put a new one there.
    private func lock() throws(CommandError) -> Int32 {
        while true {
            let file = open(path, O_RDONLY | O_CLOEXEC)
            guard file >= 0 else { throw LockedFile.failed(path) }
            guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
                close(file)
                throw .refused("\(path): another call changes it at this moment. Try again")
            }
            var (held, named) = (stat(), stat())
            if fstat(file, &held) == 0, stat(path, &named) == 0, held.st_ino == named.st_ino { return file }
            close(file)
        }
    }

    private func flushFolder() throws(CommandError) {
        let folder = open(
            path.prefix(through: path.lastIndex(of: "/") ?? path.startIndex) + ".", O_RDONLY | O_DIRECTORY)
        guard folder >= 0 else { throw LockedFile.failed(path) }
        defer { close(folder) }
        guard fsync(folder) == 0 else { throw LockedFile.failed(path) }
    }

    private static func failed(_ path: String) -> CommandError {
        .refused("\(path): \(String(cString: strerror(errno)))")
    }
}
