import Foundation
import Glibc
import Pictures
import TestSupport
import Testing

@testable import Accounts

@Suite struct AvatarTests {
    @Test(arguments: [(onePixelPNG, "png"), (onePixelGIF, "gif")])
    func `an uploaded picture becomes a file that the row names`(bytes: [UInt8], ending: String) throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna")

        let avatar = try #require(try accounts.update(new, avatar: accounts.upload(bytes)).avatar)

        #expect(avatar.contains(try Regex("^avatars/[0-9a-f]{32}\\.\(ending)$")))
        #expect(fixture.avatars() == files(of: avatar))
        #expect(try accounts.caller(new).account.avatar == avatar)
    }

    @Test func `a new picture has a new name and the old file goes`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna")
        let first = try accounts.update(new, avatar: accounts.upload(onePixelPNG)).avatar

        let second = try accounts.update(new, avatar: accounts.upload(onePixelPNG)).avatar

        #expect(second != first)
        #expect(fixture.avatars() == files(of: second))
    }

    @Test func `removing a picture removes its file`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna")
        try accounts.update(new, avatar: accounts.upload(onePixelPNG))

        let account = try accounts.update(new, avatar: .remove)

        #expect(account.avatar == nil)
        #expect(fixture.files("avatars") == [])
    }

    @Test func `removing a picture that is not there does nothing`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna")

        #expect(try accounts.update(new, avatar: .remove).avatar == nil)
    }

    @Test func `a change of other fields leaves the picture`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna")
        let avatar = try accounts.update(new, avatar: accounts.upload(onePixelPNG)).avatar

        let account = try accounts.update(new, email: .text("new@b.org"), bio: .text("x"))

        #expect(account.avatar == avatar)
        #expect(fixture.avatars() == files(of: avatar))
    }

    @Test func `nothing is left among the incoming files`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna")

        try accounts.update(new, avatar: accounts.upload(onePixelPNG))
        _ = refusal { try accounts.update(new, avatar: accounts.upload([1, 2, 3])) }

        #expect(fixture.files("incoming") == [])
    }

    @Test func `an upload that nobody finishes leaves no file`() throws {
        let fixture = try AccountsFixture()

        _ = try fixture.accounts().upload(onePixelPNG)

        #expect(fixture.files("incoming") == [])
    }

    @Test(
        arguments: [
            (.notAFile, .notAFile), (.bytes([]), .emptyFile), (.bytes([1, 2, 3]), .notAPicture),
            (.bytes(Array("<svg xmlns='http://www.w3.org/2000/svg'/>".utf8)), .notAPicture),
            (.bytes(Array("RIFF....WEBPVP8 ".utf8)), .notAPicture),
            (.bytes([0x42, 0x4D] + [UInt8](repeating: 0, count: 60)), .notAPicture),
            (.large, .fileTooLarge(bytes: 5_242_880)),
        ] as [(Sent, Rule)])
    func `what is no picture is refused, the old one stays and no file more`(sent: Sent, rule: Rule) throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna")
        let old = try accounts.update(new, avatar: accounts.upload(onePixelPNG)).avatar

        let found = violations { try accounts.update(new, bio: .text("x"), avatar: sent.entry(accounts)) }

        #expect(found == [Violation(.avatar, rule)])
        #expect(try accounts.caller(new).account.avatar == old)
        #expect(try accounts.caller(new).account.bio == nil)
        #expect(fixture.avatars() == files(of: old))
        #expect(fixture.files("incoming") == [])
    }

    @Test func `a refused field beside it keeps the old picture and leaves no file`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna")
        let old = try accounts.update(new, avatar: accounts.upload(onePixelPNG)).avatar

        let found = violations { try accounts.update(new, email: .text("x"), avatar: accounts.upload(onePixelGIF)) }

        #expect(found == [Violation(.email, .malformed)])
        #expect(try accounts.caller(new).account.avatar == old)
        #expect(fixture.avatars() == files(of: old))
        #expect(fixture.files("incoming") == [])
    }

    @Test func `an email taken at the last moment keeps the old picture and leaves no file`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna")
        let old = try accounts.update(new, avatar: accounts.upload(onePixelPNG)).avatar
        let upload = try accounts.upload(onePixelGIF)
        fixture.random.interrupt { _ = try? fixture.accounts().register("bert", email: "one@b.org") }

        let found = violations { try accounts.update(new, email: .text("one@b.org"), avatar: upload) }

        #expect(found == [Violation(.email, .taken)])
        #expect(try accounts.caller(new).account.avatar == old)
        #expect(fixture.avatars() == files(of: old))
    }

    @Test func `an upload for an account that was deleted meanwhile leaves no file`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna")

        let outcome = refusal {
            let upload = try accounts.upload(onePixelPNG)
            fixture.random.interrupt { _ = try? fixture.sql("DELETE FROM accounts") }
            try accounts.update(new, avatar: upload)
        }

        #expect(outcome == "badToken")
        #expect(fixture.files("avatars") == [])
        #expect(fixture.files("incoming") == [])
    }

    @Test func `a disk that refuses is unavailable, for the log, and changes nothing`() throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna")
        try FileManager.default.removeItem(atPath: "\(fixture.media.root)/avatars")

        let outcome = refusal { try accounts.update(new, bio: .text("x"), avatar: accounts.upload(onePixelPNG)) }

        #expect(outcome == "unavailable")
        #expect(try accounts.caller(new).account.avatar == nil)
        #expect(try accounts.caller(new).account.bio == nil)
        #expect(fixture.files("incoming") == [])
        #expect(fixture.events().map { "\($0)" }.allSatisfy { $0.hasPrefix("storageFailed(\"media: open ") })
    }

    @Test func `a machine that is too busy is unavailable, no fault of the picture and none of the disk`() throws {
        // In the decoder's place: takes a picture, and no answer comes.
        let fixture = try AccountsFixture(decoder: AvatarDecoder(command: ["/bin/sleep", "60"], timeout: 1) { _ in })
        let accounts = fixture.accounts()
        let new = try accounts.register("anna")

        let outcome = refusal { try accounts.update(new, avatar: accounts.upload(onePixelPNG)) }

        #expect(outcome == "unavailable")
        #expect(fixture.events().isEmpty)
        #expect(fixture.files("incoming") == [])
    }

    @Test(arguments: ["avatars", "incoming"])
    func `a link in the place of a folder is not followed`(name: String) throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna")
        let elsewhere = try TestEnvironment.scratch("elsewhere")
        let folder = "\(fixture.media.root)/\(name)"
        try FileManager.default.removeItem(atPath: folder)
        try FileManager.default.createSymbolicLink(atPath: folder, withDestinationPath: elsewhere)
        let victim = "\(elsewhere)/\(String(repeating: "a", count: 32)).png"
        try Data([1]).write(to: URL(filePath: victim))
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSince1970: 1)], ofItemAtPath: victim)

        let outcome = refusal { try accounts.update(new, avatar: accounts.upload(onePixelPNG)) }
        let removed = try accounts.cleanMedia()

        #expect(outcome == "unavailable")
        #expect(removed == 0)
        #expect(try FileManager.default.contentsOfDirectory(atPath: elsewhere).count == 1)
        #expect(throws: MediaStore.Failure.self) { try fixture.media.give(to: 1, 1) }
        #expect(try FileManager.default.attributesOfItem(atPath: elsewhere)[.ownerAccountID] as? Int == Int(geteuid()))
    }

    @Test(arguments: [
        "avatars/../victim", "../victim", "/victim", "victim", "avatars/x.png", "avatars/../avatars/../victim",
        "avatars/0123456789abcdef0123456789abcdef.png/../../victim", "avatars/0123456789ABCDEF0123456789ABCDEF.png",
    ])
    func `a path in a row that is no avatar's removes nothing`(path: String) throws {
        let fixture = try AccountsFixture()
        let accounts = fixture.accounts()
        let new = try accounts.register("anna")
        for name in ["victim", "avatars/x.png", "avatars/0123456789ABCDEF0123456789ABCDEF.png"] {
            try Data([1]).write(to: URL(filePath: "\(fixture.media.root)/\(name)"))
        }
        try fixture.sql("UPDATE accounts SET avatar = '\(path)'")

        try accounts.update(new, avatar: .remove)

        #expect(try FileManager.default.contentsOfDirectory(atPath: fixture.media.root).contains("victim"))
        #expect(fixture.files("avatars").count == 2)
    }

    @Test(.enabled(if: geteuid() == 0))
    func `what root makes in the media folder belongs to the folder's owner`() throws {
        let root = try TestEnvironment.scratch("owned")
        chown(root, 1, 1)

        let media = try MediaStore(
            root: root, random: AccountsFixture().random.source, decoder: TestEnvironment.decoder)
        try media.tryWriting()

        for folder in ["avatars", "incoming"] {
            let owner = try FileManager.default.attributesOfItem(atPath: "\(root)/\(folder)")[.ownerAccountID]
            #expect(owner as? Int == 1)
        }
    }

    @Test(.enabled(if: geteuid() == 0 && access("/dev/fuse", R_OK | W_OK) == 0))
    func `a media folder whose server is away keeps nobody from starting, and takes no file until it is back`() throws {
        let root = try TestEnvironment.scratch("away")
        // A file system whose server has ended answers ENOTCONN.
        let server = open("/dev/fuse", O_RDWR | O_CLOEXEC)
        let options = "fd=\(server),rootmode=40000,user_id=0,group_id=0"
        try #require(mount("homeroom", root, "fuse", 0, options) == 0)
        close(server)
        defer { umount2(root, Int32(MNT_DETACH)) }

        let media = try MediaStore(
            root: root, random: AccountsFixture().random.source, decoder: TestEnvironment.decoder)
        try media.give(to: 1, 1)

        #expect(throws: MediaStore.Failure.self) { try media.tryWriting() }
        try #require(umount2(root, Int32(MNT_DETACH)) == 0)
        for folder in ["avatars", "incoming"] { mkdir("\(root)/\(folder)", 0o755) }
        try media.tryWriting()
    }

    @Test func `no room for uploads is unavailable`() throws {
        let fixture = try AccountsFixture()
        try FileManager.default.removeItem(atPath: "\(fixture.media.root)/incoming")

        #expect(refusal { try fixture.accounts().beginUpload() } == "unavailable")
        #expect(fixture.events().count == 1)
    }

    @Test func `of 12 uploads at once by one person one row and its file remain`() throws {
        let fixture = try AccountsFixture()
        let new = try fixture.accounts().register("anna")

        let outcomes = concurrently(12) { _ in
            fixture.accounts()
        } _: { number, accounts in
            refusal { try accounts.update(new, avatar: accounts.upload(number % 2 == 0 ? onePixelPNG : onePixelGIF)) }
        }

        #expect(Set(outcomes) == ["none"])
        let avatar = try fixture.accounts().caller(new).account.avatar
        #expect(fixture.avatars() == files(of: avatar))
        #expect(fixture.files("incoming") == [])
    }

    @Test func `uploads and removals at once leave the row and its file, or neither`() throws {
        let fixture = try AccountsFixture()
        let new = try fixture.accounts().register("anna")

        let outcomes = concurrently(12) { _ in
            fixture.accounts()
        } _: { number, accounts in
            refusal { try accounts.update(new, avatar: number % 2 == 0 ? accounts.upload(onePixelPNG) : .remove) }
        }

        #expect(Set(outcomes) == ["none"])
        let avatar = try fixture.accounts().caller(new).account.avatar
        #expect(fixture.avatars() == files(of: avatar))
    }

    /// What stands in the avatar field of a test.
    enum Sent: Sendable {
        case notAFile, large
        case bytes([UInt8])

        func entry(_ accounts: Accounts) throws(AccountsError) -> AvatarEntry {
            switch self {
            case .notAFile: .notAFile
            case .bytes(let bytes): try accounts.upload(bytes)
            case .large: try accounts.upload(onePixelPNG + [UInt8](repeating: 0, count: 5_242_881 - onePixelPNG.count))
            }
        }
    }
}

extension AccountsFixture {
    /// The avatars' files as rows would name them, sorted.
    func avatars() -> [String] { files("avatars").map { "avatars/\($0)" } }
}

/// An avatar and its squares, sorted; empty without one.
private func files(of avatar: String?) -> [String] {
    guard let avatar else { return [] }
    let (name, ending) = (avatar.dropLast(4), avatar.suffix(4))
    return ["\(name)-256\(ending)", "\(name)-64\(ending)", avatar]
}
