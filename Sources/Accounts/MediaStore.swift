import CLinux
import Foundation
import Glibc
import Pictures
import Secrets
import System

/// The media directory: `avatars/`, which nginx serves, and `incoming/`, which only the service reads.
///
/// An avatar `avatars/<name>.jpg` has its squares beside it, `avatars/<name>-256.jpg` and `avatars/<name>-64.jpg`.
package struct MediaStore: Sendable {
    package let root: String
    private let random: RandomSource
    private let decoder: AvatarDecoder

    package enum Failure: Error, CustomStringConvertible {
        case system(SystemError)
        /// The confined decoder could not be started.
        case noDecoder
        /// There was no time to decode the picture.
        case busy

        package var description: String {
            switch self {
            case .system(let error): "media: \(error)"
            case .noDecoder: "media: the picture decoder cannot be started"
            case .busy: "media: no time to decode a picture"
            }
        }
    }

    /// An upload, decoded and encoded anew, not yet served.
    struct Avatar {
        /// In the order of `AvatarEncoder.sides`.
        fileprivate let files: [TemporaryFile]
        fileprivate let format: PictureFormat
    }

    /// Makes the two folders if they are missing. One that is only away, as its server is, is waited for: until then
    /// uploads are refused.
    package init(root: String, random: RandomSource, decoder: AvatarDecoder) throws(Failure) {
        self.root = root
        self.random = random
        self.decoder = decoder
        try MediaStore.unlessAway { () throws(Failure) in
            let folder = try Folder(root)
            try folder.makeFolder("avatars", mode: 0o755)
            try folder.makeFolder("incoming", mode: 0o700)
        }
    }

    /// Makes both folders those of a user.
    package func give(to user: uid_t, _ group: gid_t) throws(Failure) {
        try MediaStore.unlessAway { () throws(Failure) in
            try avatars().give(to: user, group)
            try incoming().give(to: user, group)
        }
    }

    /// What the file system of another machine says while that does not answer.
    private static let away = [EIO, ETIMEDOUT, ESTALE, ENOTCONN, ESHUTDOWN, EHOSTDOWN, EHOSTUNREACH]

    private static func unlessAway(_ body: () throws(Failure) -> Void) throws(Failure) {
        do throws(Failure) {
            try body()
        } catch .system(let error) where away.contains(error.code) {}
    }

    // Opened anew each time: an operator may have put another in its place, e.g. by mounting one.
    func avatars() throws(Failure) -> Folder { try Folder("avatars", in: Folder(root)) }
    private func incoming() throws(Failure) -> Folder { try Folder("incoming", in: Folder(root)) }

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
        case .notWritten(let code): throw .system(SystemError("write", "\(root)/incoming", code: code))
        case .outOfTime: throw .busy
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
            let folder = try avatars()
            for (file, name) in zip(avatar.files, MediaStore.files(of: path)) { try file.keep(in: folder, as: name) }
            try folder.flush()
        } catch {
            remove(path)
            throw error
        }
        return path
    }

    /// Removes an avatar that no row names any more; false where not all of it went, as while a backup holds removals.
    /// What stays is harmless: the janitor finds it. A path that is none of ours, wherever it comes from, removes nothing.
    ///
    /// - Parameter waits: for the backup, some seconds.
    @discardableResult
    func remove(_ path: String, waits: Bool = false) -> Bool {
        guard MediaStore.isAvatar(path), let folder = try? avatars() else { return false }
        let permit: FileLock?
        do {
            permit = try removalLock(.shared, waits: waits)
        } catch {
            // Where the file system has no locks there is no backup that holds one.
            return removeFiles(of: path, in: folder)
        }
        guard let permit else { return false }
        return withExtendedLifetime(permit) { removeFiles(of: path, in: folder) }
    }

    private func removeFiles(of path: String, in folder: Folder) -> Bool {
        MediaStore.files(of: path).map { folder.remove($0) }.allSatisfy { $0 }
    }

    /// From its return until the last reference goes no picture is removed, by whatever process. nil when another one has it
    /// already and `waits` is false.
    package func holdRemovals(waits: Bool) throws(Failure) -> FileLock? {
        try removalLock(.exclusive, waits: waits)
    }

    /// On a file in `incoming` with a name that the janitor leaves alone.
    private func removalLock(_ kind: FileLock.Kind, waits: Bool) throws(Failure) -> FileLock? {
        let file = try incoming().openLock(".lock")
        do throws(SystemError) {
            return try FileLock.take(file, kind, waits: waits)
        } catch {
            throw .system(SystemError(error.call, "\(root)/incoming/.lock", code: error.code))
        }
    }

    /// Whether a path is that of an avatar whose files are all here.
    func holds(_ path: String) -> Bool {
        guard MediaStore.isAvatar(path), let folder = try? avatars() else { return false }
        return MediaStore.files(of: path).allSatisfy { folder.holds($0) }
    }

    /// The files of an avatar, the largest first, as `.jpg`, `-256.jpg` and `-64.jpg` with their bytes.
    func contents(of path: String) throws(Failure) -> [(name: String, bytes: [UInt8])] {
        guard MediaStore.isAvatar(path) else { return [] }
        let folder = try avatars()
        var contents: [(name: String, bytes: [UInt8])] = []
        for file in MediaStore.files(of: path) {
            contents.append((String(file.dropFirst(32)), try folder.bytes(of: file)))
        }
        return contents
    }

    /// `avatars/0123456789abcdef0123456789abcdef.jpg`
    static func isAvatar(_ path: String) -> Bool {
        let bytes = Array(path.utf8)
        return bytes.count == 44 && bytes.starts(with: "avatars/".utf8)
            && bytes[8..<40].allSatisfy { 0x30...0x39 ~= $0 || 0x61...0x66 ~= $0 }
            && PictureFormat.allCases.contains { bytes[40...].elementsEqual(".\($0.fileExtension)".utf8) }
    }

    /// In `avatars`: the avatar and its squares, `x.jpg`, `x-256.jpg`, `x-64.jpg`.
    private static func files(of path: String) -> [String] {
        let (name, ending) = (path.dropFirst(8).dropLast(4), path.suffix(4))
        return ["\(name)\(ending)"] + AvatarEncoder.sides.dropFirst().map { "\(name)-\($0)\(ending)" }
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

    func newFile() throws(Failure) -> TemporaryFile {
        try TemporaryFile(in: incoming(), name: newName())
    }

    /// Whether a name is that of one of an avatar's files.
    static func isPicture(_ name: String) -> Bool {
        let path = avatar(ofFile: name)
        return isAvatar(path) && files(of: path).contains(name)
    }

    private func newName() -> String {
        hex(random.bytes(16))
    }

    // MARK: The janitor

    /// Files younger than this may belong to a request in flight, in seconds since their last byte.
    package static let youth: Int64 = 3600

    /// The avatars that have files older than `youth`, by their path; no more than `limit` at a time are held.
    func oldAvatars(before limit: Int64, _ batch: ([String]) throws(AccountsError) -> Void) throws(AccountsError) {
        var paths: Set<String> = []
        for name in (try? avatars())?.files(before: limit) ?? [] {
            let path = MediaStore.avatar(ofFile: name)
            if MediaStore.isAvatar(path) { paths.insert(path) }
            guard paths.count == 500 else { continue }
            try batch(Array(paths))
            paths = []
        }
        if !paths.isEmpty { try batch(Array(paths)) }
    }

    /// Removes what killed processes left in `incoming`.
    func removeOldUploads(before limit: Int64) -> Int {
        guard let folder = try? incoming() else { return 0 }
        return folder.files(before: limit).count { folder.remove($0) }
    }
}

/// A file in `incoming`, removed with the last reference unless it was kept.
final class TemporaryFile {
    let descriptor: Int32
    private let folder: Folder
    private let name: String
    private var isKept = false

    private var path: String { "\(folder.path)/\(name)" }

    fileprivate init(in folder: Folder, name: String) throws(MediaStore.Failure) {
        self.folder = folder
        self.name = name
        // Others may read the file, for nginx, but nobody else may enter `incoming`.
        descriptor = try folder.makeFile(name)
    }

    deinit {
        close(descriptor)
        if !isKept { _ = folder.remove(name) }
    }

    /// nil, or why it could not be appended.
    fileprivate func append(_ chunk: UnsafeRawBufferPointer) -> MediaStore.Failure? {
        do throws(SystemError) {
            try writeAll(chunk, to: descriptor, path: path)
            return nil
        } catch {
            return .system(error)
        }
    }

    fileprivate func flush() throws(MediaStore.Failure) {
        guard fsync(descriptor) == 0 else { throw .system(SystemError("fsync", path, code: errno)) }
    }

    func keep(in other: Folder, as newName: String) throws(MediaStore.Failure) {
        try folder.move(name, to: other, as: newName)
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
