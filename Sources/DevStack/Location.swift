import CLinux
import Foundation
import System

/// Where a stack's folder is to be, and where it then is.
struct Location {
    private static let elsewhere = "/var/lib/homeroom-dev"
    private let path: String

    /// `path` may be relative to the current folder.
    init(_ path: String) throws(StackError) {
        self.path = Self.standard(path)
        let unusable = self.path.unicodeScalars.contains { #""\$*?["#.unicodeScalars.contains($0) || $0.value < 32 }
        if unusable { throw .pathUnusable(self.path) }
    }

    /// Makes the folder unless it is there, so that `users` can enter it; its path without symbolic links.
    ///
    /// Where they cannot, as below /root, root gets the folder below /var/lib and a symbolic link to it here.
    func prepared(for users: [User], report: (String) -> Void) throws(StackError) -> String {
        if let target = try? FileManager.default.destinationOfSymbolicLink(atPath: path) {
            try FileSystem.makeFolder(target, mode: 0o711)
        } else if let user = try firstShutOut(of: users) {
            let target = Self.elsewhere + "/" + hash
            try link(to: target, insteadOf: user)
            report("\(path): now a link to \(target), because the user \(user.name) could not enter it here")
        } else {
            try FileSystem.makeFolders(path)
        }
        let real = try FileSystem.realPath(path)
        let content = (try? FileManager.default.contentsOfDirectory(atPath: real)) ?? []
        guard content.isEmpty || content.contains("run") || content.contains("homeroom.conf") else {
            throw .folderForeign(path)
        }
        return real
    }

    /// The first of `users` who cannot enter the nearest folder above that is there.
    private func firstShutOut(of users: [User]) throws(StackError) -> User? {
        guard Folder.isRoot else { return nil }
        var parent = path
        repeat {
            parent = URL(filePath: parent).deletingLastPathComponent().path(percentEncoded: false)
        } while access(parent, F_OK) != 0
        for user in users {
            // Asking as that user also holds for access lists and mount options.
            var question = try Program("test", ["-x", parent])
            question.user = user
            if (try? question.output()) == nil { return user }
        }
        return nil
    }

    private func link(to target: String, insteadOf user: User) throws(StackError) {
        // An empty folder gives way; one with something in it is not moved behind its owner's back.
        guard rmdir(path) == 0 || errno == ENOENT else { throw .folderUnreachable(path, user: user.name) }
        try FileSystem.makeFolders(URL(filePath: path).deletingLastPathComponent().path(percentEncoded: false))
        try FileSystem.makeFolder(Self.elsewhere, mode: 0o711)
        try FileSystem.makeFolder(target, mode: 0o711)
        guard symlink(target, path) == 0 else { throw .system(SystemError("link", path, code: errno)) }
    }

    private static func standard(_ path: String) -> String {
        var standard = URL(filePath: path).standardizedFileURL.path(percentEncoded: false)
        while standard.count > 1, standard.hasSuffix("/") { standard.removeLast() }
        return standard
    }

    /// Eight hex digits of the path's FNV-1a.
    private var hash: String {
        let value = path.utf8.reduce(0x811c_9dc5 as UInt32) { ($0 ^ UInt32($1)) &* 0x0100_0193 }
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }
}
