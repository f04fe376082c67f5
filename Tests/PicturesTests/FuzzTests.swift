import Foundation
import Glibc
import Pictures
import Synchronization
import TestSupport
import Testing

/// Broken pictures never end the decoder.
///
/// For longer: FUZZ_SECONDS=600 FUZZ_SEED=1 swift test --filter PicturesTests.FuzzTests. What ends it is kept in
/// Corpus/findings.
struct FuzzTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Corpus").path

    private static func files(_ folder: String) -> [(name: String, bytes: [UInt8])] {
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
        return names.compactMap { name in
            (try? Data(contentsOf: URL(filePath: "\(folder)/\(name)"))).map { (name, [UInt8]($0)) }
        }
    }

    @Test func `no file of the corpus ends the decoder`() throws {
        let reports = Reports()
        let decoder = reports.decoder()

        for (name, bytes) in FuzzTests.files(FuzzTests.folder) + FuzzTests.files(FuzzTests.folder + "/findings") {
            let outcome = try DecoderResult(bytes, by: decoder).outcome
            #expect(outcome != nil, "\(name)")
            #expect(reports.take() == [], "\(name)")
        }
    }

    @Test func `no mutation of a picture ends the decoder, and what it takes can be read again`() throws {
        let reports = Reports()
        let decoder = reports.decoder()
        let seeds = FuzzTests.files(FuzzTests.folder).map(\.bytes)
        var taken = 0

        let count = try FuzzRun().each(few: 300) { number, mutator in
            let (first, second) = (
                seeds.randomElement(using: &mutator) ?? [], seeds.randomElement(using: &mutator) ?? []
            )
            let file = mutator.mutation(of: first, with: second)
            let result = try DecoderResult(file, by: decoder)
            let lines = reports.take()
            #expect(lines == [], "seed \(number)")
            if !lines.isEmpty { try keep(file, number) }
            guard case .encoded(let format) = result.outcome else { return }
            taken += 1
            if number % 16 == 0 {
                #expect(try result.pixels().map(\.width).dropFirst() == [256, 64], "seed \(number)")
            }
            #expect(result.files.allSatisfy { PictureFormat(content: $0) == format }, "seed \(number)")
        }

        #expect(taken > 0)
        if FuzzRun().seconds != nil { print("fuzz: \(count) pictures, \(taken) taken") }
    }

    private func keep(_ file: [UInt8], _ number: UInt64) throws {
        let findings = FuzzTests.folder + "/findings"
        try FileManager.default.createDirectory(atPath: findings, withIntermediateDirectories: true)
        try Data(file).write(to: URL(filePath: "\(findings)/seed-\(number)"))
    }
}

private final class Reports: Sendable {
    private let lines = Mutex<[String]>([])

    func decoder() -> AvatarDecoder {
        AvatarDecoder(command: [TestEnvironment.homeroom, "avatar-worker"]) { [self] text in
            lines.withLock { $0.append(text) }
        }
    }

    func take() -> [String] {
        lines.withLock { all in
            defer { all = [] }
            return all
        }
    }
}
