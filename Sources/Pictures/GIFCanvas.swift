import CVips

/// What a viewer of a GIF sees: frames painted onto a screen that is transparent where nothing was painted.
struct GIFCanvas: ~Copyable {
    /// Red, green, blue and alpha, in memory.
    let image: UnsafeMutablePointer<VipsImage>
    private let width: Int
    private let height: Int
    private let pixels: UnsafeMutablePointer<UInt32>
    /// What is painted anew when the present frame goes.
    private var before: [UInt32] = []

    init?(_ gif: GIF) {
        guard let image = homeroom_vips_canvas(Int32(gif.width), Int32(gif.height), 1, nil, 0) else { return nil }
        self.image = image
        (width, height) = (gif.width, gif.height)
        pixels = UnsafeMutableRawPointer(homeroom_vips_line(image, 0)).bindMemory(
            to: UInt32.self, capacity: gif.width * gif.height)
    }

    deinit { homeroom_vips_release(image) }

    mutating func paint(_ decoded: DecodedFrame) {
        if decoded.frame.disposal == .restores {
            before = Array(UnsafeBufferPointer(start: pixels, count: width * height))
        }
        // 0 is no colour. In memory red comes first.
        var colours = [UInt32](repeating: 0, count: 256)
        for index in 0..<(decoded.colours.count / 3) where index != decoded.transparent.map(Int.init) {
            let (red, green, blue) = (
                UInt32(decoded.colours[3 * index]), UInt32(decoded.colours[3 * index + 1]),
                UInt32(decoded.colours[3 * index + 2])
            )
            colours[index] = UInt32(littleEndian: red | green << 8 | blue << 16 | 0xFF00_0000)
        }
        colours.withUnsafeBufferPointer { colours in
            guard let colours = colours.baseAddress else { return }
            eachLine(of: decoded.frame) { target, count, start in
                var (target, pixel) = (target, decoded.pixels + start)
                let end = target + count
                while target < end {
                    let colour = colours[Int(pixel.pointee)]
                    if colour != 0 { target.pointee = colour }
                    target += 1
                    pixel += 1
                }
            }
        }
    }

    /// Makes what a frame was leave the screen as it says.
    func dispose(of frame: GIF.Frame) {
        switch frame.disposal {
        case .stays: break
        // To what was there before anything was painted, whatever colour the file names. (As in browsers.)
        case .clears: eachLine(of: frame) { target, count, _ in target.update(repeating: 0, count: count) }
        case .restores: pixels.update(from: before, count: before.count)
        }
    }

    /// The lines of a frame that lie on the screen: where, how long, and where they begin among the frame's pixels.
    private func eachLine(
        of frame: GIF.Frame, _ body: (_ target: UnsafeMutablePointer<UInt32>, _ count: Int, _ start: Int) -> Void
    ) {
        let count = min(frame.width, width - frame.left)
        guard count > 0 else { return }
        for line in 0..<max(0, min(frame.height, height - frame.top)) {
            body(pixels + (frame.top + line) * width + frame.left, count, line * frame.width)
        }
    }
}
