import Foundation

/// Makes broken files of good ones, the same ones for the same seed.
package struct Mutator: RandomNumberGenerator {
    private var state: UInt64

    package init(seed: UInt64) {
        state = seed
    }

    /// SplitMix64.
    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }

    /// A copy with one to eight changes, some of them taken from `other`.
    package mutating func mutation(of file: [UInt8], with other: [UInt8]) -> [UInt8] {
        var file = file
        for _ in 0..<Int.random(in: 1...8, using: &self) { change(&file, other) }
        return file
    }

    private mutating func change(_ file: inout [UInt8], _ other: [UInt8]) {
        guard !file.isEmpty else {
            file = other
            return
        }
        // Headers are where the decisions are: half of all changes go there.
        let end = Bool.random(using: &self) ? min(file.count, 64) : file.count
        let place = Int.random(in: 0..<end, using: &self)
        let rest = min(file.count - place, Int.random(in: 1...64, using: &self))
        switch Int.random(in: 0..<8, using: &self) {
        case 0: file[place] ^= 1 << UInt8.random(in: 0..<8, using: &self)
        case 1: file[place] = UInt8.random(in: 0...255, using: &self)
        case 2: file[place] = [0, 1, 0x7F, 0x80, 0xFF].randomElement(using: &self) ?? 0
        case 3: file.removeSubrange(place..<(place + rest))
        case 4: file.insert(contentsOf: file[place..<(place + rest)], at: place)
        case 5: file.removeSubrange(place...)
        case 6:
            guard !other.isEmpty else { return }
            let start = Int.random(in: 0..<other.count, using: &self)
            file.insert(contentsOf: other[start..<min(other.count, start + rest)], at: place)
        default:
            let value = UInt32.random(in: 0...UInt32.max, using: &self)
            for offset in 0..<min(4, file.count - place) {
                file[place + offset] = UInt8(truncatingIfNeeded: value >> (offset * 8))
            }
        }
    }
}

/// How long and from where tests try mutations: FUZZ_SECONDS and FUZZ_SEED of the environment.
package struct FuzzRun {
    package let seed: UInt64
    /// nil: only so many as take no time.
    package let seconds: Double?

    package init() {
        let environment = ProcessInfo.processInfo.environment
        seed = environment["FUZZ_SEED"].flatMap { UInt64($0) } ?? 1
        seconds = environment["FUZZ_SECONDS"].flatMap { Double($0) }
    }

    /// Runs `body` with one mutator after the other, `few` times or as long as was asked for; gives how often.
    package func each(few: Int, _ body: (_ number: UInt64, inout Mutator) throws -> Void) rethrows -> Int {
        let end = ContinuousClock.now + .seconds(seconds ?? 0)
        var count = 0
        while seconds == nil ? count < few : ContinuousClock.now < end {
            let number = seed &+ UInt64(count)
            var mutator = Mutator(seed: number)
            try body(number, &mutator)
            count += 1
        }
        return count
    }
}
