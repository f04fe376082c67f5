import Foundation
import Glibc
import Pictures
import TestSupport
import Testing

/// What becomes of pictures in the confined process.
struct AvatarEncoderTests {
    private static let vectors = Bundle.module.resourceURL?.appending(path: "Vectors").path ?? ""

    private static func file(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(filePath: "\(vectors)/\(name)")))
    }

    private static func photograph() throws -> [UInt8] { try file("orientation/Landscape_1.jpg") }

    // MARK: Others' pictures

    @Test(arguments: PictureFormatTests.pngSuite.filter { !$0.hasPrefix("x") })
    func `a valid file of the PNG suite keeps its size, and its pixels as its gamma says`(name: String) throws {
        let original = try AvatarEncoderTests.file("pngsuite/\(name)")

        let result = try DecoderResult(original)

        #expect(result.outcome == .encoded(.png))
        let pixels = try result.pixels()
        let (width, height) = (Int(original[19]), Int(original[23]))
        #expect(pixels[0].size == [width, height])
        let gamma = TestPicture.gamma(of: original)
        let expected = try Pixels(original).bytes.enumerated().map { index, value in
            pixels[0].bands == 4 && index % 4 == 3 ? value : TestPicture.shown(value, gamma: gamma)
        }
        // Of 16 bits a channel half are gone in what it is compared with.
        #expect(pixels[0].difference(from: expected) <= (gamma == nil ? 0 : original[24] == 16 ? 5 : 0.5))
    }

    @Test(arguments: PictureFormatTests.pngSuite.filter { $0.hasPrefix("x") })
    func `a broken file of the PNG suite is refused`(name: String) throws {
        #expect(try DecoderResult(AvatarEncoderTests.file("pngsuite/\(name)")).outcome == .refused(.notAPicture))
    }

    @Test(arguments: ["Landscape_3.jpg", "Landscape_6.jpg", "Landscape_8.jpg"])
    func `a photograph that lies on its side comes out upright`(name: String) throws {
        let upright = try DecoderResult(AvatarEncoderTests.photograph()).pixels()

        let turned = try DecoderResult(AvatarEncoderTests.file("orientation/\(name)")).pixels()

        for (turned, upright) in zip(turned, upright) {
            #expect(turned.size == upright.size)
            #expect(turned.difference(from: upright) < 4)
        }
    }

    // MARK: Shape

    @Test(arguments: [
        ([1, 1], [1, 1]), ([1024, 1], [1024, 1]), ([1025, 1], [1024, 1]), ([1200, 60], [1024, 51]),
        ([30, 1500], [20, 1024]), ([16_384, 1], [1024, 1]),
    ])
    func `a picture is fitted into 1024 and never enlarged, and has two squares`(size: [Int], fitted: [Int]) throws {
        let pixels = try DecoderResult(TestPicture.png(size[0], size[1], [200, 100, 50])).pixels()

        #expect(pixels.map(\.size) == [fitted, [256, 256], [64, 64]])
    }

    @Test func `the squares show what draws the eye`() throws {
        let pixels = try DecoderResult(TestPicture.png(400, 100) { x, _ in x >= 320 ? [250, 20, 20] : [90, 90, 90] })
            .pixels()

        #expect(
            pixels.dropFirst().map { square in square.pixel(square.width - 3, 9) } == [[250, 20, 20], [250, 20, 20]])
    }

    @Test func `a transparent PNG stays transparent, its squares too`() throws {
        let pixels = try DecoderResult(TestPicture.png(300, 200, [10, 200, 30, 128])).pixels()

        #expect(pixels.map(\.bands) == [4, 4, 4])
        #expect(pixels.map { $0.pixel(5, 5) } == [[10, 200, 30, 128], [10, 200, 30, 128], [10, 200, 30, 128]])
    }

    @Test(arguments: [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [17, 17, 17]] as [[UInt8]])
    func `a colour without a profile stays what it is`(colour: [UInt8]) throws {
        let pixels = try DecoderResult(TestPicture.png(40, 30, colour)).pixels()

        #expect(pixels.map { $0.pixel(5, 5) } == [colour, colour, colour])
    }

    @Test func `a profile that is none does not matter`() throws {
        let profile = Array("ICC_PROFILE\0".utf8) + [1, 1] + [UInt8](repeating: 7, count: 300)

        let result = try DecoderResult(TestPicture.jpeg(AvatarEncoderTests.photograph(), with: [(0xE2, profile)]))

        #expect(result.outcome == .encoded(.jpeg))
    }

    // MARK: Animations

    @Test func `an animation keeps its frames, delays and loop; its squares show the first frame`() throws {
        let gif = TestPicture.gif(8, 6, frames: [0, 1, 0, 1], delay: { 10 * ($0 + 1) }, loop: 3)

        let result = try DecoderResult(gif)

        let pixels = try result.pixels()
        #expect(result.outcome == .encoded(.gif))
        #expect(pixels.map(\.frames) == [4, 1, 1])
        #expect(pixels[0].delays == [100, 200, 300, 400])
        #expect(result.files[0].contains(text: "NETSCAPE2.0\u{3}\u{1}\u{3}\0"))
        #expect((0..<4).map { pixels[0].pixel(2, 2, frame: $0)[0] } == [0, 255, 0, 255])
        #expect(pixels[1].pixel(100, 100).prefix(3) == [0, 0, 0])
    }

    @Test func `an animation is cut after 200 frames`() throws {
        let pixels = try DecoderResult(TestPicture.gif(2, 2, frames: (0..<240).map { UInt8($0 % 2) })).pixels()

        #expect(pixels[0].frames == 200)
    }

    @Test func `a GIF of one frame stays one`() throws {
        let pixels = try DecoderResult(TestPicture.gif(3, 2, frames: [1])).pixels()

        #expect(pixels.map(\.frames) == [1, 1, 1])
        #expect(pixels[0].size == [3, 2])
    }

    // MARK: Bombs: refused by their headers, for none of these has any pixels

    @Test(arguments: [(7072, 7072), (50_001, 1000), (3052, 16_384)])
    func `more than 50 million pixels are refused, and a long side before that`(width: Int, height: Int) throws {
        let reason = width > 16_384 ? AvatarOutcome.Refusal.tooLong : .tooManyPixels

        #expect(try DecoderResult(TestPicture.pngHead(width, height)).outcome == .refused(reason))
        #expect(
            try DecoderResult(TestPicture.jpeg(AvatarEncoderTests.photograph(), claiming: width, height)).outcome
                == .refused(reason))
        #expect(try DecoderResult(TestPicture.gifHead(width, height, frames: 1)).outcome == .refused(reason))
    }

    @Test(arguments: [(16_385, 1), (1, 16_385), (65_500, 65_500)])
    func `more than 16384 on a side are refused`(width: Int, height: Int) throws {
        #expect(try DecoderResult(TestPicture.pngHead(width, height)).outcome == .refused(.tooLong))
        #expect(
            try DecoderResult(TestPicture.jpeg(AvatarEncoderTests.photograph(), claiming: width, height)).outcome
                == .refused(.tooLong))
        #expect(try DecoderResult(TestPicture.gifHead(width, height, frames: 1)).outcome == .refused(.tooLong))
    }

    @Test func `the pixels of all frames count together, also of those behind the 200th`() throws {
        #expect(try DecoderResult(TestPicture.gifHead(1000, 1000, frames: 51)).outcome == .refused(.tooManyPixels))
        #expect(try DecoderResult(TestPicture.gifHead(300, 300, frames: 600)).outcome == .refused(.tooManyPixels))
    }

    // MARK: Broken files

    @Test(arguments: [0.1, 0.5, 0.9])
    func `a truncated picture is refused`(part: Double) throws {
        let pictures = [
            try AvatarEncoderTests.photograph(), try AvatarEncoderTests.file("pngsuite/basn2c08.png"),
            TestPicture.gif(60, 60, frames: [0, 1, 0, 1]),
        ]

        for picture in pictures {
            let start = Array(picture.prefix(Int(Double(picture.count) * part)))
            #expect(try DecoderResult(start).outcome == .refused(.notAPicture))
        }
    }

    @Test(arguments: [
        "", " ", "hello", "<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        "<?xml version='1.0'?><svg xmlns='http://www.w3.org/2000/svg'/>", "%PDF-1.7\n", "P6 2 2 255 abcdefghijkl",
        "RIFF\u{1A}\0\0\0WEBPVP8L\u{D}\0\0\0/\0\0\0",
        "BM:\0\0\0\0\0\0\06\0\0\0(\0\0\0\u{1}\0\0\0\u{1}\0\0\0\u{1}\0\u{18}\0",
        "II*\0\u{8}\0\0\0\0\0", "#?RADIANCE\n", "\0\0\0\u{1C}ftypavif\0\0\0\0avifmif1",
    ])
    func `what is none of the three formats is refused`(content: String) throws {
        #expect(try DecoderResult(Array(content.utf8)).outcome == .refused(.notAPicture))
    }

    // MARK: Polyglots

    @Test(arguments: ["<html><script>alert(1)</script></html>", "*/=1;alert(1)//", "PK\u{3}\u{4}payload.sh"])
    func `what hangs behind a picture is gone`(tail: String) throws {
        let pictures = [
            try AvatarEncoderTests.photograph(), TestPicture.png(20, 20, [1, 2, 3]),
            TestPicture.gif(20, 20, frames: [0, 1], comment: tail),
        ]

        for picture in pictures {
            let result = try DecoderResult(picture + Array(tail.utf8))
            guard case .encoded = result.outcome else {
                Issue.record("refused: \(String(describing: result.outcome))")
                continue
            }
            #expect(!result.files.contains { $0.contains(text: tail) })
        }
    }

    @Test func `a GIF that is a script too is a picture only`() throws {
        // The logical screen is 0x2A2F wide, which reads `/*`.
        var gif = TestPicture.gif(8, 8, frames: [1])
        gif.replaceSubrange(6..<8, with: Array("/*".utf8))
        gif += Array("*/=1;alert(document.domain)".utf8)

        let result = try DecoderResult(gif)

        #expect(!result.files.contains { $0.contains(text: "alert") })
    }

    // MARK: Metadata

    @Test func `no trace of metadata is left in any of the three files`() throws {
        let exif = "Exif\0\0MM\0*\0\0\0\u{8}\0\u{1}\u{1}\u{F}\0\u{2}\0\0\0\u{9}\0\0\0\u{1A}\0\0\0\0SECRETCAM"
        let position = "<x:xmpmeta><exif:GPSLatitude>SECRET52.5N</exif:GPSLatitude></x:xmpmeta>"
        let xmp = "http://ns.adobe.com/xap/1.0/\0" + position
        let pictures = [
            TestPicture.jpeg(
                try AvatarEncoderTests.photograph(),
                with: [
                    (0xE1, Array(exif.utf8)), (0xE1, Array(xmp.utf8)), (0xED, Array("Photoshop 3.0\0SECRETIPTC".utf8)),
                    (0xFE, Array("SECRETcomment".utf8)),
                ]),
            TestPicture.png(
                30, 30, [9, 8, 7],
                chunks: [
                    ("eXIf", Array(exif.utf8.dropFirst(6))), ("tEXt", Array("Comment\0SECRETtext".utf8)),
                    ("iTXt", Array("XML:com.adobe.xmp\0\0\0\0\0\(position)".utf8)),
                    ("tIME", [7, 0xE9, 1, 2, 3, 4, 5]),
                ]),
            TestPicture.gif(30, 30, frames: [0, 1], comment: "SECRETcomment"),
        ]

        for picture in pictures {
            let result = try DecoderResult(picture)
            #expect(result.files.map(\.isEmpty) == [false, false, false])
            for file in result.files {
                #expect(
                    !["SECRET", "Exif", "xmp", "adobe", "GPS", "ICC_PROFILE", "tIME"].contains {
                        file.contains(text: $0)
                    })
                #expect(Set(file.parts).isSubset(of: ["IHDR", "PLTE", "tRNS", "pHYs", "IDAT", "IEND", "FFE0"]))
            }
        }
    }

    // MARK: The disk

    @Test func `an avatar that cannot be written is not the picture's fault`() throws {
        let input = try TemporaryFile(holding: TestPicture.png(4, 4, [1, 2, 3]))
        let full = open("/dev/full", O_WRONLY)
        defer { close(full) }

        let outcome = TestEnvironment.decoder.encode(input.descriptor, to: [full, full, full])

        #expect(outcome == .notWritten(code: ENOSPC))
    }
}

extension [UInt8] {
    fileprivate func contains(text: String) -> Bool {
        Data(self).range(of: Data(text.utf8)) != nil
    }

    /// The names of a PNG's chunks, or the application and comment segments of a JPEG; none of a GIF.
    fileprivate var parts: [String] {
        switch PictureFormat(content: self) {
        case .png: chunks
        case .jpeg: segments
        case .gif, nil: []
        }
    }

    private var chunks: [String] {
        var names: [String] = []
        var place = 8
        while place + 8 <= count {
            names.append(String(decoding: self[(place + 4)..<(place + 8)], as: UTF8.self))
            place += 12 + self[place..<(place + 4)].reduce(0) { $0 << 8 | Int($1) }
        }
        return names
    }

    private var segments: [String] {
        var names: [String] = []
        var place = 2
        while place + 4 <= count, self[place + 1] != 0xDA {
            if (0xE0...0xEF).contains(self[place + 1]) || self[place + 1] == 0xFE {
                names.append("FF" + String(self[place + 1], radix: 16, uppercase: true))
            }
            place += 2 + (Int(self[place + 2]) << 8 | Int(self[place + 3]))
        }
        return names
    }
}
