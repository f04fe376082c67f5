import Glibc
import Secrets
import System

/// Copies of the pictures in a folder of a backup, and the way back.
///
/// A picture never changes once it has its name: a link to it, or to its copy in the backup before, is as good as a copy.
package struct PictureBackup {
    private let folder: Folder
    /// Of each picture the SHA-256 digest, by its name.
    package private(set) var sums: [String: String] = [:]

    /// - Parameter path: a folder that is there.
    package init(_ path: String) throws(MediaStore.Failure) {
        folder = try Folder(path)
    }

    /// Brings all pictures into the folder that it does not have yet.
    ///
    /// - Parameters:
    ///   - former: a backup from before with the digests that its pictures had.
    package mutating func store(_ media: MediaStore, former: PictureBackup?) throws(MediaStore.Failure) {
        let avatars = try media.avatars()
        for name in avatars.files(before: .max) where sums[name] == nil && MediaStore.isPicture(name) {
            if let former, let sum = former.sums[name], let size = avatars.size(of: name),
                former.folder.size(of: name) == size, former.folder.link(name, to: folder)
            {
                sums[name] = sum
                continue
            }
            let isLinked = avatars.link(name, to: folder)
            // Removed since the folder was read.
            guard let source = try avatars.openFile(name) else { continue }
            defer { close(source) }
            let target = isLinked ? -1 : try folder.makeFile(name)
            defer { if target >= 0 { close(target) } }
            sums[name] = try PictureBackup.digest(source, path: "\(avatars.path)/\(name)", copyingTo: target)
        }
    }

    /// Takes the digests that were written down for the folder's pictures.
    package mutating func expect(_ sums: [String: String]) {
        self.sums = sums
    }

    /// The names of pictures that are not there, or not as they were.
    package func damaged() throws(MediaStore.Failure) -> [String] {
        var damaged: [String] = []
        for (name, sum) in sums {
            guard MediaStore.isPicture(name), let file = try folder.openFile(name) else {
                damaged.append(name)
                continue
            }
            defer { close(file) }
            if try PictureBackup.digest(file, path: "\(folder.path)/\(name)") != sum { damaged.append(name) }
        }
        return damaged.sorted()
    }

    /// Puts all pictures where `media` serves them, as files of their own: only those that are whole get their names.
    package func restore(to media: MediaStore) throws(MediaStore.Failure) {
        let avatars = try media.avatars()
        for name in sums.keys {
            guard let source = try folder.openFile(name) else {
                throw .system(SystemError("open", "\(folder.path)/\(name)", code: ENOENT))
            }
            defer { close(source) }
            let copy = try media.newFile()
            _ = try PictureBackup.digest(source, path: "\(folder.path)/\(name)", copyingTo: copy.descriptor)
            try copy.keep(in: avatars, as: name)
        }
        try avatars.flushAll()
    }

    /// The SHA-256 digest of a file that was just opened, in hexadecimal.
    private static func digest(
        _ file: Int32, path: String, copyingTo target: Int32 = -1
    ) throws(MediaStore.Failure) -> String {
        var digest = SHA256State()
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(file, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw .system(SystemError("read", path, code: errno)) }
            if count == 0 { return hex(digest.digest) }
            digest.add(buffer.span.extracting(first: count))
            guard target >= 0 else { continue }
            let written = buffer.withUnsafeBytes { bytes in
                Result { () throws(SystemError) in
                    try writeAll(UnsafeRawBufferPointer(rebasing: bytes[..<count]), to: target, path: path)
                }
            }
            if case .failure(let error) = written { throw .system(error) }
        }
    }
}
