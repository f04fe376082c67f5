import Glibc
import Pictures
import Secrets

/// The media directory: `avatars/`, which nginx serves, and `incoming/`, which only the service reads.
package struct MediaStore: Sendable {
    package let root: String
    private let random: RandomSource

    package enum Failure: Error, CustomStringConvertible {
        case system(call: String, path: String, code: Int32)

        package var description: String {
            guard case .system(let call, let path, let code) = self else { return "" }
            return "media: \(call) \(path): \(String(cString: strerror(code)))"
        }
    }

    /// Makes the two folders if they are missing.
    package init(root: String, random: RandomSource) throws(Failure) {
        self.root = root
        self.random = random
        for (folder, mode) in [("avatars", mode_t(0o755)), ("incoming", mode_t(0o700))] {
            let path = "\(root)/\(folder)"
            guard mkdir(path, mode) == 0 || errno == EEXIST else {
                throw .system(call: "mkdir", path: path, code: errno)
            }
        }
    }

    /// A new file to take an upload.
    package func beginUpload() throws(Failure) -> Upload {
        try Upload(path: "\(root)/incoming/\(newName())")
    }

    /// Makes a finished upload a file that nginx can serve, and answers with its path below the root.
    ///
    /// It is on the disk before it has its name, and the name is new: a cache never shows the old picture.
    func publish(_ upload: Upload, as format: PictureFormat) throws(Failure) -> String {
        try upload.flush()
        let path = "avatars/\(newName()).\(format.fileExtension)"
        guard rename(upload.path, "\(root)/\(path)") == 0 else {
            throw .system(call: "rename", path: upload.path, code: errno)
        }
        upload.isPublished = true
        try flushDirectory("\(root)/avatars")
        return path
    }

    /// Removes a file that no row names any more. A file that stays behind is harmless: the janitor finds it.
    func remove(_ path: String) {
        unlink("\(root)/\(path)")
    }

    private func newName() -> String {
        hex(random.bytes(16))
    }

    private func flushDirectory(_ path: String) throws(Failure) {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system(call: "open", path: path, code: errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .system(call: "fsync", path: path, code: errno) }
    }
}

/// A file on its way in. What was not published is removed with the last reference.
package final class Upload {
    /// In bytes.
    package static let largest = 5 << 20

    let path: String
    private let descriptor: Int32
    private(set) var size = 0
    /// The first bytes, which tell the format.
    private(set) var beginning: [UInt8] = []
    private var failure: MediaStore.Failure?
    fileprivate var isPublished = false

    fileprivate init(path: String) throws(MediaStore.Failure) {
        self.path = path
        // Only nginx' way to it is open: others may read the file, but nobody else may enter `incoming`.
        descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard descriptor >= 0 else { throw .system(call: "open", path: path, code: errno) }
    }

    deinit {
        close(descriptor)
        if !isPublished { unlink(path) }
    }

    /// Appends; what is over the limit is counted and dropped. A failure is kept for `flush`.
    package func write(_ chunk: UnsafeRawBufferPointer) {
        size += chunk.count
        guard failure == nil, size <= Upload.largest else { return }
        if beginning.count < PictureFormat.signatureLength {
            beginning += chunk.prefix(PictureFormat.signatureLength - beginning.count)
        }
        var rest = chunk
        while !rest.isEmpty {
            let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else {
                failure = .system(call: "write", path: path, code: errno)
                return
            }
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
        }
    }

    fileprivate func flush() throws(MediaStore.Failure) {
        if let failure { throw failure }
        guard fsync(descriptor) == 0 else { throw .system(call: "fsync", path: path, code: errno) }
    }
}
