import DevStack
import Foundation
import Pictures
import TestSupport
import Testing

/// GIFs, which are read and written without libvips.
struct GIFTests {
    /// 256 colours, none like another.
    private static let colours: [UInt8] = (0..<256).flatMap { (index: Int) -> [UInt8] in
        [UInt8(index), UInt8(255 - index), UInt8(index * 7 % 256)]
    }

    @Test(arguments: 0..<40)
    func `frames of any shape look as libvips' own reader sees them`(seed: UInt64) throws {
        var mutator = Mutator(seed: seed)
        let (width, height) = (Int.random(in: 1...40, using: &mutator), Int.random(in: 1...40, using: &mutator))
        let frames = (0..<Int.random(in: 1...6, using: &mutator)).map { _ -> TestPicture.Frame in
            let (wide, high) = (Int.random(in: 1...width, using: &mutator), Int.random(in: 1...height, using: &mutator))
            return TestPicture.Frame(
                left: Int.random(in: 0...(width - wide), using: &mutator),
                top: Int.random(in: 0...(height - high), using: &mutator), width: wide, height: high,
                pixels: (0..<(wide * high)).map { _ in UInt8.random(in: 0...63, using: &mutator) },
                colours: Bool.random(using: &mutator) ? [] : Array(GIFTests.colours.suffix(192)),
                // With one libvips too sees through what is not painted.
                transparent: 3, disposal: UInt8.random(in: 0...3, using: &mutator),
                isInterlaced: Bool.random(using: &mutator))
        }
        let gif = TestPicture.gif(width, height, colours: Array(GIFTests.colours.prefix(192)), frames)

        let result = try DecoderResult(gif)

        let (ours, theirs) = (try result.pixels()[0], try Pixels(gif))
        #expect(result.outcome == .encoded(.gif))
        #expect(ours.size == theirs.size)
        #expect(ours.frames == theirs.frames)
        for frame in 0..<ours.frames {
            for place in 0..<(width * height) {
                let (x, y) = (place % width, place / width)
                let (pixel, expected) = (ours.pixel(x, y, frame: frame), theirs.pixel(x, y, frame: frame))
                #expect(pixel == expected || pixel[3] == 0 && expected[3] == 0, "\(frame): \(x), \(y)")
            }
        }
    }

    @Test func `all 256 colours may be in use where something is to be seen through`() throws {
        let frame = TestPicture.Frame(left: 1, width: 16, height: 16, pixels: (0..<256).map { UInt8($0) })
        let gif = TestPicture.gif(17, 16, colours: GIFTests.colours, [frame])

        let pixels = try DecoderResult(gif).pixels()[0]

        let seen = (0..<256).map { pixels.pixel(1 + $0 % 16, $0 / 16) }
        let wrong = (0..<256).count { seen[$0] != GIFTests.colours[(3 * $0)..<(3 * $0 + 3)] + [255] }
        #expect(pixels.pixel(0, 5)[3] == 0)
        // Of the two nearest one stands for both.
        #expect(wrong == 1)
    }

    @Test func `what a frame paints beside the screen is cut off`() throws {
        let frames = [
            TestPicture.Frame(width: 4, height: 4, pixels: [UInt8](repeating: 1, count: 16)),
            TestPicture.Frame(left: 2, top: 2, width: 3, height: 3, pixels: [2, 2, 3, 2, 2, 3, 3, 3, 3]),
            TestPicture.Frame(left: 9, top: 9, width: 2, height: 2, pixels: [4, 4, 4, 4]),
        ]

        let pixels = try DecoderResult(TestPicture.gif(4, 4, colours: GIFTests.colours, frames)).pixels()[0]

        #expect(pixels.size == [4, 4])
        #expect(pixels.frames == 3)
        for frame in 1...2 {
            #expect(pixels.pixel(3, 3, frame: frame).prefix(3) == [2, 253, 14])
            #expect(pixels.pixel(1, 1, frame: frame).prefix(3) == [1, 254, 7])
        }
    }

    @Test func `a screen is enlarged for its first frame`() throws {
        let frame = TestPicture.Frame(left: 1, width: 5, height: 3, pixels: [UInt8](repeating: 9, count: 15))

        let pixels = try DecoderResult(TestPicture.gif(2, 2, colours: GIFTests.colours, [frame])).pixels()[0]

        #expect(pixels.size == [6, 3])
    }

    @Test func `pixels that are not there, and colours, are not painted`() throws {
        let frames = [
            TestPicture.Frame(width: 4, height: 2, pixels: [1, 1, 1]),
            TestPicture.Frame(width: 4, height: 2, pixels: [1, 200, 1, 1, 1, 1, 1, 1], colours: [1, 2, 3, 4, 5, 6]),
        ]

        let pixels = try DecoderResult(TestPicture.gif(4, 2, colours: GIFTests.colours, frames)).pixels()[0]

        #expect((0..<4).map { pixels.pixel($0, 0)[3] } == [255, 255, 255, 0])
        #expect(pixels.pixel(0, 0, frame: 1) == [4, 5, 6, 255])
        #expect(pixels.pixel(1, 0, frame: 1) == [1, 254, 7, 255])
    }

    @Test(arguments: [(1100, 300, 1), (300, 1100, 3)])
    func `one that is too large is made smaller, frame by frame`(width: Int, height: Int, frames: Int) throws {
        let all = (0..<frames).map { index in
            TestPicture.Frame(
                left: 0, top: 0, width: width, height: height / 2,
                pixels: [UInt8](repeating: UInt8(index), count: width * (height / 2)), disposal: 2)
        }

        let pixels = try DecoderResult(TestPicture.gif(width, height, colours: GIFTests.colours, all, loop: 2)).pixels()

        #expect(pixels[0].size == (width > height ? [1024, 279] : [279, 1024]))
        #expect(pixels[0].frames == frames)
        for frame in 0..<frames {
            let colour = GIFTests.colours[(3 * frame)..<(3 * frame + 3)]
            let isNear = zip(pixels[0].pixel(5, 5, frame: frame), colour).allSatisfy { abs(Int($0) - Int($1)) < 16 }
            #expect(isNear)
            #expect(pixels[0].pixel(5, pixels[0].height - 5, frame: frame)[3] == 0)
        }
        #expect(pixels[0].delays == (frames > 1 ? [Int](repeating: 100, count: frames) : []))
    }

    @Test func `frames of an animation that is made smaller have 5 million pixels together`() throws {
        let pixels = try DecoderResult(TestPicture.gif(1100, 1100, frames: (0..<20).map { UInt8($0 % 2) })).pixels()[0]

        #expect(pixels.size == [500, 500])
        #expect(pixels.frames == 20)
    }

    @Test func `259 frames of 45 million pixels are done beside two busy programs`() throws {
        let busy = try (0..<2).map { _ in
            try Child(Program("sh", ["-c", "while :; do :; done"]), log: "/dev/null")
        }
        defer { for program in busy { program.kill() } }
        let gif = TestPicture.gif(417, 417, frames: (0..<259).map { UInt8($0 % 2) })

        let result = try DecoderResult(gif)

        #expect(result.outcome == .encoded(.gif))
        #expect(try result.pixels()[0].frames == 200)
    }
}
