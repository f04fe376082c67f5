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
        } else if start.starts(with: [0xFF, 0xD8, 0xFF]), PictureFormat.isMarker(start.dropFirst(3)) {
            // ITU-T T.81 §B.1.1: start of image, then a marker segment, before which any number of fill bytes may stand.
            self = .jpeg
        } else {
            return nil
        }
    }

    private static func isMarker(_ rest: ArraySlice<UInt8>) -> Bool {
        guard let marker = rest.first(where: { $0 != 0xFF }) else { return rest.endIndex == signatureLength }
        return marker >= 0xC0
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

extension PictureFormat {
    /// Width and height, as the header of such a file has them; nil when it has none.
    func size(of file: [UInt8]) -> (width: Int, height: Int)? {
        func number(_ place: Int, _ count: Int) -> Int { file[place..<(place + count)].reduce(0) { $0 << 8 | Int($1) } }
        switch self {
        case .png: return file.count >= 24 ? (number(16, 4), number(20, 4)) : nil
        case .gif:
            guard file.count >= 10 else { return nil }
            return (Int(file[6]) | Int(file[7]) << 8, Int(file[8]) | Int(file[9]) << 8)
        case .jpeg:
            var place = 2
            while place + 9 <= file.count, file[place] == 0xFF {
                // ITU-T T.81 §B.2.2: a frame's header, of whatever kind; C4, C8 and CC are others.
                if 0xC0...0xCF ~= file[place + 1], ![0xC4, 0xC8, 0xCC].contains(file[place + 1]) {
                    return (number(place + 7, 2), number(place + 5, 2))
                }
                place += 2 + number(place + 2, 2)
            }
            return nil
        }
    }
}
