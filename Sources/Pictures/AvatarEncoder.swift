import CVips
import Glibc

/// Decodes a picture of a stranger and encodes it anew. Runs in the confined process only.
package enum AvatarEncoder {
    /// The pictures that one upload becomes, by the longer side: the avatar itself, then its squares.
    package static let sides = [1024, 256, 64]
    /// In bytes.
    package static let largestPicture = 5 << 20
    static let mostPixels = 50_000_000
    package static let longestSide = 16_384
    static let mostFrames: Int32 = 200
    /// For the loader: a broken or truncated picture is refused. `vips_thumbnail_buffer` does not hand on its own
    /// `fail_on`. (8.14.1)
    private static let strict = "fail_on=error"

    /// Loads libvips and lets it read nothing but the three formats. Once, before the process is confined.
    package static func start() -> Bool {
        homeroom_vips_start() == 0
    }

    /// Writes the avatar and its squares to `outputs`, in the order of `sides`.
    package static func encode(_ picture: UnsafeRawBufferPointer, to outputs: [Int32]) -> AvatarOutcome {
        guard let format = PictureFormat(content: picture) else { return .refused(.notAPicture) }
        // libvips shows the frames before the break.
        if format == .gif, isCutShort(gif: picture) { return .refused(.notAPicture) }
        // The header first: a bomb is refused before any pixel of it is decoded.
        guard let header = homeroom_vips_open(picture.baseAddress, picture.count) else { return .refused(.notAPicture) }
        let frames = homeroom_vips_pages(header)
        let (width, height) = (Int(header.pointee.Xsize), Int(header.pointee.Ysize))
        let profile = homeroom_vips_has_profile(header)
        homeroom_vips_release(header)
        guard width <= longestSide, height <= longestSide else { return .refused(.tooLong) }
        guard width * height * Int(frames) <= mostPixels else { return .refused(.tooManyPixels) }

        let options = format == .gif ? "n=\(min(frames, mostFrames)),\(strict)" : strict
        return withPicture(fitted: picture, options, profile) { avatar in
            if let failure = write(avatar, as: format, to: outputs[0]) { return failure }
            guard frames > 1 else { return squares(of: avatar, format, outputs) }
            // The squares of an animation show its first frame.
            return withPicture(fitted: picture, "n=1,\(strict)", profile) { squares(of: $0, format, outputs) }
        }
    }

    /// Whether a GIF ends within a block. One that lacks only its trailer is shown by all browsers. (GIF89a §15 to §27)
    static func isCutShort(gif: UnsafeRawBufferPointer) -> Bool {
        func tableSize(_ flags: UInt8) -> Int { flags & 0x80 == 0 ? 0 : 3 << (Int(flags & 7) + 1) }
        var place = 13 + tableSize(gif[10])
        while place < gif.count {
            switch gif[place] {
            case 0x21: place += 2
            case 0x2C:
                guard place + 9 < gif.count else { return true }
                place += 11 + tableSize(gif[place + 9])
            default: return false
            }
            while place < gif.count, gif[place] != 0 { place += 1 + Int(gif[place]) }
            guard place < gif.count else { return true }
            place += 1
        }
        return place > gif.count
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
            if let failure = write(square, as: format, to: output) { return failure }
        }
        return .encoded(format)
    }

    private static func withPicture(
        fitted picture: UnsafeRawBufferPointer, _ options: String, _ profile: Int32,
        _ body: (UnsafeMutablePointer<VipsImage>) -> AvatarOutcome
    ) -> AvatarOutcome {
        var fitted: UnsafeMutablePointer<VipsImage>?
        var settled: UnsafeMutablePointer<VipsImage>?
        defer {
            homeroom_vips_release(settled)
            homeroom_vips_release(fitted)
        }
        guard homeroom_vips_fit(picture.baseAddress, picture.count, options, profile, Int32(sides[0]), &fitted) == 0,
            homeroom_vips_settle(fitted, &settled) == 0, let settled
        else {
            // Browsers too show a picture whose profile is not for its kind of colours, as if it had none.
            return profile == 0 ? .refused(.notAPicture) : withPicture(fitted: picture, options, 0, body)
        }
        return body(settled)
    }

    /// nil, or what became of the picture instead.
    private static func write(
        _ image: UnsafeMutablePointer<VipsImage>, as format: PictureFormat, to output: Int32
    ) -> AvatarOutcome? {
        var bytes: UnsafeMutableRawPointer?
        var count = 0
        guard homeroom_vips_encode(image, format.encoding, &bytes, &count) == 0, let bytes else {
            return .refused(.notAPicture)
        }
        defer { g_free(bytes) }
        var rest = UnsafeRawBufferPointer(start: bytes, count: count)
        while !rest.isEmpty {
            let written = Glibc.write(output, rest.baseAddress, rest.count)
            guard written > 0 else { return .notWritten(code: errno) }
            rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(written))
        }
        return nil
    }
}

extension PictureFormat {
    /// libvips' name for the saver, with its options.
    fileprivate var encoding: String {
        switch self {
        case .jpeg: ".jpg[Q=85,optimize_coding,strip]"
        case .png: ".png[compression=6,strip]"
        case .gif: ".gif[effort=4]"
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
