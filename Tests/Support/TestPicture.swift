import Foundation

/// Pictures made by hand, with what no tool would put into them.
package enum TestPicture {
    /// A PNG of one colour: red, green, blue and how opaque it is.
    package static func png(_ width: Int, _ height: Int, _ colour: [UInt8], chunks: [(String, [UInt8])] = []) -> [UInt8]
    {
        png(width, height, channels: colour.count, chunks: chunks) { _, _ in colour }
    }

    /// A PNG of any colours.
    package static func png(
        _ width: Int, _ height: Int, channels: Int = 3, chunks: [(String, [UInt8])] = [],
        _ colour: (_ x: Int, _ y: Int) -> [UInt8]
    ) -> [UInt8] {
        let pixels = (0..<height).flatMap { y -> [UInt8] in [0] + (0..<width).flatMap { x -> [UInt8] in colour(x, y) } }
        let header = big(width, 4) + big(height, 4) + [8, channels == 4 ? 6 : 2, 0, 0, 0]
        return signature + chunk("IHDR", header) + chunks.flatMap { chunk($0.0, $0.1) }
            + chunk("IDAT", stored(pixels)) + chunk("IEND", [])
    }

    /// The head of a PNG that says to be this large, and nothing of its pixels.
    package static func pngHead(_ width: Int, _ height: Int) -> [UInt8] {
        signature + chunk("IHDR", big(width, 4) + big(height, 4) + [8, 2, 0, 0, 0])
            + chunk("IDAT", stored([0, 0, 0, 0])) + chunk("IEND", [])
    }

    /// A GIF of frames of one colour each, 0 for black and 1 for white.
    package static func gif(
        _ width: Int, _ height: Int, frames: [UInt8], delay: (Int) -> Int = { _ in 10 }, loop: Int = 0,
        comment: String? = nil
    ) -> [UInt8] {
        var file = Array("GIF89a".utf8) + little(width) + little(height) + [0x80, 0, 0, 0, 0, 0, 255, 255, 255]
        if frames.count > 1 { file += [0x21, 0xFF, 11] + Array("NETSCAPE2.0".utf8) + [3, 1] + little(loop) + [0] }
        if let comment { file += [0x21, 0xFE, UInt8(comment.utf8.count)] + Array(comment.utf8) + [0] }
        let content = Dictionary(
            uniqueKeysWithValues: Set(frames).map { value in
                (value, lzw(value, count: width * height))
            })
        for (index, value) in frames.enumerated() {
            file += [0x21, 0xF9, 4, 0] + little(delay(index)) + [0, 0]
            file += [0x2C, 0, 0, 0, 0] + little(width) + little(height) + [0]
            file += content[value] ?? []
        }
        return file + [0x3B]
    }

    /// A frame of any shape, pixels by pixels.
    package struct Frame {
        let left: Int, top: Int
        let width: Int, height: Int
        /// Each the number of a colour, in the order of the file.
        let pixels: [UInt8]
        /// Red, green and blue; the screen's when empty.
        let colours: [UInt8]
        let transparent: UInt8?
        let disposal: UInt8
        let isInterlaced: Bool

        package init(
            left: Int = 0, top: Int = 0, width: Int, height: Int, pixels: [UInt8], colours: [UInt8] = [],
            transparent: UInt8? = nil, disposal: UInt8 = 1, isInterlaced: Bool = false
        ) {
            (self.left, self.top, self.width, self.height) = (left, top, width, height)
            (self.pixels, self.colours, self.transparent) = (pixels, colours, transparent)
            (self.disposal, self.isInterlaced) = (disposal, isInterlaced)
        }
    }

    /// A GIF of frames that need not cover its screen.
    package static func gif(_ width: Int, _ height: Int, colours: [UInt8], _ frames: [Frame], loop: Int? = 0) -> [UInt8]
    {
        var file = Array("GIF89a".utf8) + little(width) + little(height)
        file += [0x80 | tableBits(colours), 0, 0] + colours
        if let loop { file += [0x21, 0xFF, 11] + Array("NETSCAPE2.0".utf8) + [3, 1] + little(loop) + [0] }
        for frame in frames {
            file += [0x21, 0xF9, 4, frame.disposal << 2 | (frame.transparent == nil ? 0 : 1)] + little(10)
            file += [frame.transparent ?? 0, 0, 0x2C] + little(frame.left) + little(frame.top)
            file += little(frame.width) + little(frame.height)
            file += [(frame.isInterlaced ? 0x40 : 0) | (frame.colours.isEmpty ? 0 : 0x80 | tableBits(frame.colours))]
            file += frame.colours + lzw8(frame.pixels)
        }
        return file + [0x3B]
    }

    /// A GIF of about so many bytes that does not get smaller: 512 pixels wide, of random colours.
    package static func noise(bytes count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        let (width, height) = (512, count / 512 * 7 / 8)
        let colours = (0..<768).map { _ in UInt8.random(in: 0...255, using: &generator) }
        let pixels = (0..<(width * height)).map { _ in UInt8.random(in: 0...255, using: &generator) }
        return gif(
            width, height, colours: colours, [Frame(width: width, height: height, pixels: pixels)], loop: nil)
    }

    private static func tableBits(_ colours: [UInt8]) -> UInt8 {
        UInt8((colours.count / 3).trailingZeroBitCount - 1)
    }

    /// Codes of nine bits, with a clear code before each hundred pixels.
    private static func lzw8(_ pixels: [UInt8]) -> [UInt8] {
        var codes: [Int] = []
        for (index, pixel) in pixels.enumerated() { codes += index % 100 == 0 ? [256, Int(pixel)] : [Int(pixel)] }
        var (bits, count) = (0, 0)
        var bytes: [UInt8] = []
        for code in codes + [257] {
            bits |= code << count
            count += 9
            while count >= 8 {
                bytes.append(UInt8(truncatingIfNeeded: bits))
                (bits, count) = (bits >> 8, count - 8)
            }
        }
        return blocks(8, bytes + [UInt8(truncatingIfNeeded: bits)])
    }

    private static func blocks(_ size: UInt8, _ bytes: [UInt8]) -> [UInt8] {
        var blocks = [size]
        for start in stride(from: 0, to: bytes.count, by: 255) {
            let block = bytes[start..<min(start + 255, bytes.count)]
            blocks += [UInt8(block.count)] + block
        }
        return blocks + [0]
    }

    /// A GIF whose frames all say to be this large, and hold nothing.
    package static func gifHead(_ width: Int, _ height: Int, frames: Int) -> [UInt8] {
        var file = Array("GIF89a".utf8) + little(width) + little(height) + [0x80, 0, 0, 0, 0, 0, 255, 255, 255]
        for _ in 0..<frames {
            file += [0x2C, 0, 0, 0, 0] + little(width) + little(height) + [0, 2, 1, 0x2C, 0]
        }
        return file + [0x3B]
    }

    /// A JPEG with more segments after its first marker.
    package static func jpeg(_ original: [UInt8], with segments: [(marker: UInt8, content: [UInt8])]) -> [UInt8] {
        let more = segments.flatMap { segment -> [UInt8] in
            [0xFF, segment.marker] + big(segment.content.count + 2, 2) + segment.content
        }
        return Array(original.prefix(2)) + more + Array(original.dropFirst(2))
    }

    /// A JPEG that says to be this large. (ITU-T T.81 §B.2.2)
    package static func jpeg(_ original: [UInt8], claiming width: Int, _ height: Int) -> [UInt8] {
        var file = original
        var place = 2
        while place + 9 < file.count {
            let length = Int(file[place + 2]) << 8 | Int(file[place + 3])
            if [0xC0, 0xC1, 0xC2].contains(file[place + 1]) {
                file.replaceSubrange((place + 5)..<(place + 9), with: big(height, 2) + big(width, 2))
                return file
            }
            place += 2 + length
        }
        return file
    }

    /// The content of a PNG's gAMA, as a fraction; nil without one, and for what stands for sRGB.
    package static func gamma(of png: [UInt8]) -> Double? {
        guard let place = Data(png).range(of: Data("gAMA".utf8))?.upperBound else { return nil }
        let value = png[place..<(place + 4)].reduce(0) { $0 << 8 | Int($1) }
        return value == 45_455 ? nil : Double(value) / 100_000
    }

    /// A channel as a screen of sRGB shows it. (PNG §13.13, IEC 61966-2-1)
    package static func shown(_ value: UInt8, gamma: Double?) -> UInt8 {
        guard let gamma else { return value }
        let light = pow(Double(value) / 255, 1 / gamma)
        return UInt8((255 * (light <= 0.003_130_8 ? 12.92 * light : 1.055 * pow(light, 1 / 2.4) - 0.055)).rounded())
    }

    package static func chunk(_ name: String, _ content: [UInt8]) -> [UInt8] {
        let body = Array(name.utf8) + content
        return big(content.count, 4) + body + big(Int(crc(body)), 4)
    }

    package static func big(_ value: Int, _ count: Int) -> [UInt8] {
        (0..<count).reversed().map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
    }

    private static let signature: [UInt8] = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]

    private static func little(_ value: Int) -> [UInt8] {
        [UInt8(truncatingIfNeeded: value), UInt8(truncatingIfNeeded: value >> 8)]
    }

    /// zlib without compression. (RFC 1950, RFC 1951 §3.2.4)
    private static func stored(_ bytes: [UInt8]) -> [UInt8] {
        var stream: [UInt8] = [0x78, 0x01]
        for start in stride(from: 0, to: bytes.count, by: 65_535) {
            let block = bytes[start..<min(start + 65_535, bytes.count)]
            stream.append(start + 65_535 >= bytes.count ? 1 : 0)
            stream += little(block.count) + little(~block.count) + block
        }
        var (first, second) = (1, 0)
        for byte in bytes {
            first = (first + Int(byte)) % 65_521
            second = (second + first) % 65_521
        }
        return stream + big(second << 16 | first, 4)
    }

    private static func crc(_ bytes: [UInt8]) -> UInt32 {
        var crc: UInt32 = 0xFFFF_FFFF
        for byte in bytes {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xEDB8_8320 : crc >> 1 }
        }
        return ~crc
    }

    /// So many pixels of one colour, each code for one more than that before. (GIF89a, appendix F)
    private static func lzw(_ colour: UInt8, count: Int) -> [UInt8] {
        var (bits, bitCount) = (0, 0)
        var bytes: [UInt8] = []
        var (size, next) = (3, 6)
        func put(_ code: Int) {
            bits |= code << bitCount
            bitCount += size
            while bitCount >= 8 {
                bytes.append(UInt8(truncatingIfNeeded: bits))
                (bits, bitCount) = (bits >> 8, bitCount - 8)
            }
        }
        put(4)
        put(Int(colour))
        var (rest, length) = (count - 1, 2)
        while rest > 0 {
            put(rest >= length ? next : rest == 1 ? Int(colour) : 4 + rest)
            rest -= min(rest, length)
            (next, length) = (next + 1, length + 1)
            if next == 1 << size { size += 1 }
        }
        put(5)
        return blocks(2, bytes + [UInt8(truncatingIfNeeded: bits)])
    }
}
