import Foundation
import Pictures
import Testing

struct PictureFormatTests {
    /// https://www.schaik.com/pngsuite: what begins with `x` is broken on purpose.
    static let pngSuite = names(in: "pngsuite", ending: ".png")
    static let photographs = names(in: "orientation", ending: ".jpg")

    private static let vectors = Bundle.module.resourceURL?.appending(path: "Vectors").path ?? ""

    private static func names(in folder: String, ending: String) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "\(vectors)/\(folder)")) ?? []
        return names.filter { $0.hasSuffix(ending) }.sorted()
    }

    private func format(of name: String, in folder: String) throws -> PictureFormat? {
        PictureFormat(content: try Data(contentsOf: URL(filePath: "\(PictureFormatTests.vectors)/\(folder)/\(name)")))
    }

    @Test func `all pictures to test with are there`() {
        #expect(PictureFormatTests.pngSuite.count == 175)
        #expect(PictureFormatTests.pngSuite.count { $0.hasPrefix("x") } == 14)
        #expect(PictureFormatTests.photographs.count == 4)
    }

    @Test(arguments: pngSuite.filter { !$0.hasPrefix("x") })
    func `every valid file of the PNG suite is a PNG`(name: String) throws {
        #expect(try format(of: name, in: "pngsuite") == .png)
    }

    @Test(arguments: ["xs1n0g01", "xs2n0g01", "xs4n0g01", "xs7n0g01", "xcrn0g04", "xlfn0g04"])
    func `a PNG with a broken signature is refused`(name: String) throws {
        #expect(try format(of: "\(name).png", in: "pngsuite") == nil)
    }

    @Test(arguments: photographs)
    func `a photograph in any orientation is a JPEG`(name: String) throws {
        #expect(try format(of: name, in: "orientation") == .jpeg)
    }

    @Test(arguments: ["GIF87a", "GIF89a"])
    func `both versions of GIF are told by their screen descriptor`(version: String) {
        let screen: [UInt8] = [1, 0, 1, 0, 0, 0, 0]

        #expect(PictureFormat(content: Array(version.utf8) + screen) == .gif)
    }

    @Test(
        arguments: [
            "", " ", "hello", "<!DOCTYPE html><html></html>", "<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
            "<?xml version=\"1.0\"?><svg/>", "%PDF-1.7\n%\u{E2}\u{E3}", "PK\u{3}\u{4}\u{14}\0\0\0\u{8}\0",
            "RIFF\u{24}\0\0\0WEBPVP8 \u{18}\0\0\0", "BM\u{46}\0\0\0\0\0\0\0\u{36}\0\0\0", "II*\0\u{8}\0\0\0",
            "\0\0\0\u{1C}ftypavif\0\0\0\0", "GIF88a\u{1}\0\u{1}\0\0\0\0", "gif89a\u{1}\0\u{1}\0\0\0\0",
            " GIF89a\u{1}\0\u{1}\0\0\0\0", "<?php echo 1; ?>", "\0\0\u{1}\0\u{1}\0\u{10}\u{10}\0\0\u{1}\0",
        ])
    func `text and other formats are refused`(content: String) {
        #expect(PictureFormat(content: Array(content.utf8)) == nil)
    }

    @Test(arguments: 0..<16)
    func `a PNG that ends before its first chunk's name is refused`(length: Int) {
        let start: [UInt8] = [
            0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13, 0x49, 0x48, 0x44, 0x52,
        ]

        #expect(PictureFormat(content: start.prefix(length)) == nil)
        #expect(PictureFormat(content: start) == .png)
    }

    @Test(arguments: 0..<13)
    func `a GIF that ends within its screen descriptor is refused`(length: Int) {
        let start = Array("GIF89a".utf8) + [1, 0, 1, 0, 0, 0, 0] as [UInt8]

        #expect(PictureFormat(content: start.prefix(length)) == nil)
        #expect(PictureFormat(content: start) == .gif)
    }

    @Test(arguments: [
        [], [0xFF], [0xFF, 0xD8], [0xFF, 0xD8, 0xFF], [0xFF, 0xD8, 0xFF, 0x00], [0xFF, 0xD8, 0xFF, 0xFF],
    ])
    func `a JPEG that ends before its first marker, or has none, is refused`(content: [UInt8]) {
        #expect(PictureFormat(content: content) == nil)
    }

    @Test func `the ending of a file's name follows from its format`() {
        #expect(PictureFormat.jpeg.fileExtension == "jpg")
        #expect(PictureFormat.png.fileExtension == "png")
        #expect(PictureFormat.gif.fileExtension == "gif")
    }
}
