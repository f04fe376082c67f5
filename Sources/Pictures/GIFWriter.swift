/// Writes a GIF: no comment and no other extension than that of a loop.
struct GIFWriter {
    private(set) var file: [UInt8]
    private let codes = LZWWriter()
    /// As many colours as all frames have in common that have none of their own.
    private let shared: [UInt8]

    init(width: Int, height: Int, colours: [UInt8], repeats: Int?) {
        shared = GIFWriter.table(colours)
        file = Array("GIF89a".utf8) + GIFWriter.number(width) + GIFWriter.number(height)
        file += [colours.isEmpty ? 0x70 : 0xF0 | GIFWriter.sizeBits(shared), 0, 0]
        if !colours.isEmpty { file += shared }
        if let repeats {
            file += [0x21, 0xFF, 11] + Array("NETSCAPE2.0".utf8) + [3, 1] + GIFWriter.number(repeats) + [0]
        }
    }

    /// Adds what lies on the screen of a frame; one pixel that shows nothing where nothing does.
    mutating func add(_ decoded: DecodedFrame, within gif: GIF) {
        let frame = decoded.frame
        let (width, height) = (min(frame.width, gif.width - frame.left), min(frame.height, gif.height - frame.top))
        guard width > 0, height > 0 else {
            withUnsafePointer(to: UInt8(0)) { pixel in
                add(frame, (0, 0, 1, 1), [0, 0, 0, 0, 0, 0], 0, UnsafeBufferPointer(start: pixel, count: 1))
            }
            return
        }
        if width < frame.width {
            for line in 1..<height {
                (decoded.pixels + line * width).update(from: decoded.pixels + line * frame.width, count: width)
            }
        }
        add(
            frame, (frame.left, frame.top, width, height), decoded.colours, decoded.transparent,
            UnsafeBufferPointer(start: decoded.pixels, count: width * height))
    }

    private mutating func add(
        _ frame: GIF.Frame, _ place: (left: Int, top: Int, width: Int, height: Int), _ colours: [UInt8],
        _ transparent: UInt8?, _ pixels: UnsafeBufferPointer<UInt8>
    ) {
        let table = GIFWriter.table(colours)
        file += [0x21, 0xF9, 4, frame.disposal.rawValue << 2 | (transparent == nil ? 0 : 1)]
        file += GIFWriter.number(frame.delay) + [transparent ?? 0, 0, 0x2C]
        for value in [place.left, place.top, place.width, place.height] { file += GIFWriter.number(value) }
        file += table == shared ? [0] : [0x80 | GIFWriter.sizeBits(table)] + table
        codes.write(pixels, colours: table.count / 3, to: &file)
    }

    mutating func end() {
        file.append(0x3B)
    }

    /// As many colours as a table can have: 2, 4, 8 … 256.
    private static func table(_ colours: [UInt8]) -> [UInt8] {
        var size = 6
        while size < colours.count { size *= 2 }
        return colours + [UInt8](repeating: 0, count: size - colours.count)
    }

    /// The size of a table in its header: 2^(bits + 1) colours.
    private static func sizeBits(_ table: [UInt8]) -> UInt8 {
        UInt8(truncatingIfNeeded: (table.count / 3).trailingZeroBitCount - 1)
    }

    private static func number(_ value: Int) -> [UInt8] {
        [UInt8(truncatingIfNeeded: value), UInt8(truncatingIfNeeded: value >> 8)]
    }
}

/// Encodes pixels. (GIF89a, appendix F)
final class LZWWriter {
    /// By a hash of its pixels, code and last pixel: which code that makes. `empty` where there is none.
    private let keys = UnsafeMutablePointer<Int32>.allocate(capacity: LZWWriter.places)
    private let values = UnsafeMutablePointer<Int32>.allocate(capacity: LZWWriter.places)
    /// More than twice the codes, so that a free place is near.
    private static let places = 16_384
    private static let empty: Int32 = -1

    deinit {
        keys.deallocate()
        values.deallocate()
    }

    /// Appends the size of codes and the blocks.
    func write(_ pixels: UnsafeBufferPointer<UInt8>, colours: Int, to file: inout [UInt8]) {
        let first = max(2, (colours - 1).bitWidth - (colours - 1).leadingZeroBitCount)
        let clear: Int32 = 1 << Int32(first)
        file.append(UInt8(truncatingIfNeeded: first))
        // A pixel adds at most twelve bits, and a code of its own at each clearing.
        let most = 16 + pixels.count * 13 / 8 + pixels.count / 128
        let block = [UInt8](unsafeUninitializedCapacity: most) { buffer, count in
            guard let target = buffer.baseAddress, let source = pixels.baseAddress else { return }
            var (bits, bitCount) = (0, 0)
            var (size, next) = (first + 1, clear + 2)
            func put(_ code: Int32) {
                bits |= Int(code) << bitCount
                bitCount += size
                while bitCount >= 8 {
                    target[count] = UInt8(truncatingIfNeeded: bits)
                    count += 1
                    bits >>= 8
                    bitCount -= 8
                }
            }
            keys.update(repeating: LZWWriter.empty, count: LZWWriter.places)
            put(clear)
            var code = Int32(source[0])
            var place = 1
            while place < pixels.count {
                let pixel = Int32(source[place])
                place += 1
                let key = code << 8 | pixel
                var slot = Int(truncatingIfNeeded: (UInt32(bitPattern: key) &* 0x9E37_79B1) >> 18)
                while keys[slot] != key, keys[slot] != LZWWriter.empty { slot = (slot + 1) & (LZWWriter.places - 1) }
                if keys[slot] == key {
                    code = values[slot]
                    continue
                }
                put(code)
                code = pixel
                if next < 4096 {
                    keys[slot] = key
                    values[slot] = next
                    // The reader is one code behind.
                    if next == 1 << Int32(size), size < 12 { size += 1 }
                    next += 1
                } else {
                    put(clear)
                    keys.update(repeating: LZWWriter.empty, count: LZWWriter.places)
                    (size, next) = (first + 1, clear + 2)
                }
            }
            put(code)
            if next == 1 << Int32(size), size < 12 { size += 1 }
            put(clear + 1)
            if bitCount > 0 {
                target[count] = UInt8(truncatingIfNeeded: bits)
                count += 1
            }
        }
        for start in stride(from: 0, to: block.count, by: 255) {
            let part = block[start..<min(start + 255, block.count)]
            file.append(UInt8(part.count))
            file += part
        }
        file.append(0)
    }
}
