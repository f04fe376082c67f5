import CLinux
import Foundation
import Glibc
import Pictures
import Secrets

/// The media directory: `avatars/`, which nginx serves, and `incoming/`, which only the service reads.
///
/// An avatar `avatars/<name>.jpg` has its squares beside it, `avatars/<name>-256.jpg` and `avatars/<name>-64.jpg`.
package struct MediaStore: Sendable {
    package let root: String
    private let random: RandomSource
    private let decoder: AvatarDecoder

    package enum Failure: Error, CustomStringConvertible {
        case system(call: String, path: String, code: Int32)
        /// The confined decoder could not be started.
        case noDecoder

        package var description: String {
            switch self {
            case .system(let call, let path, let code): "media: \(call) \(path): \(String(cString: strerror(code)))"
            case .noDecoder: "media: the picture decoder cannot be started"
            }
        }
    }

    /// An upload, decoded and encoded anew, not yet served.
    struct Avatar {
        /// In the order of `AvatarEncoder.sides`.
        fileprivate let files: [TemporaryFile]
        fileprivate let format: PictureFormat
    }

    /// Makes the two folders if they are missing.
    package init(root: String, random: RandomSource, decoder: AvatarDecoder) throws(Failure) {
        self.root = root
        self.random = random
        self.decoder = decoder
        for (folder, mode) in [("avatars", mode_t(0o755)), ("incoming", mode_t(0o700))] {
            let path = "\(root)/\(folder)"
            guard mkdir(path, mode) == 0 || errno == EEXIST else {
                throw .system(call: "mkdir", path: path, code: errno)
            }
        }
    }

    /// Keeps ready what decodes pictures, so that an upload does not wait for it.
    package func prepare() {
        decoder.prepare()
    }

    /// Writes a file and removes it: throws where an upload could not be kept.
    func tryWriting() throws(Failure) {
        let file = try newFile()
        if let failure = withUnsafeBytes(of: UInt8(0), { file.append($0) }) { throw failure }
    }

    /// A new file to take an upload.
    package func beginUpload() throws(Failure) -> Upload {
        Upload(try newFile())
    }

    /// Decodes an upload in the confined process. Heavy: up to seconds of a core.
    func encode(_ upload: Upload) throws(Failure) -> Result<Avatar, AvatarOutcome.Refusal> {
        let input = try upload.whole()
        var files: [TemporaryFile] = []
        for _ in AvatarEncoder.sides { files.append(try newFile()) }
        switch decoder.encode(input, to: files.map(\.descriptor)) {
        case .encoded(let format): return .success(Avatar(files: files, format: format))
        case .refused(let reason): return .failure(reason)
        case .notWritten(let code): throw .system(call: "write", path: "\(root)/incoming", code: code)
        case nil: throw .noDecoder
        }
    }

    /// Makes an avatar files that nginx can serve, and answers with its path below the root.
    ///
    /// They are on the disk before they have their names, and the names are new: a cache never shows the old picture.
    func publish(_ avatar: Avatar) throws(Failure) -> String {
        for file in avatar.files { try file.flush() }
        let path = "avatars/\(newName()).\(avatar.format.fileExtension)"
        do throws(Failure) {
            for (file, name) in zip(avatar.files, MediaStore.files(of: path)) { try file.keep(as: "\(root)/\(name)") }
            try flushDirectory("\(root)/avatars")
        } catch {
            remove(path)
            throw error
        }
        return path
    }

    /// Removes an avatar that no row names any more; false where not all of it went. What stays is harmless: the janitor
    /// finds it.
    @discardableResult
    func remove(_ path: String) -> Bool {
        MediaStore.files(of: path).map { unlink("\(root)/\($0)") == 0 || errno == ENOENT }.allSatisfy { $0 }
    }

    /// Whether a path is that of an avatar whose files are all here.
    func holds(_ path: String) -> Bool {
        guard path.wholeMatch(of: /avatars\/[0-9a-f]{32}\.(jpg|png|gif)/) != nil else { return false }
        return MediaStore.files(of: path).allSatisfy { access("\(root)/\($0)", R_OK) == 0 }
    }

    /// The avatar and its squares: `avatars/x.jpg`, `avatars/x-256.jpg`, `avatars/x-64.jpg`.
    static func files(of path: String) -> [String] {
        guard let dot = path.lastIndex(of: ".") else { return [path] }
        return [path] + AvatarEncoder.sides.dropFirst().map { "\(path[..<dot])-\($0)\(path[dot...])" }
    }

    /// The avatar that a file belongs to: `avatars/x.jpg` for `x-256.jpg`.
    private static func avatar(ofFile name: String) -> String {
        for side in AvatarEncoder.sides.dropFirst() {
            if let range = name.range(of: "-\(side).") {
                return "avatars/\(name.replacingCharacters(in: range, with: "."))"
            }
        }
        return "avatars/\(name)"
    }

    private func newFile() throws(Failure) -> TemporaryFile {
        try TemporaryFile(path: "\(root)/incoming/\(newName())")
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

    // MARK: The janitor

    /// Files younger than this may belong to a request in flight, in seconds since their last byte.
    package static let youth: Int64 = 3600

    /// The avatars that have files older than `youth`, by their path; no more than `limit` at a time are held.
    func oldAvatars(before limit: Int64, _ batch: ([String]) throws(Refusal) -> Void) throws(Refusal) {
        var names: Set<String> = []
        for name in MediaStore.oldFiles(in: "\(root)/avatars", before: limit) {
            names.insert(MediaStore.avatar(ofFile: name))
            guard names.count == 500 else { continue }
            try batch(Array(names))
            names = []
        }
        if !names.isEmpty { try batch(Array(names)) }
    }

    /// Removes what killed processes left in `incoming`.
    func removeOldUploads(before limit: Int64) -> Int {
        let names = MediaStore.oldFiles(in: "\(root)/incoming", before: limit)
        return names.count { unlink("\(root)/incoming/\($0)") == 0 }
    }

    private static func oldFiles(in folder: String, before limit: Int64) -> [String] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            var status = stat()
            guard !name.hasPrefix("."), lstat("\(folder)/\(name)", &status) == 0, status.st_mode & S_IFMT == S_IFREG,
                Int64(status.st_mtim.tv_sec) < limit
            else { continue }
            names.append(name)
        }
        return names
    }
}

/// A file in `incoming`, removed with the last reference unless it was kept.
final class TemporaryFile {
    let descriptor: Int32
    private let path: String
    private var isKept = false

    fileprivate init(path: String) throws(MediaStore.Failure) {
        self.path = path
        // Others may read the file, for nginx, but nobody else may enter `incoming`.
        descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o644)
        guard descriptor >= 0 else { throw .system(call: "open", path: path, code: errno) }
    }

    deinit {
        close(descriptor)
        if !isKept { unlink(path) }
    }

    /// nil, or why it could not be appended.
    fileprivate func append(_ chunk: UnsafeRawBufferPointer) -> MediaStore.Failure? {
        var rest = chunk
        while !rest.isEmpty {
            let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return .system(call: "write", path: path, code: errno) }
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
        }
        return nil
    }

    fileprivate func flush() throws(MediaStore.Failure) {
        guard fsync(descriptor) == 0 else { throw .system(call: "fsync", path: path, code: errno) }
    }

    fileprivate func keep(as name: String) throws(MediaStore.Failure) {
        guard rename(path, name) == 0 else { throw .system(call: "rename", path: name, code: errno) }
        isKept = true
    }
}

/// A file part on its way in.
package final class Upload {
    /// In bytes.
    package static let largest = AvatarEncoder.largestPicture

    private(set) var size = 0
    private let file: TemporaryFile
    private var failure: MediaStore.Failure?

    fileprivate init(_ file: TemporaryFile) {
        self.file = file
    }

    /// Appends; what is over the limit is counted and dropped. A failure is kept for `whole`.
    package func write(_ chunk: UnsafeRawBufferPointer) {
        size += chunk.count
        guard failure == nil, size <= Upload.largest else { return }
        failure = file.append(chunk)
    }

    /// The descriptor of the file, if all of it was written.
    fileprivate func whole() throws(MediaStore.Failure) -> Int32 {
        if let failure { throw failure }
        return file.descriptor
    }
}
