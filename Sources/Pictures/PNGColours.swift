import CVips
import Glibc

/// What a PNG says its numbers mean, where no profile says it. (PNG, third edition, §4.3: cICP before iCCP before sRGB
/// before gAMA and cHRM.)
struct PNGColours: Equatable, Sendable {
    /// x and y of white, red, green and blue. (CIE 1931)
    var places: [Double]
    var curve: Curve

    /// From a number to the light that it stands for; both from 0 to 1.
    enum Curve: Equatable, Sendable {
        case sRGB
        case power(Double)
        case bt709, smpte240, hlg, pq
        /// Numbers from 16 to 235 of 255.
        indirect case narrow(Curve)
    }

    /// What the chunks before the pixels say.
    enum Statement {
        /// sRGB, or nothing.
        case none
        case profile
        case colours(PNGColours)
    }

    static func statement(of png: UnsafeRawBufferPointer) -> Statement {
        var chunks: [String: [UInt8]] = [:]
        var place = 8
        while place + 12 <= png.count {
            let length = (0..<4).reduce(0) { $0 << 8 | Int(png[place + $1]) }
            let name = String(decoding: png[(place + 4)..<(place + 8)], as: UTF8.self)
            guard name != "IDAT", name != "PLTE", place + 12 + length <= png.count else { break }
            if chunks[name] == nil, ["cICP", "iCCP", "sRGB", "gAMA", "cHRM"].contains(name) {
                // Of a profile only that it is there; the others are short.
                let content = png[(place + 8)..<(place + 8 + min(length, 32))]
                if name == "iCCP" || sum(png[(place + 4)..<(place + 8 + length)]) == number(png, place + 8 + length) {
                    chunks[name] = Array(content)
                }
            }
            place += 12 + length
        }
        if let content = chunks["cICP"], let colours = PNGColours(codePoints: content) {
            return colours == sRGB ? .none : .colours(colours)
        }
        if chunks["iCCP"] != nil { return .profile }
        if chunks["sRGB"] != nil { return .none }
        return statement(gamma: chunks["gAMA"], places: chunks["cHRM"])
    }

    private static func statement(gamma: [UInt8]?, places: [UInt8]?) -> Statement {
        var colours = sRGB
        if let gamma, gamma.count == 4 {
            let value = (0..<4).reduce(0) { $0 << 8 | Int(gamma[$1]) }
            guard 1000...10_000_000 ~= value else { return .none }
            // What programs write for sRGB.
            if abs(value - 45_455) > 500 { colours.curve = .power(100_000 / Double(value)) }
        }
        if let places, places.count == 32 {
            colours.places = (0..<8).map { index in
                Double((0..<4).reduce(0) { $0 << 8 | Int(places[4 * index + $1]) }) / 100_000
            }
            if zip(colours.places, sRGB.places).allSatisfy({ abs($0 - $1) < 0.002 }) { colours.places = sRGB.places }
        }
        return colours == sRGB ? .none : .colours(colours)
    }

    /// Four bytes: primaries, transfer function, matrix and range. (ITU-T H.273 §8)
    private init?(codePoints: [UInt8]) {
        guard codePoints.count == 4, codePoints[2] == 0, codePoints[3] <= 1 else { return nil }
        let d65 = [0.3127, 0.3290]
        switch codePoints[0] {
        case 1: places = PNGColours.sRGB.places
        case 4: places = [0.310, 0.316, 0.67, 0.33, 0.21, 0.71, 0.14, 0.08]
        case 5: places = d65 + [0.64, 0.33, 0.29, 0.60, 0.15, 0.06]
        case 6, 7: places = d65 + [0.630, 0.340, 0.310, 0.595, 0.155, 0.070]
        case 8: places = [0.310, 0.316, 0.681, 0.319, 0.243, 0.692, 0.145, 0.049]
        case 9: places = d65 + [0.708, 0.292, 0.170, 0.797, 0.131, 0.046]
        case 11: places = [0.314, 0.351, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060]
        case 12: places = d65 + [0.680, 0.320, 0.265, 0.690, 0.150, 0.060]
        case 22: places = d65 + [0.630, 0.340, 0.295, 0.605, 0.155, 0.077]
        default: return nil
        }
        switch codePoints[1] {
        case 1, 6, 11, 12, 14, 15: curve = .bt709
        case 4: curve = .power(2.2)
        case 5: curve = .power(2.8)
        case 7: curve = .smpte240
        case 8: curve = .power(1)
        case 13: curve = .sRGB
        case 16: curve = .pq
        case 17: curve = .power(2.6)
        case 18: curve = .hlg
        default: return nil
        }
        if codePoints[3] == 0 { curve = .narrow(curve) }
    }

    private init(places: [Double], curve: Curve) {
        self.places = places
        self.curve = curve
    }

    private static let sRGB = PNGColours(
        places: [0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06], curve: .sRGB)

    /// A profile that says the same; nil for places that are no colours. The caller closes it.
    func profile(isGrey: Bool) -> cmsHPROFILE? {
        let count = 4096
        let light = (0..<count).map { Float(curve.light(Double($0) / Double(count - 1))) }
        return homeroom_colours_profile(isGrey ? 1 : 0, places, light, UInt32(count))
    }

    /// As libpng adds up a chunk. (PNG, annex D)
    private static func sum(_ bytes: Slice<UnsafeRawBufferPointer>) -> UInt32 {
        var sum: UInt32 = 0xFFFF_FFFF
        for byte in bytes.prefix(40) {
            sum ^= UInt32(byte)
            for _ in 0..<8 { sum = sum & 1 == 1 ? sum >> 1 ^ 0xEDB8_8320 : sum >> 1 }
        }
        return ~sum
    }

    private static func number(_ bytes: UnsafeRawBufferPointer, _ place: Int) -> UInt32 {
        (0..<4).reduce(0) { $0 << 8 | UInt32(bytes[place + $1]) }
    }
}

extension PNGColours.Curve {
    /// The light of white, in cd/m², where numbers stand for more than a screen of sRGB can show: what is brighter is
    /// white. (ITU-R BT.2408 §2.1)
    private static let white = 203.0

    func light(_ value: Double) -> Double {
        switch self {
        case .sRGB: value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4)
        case .power(let exponent): pow(value, exponent)
        // ITU-R BT.709, BT.601, BT.2020.
        case .bt709: value < 0.081_243 ? value / 4.5 : pow((value + 0.099_297) / 1.099_297, 1 / 0.45)
        // SMPTE ST 240.
        case .smpte240: value < 0.0913 ? value / 4 : pow((value + 0.1115) / 1.1115, 1 / 0.45)
        case .hlg: min(1, 1000 * pow(PNGColours.Curve.scene(value), 1.2) / PNGColours.Curve.white)
        case .pq: min(1, PNGColours.Curve.quantized(value) / PNGColours.Curve.white)
        case .narrow(let curve): curve.light(min(1, max(0, (value * 255 - 16) / 219)))
        }
    }

    /// ITU-R BT.2100, table 5: the light of the scene, of 1.
    private static func scene(_ value: Double) -> Double {
        let (a, b, c) = (0.178_832_77, 0.284_668_92, 0.559_910_73)
        return value <= 0.5 ? value * value / 3 : (exp((value - c) / a) + b) / 12
    }

    /// ITU-R BT.2100, table 4: in cd/m².
    private static func quantized(_ value: Double) -> Double {
        let (m1, m2, c1, c2, c3) = (0.159_301_757_812_5, 78.843_75, 0.835_937_5, 18.851_562_5, 18.687_5)
        let root = pow(value, 1 / m2)
        return 10_000 * pow(max(root - c1, 0) / (c2 - c3 * root), 1 / m1)
    }
}
