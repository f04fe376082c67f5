import Foundation
import HTTP
import TestSupport
import Testing

/// However a body is broken and however it comes in, the reader ends, and always with the same.
///
/// For longer: FUZZ_SECONDS=600 FUZZ_SEED=1 swift test --filter MultipartFuzzTests.
struct MultipartFuzzTests {
    private static let corpus: [[UInt8]] = {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Corpus")
        let files = (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? []
        return files.sorted { $0.path < $1.path }.compactMap { try? [UInt8](Data(contentsOf: $0)) }
    }()

    @Test func `every file of the corpus can be read`() {
        #expect(MultipartFuzzTests.corpus.count == 4)
        for body in MultipartFuzzTests.corpus { #expect(parts(of: body, sizes: { 65_536 }).failure == nil) }
    }

    @Test func `a mutated body reads the same in one piece and in many`() {
        let corpus = MultipartFuzzTests.corpus

        let count = FuzzRun().each(few: 3000) { number, mutator in
            let (first, second) = (
                corpus.randomElement(using: &mutator) ?? [], corpus.randomElement(using: &mutator) ?? []
            )
            let body = mutator.mutation(of: first, with: second)
            var sizes = Mutator(seed: number)
            let most = [1, 3, 17, 200].randomElement(using: &mutator) ?? 1

            let whole = parts(of: body, sizes: { 65_536 })
            let pieces = parts(of: body, sizes: { Int.random(in: 1...most, using: &sizes) })

            #expect(whole == pieces, "seed \(number)")
        }

        if FuzzRun().seconds != nil { print("fuzz: \(count) bodies") }
    }

    private struct Outcome: Equatable {
        var parts: [String] = []
        var failure: String?
    }

    private func parts(of body: [UInt8], sizes: @escaping () -> Int) -> Outcome {
        var outcome = Outcome()
        var place = 0
        do throws(MultipartError<Never>) {
            var reader = try MultipartReader(boundary: "X") { (buffer: UnsafeMutableRawBufferPointer) throws(Never) in
                let piece = body[place...].prefix(min(buffer.count, sizes()))
                buffer.copyBytes(from: piece)
                place += piece.count
                return piece.count
            }
            while let part = try reader.nextPart() {
                var content: [UInt8] = []
                while try reader.nextChunk() { reader.withChunk { content += $0 } }
                outcome.parts.append("\(part) \(content)")
            }
            try reader.readToEnd()
        } catch {
            outcome.failure = "\(error)"
        }
        return outcome
    }
}
