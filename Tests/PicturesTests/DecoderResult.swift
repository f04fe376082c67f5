import CVips
import Glibc
import Pictures
import TestSupport

/// What the confined process makes of a picture: its outcome, and the avatar with its squares.
struct DecoderResult {
    let outcome: AvatarOutcome?
    let files: [[UInt8]]

    init(_ picture: [UInt8], by decoder: AvatarDecoder = TestEnvironment.decoder) throws {
        let input = try TemporaryFile(holding: picture)
        let outputs = try (0..<3).map { _ in try TemporaryFile() }
        outcome = decoder.encode(input.descriptor, to: outputs.map(\.descriptor))
        files = outputs.map { $0.content() }
    }

    /// The three pictures, decoded.
    func pixels() throws -> [Pixels] {
        try files.map { try Pixels($0) }
    }
}

/// A file without a name.
final class TemporaryFile {
    let descriptor: Int32

    init(holding bytes: [UInt8] = []) throws {
        var path = Array("/tmp/h-pic-XXXXXX".utf8CString)
        descriptor = mkstemp(&path)
        unlink(path)
        guard descriptor >= 0, write(descriptor, bytes, bytes.count) == bytes.count else { throw Failed() }
    }

    deinit { close(descriptor) }

    func content() -> [UInt8] {
        let size = Int(lseek(descriptor, 0, SEEK_END))
        return [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            count = max(0, pread(descriptor, buffer.baseAddress, size, 0))
        }
    }
}

struct Failed: Error {}

/// A picture as libvips reads it; all frames below each other.
struct Pixels {
    let width: Int
    let height: Int
    let frames: Int
    /// Milliseconds of each frame; empty without an animation.
    let delays: [Int]
    /// 3, or 4 with transparency.
    let bands: Int
    let bytes: [UInt8]

    init(_ file: [UInt8]) throws {
        Pixels.started
        let isAnimated = PictureFormat(content: file) == .gif
        var settled: UnsafeMutablePointer<VipsImage>?
        defer { homeroom_vips_release(settled) }
        let code = file.withUnsafeBytes { bytes -> Int32 in
            let read = homeroom_vips_open(bytes.baseAddress, bytes.count, isAnimated ? "[n=-1]" : "")
            defer { homeroom_vips_release(read) }
            return read == nil ? -1 : homeroom_vips_settle(read, &settled)
        }
        guard code == 0, let settled else { throw Failed() }
        width = Int(settled.pointee.Xsize)
        frames = Int(vips_image_get_n_pages(settled))
        height = Int(settled.pointee.Ysize) / max(1, frames)
        bands = Int(settled.pointee.Bands)
        var size = 0
        guard let memory = vips_image_write_to_memory(settled, &size) else { throw Failed() }
        defer { g_free(memory) }
        bytes = Array(UnsafeRawBufferPointer(start: memory, count: size))
        var values: UnsafeMutablePointer<Int32>?
        var count: Int32 = 0
        delays =
            frames > 1 && vips_image_get_array_int(settled, "delay", &values, &count) == 0
            ? UnsafeBufferPointer(start: values, count: Int(count)).map { Int($0) } : []
    }

    /// A picture in another encoding, as libvips names it: ".jpg[interlace]".
    static func encoded(_ file: [UInt8], as ending: String) throws -> [UInt8] {
        Pixels.started
        return try file.withUnsafeBytes { source in
            let read = homeroom_vips_open(source.baseAddress, source.count, "")
            var (bytes, count): (UnsafeMutableRawPointer?, Int) = (nil, 0)
            defer {
                homeroom_vips_release(read)
                g_free(bytes)
            }
            guard homeroom_vips_encode(read, ending, &bytes, &count) == 0, let bytes else { throw Failed() }
            return Array(UnsafeRawBufferPointer(start: bytes, count: count))
        }
    }

    /// Width and height of a frame.
    var size: [Int] { [width, height] }

    /// The channels of a pixel of a frame.
    func pixel(_ x: Int, _ y: Int, frame: Int = 0) -> [UInt8] {
        let start = ((frame * height + y) * width + x) * bands
        return Array(bytes[start..<(start + bands)])
    }

    /// The mean difference of a channel from another picture of the same size.
    func difference(from other: Pixels) -> Double { difference(from: other.bytes) }

    func difference(from other: [UInt8]) -> Double {
        guard bytes.count == other.count else { return .infinity }
        let sum = zip(bytes, other).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) }
        return Double(sum) / Double(max(1, bytes.count))
    }

    /// With libvips' own readers also of what the confined process reads without them.
    private static let started: Void = {
        homeroom_vips_start()
        vips_operation_block_set("VipsForeignLoadJpeg", 0)
        vips_operation_block_set("VipsForeignLoadNsgif", 0)
    }()
}
