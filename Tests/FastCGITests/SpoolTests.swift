import CLinux
import FastCGI
import Glibc
import Synchronization
import System
import TestSupport
import Testing

struct SpoolTests {
    private let peer: Peer
    private let end: Int32

    init() throws {
        try #require(processIsPrepared)
        (peer, end) = try Peer.connected()
    }

    /// A spool that answers each request with its body's length, on connections that are closed then.
    private func counting(
        max: Int = 8, capacity: Int = 8, limit: Int = 8 << 20, timeout: Duration = .seconds(5)
    ) -> Spool {
        Spool(max: max, capacity: capacity, limit: limit, timeout: timeout) {
            { _, spooled in
                let exchange = Exchange()
                guard let spooled, exchange.begin(spooled) else { return }
                let body = try? exchange.body().joined()
                exchange.write(Array("\(body?.count ?? -1)".utf8))
                exchange.finish().map { _ = close($0) }
            }
        }
    }

    /// A request with a body of so many bytes.
    private static func request(_ size: Int) -> [UInt8] {
        Record.request([("REQUEST_URI", "/a")], body: String(repeating: "b", count: size))
    }

    private static func text(_ answer: Answer?) -> String? {
        answer.map { String(decoding: $0.content, as: UTF8.self) }
    }

    @Test func `of a peer that can send no more a whole request is taken in at once, and a part is left`() throws {
        let whole = Self.request(100_000)
        let (other, otherEnd) = try Peer.connected()
        peer.send(whole)
        other.send(whole.dropLast(8))
        for end in [end, otherEnd] { shutdown(end, Int32(SHUT_RD)) }

        let spooled = Spool.takeIn(end)
        let part = Spool.takeIn(otherEnd)

        let exchange = Exchange()
        #expect(exchange.begin(try #require(spooled)))
        #expect(try exchange.body().joined().count == 100_000)
        #expect(part == nil)
        close(otherEnd)
    }

    @Test func `one that waits too long for its turn is given back`() throws {
        let held = Mutex<Spool.Spooled?>(nil)
        let late = Mutex<Int32?>(nil)
        let spool = Spool(max: 1, capacity: 8, longestWait: .milliseconds(50)) {
            { connection, spooled in
                if let spooled { held.withLock { $0 = spooled } } else { late.withLock { $0 = connection } }
            }
        }
        let (other, otherEnd) = try Peer.connected()
        peer.send(Self.request(1000))
        other.send(Self.request(1000))

        #expect(spool.submit(end))
        #expect(spool.submit(otherEnd))
        while late.withLock({ $0 }) == nil { sched_yield() }

        #expect(late.withLock { $0 } == otherEnd)
        #expect(held.withLock { $0?.connection } == end)
        held.withLock { $0 = nil }
        spool.drain()
        close(end)
        close(otherEnd)
    }

    // MARK: What comes

    @Test(arguments: [1, 65_535, 65_536, 1_000_000])
    func `a request arrives as it was sent, and is answered on its connection`(size: Int) throws {
        let found = Mutex<[[UInt8]]>([])
        let spool = Spool(capacity: 8) {
            { connection, spooled in
                let exchange = Exchange()
                #expect(spooled.map { exchange.begin($0) } == true)
                #expect(exchange.descriptor == connection)
                #expect(exchange.variable("REQUEST_URI") == "/a")
                found.withLock { $0.append((try? Array(exchange.body().joined())) ?? []) }
                exchange.write(Array("well".utf8))
                #expect(exchange.finish() == connection)
            }
        }
        let body = (0..<size).map { String($0 % 10) }.joined()
        let sender = POSIXThread(name: "sender") { [peer] in
            peer.send(Record.request([("REQUEST_URI", "/a")], body: body))
        }

        #expect(spool.submit(end))

        #expect(Self.text(peer.answer()) == "well")
        #expect(found.withLock { $0 } == [Array(body.utf8)])
        sender.join()
        spool.drain()
        close(end)
    }

    @Test func `what follows a request stays in the socket`() throws {
        let kept = Mutex<Int32?>(nil)
        let spool = Spool(capacity: 8) {
            { _, spooled in
                let exchange = Exchange()
                #expect(spooled.map { exchange.begin($0) } == true)
                kept.withLock { $0 = exchange.finish() }
            }
        }
        peer.send(Self.request(1000) + Record.request([("REQUEST_URI", "/next")]))

        #expect(spool.submit(end))
        #expect(peer.answer() != nil)

        let connection = try #require(kept.withLock { $0 })
        let next = Exchange()
        #expect(next.begin(on: connection))
        #expect(next.variable("REQUEST_URI") == "/next")
        #expect(next.finish() == end)
        spool.drain()
        close(end)
    }

    @Test func `a request may come byte by byte`() {
        let spool = counting()
        #expect(spool.submit(end))

        for byte in Self.request(30) { peer.send([byte]) }

        #expect(Self.text(peer.answer()) == "30")
        spool.drain()
    }

    @Test(arguments: [
        Record.of(type: Record.standardInput, id: 2), Record.of(type: Record.standardInput, version: 2),
        Record.of(type: Record.parameters), Record.of(type: Record.abortRequest), Record.begin(),
        Record.of(type: 9), Record.of(type: 200, [UInt8](repeating: 0, count: 65_535)),
    ])
    func `what no web server sends within a body closes the connection`(rubbish: [UInt8]) {
        let spool = counting()
        let sender = POSIXThread(name: "sender") { [peer] in
            peer.send(Self.request(200_000).dropLast(8) + rubbish + Record.of(type: Record.standardInput))
        }

        #expect(spool.submit(end))

        #expect(peer.isClosedByService)
        sender.join()
        spool.drain()
    }

    @Test func `a peer that leaves is no request`() {
        let spool = counting()
        peer.send(Array(Self.request(70_000).dropLast(9)))
        #expect(spool.submit(end))

        peer.close()

        spool.drain()
        #expect(fcntl(end, F_GETFD) == -1)
    }

    // MARK: Bounds

    @Test func `who stops is closed in the end, and holds nobody up until then`() throws {
        let spool = counting(timeout: .milliseconds(300))
        peer.send(Array(Self.request(70_000).prefix(69_000)))
        #expect(spool.submit(end))
        let (other, otherEnd) = try Peer.connected()
        other.send(Self.request(70_000))

        #expect(spool.submit(otherEnd))

        #expect(Self.text(other.answer()) == "70000")
        #expect(peer.isClosedByService)
        spool.drain()
    }

    @Test func `of more than the limit only the beginning is kept, and the connection is closed`() {
        let spool = counting(limit: 100_000)
        let sender = POSIXThread(name: "sender") { [peer] in peer.send(Self.request(400_000)) }

        #expect(spool.submit(end))

        // The body's reader is told; here it answers -1.
        #expect(Self.text(peer.answer()) == "-1")
        #expect(peer.isClosedByService)
        sender.join()
        spool.drain()
    }

    @Test func `more than may be held wait until one is answered`() throws {
        let held = Mutex<Spool.Spooled?>(nil)
        let order = Mutex<[Int32]>([])
        let spool = Spool(max: 1, capacity: 8) {
            { connection, spooled in
                let count = order.withLock { order in
                    order.append(connection)
                    return order.count
                }
                if count == 1 { held.withLock { $0 = spooled } } else { close(connection) }
            }
        }
        let (other, otherEnd) = try Peer.connected()
        peer.send(Self.request(70_000))
        other.send(Self.request(70_000))
        #expect(spool.submit(end))
        #expect(spool.submit(otherEnd))

        // Nothing of the second is read while the first is held.
        var bytes = [UInt8](repeating: 0, count: 80_000)
        while held.withLock({ $0 == nil }) { sched_yield() }
        #expect(recv(otherEnd, &bytes, bytes.count, Int32(MSG_PEEK)) == Self.request(70_000).count)
        held.withLock { $0 = nil }

        #expect(other.isClosedByService)
        #expect(order.withLock { $0 } == [end, otherEnd])
        spool.drain()
        close(end)
    }

    @Test func `too many that wait are left to the caller`() throws {
        let spool = counting(max: 1, capacity: 1, timeout: .seconds(1))
        let ends = try (0..<10).map { _ in try Peer.connected() }

        let areTaken = ends.map { spool.submit($0.end) }

        // The first is held and the second waits, unless the spool's thread has not looked yet.
        #expect(areTaken.first == true)
        #expect((1...2).contains(areTaken.count { $0 }))
        for ((_, end), isTaken) in zip(ends, areTaken) where !isTaken { close(end) }
        for (peer, _) in ends { peer.close() }
        spool.drain()
        close(end)
    }

    @Test func `a spool that is drained takes no more, but what had begun to come`() throws {
        let spool = counting()
        let whole = Self.request(70_000)
        peer.send(Array(whole.prefix(1000)))
        #expect(spool.submit(end))
        let drainer = POSIXThread(name: "drainer") { spool.drain() }

        peer.send(Array(whole.dropFirst(1000)))

        #expect(Self.text(peer.answer()) == "70000")
        drainer.join()
        #expect(!spool.submit(end))
    }
}
