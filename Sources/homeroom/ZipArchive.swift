import Glibc

/// Files in a ZIP container, each as it is: what people have open with what their system brings. Pictures are compressed
/// already, and the texts are small.
///
/// Our own, because a library costs a dependency of the executable on every machine for what are three records. (APPNOTE.TXT
/// 6.3, §4.3)
struct ZipArchive {
    private var files: [UInt8] = []
    private var directory: [UInt8] = []
    private var count: UInt16 = 0
    /// In MS-DOS' form: two seconds are the unit. (§4.4.6)
    private let time: UInt32

    /// - Parameter seconds: when the files were made, since 1970.
    init(at seconds: Int64) {
        var now = time_t(seconds)
        var parts = tm()
        gmtime_r(&now, &parts)
        let day = UInt32(max(0, parts.tm_year - 80)) << 9 | UInt32(parts.tm_mon + 1) << 5 | UInt32(parts.tm_mday)
        time = day << 16 | UInt32(parts.tm_hour) << 11 | UInt32(parts.tm_min) << 5 | UInt32(parts.tm_sec / 2)
    }

    /// Adds a file. `name` is ours: ASCII, with `/` between folder and file. All together stay below 4 GiB.
    mutating func add(_ name: String, _ bytes: [UInt8]) {
        let size = UInt32(bytes.count)
        // Version 1.0, no flags, stored.
        let common = pack(UInt16(10), 0, 0) + pack(time, crc32(bytes), size, size) + pack(UInt16(name.utf8.count), 0)
        let offset = UInt32(files.count)
        files += pack(UInt32(0x0403_4B50)) + common + name.utf8 + bytes
        // Made on Unix, for whom the owner alone reads and writes it.
        let attributes = UInt32(0o100600) << 16
        directory += pack(UInt32(0x0201_4B50)) + pack(UInt16(3 << 8 | 10)) + common + pack(UInt16(0), 0, 0)
        directory += pack(attributes, offset) + name.utf8
        count += 1
    }

    /// The whole of it.
    var bytes: [UInt8] {
        files + directory + pack(UInt32(0x0605_4B50)) + pack(UInt16(0), 0, count, count)
            + pack(UInt32(directory.count), UInt32(files.count)) + pack(UInt16(0))
    }

    private func pack<Number: FixedWidthInteger>(_ numbers: Number...) -> [UInt8] {
        numbers.flatMap { number in (0..<Number.bitWidth / 8).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) } }
    }

    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { rest, _ in rest & 1 == 1 ? rest >> 1 ^ 0xEDB8_8320 : rest >> 1 }
    }

    private func crc32(_ bytes: [UInt8]) -> UInt32 {
        let table = Self.table
        return ~bytes.reduce(~0) { table[Int(($0 ^ UInt32($1)) & 0xFF)] ^ $0 >> 8 }
    }
}
