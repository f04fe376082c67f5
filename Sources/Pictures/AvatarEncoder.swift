import CVips
import Glibc
import System

/// Decodes a picture of a stranger and encodes it anew. Runs in the confined process only.
package enum AvatarEncoder {
    /// The pictures that one upload becomes, by the longer side: the avatar itself, then its squares.
    package static let sides = [1024, 256, 64]
    /// In bytes.
    package static let largestPicture = 5 << 20
    static let maxPixels = 50_000_000
    package static let maxSide = 16_384
    static let maxFrames = 200

    /// Loads libvips and lets it read nothing but PNG. Once, before the process is confined.
    package static func start() -> Bool {
        homeroom_vips_start() == 0
    }

    /// Writes the avatar and its squares to `outputs`, in the order of `sides`.
    package static func encode(_ picture: UnsafeRawBufferPointer, to outputs: [Int32]) -> AvatarOutcome {
        switch PictureFormat(content: picture) {
        case .jpeg: encode(jpeg: picture, to: outputs)
        case .png: encode(png: picture, to: outputs)
        case .gif: encode(gif: picture, to: outputs)
        case nil: .refused(.notAPicture)
        }
    }

    /// The header first: a bomb is refused before any pixel of it is decoded.
    private static func refusal(_ width: Int, _ height: Int, pixels: Int) -> AvatarOutcome? {
        guard width <= maxSide, height <= maxSide else { return .refused(.tooLong) }
        return pixels <= maxPixels ? nil : .refused(.tooManyPixels)
    }

    private static func encode(jpeg: UnsafeRawBufferPointer, to outputs: [Int32]) -> AvatarOutcome {
        var (width, height): (Int32, Int32) = (0, 0)
        guard homeroom_jpeg_size(jpeg.baseAddress, jpeg.count, &width, &height) == 0 else {
            return .refused(.notAPicture)
        }
        if let refusal = refusal(Int(width), Int(height), pixels: Int(width) * Int(height)) { return refusal }
        var image: UnsafeMutablePointer<VipsImage>?
        var (bytes, count): (UnsafeMutableRawPointer?, UInt32) = (nil, 0)
        defer {
            homeroom_vips_release(image)
            free(bytes)
        }
        guard
            homeroom_jpeg_decode(jpeg.baseAddress, jpeg.count, Int32(sides[0]), &image, &bytes, &count) == 0, let image
        else { return .refused(.notAPicture) }
        let profile = bytes.flatMap { homeroom_colours_open($0, Int(count)) }
        defer { homeroom_colours_close(profile) }
        return encode(image, orientation: ExifOrientation.find(inJPEG: jpeg), profile, .jpeg, to: outputs)
    }

    private static func encode(png: UnsafeRawBufferPointer, to outputs: [Int32]) -> AvatarOutcome {
        guard let image = homeroom_vips_open(png.baseAddress, png.count, "") else { return .refused(.notAPicture) }
        defer { homeroom_vips_release(image) }
        let (width, height) = (Int(image.pointee.Xsize), Int(image.pointee.Ysize))
        if let refusal = refusal(width, height, pixels: width * height) { return refusal }
        var profile: cmsHPROFILE?
        switch PNGColours.statement(of: png) {
        case .none: break
        case .profile:
            var count = 0
            if let bytes = homeroom_vips_profile(image, &count) { profile = homeroom_colours_open(bytes, count) }
        case .colours(let colours): profile = colours.profile(isGrey: image.pointee.Bands < 3)
        }
        defer { homeroom_colours_close(profile) }
        return encode(image, orientation: vips_image_get_orientation(image), profile, .png, to: outputs)
    }

    private static func encode(
        _ image: UnsafeMutablePointer<VipsImage>, orientation: Int32, _ profile: cmsHPROFILE?, _ format: PictureFormat,
        to outputs: [Int32]
    ) -> AvatarOutcome {
        var fitted: UnsafeMutablePointer<VipsImage>?
        var avatar: UnsafeMutablePointer<VipsImage>?
        defer {
            homeroom_vips_release(fitted)
            homeroom_vips_release(avatar)
        }
        guard homeroom_vips_fit(image, Int32(sides[0]), orientation, 0, &fitted) == 0, let fitted else {
            return .refused(.notAPicture)
        }
        // Browsers too show a picture whose profile is not for its kind of colours, as if it had none.
        if profile == nil || homeroom_colours_apply(fitted, profile, &avatar) != 0 {
            homeroom_vips_release(avatar)
            avatar = nil
            guard homeroom_vips_settle(fitted, &avatar) == 0 else { return .refused(.notAPicture) }
        }
        guard let avatar else { return .refused(.notAPicture) }
        return withFile(avatar, format.encoding) { write($0, to: outputs[0]) } ?? squares(of: avatar, format, outputs)
    }

    private static func encode(gif bytes: UnsafeRawBufferPointer, to outputs: [Int32]) -> AvatarOutcome {
        guard let gif = GIF(bytes, maxFrames: maxFrames) else { return .refused(.notAPicture) }
        if let refusal = refusal(gif.width, gif.height, pixels: gif.pixels) { return refusal }
        // The squares of an animation show its first frame.
        return GIFAvatar.make(of: gif) { file, first in
            write(file, to: outputs[0]) ?? squares(of: first, .gif, outputs)
        } ?? .refused(.notAPicture)
    }

    private static func squares(
        of avatar: UnsafeMutablePointer<VipsImage>, _ format: PictureFormat, _ outputs: [Int32]
    ) -> AvatarOutcome {
        var crop: UnsafeMutablePointer<VipsImage>?
        defer { homeroom_vips_release(crop) }
        guard homeroom_vips_crop(avatar, &crop) == 0, let crop else { return .refused(.notAPicture) }
        for (side, output) in zip(sides, outputs).dropFirst() {
            var square: UnsafeMutablePointer<VipsImage>?
            defer { homeroom_vips_release(square) }
            guard homeroom_vips_square(crop, Int32(side), &square) == 0, let square else {
                return .refused(.notAPicture)
            }
            if let failure = withFile(square, format.encoding, { write($0, to: output) }) { return failure }
        }
        return .encoded(format)
    }

    /// Encodes an image for as long as `body` runs.
    static func withFile(
        _ image: UnsafeMutablePointer<VipsImage>, _ encoding: String, _ body: (UnsafeRawBufferPointer) -> AvatarOutcome?
    ) -> AvatarOutcome? {
        var bytes: UnsafeMutableRawPointer?
        var count = 0
        guard homeroom_vips_encode(image, encoding, &bytes, &count) == 0, let bytes else {
            return .refused(.notAPicture)
        }
        defer { g_free(bytes) }
        return body(UnsafeRawBufferPointer(start: bytes, count: count))
    }

    /// nil, or what became of the picture instead.
    private static func write(_ bytes: UnsafeRawBufferPointer, to output: Int32) -> AvatarOutcome? {
        do throws(SystemError) {
            try writeAll(bytes, to: output)
            return nil
        } catch {
            return .notWritten(code: error.code)
        }
    }
}

extension PictureFormat {
    /// libvips' name for the saver, with its options.
    fileprivate var encoding: String {
        switch self {
        case .jpeg: ".jpg[Q=85,optimize_coding,strip]"
        case .png: ".png[compression=6,strip]"
        case .gif: ".gif[effort=4]"  // of a square: an avatar is written by `GIFAvatar`
        }
    }
}

/// What became of a picture; one byte between the confined process and ours.
package enum AvatarOutcome: Sendable, Equatable {
    package enum Refusal: UInt8, Error {
        case notAPicture = 1
        case tooManyPixels, tooLong
    }

    case encoded(PictureFormat)
    case refused(Refusal)
    /// The avatar could not be written; with the errno, which is no fault of the picture.
    case notWritten(code: Int32)
    /// Nor is it that the machine was too busy to finish it.
    case outOfTime

    package var byte: UInt8 {
        switch self {
        case .refused(let reason): reason.rawValue
        case .encoded(.jpeg): 16
        case .encoded(.png): 17
        case .encoded(.gif): 18
        case .outOfTime: 64
        case .notWritten(let code): 128 | UInt8(truncatingIfNeeded: code)
        }
    }

    package init?(byte: UInt8) {
        switch byte {
        case 16: self = .encoded(.jpeg)
        case 17: self = .encoded(.png)
        case 18: self = .encoded(.gif)
        case 64: self = .outOfTime
        case 128...: self = .notWritten(code: Int32(byte & 127))
        default:
            guard let reason = Refusal(rawValue: byte) else { return nil }
            self = .refused(reason)
        }
    }
}
