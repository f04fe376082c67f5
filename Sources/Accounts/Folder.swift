import CLinux
import Glibc
import System

/// A folder that is held open, so that what is done in it is done there and nowhere else.
///
/// The service's user may put a symbolic link into the place of a folder or file of the media directory at any moment,
/// and root works there too: so no link is followed, and no path of more than one step is given to the system.
final class Folder {
    let path: String
    private let descriptor: Int32

    /// A folder that the operator names.
    init(_ path: String) throws(MediaStore.Failure) {
        self.path = path
        descriptor = open(path, Folder.flags)
        guard descriptor >= 0 else { throw .system(SystemError("open", path, code: errno)) }
    }

    /// A folder in another.
    init(_ name: String, in parent: Folder) throws(MediaStore.Failure) {
        path = "\(parent.path)/\(name)"
        descriptor = openat(parent.descriptor, name, Folder.flags)
        guard descriptor >= 0 else { throw .system(SystemError("open", path, code: errno)) }
    }

    deinit { close(descriptor) }

    private static let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC

    /// Makes a folder in this one if there is none. What root makes belongs to whom this one belongs: the service's
    /// user could neither use nor remove it otherwise.
    func makeFolder(_ name: String, mode: mode_t) throws(MediaStore.Failure) {
        guard mkdirat(descriptor, name, mode) == 0 else {
            if errno == EEXIST { return }
            throw .system(SystemError("mkdir", "\(path)/\(name)", code: errno))
        }
        if geteuid() == 0 { try Folder(name, in: self).giveToOwner(of: self) }
    }

    /// The descriptor of a new file, which others may read.
    func makeFile(_ name: String) throws(MediaStore.Failure) -> Int32 {
        let file = openat(descriptor, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard file >= 0 else { throw .system(SystemError("open", "\(path)/\(name)", code: errno)) }
        var status = stat()
        if geteuid() == 0, fstat(descriptor, &status) == 0 { _ = fchown(file, status.st_uid, status.st_gid) }
        return file
    }

    /// All of a file.
    func bytes(of name: String) throws(MediaStore.Failure) -> [UInt8] {
        let file = openat(descriptor, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else { throw .system(SystemError("open", "\(path)/\(name)", code: errno)) }
        defer { close(file) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(file, &piece, piece.count)
            guard count >= 0 else { throw .system(SystemError("read", "\(path)/\(name)", code: errno)) }
            if count == 0 { return bytes }
            bytes += piece[..<count]
        }
    }

    func give(to user: uid_t, _ group: gid_t) throws(MediaStore.Failure) {
        guard fchown(descriptor, user, group) == 0 else { throw .system(SystemError("chown", path, code: errno)) }
    }

    private func giveToOwner(of other: Folder) throws(MediaStore.Failure) {
        var status = stat()
        guard fstat(other.descriptor, &status) == 0 else {
            throw .system(SystemError("fstat", other.path, code: errno))
        }
        try give(to: status.st_uid, status.st_gid)
    }

    /// False where it is still there.
    func remove(_ name: String) -> Bool {
        unlinkat(descriptor, name, 0) == 0 || errno == ENOENT
    }

    func move(_ name: String, to other: Folder, as newName: String) throws(MediaStore.Failure) {
        guard renameat(descriptor, name, other.descriptor, newName) == 0 else {
            throw .system(SystemError("rename", "\(other.path)/\(newName)", code: errno))
        }
    }

    /// The descriptor of a file to read; nil where there is none.
    func openFile(_ name: String) throws(MediaStore.Failure) -> Int32? {
        let file = openat(descriptor, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard file >= 0 else {
            if errno == ENOENT { return nil }
            throw .system(SystemError("open", "\(path)/\(name)", code: errno))
        }
        return file
    }

    /// The descriptor of a file that processes lock; made when it is not there.
    func openLock(_ name: String) throws(MediaStore.Failure) -> Int32 {
        let file = openat(descriptor, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw .system(SystemError("open", "\(path)/\(name)", code: errno)) }
        var status = stat()
        if geteuid() == 0, fstat(descriptor, &status) == 0 { _ = fchown(file, status.st_uid, status.st_gid) }
        return file
    }

    /// Gives a file a second name, in another folder; false where that cannot be, as between two file systems.
    func link(_ name: String, to other: Folder) -> Bool {
        status(of: name).map { $0.st_mode & S_IFMT == S_IFREG } == true
            && linkat(descriptor, name, other.descriptor, name, 0) == 0
    }

    /// In bytes; nil where it is no file.
    func size(of name: String) -> Int64? {
        status(of: name).flatMap { $0.st_mode & S_IFMT == S_IFREG ? Int64($0.st_size) : nil }
    }

    /// Whether it is a file, and one that we may read.
    func holds(_ name: String) -> Bool {
        (status(of: name)?.st_mode ?? 0) & S_IFMT == S_IFREG && faccessat(descriptor, name, R_OK, 0) == 0
    }

    /// Writes to the disk which names it has.
    func flush() throws(MediaStore.Failure) {
        guard fsync(descriptor) == 0 else { throw .system(SystemError("fsync", path, code: errno)) }
    }

    /// Writes to the disk all that its file system has.
    func flushAll() throws(MediaStore.Failure) {
        guard syncfs(descriptor) == 0 else { throw .system(SystemError("syncfs", path, code: errno)) }
    }

    /// The files that nobody has written to since `limit`, in seconds.
    func files(before limit: Int64) -> [String] {
        // From the beginning each time, which a copy of the descriptor would not be.
        let opened = openat(descriptor, ".", Folder.flags)
        guard opened >= 0, let directory = fdopendir(opened) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard !name.hasPrefix("."), let status = status(of: name), status.st_mode & S_IFMT == S_IFREG,
                Int64(status.st_mtim.tv_sec) < limit
            else { continue }
            names.append(name)
        }
        return names
    }

    private func status(of name: String) -> stat? {
        var status = stat()
        return fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 ? status : nil
    }
}
