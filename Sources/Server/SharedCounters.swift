import CLinux
import Glibc
import Synchronization
import System

/// Numbers that several processes change, found by their names, in memory that they share.
///
/// A reload may start workers of another version beside those that run, so nothing but its name and kind says where a
/// number is. What is there stays there: it outlives the process that counted. Nobody ever waits for another process.
///
/// ```
/// word 0   `mark`
/// records  size in words, 0 behind the last record
///          kind, bytes of the name, count of numbers; 0 until the rest is written
///          the name, then the numbers
/// ```
final class SharedCounters: @unchecked Sendable {
    typealias Number = Atomic<UInt64>

    /// What the numbers of a record mean, so that nobody takes them for something else.
    struct Kind: Equatable {
        let code: UInt32

        /// One number, only ever added to or set.
        static let single = Kind(code: 1)
        /// A number for each place of a process; zero again when that process ends.
        static let ofProcesses = Kind(code: 2)
        fileprivate static let places = Kind(code: 3)

        /// One number for each bound, one for what is above them, and the sum of all that was observed.
        static func histogram(_ bounds: [Int64]) -> Kind {
            // FNV-1a: other bounds are another kind.
            let hash = bounds.reduce(0x811c_9dc5 as UInt32) { ($0 ^ UInt32(truncatingIfNeeded: $1)) &* 0x0100_0193 }
            return Kind(code: hash | 0x8000_0000)
        }
    }

    struct Record {
        let name: String
        let kind: Kind
        let numbers: UnsafeMutableBufferPointer<Number>
    }

    /// Processes that can have gauges at a time: twice the most workers, and room for those of more reloads.
    static let maxProcesses = 1024

    /// Memory is taken for what is used of it only.
    private static let size = 1 << 20
    private static let words = size / 8
    /// Of this form of records; another form gets another mark.
    private static let mark: UInt64 = 0x686f_6d65_726f_6f31
    /// Records of different processes do not share a cache line.
    private static let line = 8

    let memory: UnsafeMutablePointer<Number>

    /// A file for `init(file:)`, to be handed to every process.
    static func makeFile() throws(SystemError) -> Int32 {
        let file = try MemoryFile.make("homeroom-metrics", size: size)
        guard let memory = MemoryFile.map(file, size: size) else {
            throw SystemError("mmap", "homeroom-metrics", code: errno)
        }
        memory.assumingMemoryBound(to: Number.self).pointee.store(mark, ordering: .relaxed)
        munmap(memory, size)
        // Before there are several processes: of these there must be one record only.
        _ = SharedCounters(file: file).places
        return file
    }

    /// The numbers of a file; of this process alone where the file is none, or one of a parent whose form is another.
    /// They stay mapped, because they are handed out.
    init(file: Int32?) {
        guard let memory = file.flatMap(SharedCounters.map) ?? MemoryFile.map(-1, size: SharedCounters.size) else {
            preconditionFailure("no memory for metrics: \(errno)")
        }
        self.memory = memory.assumingMemoryBound(to: Number.self)
    }

    private static func map(_ file: Int32) -> UnsafeMutableRawPointer? {
        guard let memory = MemoryFile.map(file, size: size) else { return nil }
        if memory.assumingMemoryBound(to: Number.self).pointee.load(ordering: .relaxed) == mark { return memory }
        munmap(memory, size)
        return nil
    }

    /// The numbers of that name and kind, zero where they are new; nil where there is no room for them.
    ///
    /// Two processes that ask at the same moment may get a record each: whoever reads adds those of one name.
    func numbers(_ name: String, _ kind: Kind, count: Int) -> UnsafeMutableBufferPointer<Number>? {
        let bytes = Array(name.utf8)
        let start = 2 + (bytes.count + 7) / 8
        let needed = (start + count + SharedCounters.line - 1) / SharedCounters.line * SharedCounters.line
        let head = UInt64(kind.code) << 32 | UInt64(bytes.count) << 16 | UInt64(count)
        precondition(bytes.count < 256 && count < 1 << 16, "\(name): too long")
        var offset = SharedCounters.line
        while offset + needed <= SharedCounters.words {
            let claimed = memory[offset].compareExchange(
                expected: 0, desired: UInt64(needed), ordering: .acquiringAndReleasing)
            if claimed.exchanged {
                UnsafeMutableRawPointer(memory + offset + 2).copyMemory(from: bytes, byteCount: bytes.count)
                memory[offset + 1].store(head, ordering: .releasing)
                return UnsafeMutableBufferPointer(start: memory + offset + start, count: count)
            }
            if memory[offset + 1].load(ordering: .acquiring) == head, self.name(at: offset, bytes.count) == name {
                return UnsafeMutableBufferPointer(start: memory + offset + start, count: count)
            }
            guard let next = end(of: offset, claimed.original) else { return nil }
            offset = next
        }
        return nil
    }

    /// All that have a name yet, in the order in which they were made.
    func records() -> [Record] {
        var records: [Record] = []
        var offset = SharedCounters.line
        while offset < SharedCounters.words - 2, let next = end(of: offset, memory[offset].load(ordering: .acquiring)) {
            defer { offset = next }
            let head = memory[offset + 1].load(ordering: .acquiring)
            let (bytes, count) = (Int(head >> 16 & 0xFFFF), Int(head & 0xFFFF))
            let start = offset + 2 + (bytes + 7) / 8
            guard head != 0, start + count <= next else { continue }
            records.append(
                Record(
                    name: name(at: offset, bytes), kind: Kind(code: UInt32(head >> 32)),
                    numbers: UnsafeMutableBufferPointer(start: memory + start, count: count)))
        }
        return records
    }

    private func name(at offset: Int, _ count: Int) -> String {
        String(decoding: UnsafeRawBufferPointer(start: memory + offset + 2, count: count), as: UTF8.self)
    }

    /// Where the next record begins; nil behind the last.
    private func end(of offset: Int, _ size: UInt64) -> Int? {
        // Another process wrote it, so it is looked at before it is believed.
        guard size > 0, size <= UInt64(SharedCounters.words - offset) else { return nil }
        return offset + Int(size)
    }

    // MARK: Places of processes

    /// The process in each place.
    var processes: [(place: Int, pid: pid_t)] {
        let places = places
        return places.indices.compactMap { index in
            let pid = pid_t(truncatingIfNeeded: places[index].load(ordering: .relaxed))
            return pid > 0 ? (index, pid) : nil
        }
    }

    private var places: UnsafeMutableBufferPointer<Number> {
        guard let places = numbers("places", .places, count: SharedCounters.maxProcesses) else {
            preconditionFailure("no room for the places of processes")
        }
        return places
    }

    /// Takes a place for a process; nil when all are taken.
    func place(for pid: pid_t) -> Int? {
        let places = places
        return places.indices.first { index in
            places[index].compareExchange(expected: 0, desired: UInt64(pid), ordering: .acquiring).exchanged
        }
    }

    /// Takes back the place of a process that has ended, and its part in all numbers of the kind `ofProcesses`.
    func clear(_ pid: pid_t) {
        let places = places
        for index in places.indices where places[index].load(ordering: .relaxed) == UInt64(pid) {
            for record in records() where record.kind == .ofProcesses && index < record.numbers.count {
                record.numbers[index].store(0, ordering: .relaxed)
            }
            places[index].store(0, ordering: .releasing)
        }
    }
}
