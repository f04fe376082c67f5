/// The picture formats that an avatar can have, told by content alone.
package enum PictureFormat: String, Sendable, CaseIterable {
    case jpeg, png, gif

    /// The longest beginning that `init(content:)` looks at, in bytes.
    package static let signatureLength = 32

    /// Looks at the first bytes of a file; nil when it is none of the three.
    package init?(content: some Collection<UInt8>) {
        let start = Array(content.prefix(PictureFormat.signatureLength))
        if start.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]),
            start.dropFirst(12).starts(with: Array("IHDR".utf8))
        {
            // ISO/IEC 15948 §5.2, §5.6: IHDR comes first.
            self = .png
        } else if start.starts(with: Array("GIF87a".utf8)) || start.starts(with: Array("GIF89a".utf8)),
            start.count >= 13
        {
            // GIF89a §17, §18: header and logical screen descriptor.
            self = .gif
        } else if start.starts(with: [0xFF, 0xD8, 0xFF]), start.count >= 4, start[3] >= 0xC0, start[3] != 0xFF {
            // ITU-T T.81 §B.1.1: start of image, then a marker segment.
            self = .jpeg
        } else {
            return nil
        }
    }

    /// The ending of the file's name, which decides the type that nginx says.
    package var fileExtension: String {
        switch self {
        case .jpeg: "jpg"
        case .png: "png"
        case .gif: "gif"
        }
    }
}
