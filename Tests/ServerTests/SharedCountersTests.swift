import CLinux
import Glibc
import Synchronization
import TestSupport
import Testing

@testable import Server

struct SharedCountersTests {
    private let file: Int32

    init() throws {
        file = try SharedCounters.makeFile()
    }

    /// As another process sees it.
    private func opened() -> SharedCounters { SharedCounters(file: file) }

    private func values(_ name: String) -> [UInt64] {
        opened().records().filter { $0.name == name }.flatMap { record in
            record.numbers.indices.map { record.numbers[$0].load(ordering: .relaxed) }
        }
    }

    @Test func `what one process counted another finds by the name`() throws {
        let numbers = try #require(opened().numbers("mails", .single, count: 1))
        numbers[0].wrappingAdd(41, ordering: .relaxed)

        let found = try #require(opened().numbers("mails", .single, count: 1))
        found[0].wrappingAdd(1, ordering: .relaxed)

        #expect(values("mails") == [42])
    }

    @Test func `numbers of another kind or count are others, though their name is the same`() throws {
        let shared = opened()

        for (kind, count) in [
            (SharedCounters.Kind.single, 1), (.histogram([1, 2]), 4), (.histogram([1, 3]), 4), (.histogram([1]), 3),
        ] {
            let numbers = try #require(shared.numbers("mails", kind, count: count))
            #expect(numbers[0].wrappingAdd(1, ordering: .relaxed).newValue == 1)
        }

        #expect(shared.records().count { $0.name == "mails" } == 4)
    }

    @Test func `names that are new to many at once lose no count`() {
        let names = (0..<40).map { "name \($0)" }

        _ = concurrently(8, prepare: { _ in opened() }) { thread, shared in
            for round in 0..<1000 {
                let name = names[(thread + round) % names.count]
                shared.numbers(name, .single, count: 1)?[0].wrappingAdd(1, ordering: .relaxed)
            }
            return true
        }

        #expect(names.map { values($0).reduce(0, +) } == Array(repeating: 200, count: 40))
    }

    @Test func `when it is full there are no more, and those that are there stay`() throws {
        let shared = opened()
        let first = try #require(shared.numbers("first", .single, count: 1))
        first[0].store(7, ordering: .relaxed)

        var made = 0
        while shared.numbers("\(made)", .single, count: 1000) != nil { made += 1 }

        #expect(made > 100)
        #expect(shared.numbers("last", .single, count: 1000) == nil)
        #expect(shared.numbers("first", .single, count: 1)?[0].load(ordering: .relaxed) == 7)
    }

    @Test func `a file of another form is left alone`() throws {
        let memory = try #require(homeroom_map_memory(file, 1 << 20))
        let whole = UnsafeMutableRawBufferPointer(start: memory, count: 1 << 20)
        whole[0] ^= 1
        let before = Array(whole)

        let numbers = try #require(opened().numbers("mails", .single, count: 1))
        numbers[0].wrappingAdd(1, ordering: .relaxed)

        #expect(whole.elementsEqual(before))
    }

    @Test(arguments: [-1, 16])
    func `without a file of the right size a process counts alone`(size: Int) throws {
        let other = size < 0 ? -1 : homeroom_make_memory("test", size)
        defer { close(other) }
        let shared = SharedCounters(file: other)

        let numbers = try #require(shared.numbers("mails", .single, count: 1))

        #expect(numbers[0].wrappingAdd(1, ordering: .relaxed).newValue == 1)
    }

    @Test func `rubbish in the memory is not followed out of it`() throws {
        var dice = Mutator(seed: 5)
        let memory = try #require(homeroom_map_memory(file, 1 << 20))
        let words = UnsafeMutableBufferPointer(start: memory.assumingMemoryBound(to: UInt64.self), count: 1 << 17)
        for _ in 0..<300 {
            for index in 8..<64 { words[index] = dice.next() >> (Bool.random(using: &dice) ? 52 : 0) }

            let shared = opened()
            let records = shared.records()
            _ = shared.numbers("mails", .single, count: 1)

            let isInside = records.allSatisfy { record in
                guard let start = record.numbers.baseAddress.map(UnsafeMutableRawPointer.init) else { return true }
                return start >= shared.memory && start + record.numbers.count * 8 <= shared.memory + (1 << 20)
            }
            #expect(isInside)
        }
    }

    @Test func `a process that ended takes its part with it, and its place is free again`() throws {
        let shared = opened()
        let gauge = try #require(shared.numbers("busy", .ofProcesses, count: SharedCounters.maxProcesses))
        let counter = try #require(shared.numbers("mails", .single, count: 1))
        let places = [shared.place(for: 100), shared.place(for: 200)]
        for place in 0..<2 { gauge[place].store(5, ordering: .relaxed) }
        counter[0].store(3, ordering: .relaxed)

        opened().clear(100)

        #expect(places == [0, 1])
        #expect(shared.processes.map(\.pid) == [200])
        #expect(values("busy").prefix(3) == [0, 5, 0])
        #expect(values("mails") == [3])
        #expect(shared.place(for: 300) == 0)
    }

    @Test func `there is an end of places`() {
        let shared = opened()

        let places = (0..<1025).map { shared.place(for: pid_t($0 + 1)) }

        #expect(places == (0..<1024).map { $0 } + [nil])
    }
}
