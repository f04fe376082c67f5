import Foundation
import Pictures
import TestSupport
import Testing

/// Colours, and what nobody paints: as browsers show them.
struct ColourTests {
    private static let vectors = Bundle.module.resourceURL?.appending(path: "Vectors/colour-and-ends").path ?? ""

    private func file(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(filePath: "\(ColourTests.vectors)/\(name)")))
    }

    /// Whether each channel is as near as that.
    private func isNear(_ pixel: [UInt8], _ expected: [Int], within distance: Int) -> Bool {
        pixel.count >= expected.count && zip(pixel, expected).allSatisfy { abs(Int($0) - $1) <= distance }
    }

    // MARK: Profiles

    @Test(arguments: ["lut_a2b0_only.png", "lut_a2b0_only.jpg"])
    func `a profile for the perceptual intent alone is applied`(name: String) throws {
        let pixel = try DecoderResult(file(name)).pixels()[0].pixel(40, 30)

        #expect(isNear(pixel, [250, 20, 20], within: 6), "\(pixel)")
    }

    // MARK: What a PNG says without a profile

    @Test(arguments: [("gama-linear.png", 5, 128), ("gama-0551.png", 25, 146)])
    func `a gamma is applied`(name: String, line: Int, grey: Int) throws {
        let pixel = try DecoderResult(file(name)).pixels()[0].pixel(5, line)

        #expect(isNear(pixel, [grey, grey, grey], within: 3), "\(pixel)")
    }

    @Test func `primaries are applied`() throws {
        // Of Display P3, with a gamma of 1/2.2, which stands for the curve of sRGB.
        let places = [31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000].flatMap { TestPicture.big($0, 4) }
        let picture = TestPicture.png(
            8, 8, [180, 120, 90], chunks: [("gAMA", TestPicture.big(45_455, 4)), ("cHRM", places)])

        let pixels = try DecoderResult(picture).pixels()
        // Its green is the greenest that sRGB has.
        let green = try DecoderResult(file("chrm-p3.png")).pixels()[0].pixel(5, 5)

        for square in pixels { #expect(isNear(square.pixel(3, 3), [190, 117, 84], within: 1)) }
        #expect(isNear(green, [0, 255, 0], within: 1))
    }

    @Test func `a gamma of 1/2.2 and the primaries of sRGB leave colours as they are`() throws {
        let places = [31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000].flatMap { TestPicture.big($0, 4) }
        let picture = TestPicture.png(
            8, 8, [255, 17, 96], chunks: [("gAMA", TestPicture.big(45_455, 4)), ("cHRM", places)])

        #expect(
            try DecoderResult(picture).pixels().map { $0.pixel(3, 3) } == [
                [255, 17, 96], [255, 17, 96], [255, 17, 96],
            ])
    }

    @Test(
        arguments: [
            // sRGB itself.
            ([1, 13, 0, 1], [200, 60, 40], [200, 60, 40]),
            // Display P3.
            ([12, 13, 0, 1], [200, 60, 40], [217, 42, 23]),
            // BT.709, whose curve is lighter than that of sRGB.
            ([1, 1, 0, 1], [128, 128, 128], [140, 140, 140]),
            // BT.2020.
            ([9, 14, 0, 1], [120, 140, 110], [121, 153, 120]),
            // PQ: 58 % is 203 cd/m², which is white, and so is what is brighter.
            ([1, 16, 0, 1], [148, 255, 0], [255, 255, 0]),
            // HLG: white is at 75 %.
            ([1, 18, 0, 1], [192, 255, 0], [255, 255, 0]),
            // Numbers from 16 to 235.
            ([1, 13, 0, 0], [16, 235, 126], [0, 255, 128]),
        ] as [([UInt8], [UInt8], [Int])])
    func `code points are applied`(points: [UInt8], colour: [UInt8], shown: [Int]) throws {
        let pixels = try DecoderResult(TestPicture.png(8, 8, colour, chunks: [("cICP", points)])).pixels()

        for square in pixels { #expect(isNear(square.pixel(3, 3), shown, within: 2), "\(square.pixel(3, 3))") }
    }

    @Test func `code points come before a profile, and that before a gamma`() throws {
        let linear = ("gAMA", TestPicture.big(100_000, 4))
        let points = ("cICP", [1, 13, 0, 1] as [UInt8])
        let sRGB = ("sRGB", [0] as [UInt8])

        for chunks in [[points, linear], [linear, points], [sRGB, linear], [linear, sRGB]] {
            let pixel = try DecoderResult(TestPicture.png(8, 8, [55, 55, 55], chunks: chunks)).pixels()[0].pixel(3, 3)
            #expect(pixel == [55, 55, 55])
        }
    }

    @Test(
        arguments: [
            ("cICP", [1, 13, 1, 1]), ("cICP", [99, 13, 0, 1]), ("cICP", [1]), ("gAMA", [0, 0, 0, 0]), ("gAMA", [1, 0]),
            ("gAMA", [255, 255, 255, 255]), ("cHRM", [UInt8](repeating: 0, count: 32)),
            ("cHRM", [UInt8](repeating: 255, count: 32)),
        ] as [(String, [UInt8])])
    func `what says nothing sensible changes nothing`(name: String, content: [UInt8]) throws {
        let result = try DecoderResult(TestPicture.png(8, 8, [55, 66, 77], chunks: [(name, content)]))

        #expect(try result.pixels()[0].pixel(3, 3) == [55, 66, 77])
    }

    // MARK: What no frame paints

    @Test(arguments: ["canvas-not-covered-static.gif", "canvas-not-covered-animated.gif"])
    func `what no frame of a GIF paints is transparent`(name: String) throws {
        let pixels = try DecoderResult(file(name)).pixels()[0]

        for frame in 0..<pixels.frames { #expect(pixels.pixel(1, 1, frame: frame)[3] == 0) }
    }

    @Test func `a frame that is cleared leaves what is transparent`() throws {
        let pixels = try DecoderResult(file("dispose-to-background.gif")).pixels()[0]

        #expect(pixels.pixel(1, 1, frame: 0)[3] == 255)
        #expect(pixels.pixel(1, 1, frame: 1)[3] == 0)
    }

    // MARK: Where a JPEG ends

    @Test(arguments: ["fill-ff-after-soi.jpg", "no-eoi.jpg", "no-eoi-then-samsung-trailer.jpg"])
    func `a JPEG with all its picture data is taken`(name: String) throws {
        let result = try DecoderResult(file(name))

        #expect(result.outcome == .encoded(.jpeg))
        #expect(try result.pixels()[0].size == [320, 200])
    }

    @Test(arguments: ["cut-in-half-then-eoi.jpg", "half-then-zeros.jpg"])
    func `a JPEG that lacks picture data is refused`(name: String) throws {
        #expect(try DecoderResult(file(name)).outcome == .refused(.notAPicture))
    }

    @Test(arguments: [".jpg", ".jpg[interlace]", ".jpg[restart_interval=5]", ".jpg[interlace,restart_interval=5]"])
    func `wherever a JPEG is cut it is refused, and it needs no end marker`(encoding: String) throws {
        let photograph = "\(ColourTests.vectors)/../orientation/Landscape_1.jpg"
        let whole = try Pixels.encoded([UInt8](Data(contentsOf: URL(filePath: photograph))), as: encoding)
        let start = whole.count / 10

        #expect(try DecoderResult(whole).outcome == .encoded(.jpeg))
        #expect(try DecoderResult(Array(whole.dropLast(2))).outcome == .encoded(.jpeg))
        for part in [0.1, 0.4, 0.7, 0.9, 0.97] {
            let cut = Array(whole.prefix(start + Int(part * Double(whole.count - start))))
            for tail in [[], [0xFF, 0xD9], [UInt8](repeating: 0, count: 20_000)] as [[UInt8]] {
                #expect(try DecoderResult(cut + tail).outcome == .refused(.notAPicture), "\(part), \(tail.count)")
            }
        }
    }
}
