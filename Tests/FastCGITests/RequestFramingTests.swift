import Glibc
import TestSupport
import Testing

@testable import FastCGI

struct RequestFramingTests {
    private func framing(_ bytes: [UInt8], isFull: Bool = false) -> RequestFraming {
        bytes.withUnsafeBytes { RequestFraming(of: $0, isFull: isFull) }
    }

    private let request = Record.request([("REQUEST_METHOD", "POST"), ("REQUEST_URI", "/")], body: "hello")

    @Test func `a request is whole with its last byte and not before`() {
        #expect(framing(request) == .whole)
        for count in 1..<request.count { #expect(framing(Array(request[..<count])) == .partial) }
    }

    @Test func `a body without variables before it is no request`() {
        #expect(framing(Record.begin() + Record.body([])) == .closed)
    }

    @Test func `what follows a request does not matter`() {
        #expect(framing(request + [1, 2, 3]) == .whole)
    }

    @Test func `a request that is longer than what is looked at is long once its variables are there`() {
        let variables = Record.begin() + Record.variables([("A", "b")])

        #expect(framing(variables + [1, 5], isFull: true) == .long)
        #expect(framing(Array(variables.dropLast(8)), isFull: true) == .closed)
    }

    @Test func `another version of the protocol is no request`() {
        var other = request
        other[0] = 2

        #expect(framing(other) == .closed)
    }

    @Test func `records that no web server sends are no request`() {
        let variables = Record.variables([("A", "b")])
        let question = Record.of(type: 9, Record.pair(Array("FCGI_MAX_CONNS".utf8), []))

        #expect(framing(question + request) == .closed)
        #expect(framing(Record.begin() + question + variables + Record.body([])) == .closed)
        #expect(framing(Record.begin() + Record.begin() + variables + Record.body([])) == .closed)
        #expect(framing(Record.begin() + variables + Record.variables([]) + Record.body([])) == .closed)
    }

    @Test(arguments: [
        [0xF5, 0xF2, 0xAD, 0xBA, 0xAE, 0xAA, 0xBA, 0xAC], [0x80, 1, 0, 0, 0], [5, 5, 0x41], [0x80, 0],
    ])
    func `lengths of variables that do not fit are no request`(pair: [UInt8]) {
        let variables = Record.of(type: Record.parameters, pair)

        #expect(framing(Record.begin() + variables + Record.variables([]) + Record.body([])) == .closed)
    }

    @Test(arguments: 1...12)
    func `variables split over records are a request`(size: Int) {
        let long = [UInt8](repeating: 0x61, count: 300)
        let pairs = Record.pair(Array("NAME".utf8), long) + Record.pair(long, Array("2".utf8))
        let pieces = stride(from: 0, to: pairs.count, by: size).flatMap { start in
            Record.of(type: Record.parameters, Array(pairs[start...].prefix(size)), padding: UInt8(size))
        }

        #expect(
            framing(Record.begin() + pieces + Record.of(type: Record.parameters) + Record.body([])) == .whole)
    }

    /// Found by fuzzing: libfcgi takes what fills up an empty record for the next one.
    @Test(arguments: [Record.parameters, Record.standardInput])
    func `an empty record that is filled up is no request`(type: UInt8) {
        let variables = Record.begin() + Record.of(type: Record.parameters, padding: type == Record.parameters ? 8 : 0)

        #expect(framing(variables + Record.of(type: Record.standardInput, padding: 8)) == .closed)
    }

    @Test func `looking at a connection takes nothing from it`() throws {
        let listener = try Listener()
        let peer = try listener.connected()
        let end = try #require(listener.accepted())
        defer { close(end) }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: RequestFraming.maxAwaited, alignment: 16)
        defer { buffer.deallocate() }

        #expect(RequestFraming(on: end, buffer: buffer) == .nothing)
        peer.send(request)
        #expect(RequestFraming(on: end, buffer: buffer) == .whole)
        #expect(RequestFraming(on: end, buffer: buffer) == .whole)
        peer.close()
        #expect(RequestFraming(on: end, buffer: buffer) == .whole)
    }

    @Test func `a connection that its peer has left is closed`() throws {
        let listener = try Listener()
        let peer = try listener.connected()
        let end = try #require(listener.accepted())
        defer { close(end) }
        peer.close()
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 16, alignment: 16)
        defer { buffer.deallocate() }

        #expect(RequestFraming(on: end, buffer: buffer) == .closed)
    }
}
