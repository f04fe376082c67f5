/// A GIF taken apart: its screen, its tables of colours and its frames, of which none is decoded yet. (GIF89a)
///
/// Ours and not libvips' reader, which makes pixels that no frame paints black, and needs to look for 256 colours anew.
struct GIF {
    struct Frame {
        var left, top, width, height: Int
        var isInterlaced: Bool
        /// Three bytes a colour; empty when the file has none for this frame.
        var colours: Slice<UnsafeRawBufferPointer>
        var hasOwnColours: Bool
        var transparent: UInt8?
        var disposal: Disposal
        /// In hundredths of a second.
        var delay: Int
        /// Where its pixels begin, with the size of their codes.
        var data: Int
    }

    /// What becomes of a frame before the next one is painted. (GIF89a §23)
    enum Disposal: UInt8 {
        case stays = 1
        case clears, restores
    }

    let width: Int
    let height: Int
    let colours: Slice<UnsafeRawBufferPointer>
    /// How often it is shown again, 0 for ever; nil: it is shown once.
    let repeats: Int?
    /// The first of them.
    let frames: [Frame]
    /// Of all frames, also of those that are not kept; what a frame paints beside the screen counts too.
    let pixels: Int
    private let bytes: UnsafeRawBufferPointer

    /// nil when the file ends within a block, or has no frame. One that lacks only its trailer is shown by all
    /// browsers.
    init?(_ bytes: UnsafeRawBufferPointer, maxFrames: Int) {
        guard bytes.count >= 13 else { return nil }
        func number(_ place: Int) -> Int { Int(bytes[place]) | Int(bytes[place + 1]) << 8 }
        func table(at place: Int, _ flags: UInt8) -> Slice<UnsafeRawBufferPointer>? {
            let size = flags & 0x80 == 0 ? 0 : 3 << (Int(flags & 7) + 1)
            return place + size <= bytes.count ? bytes[place..<(place + size)] : nil
        }
        guard let shared = table(at: 13, bytes[10]) else { return nil }
        var (width, height) = (number(6), number(8))
        var frames: [Frame] = []
        var areas: [Int] = []
        var repeats: Int?
        var (transparent, disposal, delay) = (nil as UInt8?, Disposal.stays, 0)
        var place = shared.endIndex
        blocks: while place < bytes.count {
            switch bytes[place] {
            case 0x21:
                guard place + 2 < bytes.count else { return nil }
                let (label, size) = (bytes[place + 1], Int(bytes[place + 2]))
                place += 2
                let content = place + 1
                if label == 0xF9, size >= 4, content + 4 <= bytes.count {
                    transparent = bytes[content] & 1 == 1 ? bytes[content + 3] : nil
                    // 4 is what some programs write for 3.
                    let value = bytes[content] >> 2 & 7
                    disposal = Disposal(rawValue: value == 4 ? 3 : value) ?? .stays
                    delay = number(content + 1)
                } else if label == 0xFF, size == 11, content + 15 <= bytes.count, repeats == nil,
                    bytes[content..<(content + 11)].elementsEqual("NETSCAPE2.0".utf8)
                        || bytes[content..<(content + 11)].elementsEqual("ANIMEXTS1.0".utf8),
                    bytes[content + 11] >= 3, bytes[content + 12] & 7 == 1
                {
                    repeats = number(content + 13)
                }
            case 0x2C:
                guard place + 9 < bytes.count, let own = table(at: place + 10, bytes[place + 9]) else { return nil }
                var frame = Frame(
                    left: number(place + 1), top: number(place + 3), width: number(place + 5),
                    height: number(place + 7), isInterlaced: bytes[place + 9] & 0x40 != 0,
                    colours: own.isEmpty ? shared : own, hasOwnColours: !own.isEmpty, transparent: transparent,
                    disposal: disposal, delay: delay, data: own.endIndex)
                // Browsers take such a frame for one as large as the screen.
                if frame.width == 0 || frame.height == 0 { (frame.width, frame.height) = (width, height) }
                if frames.isEmpty {
                    // They also enlarge a screen that is too small for its first frame.
                    width = max(width, frame.left + frame.width)
                    height = max(height, frame.top + frame.height)
                }
                if frames.count < maxFrames { frames.append(frame) }
                areas.append(frame.width * frame.height)
                (transparent, disposal, delay) = (nil, .stays, 0)
                place = own.endIndex + 1
            default: break blocks
            }
            while place < bytes.count, bytes[place] != 0 { place += 1 + Int(bytes[place]) }
            guard place < bytes.count else { return nil }
            place += 1
        }
        guard place <= bytes.count, !frames.isEmpty, width > 0, height > 0 else { return nil }
        let screen = width * height
        self.bytes = bytes
        self.width = width
        self.height = height
        self.frames = frames
        self.repeats = repeats
        colours = shared
        pixels = areas.reduce(0) { $0 + max(screen, $1) }
    }

    /// Decodes a frame; nil when it is broken. Where its data ends early the rest is not painted, and a colour that its
    /// table lacks is none, as in browsers.
    ///
    /// - Parameter namesNothing: whether a frame that paints all of its pixels is to have a colour for those that are
    /// not.
    func decode(_ frame: Frame, _ codes: LZWReader, namesNothing: Bool) -> DecodedFrame? {
        let size = frame.width * frame.height
        guard let count = codes.read(bytes, at: frame.data, max: size) else { return nil }
        let known = frame.colours.count / 3
        var decoded = DecodedFrame(
            frame: frame, colours: Array(frame.colours), transparent: frame.transparent, pixels: codes.pixels)
        let mayLackColours = 1 << bytes[frame.data] > known
        let used = mayLackColours || known == 256 ? decoded.coloursInUse(of: count) : []
        let lacksColours = mayLackColours && used[known...].contains(true)
        if frame.transparent == nil, namesNothing || lacksColours || count < size {
            decoded.addTransparent(used, count)
        }
        if let nothing = decoded.transparent {
            if lacksColours {
                for place in 0..<count where codes.pixels[place] >= known { codes.pixels[place] = nothing }
            }
            (codes.pixels + count).update(repeating: nothing, count: size - count)
        }
        if frame.isInterlaced { codes.sortLines(frame.width, frame.height) }
        decoded.pixels = codes.pixels
        return decoded
    }
}

/// The pixels of a frame in lines from above, each the number of a colour.
struct DecodedFrame {
    let frame: GIF.Frame
    /// Three bytes each.
    private(set) var colours: [UInt8]
    /// The colour of what is not painted.
    private(set) var transparent: UInt8?
    /// Until the next frame is decoded.
    fileprivate(set) var pixels: UnsafeMutablePointer<UInt8>

    fileprivate func coloursInUse(of count: Int) -> [Bool] {
        [Bool](unsafeUninitializedCapacity: 256) { used, initialized in
            used.initialize(repeating: false)
            initialized = 256
            guard let used = used.baseAddress else { return }
            var pixel = pixels
            let end = pixels + count
            while pixel < end {
                used[Int(pixel.pointee)] = true
                pixel += 1
            }
        }
    }

    /// Names a colour for what is not painted. Where all 256 are in use, the two nearest of them become one.
    fileprivate mutating func addTransparent(_ used: [Bool], _ count: Int) {
        let known = colours.count / 3
        if known < 256 {
            colours += [0, 0, 0]
            transparent = UInt8(known)
            return
        }
        if let free = used.firstIndex(of: false) {
            transparent = UInt8(free)
            return
        }
        var (best, kept, freed) = (Int.max, 0, 0)
        for one in 0..<255 {
            for other in (one + 1)..<256 {
                let red = Int(colours[3 * one]) - Int(colours[3 * other])
                let green = Int(colours[3 * one + 1]) - Int(colours[3 * other + 1])
                let blue = Int(colours[3 * one + 2]) - Int(colours[3 * other + 2])
                let distance = red * red + green * green + blue * blue
                if distance < best { (best, kept, freed) = (distance, one, other) }
            }
        }
        for place in 0..<count where pixels[place] == freed { pixels[place] = UInt8(kept) }
        transparent = UInt8(freed)
    }
}

/// Decodes the pixels of frames one after the other. (GIF89a, appendix F)
final class LZWReader {
    /// What `read` has decoded.
    private(set) var pixels: UnsafeMutablePointer<UInt8>
    private var capacity = 0
    /// For `sortLines`.
    private var spare: UnsafeMutablePointer<UInt8>?
    /// For each code where its pixels stand among those decoded before, and how many they are.
    private let starts = UnsafeMutablePointer<Int>.allocate(capacity: LZWReader.maxCodes)
    private let lengths = UnsafeMutablePointer<Int>.allocate(capacity: LZWReader.maxCodes)
    private static let maxCodes = 4096

    init() {
        pixels = .allocate(capacity: 0)
    }

    deinit {
        pixels.deallocate()
        spare?.deallocate()
        starts.deallocate()
        lengths.deallocate()
    }

    /// Brings the lines of an interlaced frame into their order. (GIF89a, appendix E)
    func sortLines(_ width: Int, _ height: Int) {
        let target = spare ?? .allocate(capacity: capacity)
        var source = pixels
        for (start, step) in [(0, 8), (4, 8), (2, 4), (1, 2)] {
            for line in stride(from: start, to: height, by: step) {
                (target + line * width).update(from: source, count: width)
                source += width
            }
        }
        (pixels, spare) = (target, pixels)
    }

    /// The number of pixels that the blocks at `place` hold, at most `max`; nil for a code that nothing has defined.
    func read(_ bytes: UnsafeRawBufferPointer, at place: Int, max: Int) -> Int? {
        guard place < bytes.count, 1...8 ~= bytes[place] else { return nil }
        if capacity < max {
            pixels.deallocate()
            spare?.deallocate()
            (pixels, spare, capacity) = (.allocate(capacity: max), nil, max)
        }
        let first = Int(bytes[place]) + 1
        let clear = 1 << (first - 1)
        var (place, blockEnd) = (place + 1, place + 1)
        var (bits, bitCount) = (0, 0)
        var (size, next) = (first, clear + 2)
        var (previous, previousLength) = (0, 0)
        var count = 0
        while count < max {
            while bitCount < size {
                if place == blockEnd {
                    guard place < bytes.count, bytes[place] > 0 else { return count }
                    blockEnd = place + 1 + Int(bytes[place])
                    place += 1
                }
                guard place < bytes.count else { return count }
                bits |= Int(bytes[place]) << bitCount
                bitCount += 8
                place += 1
            }
            let code = bits & (1 << size - 1)
            bits >>= size
            bitCount -= size
            if code == clear {
                (size, next, previousLength) = (first, clear + 2, 0)
                continue
            }
            if code == clear + 1 { return count }
            // The code that comes next stands for the pixels before and the first of these.
            if previousLength > 0, next < LZWReader.maxCodes {
                starts[next] = previous
                lengths[next] = previousLength + 1
                next += 1
                if next == 1 << size, size < 12 { size += 1 }
            }
            previous = count
            if code < clear {
                pixels[count] = UInt8(truncatingIfNeeded: code)
                previousLength = 1
                count += 1
                continue
            }
            guard code < next else { return nil }
            previousLength = lengths[code]
            var source = pixels + starts[code]
            var target = pixels + count
            // Forwards, for a code may stand for pixels that it writes itself.
            let end = target + min(previousLength, max - count)
            count += end - target
            while target < end {
                target.pointee = source.pointee
                target += 1
                source += 1
            }
        }
        return count
    }
}
