import Foundation

/// The smallest pictures of each kind: one pixel.
enum Picture {
    static let png = bytes(
        """
        iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==
        """)
    static let gif = bytes("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
    static let jpeg = bytes(
        """
        /9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABsSFBcUERsXFhceHBsgKEIrKCUlKFE6PTBCYFVlZF9VXVtqeJmBanGQc1tdhbWGkJ6jq62rZ4C8
        ybqmx5moq6T/wAALCAABAAEBAREA/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQIDAAQR
        BRIhMUEGE1FhByJxFDKBkaEII0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4
        eXqDhIWGh4iJipKTlJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi4+Tl5ufo6erx8vP09fb3+Pn6/9oACAEB
        AAA/ACv/2Q==
        """)

    /// A GIF of about so many bytes that does not get smaller: 512 pixels wide, of random colours.
    static func noise(bytes count: Int) -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        let (width, height) = (512, count / 512 * 7 / 8)
        let size = [UInt8(width & 255), UInt8(width >> 8), UInt8(height & 255), UInt8(height >> 8)]
        var file =
            Array("GIF89a".utf8) + size + [0xF6, 0, 0]
            + (0..<384).map { _ in UInt8.random(in: 0...255, using: &generator) }
        file += [0x2C, 0, 0, 0, 0] + size + [0, 7]
        // Codes of eight bits, a clear code (128) before the table grows to nine. (GIF89a, appendix F)
        var codes: [UInt8] = []
        for index in 0..<(width * height) {
            if index % 100 == 0 { codes.append(128) }
            codes.append(UInt8.random(in: 0..<128, using: &generator))
        }
        codes.append(129)
        for start in stride(from: 0, to: codes.count, by: 255) {
            let block = codes[start..<min(start + 255, codes.count)]
            file += [UInt8(block.count)] + block
        }
        return file + [0, 0x3B]
    }

    private static func bytes(_ base64: String) -> [UInt8] {
        Array(Data(base64Encoded: base64, options: .ignoreUnknownCharacters) ?? Data())
    }
}
