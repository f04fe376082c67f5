import CLinux
import FastCGI
import Glibc
import System
import TestSupport
import Testing

final class ExchangeTests {
    private let peer: Peer
    private let end: Int32
    private let exchange = Exchange()
    /// The connection after `finish`, to be closed with the test.
    private var kept: Int32?

    init() throws {
        try #require(processIsPrepared)
        (peer, end) = try Peer.connected()
        limitWaiting(of: end, toMilliseconds: 5000)
    }

    deinit {
        if let kept { close(kept) }
    }

    /// Whether the connection stays open.
    private func finish() -> Bool {
        kept = exchange.finish()
        return kept != nil
    }

    /// Reads the body to its end, `size` bytes at a time.
    private func body(inPiecesOf size: Int = 4096) throws -> [[UInt8]] {
        try exchange.body(inPiecesOf: size)
    }

    private func write(_ bytes: [UInt8]) -> Bool {
        exchange.write(bytes)
    }

    // MARK: Variables

    @Test func `variables are found by their names`() {
        peer.send(Record.request([("REQUEST_METHOD", "POST"), ("REQUEST_URI", "/a?b=c"), ("HTTP_COOKIE", "")]))

        #expect(exchange.begin(on: end))

        #expect(exchange.variable("REQUEST_METHOD") == "POST")
        #expect(exchange.variable("REQUEST_URI") == "/a?b=c")
        #expect(exchange.variable("HTTP_COOKIE") == "")
        #expect(exchange.variable("HTTP_HOST") == nil)
        #expect(exchange.variable("REQUEST") == nil)
    }

    @Test(arguments: [127, 128, 8191, 8192, 65_535, 70_000])
    func `long names and values arrive whole`(length: Int) {
        let long = String(repeating: "n", count: length)
        peer.send(Record.request([(long, "1"), ("VALUE", long), ("LAST", "2")]))

        #expect(exchange.begin(on: end))

        #expect(exchange.variable(long) == "1")
        #expect(exchange.variable("VALUE") == long)
        #expect(exchange.variable("LAST") == "2")
    }

    @Test(arguments: 1...12)
    func `variables split over records arrive whole`(size: Int) {
        let pairs = Record.pair(Array("NAME".utf8), Array("value".utf8)) + Record.pair(Array("B".utf8), Array("2".utf8))
        let pieces = stride(from: 0, to: pairs.count, by: size).flatMap { start in
            Record.of(type: Record.parameters, Array(pairs[start...].prefix(size)), padding: UInt8(size))
        }
        peer.send(Record.begin() + pieces + Record.of(type: Record.parameters) + Record.body([]))

        #expect(exchange.begin(on: end))

        #expect(exchange.variable("NAME") == "value")
        #expect(exchange.variable("B") == "2")
    }

    @Test func `all values of a variable that was sent more than once are there, in their order`() {
        peer.send(
            Record.request([("HTTP_COOKIE", "a=1"), ("HTTP_COOKIE2", "x"), ("HTTP_COOKIE", ""), ("HTTP_COOKIE", "b=2")])
        )

        #expect(exchange.begin(on: end))

        #expect(exchange.variables("HTTP_COOKIE") == ["a=1", "", "b=2"])
        #expect(exchange.variables("HTTP_HOST") == [])
    }

    @Test func `broken UTF-8 in a value is repaired`() {
        let pair = Record.pair(Array("NAME".utf8), [0x61, 0xFF, 0x62])
        peer.send(Record.begin() + Record.of(type: Record.parameters, pair) + Record.variables([]) + Record.body([]))

        #expect(exchange.begin(on: end))

        #expect(exchange.variable("NAME") == "a\u{FFFD}b")
    }

    @Test func `a second request has none of the first one's variables`() throws {
        peer.send(Record.request([("HTTP_AUTHORIZATION", "Bearer x")], body: "first"))
        #expect(exchange.begin(on: end))
        #expect(finish())
        peer.send(Record.request([("REQUEST_URI", "/")]))

        #expect(exchange.begin(on: try #require(kept)))

        #expect(exchange.variable("HTTP_AUTHORIZATION") == nil)
        #expect(exchange.contentLength == 0)
    }

    // MARK: The body

    @Test func `the body is read in pieces of the buffer's size`() throws {
        peer.send(Record.request(body: "hello world"))

        #expect(exchange.begin(on: end))

        #expect(exchange.contentLength == 11)
        #expect(try body(inPiecesOf: 4) == [Array("hell".utf8), Array("o wo".utf8), Array("rld".utf8)])
        #expect(try body().isEmpty)
    }

    @Test func `a body split over records is one body`() throws {
        let pieces = ["he", "llo", " ", "world"].flatMap {
            Record.of(type: Record.standardInput, Array($0.utf8), padding: 5)
        }
        peer.send(
            Record.begin() + Record.variables([("CONTENT_LENGTH", "11")]) + pieces
                + Record.of(type: Record.standardInput))

        #expect(exchange.begin(on: end))

        #expect(try body() == [Array("hello world".utf8)])
    }

    @Test func `a body larger than one record is read whole`() throws {
        let sent = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 % 251) }
        let sender = POSIXThread(name: "peer") { [peer] in
            peer.send(Record.begin() + Record.variables([("CONTENT_LENGTH", "200000")]) + Record.body(sent))
        }

        #expect(exchange.begin(on: end))

        #expect(try body(inPiecesOf: 10_007).flatMap(\.self) == sent)
        sender.join()
    }

    @Test func `a body shorter than announced is cut short`() {
        peer.send(Record.request(body: "short", announced: "6"))

        #expect(exchange.begin(on: end))

        #expect(throws: Exchange.CutShort.self) { try body() }
        #expect(throws: Exchange.CutShort.self) { try body() }
    }

    @Test func `a request that was cut short is answered and its connection closed`() {
        peer.send(Record.request(body: "short", announced: "6"))
        #expect(exchange.begin(on: end))
        #expect(throws: Exchange.CutShort.self) { try body() }

        #expect(write(Array("answer".utf8)))
        #expect(!finish())

        #expect(peer.answer()?.content == Array("answer".utf8))
        #expect(peer.isClosedByService)
    }

    @Test func `of a body longer than announced only the announced part is given`() throws {
        peer.send(Record.request(body: "hello world", announced: "5"))

        #expect(exchange.begin(on: end))

        #expect(try body() == [Array("hello".utf8)])
    }

    @Test(arguments: ["", "abc", "-1", "1e3", "5x", " 5", "0x5", "9223372036854775808", "99999999999999999999"])
    func `a length that is no number counts as 0`(announced: String) throws {
        peer.send(Record.request(body: "hello", announced: announced))

        #expect(exchange.begin(on: end))

        #expect(exchange.contentLength == 0)
        #expect(try body().isEmpty)
    }

    @Test func `a huge length is cut short where the body ends`() {
        peer.send(Record.request(body: "hello", announced: "9223372036854775807"))

        #expect(exchange.begin(on: end))

        #expect(exchange.contentLength == .max)
        #expect(throws: Exchange.CutShort.self) { try body() }
    }

    // MARK: One request after the other

    @Test(arguments: [("", nil), ("unread", nil), ("longer", "2"), ("no number", "x")] as [(String, String?)])
    func `after a body left unread the next request is answered`(body: String, announced: String?) throws {
        peer.send(Record.request(body: body, announced: announced))
        #expect(exchange.begin(on: end))
        #expect(finish())
        #expect(peer.answer()?.content == [])
        peer.send(Record.request([("REQUEST_URI", "/second")], body: "second"))

        #expect(exchange.begin(on: try #require(kept)))
        #expect(write(Array("2".utf8)))

        #expect(exchange.variable("REQUEST_URI") == "/second")
        #expect(try self.body() == [Array("second".utf8)])
        #expect(finish())
        #expect(peer.answer()?.content == Array("2".utf8))
    }

    @Test func `after a large body left unread the next request is answered`() throws {
        let sender = POSIXThread(name: "peer") { [peer] in
            peer.send(Record.request(body: String(repeating: "x", count: 1 << 20)))
        }
        #expect(exchange.begin(on: end))
        #expect(finish())
        sender.join()
        peer.send(Record.request([("REQUEST_URI", "/second")]))

        #expect(exchange.begin(on: try #require(kept)))

        #expect(exchange.variable("REQUEST_URI") == "/second")
    }

    @Test func `a body of more than 16 MiB left unread closes the connection`() {
        let sender = POSIXThread(name: "peer") { [peer] in
            let piece = Record.of(type: Record.standardInput, [UInt8](repeating: 0x78, count: 65_535))
            peer.send(Record.begin() + Record.variables([("CONTENT_LENGTH", "20000000")]))
            for _ in 0..<300 where peer.send(piece) != 0 { break }
        }
        #expect(exchange.begin(on: end))

        #expect(!finish())

        sender.join()
        #expect(peer.answer()?.content == [])
        #expect(peer.isClosedByService)
    }

    @Test func `a request without FCGI_KEEP_CONN is answered and its connection closed`() {
        peer.send(Record.request(keep: false))
        #expect(exchange.begin(on: end))

        #expect(write(Array("answer".utf8)))
        #expect(!finish())

        #expect(peer.answer()?.content == Array("answer".utf8))
        #expect(peer.isClosedByService)
    }

    @Test func `a request's id stands in its answer`() {
        peer.send(Record.request(id: 0xABCD))
        #expect(exchange.begin(on: end))

        #expect(finish())

        #expect(peer.answer()?.id == 0xABCD)
    }

    // MARK: A peer that leaves

    /// A request without its body.
    private static let head = Record.begin() + Record.variables([("CONTENT_LENGTH", "5"), ("REQUEST_URI", "/")])

    @Test(arguments: 0..<head.count)
    func `a request whose head ends too early is none`(sent: Int) {
        peer.send(Array(ExchangeTests.head.prefix(sent)))
        peer.close()

        #expect(!exchange.begin(on: end))
    }

    @Test func `the connection of a request that is none is closed`() {
        let pair = Record.pair(Array("REQUEST_URI".utf8), Array("/".utf8))
        peer.send(Record.begin() + Record.of(type: Record.parameters, pair))
        limitWaiting(of: end, toMilliseconds: 20)

        #expect(!exchange.begin(on: end))

        #expect(peer.isClosedByService)
    }

    @Test(arguments: [0, 1, 7, 8, 9, 12])
    func `a peer gone within the body cuts it short`(sent: Int) {
        peer.send(ExchangeTests.head + Record.body(Array("hello".utf8)).prefix(sent))
        peer.close()

        #expect(exchange.begin(on: end))

        #expect(throws: Exchange.CutShort.self) { try body() }
        #expect(!finish())
    }

    @Test func `a peer gone before the body's end closes the connection`() throws {
        peer.send(ExchangeTests.head + Record.of(type: Record.standardInput, Array("hello".utf8)))
        peer.close()

        #expect(exchange.begin(on: end))

        #expect(try body() == [Array("hello".utf8)])
        #expect(!finish())
    }

    @Test func `an aborted request is cut short`() {
        peer.send(
            ExchangeTests.head + Record.of(type: Record.standardInput, Array("he".utf8))
                + Record.of(type: Record.abortRequest))

        #expect(exchange.begin(on: end))

        #expect(throws: Exchange.CutShort.self) { try body() }
    }

    @Test(arguments: [
        Record.of(type: Record.beginRequest, [0, 1, 1, 0, 0, 0, 0, 0], version: 2), Record.begin(role: 9),
        Record.variables([("A", "B")]), Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8), Record.begin(id: 0),
    ])
    func `what is no FastCGI request closes the connection`(sent: [UInt8]) {
        limitWaiting(of: end, toMilliseconds: 20)
        peer.send(sent)

        #expect(!exchange.begin(on: end))

        #expect(peer.isClosedByService)
    }

    @Test func `an exchange goes on with the next connection after a peer left`() throws {
        peer.close()
        #expect(!exchange.begin(on: end))
        let (next, nextEnd) = try Peer.connected()
        next.send(Record.request(body: "hello"))

        #expect(exchange.begin(on: nextEnd))

        #expect(try body() == [Array("hello".utf8)])
        #expect(finish())
        #expect(next.answer()?.content == [])
    }

    @Test func `an exchange that goes away in the middle of a request closes the connection`() throws {
        peer.send(Record.request())
        var other: Exchange? = Exchange()
        #expect(other?.begin(on: end) == true)

        other = nil

        #expect(peer.isClosedByService)
    }

    // MARK: A peer that is silent

    @Test(arguments: [0, 4, 20, 40])
    func `a request whose head does not come in time is none`(sent: Int) {
        limitWaiting(of: end, toMilliseconds: 20)
        peer.send(Array(ExchangeTests.head.prefix(sent)))

        #expect(!exchange.begin(on: end))

        #expect(peer.isClosedByService)
    }

    @Test func `a body that does not come in time is cut short`() {
        limitWaiting(of: end, toMilliseconds: 20)
        peer.send(ExchangeTests.head + Record.of(type: Record.standardInput, Array("he".utf8)))

        #expect(exchange.begin(on: end))

        #expect(throws: Exchange.CutShort.self) { try body() }
        #expect(!finish())
    }

    @Test func `an answer that nobody reads in time is given up`() {
        limitWaiting(of: end, toMilliseconds: 20)
        peer.send(Record.request())
        #expect(exchange.begin(on: end))

        #expect(!write([UInt8](repeating: 0x61, count: 4 << 20)))

        #expect(!finish())
    }

    // MARK: The answer

    @Test(arguments: [0, 1, 8160, 8176, 8183, 8184, 8185, 8191, 8192, 8193, 16_384, 65_536, 1 << 20])
    func `an answer of any size arrives whole and is ended`(size: Int) {
        let sent = (0..<size).map { UInt8(truncatingIfNeeded: $0 % 251) }
        peer.send(Record.request())
        #expect(exchange.begin(on: end))
        let received = Received()
        let reader = POSIXThread(name: "peer") { [peer] in received.answer = peer.answer() }

        #expect(write(sent))
        #expect(finish())

        reader.join()
        #expect(received.answer == Answer(content: sent, id: 1, outputIsEnded: true, status: [0, 0, 0, 0, 0]))
    }

    @Test func `an answer written in pieces arrives in their order`() {
        peer.send(Record.request())
        #expect(exchange.begin(on: end))

        for number in 0..<10_000 { #expect(write(Array("\(number)\n".utf8))) }
        #expect(finish())

        let lines = (0..<10_000).map { "\($0)\n" }.joined()
        #expect(peer.answer()?.content == Array(lines.utf8))
    }

    @Test func `an answer that is broken off has no end`() {
        peer.send(Record.request())
        #expect(exchange.begin(on: end))
        #expect(write([UInt8](repeating: 0x61, count: 20_000)))

        exchange.abort()

        #expect(!finish())
        #expect(peer.answer() == nil)
    }

    @Test func `a reader that went away stops the answer, not the process`() {
        peer.send(Record.request())
        #expect(exchange.begin(on: end))
        peer.close()

        #expect(!write([UInt8](repeating: 0x61, count: 1 << 20)))

        #expect(!finish())
    }

    @Test func `a reader that went away before a short answer closes the connection`() {
        peer.send(Record.request())
        #expect(exchange.begin(on: end))
        peer.close()

        #expect(write(Array("answer".utf8)))

        #expect(!finish())
    }
}

/// Filled on one thread, read after its end.
private final class Received: @unchecked Sendable {
    var answer: Answer?
}
