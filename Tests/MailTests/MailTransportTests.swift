import DevStack
import Foundation
import Testing

@testable import Mail

/// Mails as files.
struct MailTransportTests {
    private static let message = MailMessage(recipient: "alice@example.com", subject: "s", text: "t", html: "h")

    @Test func `a mail is one whole file, named by its second and id`() throws {
        let folder = try DevStack.scratch("post")
        defer { try? DevStack.removeScratch(folder) }
        let transport = MailTransport(.folder(path: folder), from: "no-reply@school.example")

        try transport.send(Self.message, seconds: 1_795_183_200, id: "0a1b")

        let names = try FileManager.default.contentsOfDirectory(atPath: folder)
        #expect(names == ["1795183200-0a1b.eml"])
        let bytes = try Data(contentsOf: URL(filePath: "\(folder)/1795183200-0a1b.eml"))
        #expect(
            Array(bytes) == Self.message.bytes(from: "no-reply@school.example", seconds: 1_795_183_200, id: "0a1b"))
    }

    @Test func `nobody but the owner may read a mail`() throws {
        let folder = try DevStack.scratch("post")
        defer { try? DevStack.removeScratch(folder) }

        try MailTransport(.folder(path: folder), from: "a@b.test").send(Self.message, seconds: 1, id: "a")

        let mode = try FileManager.default.attributesOfItem(atPath: folder + "/1-a.eml")[.posixPermissions]
        #expect(mode as? Int == 0o600)
    }

    @Test func `a folder that is not there is named`() {
        let transport = MailTransport(.folder(path: "/tmp/h-post-nowhere"), from: "a@b.test")

        #expect {
            try transport.check()
        } throws: {
            "\($0)" == "mail: /tmp/h-post-nowhere: No such file or directory"
        }
        #expect {
            try transport.send(Self.message, seconds: 1, id: "a")
        } throws: {
            "\($0)" == "mail: /tmp/h-post-nowhere/1-a.eml.part: No such file or directory"
        }
    }
}
