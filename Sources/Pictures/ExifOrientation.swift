/// How a camera was held, as it says in its Exif data. (Exif 2.32 §4.6.4, §4.6.5)
enum ExifOrientation {
    /// 1 to 8, where 1 is upright and also what is meant when nothing is said.
    static func find(inJPEG bytes: UnsafeRawBufferPointer) -> Int32 {
        var place = 2
        while place + 4 <= bytes.count, bytes[place] == 0xFF {
            let marker = bytes[place + 1]
            if marker == 0xFF {
                place += 1
                continue
            }
            guard marker != 0xDA, marker != 0xD9 else { break }
            let length = Int(bytes[place + 2]) << 8 | Int(bytes[place + 3])
            let end = place + 2 + length
            guard length >= 2, end <= bytes.count else { break }
            let content = UnsafeRawBufferPointer(rebasing: bytes[(place + 4)..<end])
            if marker == 0xE1, content.starts(with: Array("Exif\0\0".utf8)),
                let orientation = orientation(inTIFF: UnsafeRawBufferPointer(rebasing: content.dropFirst(6)))
            {
                return orientation
            }
            place = end
        }
        return 1
    }

    private static func orientation(inTIFF bytes: UnsafeRawBufferPointer) -> Int32? {
        guard bytes.count >= 8 else { return nil }
        let isBig = bytes[0] == UInt8(ascii: "M")
        func number(_ place: Int, _ count: Int) -> Int? {
            guard place + count <= bytes.count else { return nil }
            let part = bytes[place..<(place + count)]
            return isBig ? part.reduce(0) { $0 << 8 | Int($1) } : part.reversed().reduce(0) { $0 << 8 | Int($1) }
        }
        guard let directory = number(4, 4), let count = number(directory, 2) else { return nil }
        for entry in 0..<count {
            let place = directory + 2 + 12 * entry
            guard let tag = number(place, 2) else { return nil }
            guard tag == 0x0112 else { continue }
            return number(place + 8, 2).flatMap { 1...8 ~= $0 ? Int32($0) : nil }
        }
        return nil
    }
}
