import CVips

/// What an avatar is made of that is a GIF.
///
/// One that need not be made smaller keeps its frames and colours as they are, only encoded anew: to look for the best
/// 256 colours of 50 million pixels would take ten seconds of a core and more.
enum GIFAvatar {
    /// Of all frames of an animation that has to be made smaller, since those need new colours. That is two seconds of
    /// work.
    private static let mostFittedPixels = 5_000_000

    /// The avatar's file, and the first frame; nil when it is broken.
    static func make(
        of gif: GIF, _ body: (_ file: UnsafeRawBufferPointer, _ first: UnsafeMutablePointer<VipsImage>) -> AvatarOutcome
    ) -> AvatarOutcome? {
        max(gif.width, gif.height) <= AvatarEncoder.sides[0] ? rewrite(gif, body) : fit(gif, body)
    }

    private typealias Body = (UnsafeRawBufferPointer, UnsafeMutablePointer<VipsImage>) -> AvatarOutcome

    private static func rewrite(_ gif: GIF, _ body: Body) -> AvatarOutcome? {
        guard var first = GIFCanvas(gif) else { return nil }
        let codes = LZWReader()
        var writer = GIFWriter(
            width: gif.width, height: gif.height, colours: Array(gif.colours),
            repeats: gif.frames.count > 1 ? gif.repeats : nil)
        // Viewers other than browsers see through a picture only where it names a colour to see through.
        let isSeenThrough =
            gif.frames[0].left > 0 || gif.frames[0].top > 0 || gif.frames[0].width < gif.width
            || gif.frames[0].height < gif.height || gif.frames.contains { $0.disposal == .clears }
        for (index, frame) in gif.frames.enumerated() {
            guard let decoded = gif.decode(frame, codes, namesNothing: isSeenThrough) else { return nil }
            if index == 0 { first.paint(decoded) }
            writer.add(decoded, within: gif)
        }
        writer.end()
        return writer.file.withUnsafeBytes { body($0, first.image) }
    }

    private static func fit(_ gif: GIF, _ body: Body) -> AvatarOutcome? {
        guard var canvas = GIFCanvas(gif) else { return nil }
        let codes = LZWReader()
        let frames = gif.frames.count
        let side = fittedSide(of: gif)
        var roll: UnsafeMutablePointer<VipsImage>?
        var first: UnsafeMutablePointer<VipsImage>?
        defer {
            homeroom_vips_release(roll)
            homeroom_vips_release(first)
        }
        for (index, frame) in gif.frames.enumerated() {
            guard let decoded = gif.decode(frame, codes, namesNothing: false) else { return nil }
            canvas.paint(decoded)
            var fitted: UnsafeMutablePointer<VipsImage>?
            guard homeroom_vips_fit(canvas.image, Int32(side), 1, 1, &fitted) == 0, let fitted else { return nil }
            defer { if index > 0 { homeroom_vips_release(fitted) } }
            if index == 0 {
                first = fitted
                let loops = gif.repeats.map { $0 == 0 ? 0 : $0 + 1 } ?? 1
                roll = homeroom_vips_canvas(
                    fitted.pointee.Xsize, fitted.pointee.Ysize, Int32(frames), gif.frames.map { Int32($0.delay) },
                    Int32(loops))
            }
            guard let roll else { return nil }
            homeroom_vips_paste(fitted, roll, Int32(index))
            canvas.dispose(of: frame)
        }
        guard let roll, let first else { return nil }
        return AvatarEncoder.withFile(roll, frames > 1 ? ".gif[effort=1,dither=0.5]" : ".gif[effort=4]") {
            body($0, first)
        }
    }

    private static func fittedSide(of gif: GIF) -> Int {
        let (longest, shortest) = (Double(max(gif.width, gif.height)), Double(min(gif.width, gif.height)))
        // A line that is thinner than a pixel becomes one of a pixel.
        let most = Double(mostFittedPixels / gif.frames.count)
        let side = (most * longest / shortest).squareRoot()
        return min(AvatarEncoder.sides[0], max(1, Int(side)))
    }
}
