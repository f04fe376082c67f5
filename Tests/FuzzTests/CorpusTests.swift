import Foundation
import FuzzTargets
import Testing

/// What the fuzzers have found worth keeping, read once more without them: `make fuzz` looks for more.
struct CorpusTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fuzz/Corpus")

    private static func files(_ target: FuzzTarget) throws -> [URL] {
        try FileManager.default.contentsOfDirectory(
            at: folder.appending(path: target.name), includingPropertiesForKeys: nil)
    }

    @Test(arguments: FuzzTarget.all) func `whatever strangers send, what must hold of a parser holds`(
        target: FuzzTarget
    ) throws {
        let files = try CorpusTests.files(target)

        #expect(!files.isEmpty)
        for file in files {
            let bytes = [UInt8](try Data(contentsOf: file))
            #expect(throws: Never.self, "\(target.name)/\(file.lastPathComponent)") { try target.check(bytes) }
        }
    }
}

extension FuzzTarget: CustomTestStringConvertible {
    public var testDescription: String { name }
}
