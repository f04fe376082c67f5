import CLinux
import FastCGI
import Glibc
import Synchronization
import System
import TestSupport
import Testing

struct PollerTests {
    private let listener: Listener
    private let poller: Poller

    init() throws {
        listener = try Listener()
        poller = try Poller(listening: listener.descriptor)
    }

    /// A connection that was accepted and given out with one byte on it, which is read.
    private func connected() throws -> (peer: Peer, end: Int32) {
        let peer = try listener.connected()
        peer.send([1])
        let end = try #require(poller.next())
        #expect(byte(of: end) == 1)
        return (peer, end)
    }

    private func byte(of end: Int32) -> UInt8? {
        var byte: UInt8 = 0
        return recv(end, &byte, 1, Int32(MSG_DONTWAIT)) == 1 ? byte : nil
    }

    // MARK: While it runs

    @Test func `a connection is given out when there is something to read`() throws {
        let silent = try listener.connected()
        let peer = try listener.connected()
        peer.send([7])

        let end = try #require(poller.next())

        #expect(byte(of: end) == 7)
        #expect(poller.idleCount == 1)
        close(end)
        silent.close()
    }

    @Test func `a parked connection is given out when there is something to read`() throws {
        let (peer, end) = try connected()
        #expect(poller.park(end) == nil)
        #expect(poller.idleCount == 1)

        peer.send([2])

        #expect(poller.next() == end)
        #expect(byte(of: end) == 2)
        #expect(poller.idleCount == 0)
        close(end)
    }

    @Test func `what came before parking is not missed`() throws {
        let (peer, end) = try connected()
        peer.send([2])

        #expect(poller.park(end) == nil)

        #expect(poller.next() == end)
        close(end)
    }

    @Test func `a parked connection that its peer closes is given out to be found closed`() throws {
        try #require(processIsPrepared)
        let (peer, end) = try connected()
        #expect(poller.park(end) == nil)

        peer.close()

        #expect(poller.next() == end)
        #expect(!Exchange().begin(on: end))
        #expect(poller.idleCount == 0)
    }

    @Test func `a connection is given out once until it is parked again`() throws {
        let (peer, end) = try connected()
        let (other, otherEnd) = try connected()
        #expect(poller.park(otherEnd) == nil)

        peer.send([2])
        other.send([3])

        #expect(poller.next() == otherEnd)
        #expect(poller.idleCount == 0)
        close(end)
        close(otherEnd)
    }

    @Test func `reading and writing on a connection are limited in time`() throws {
        let poller = try Poller(listening: listener.descriptor, ioTimeout: 3)
        let peer = try listener.connected()
        peer.send([1])
        let end = try #require(poller.next())

        let limits = [SO_RCVTIMEO, SO_SNDTIMEO].map { option in
            var limit = timeval()
            var size = socklen_t(MemoryLayout<timeval>.size)
            getsockopt(end, SOL_SOCKET, option, &limit, &size)
            return limit.tv_sec
        }

        #expect(limits == [3, 3])
        close(end)
    }

    @Test func `a silent peer's request is given up after the time limit`() throws {
        try #require(processIsPrepared)
        let poller = try Poller(listening: listener.descriptor, ioTimeout: 1)
        let peer = try listener.connected()
        peer.send(Record.begin())
        let end = try #require(poller.next())
        poller.setBlocking(end, true)

        #expect(!Exchange().begin(on: end))

        #expect(peer.isClosedByService)
    }

    @Test func `connections are not inherited by programs that are started`() throws {
        let (peer, end) = try connected()

        #expect(fcntl(end, F_GETFD) & FD_CLOEXEC == FD_CLOEXEC)

        close(end)
        peer.close()
    }

    @Test func `300 connections on 4 threads are all answered, again and again`() throws {
        let peers = try (0..<300).map { _ in try listener.connected() }
        let threads = echoThreads(4, on: poller)

        for round in 0..<5 {
            for (index, peer) in peers.enumerated() { peer.send([UInt8(truncatingIfNeeded: index + round)]) }
            for (index, peer) in peers.enumerated() {
                #expect(peer.byte() == UInt8(truncatingIfNeeded: index + round))
            }
        }

        let waiting = poller.stop()
        for thread in threads { thread.join() }
        #expect(waiting.isEmpty)
        for peer in peers { #expect(peer.isClosedByService) }
    }

    @Test func `two pollers on one socket answer each connection once`() throws {
        let other = try Poller(listening: listener.descriptor)
        let threads = echoThreads(2, on: poller) + echoThreads(2, on: other)

        for number in 0..<200 {
            let peer = try listener.connected()
            peer.send([UInt8(truncatingIfNeeded: number)])
            #expect(peer.byte() == UInt8(truncatingIfNeeded: number))
        }

        #expect(poller.stop().isEmpty)
        #expect(other.stop().isEmpty)
        for thread in threads { thread.join() }
    }

    // MARK: Stopping

    @Test func `stopping closes idle connections`() throws {
        let (peer, end) = try connected()
        #expect(poller.park(end) == nil)

        #expect(poller.stop().isEmpty)

        #expect(peer.isClosedByService)
        #expect(poller.idleCount == 0)
    }

    @Test func `stopping hands back a connection on which a request waits`() throws {
        let (peer, end) = try connected()
        #expect(poller.park(end) == nil)
        peer.send([2])

        #expect(poller.stop() == [end])

        #expect(byte(of: end) == 2)
        close(end)
    }

    @Test func `stopping hands back a new connection whose first request is on its way`() throws {
        let peer = try listener.connected()
        let (other, otherEnd) = try connected()

        let end = try #require(poller.stop().first)

        peer.send([9])
        #expect(byte(of: end) == 9)
        close(end)
        close(otherEnd)
        other.close()
    }

    @Test func `stopping hands back a connection on which a request has begun, and the rest may come`() throws {
        let (peer, end) = try connected()
        peer.send([1])
        #expect(poller.awaitRest(end) == nil)

        #expect(poller.stop() == [end])

        #expect(peer.send([2]) == 0)
        #expect(byte(of: end) == 1)
        #expect(byte(of: end) == 2)
        close(end)
    }

    @Test func `what a peer sends to a stopped connection fails at once`() throws {
        let (peer, end) = try connected()
        #expect(poller.park(end) == nil)
        peer.send([2])
        #expect(poller.stop() == [end])

        #expect(peer.send([3]) == EPIPE)

        #expect(byte(of: end) == 2)
        #expect(byte(of: end) == nil)
        close(end)
    }

    @Test func `a connection parked after stopping is closed`() throws {
        let (peer, end) = try connected()
        #expect(poller.stop().isEmpty)

        #expect(poller.park(end) == nil)

        #expect(peer.isClosedByService)
    }

    @Test func `a connection parked after stopping comes back when a request waits on it`() throws {
        let (peer, end) = try connected()
        peer.send([2])
        #expect(poller.stop().isEmpty)

        #expect(poller.park(end) == end)

        #expect(byte(of: end) == 2)
        close(end)
    }

    @Test func `stopping wakes all threads, and those that come later`() {
        let threads = echoThreads(8, on: poller)

        #expect(poller.stop().isEmpty)

        for thread in threads { thread.join() }
        #expect(poller.next() == nil)
        #expect(poller.next() == nil)
    }

    @Test func `connections that come after stopping are left to others`() throws {
        #expect(poller.stop().isEmpty)
        let peer = try listener.connected()
        peer.send([1])

        #expect(poller.next() == nil)

        let end = try #require(listener.accepted())
        #expect(byte(of: end) == 1)
        close(end)
    }

    @Test func `a connection that comes while stopping is answered, handed back or left to others`() throws {
        for _ in 0..<500 {
            let poller = try Poller(listening: listener.descriptor)
            let threads = echoThreads(2, on: poller)
            let peer = try listener.connected()
            peer.send([5])

            for end in poller.stop() { echo(on: end) }
            for thread in threads { thread.join() }
            if let end = listener.accepted() {
                echo(on: end)
                close(end)
            }

            #expect(peer.byte() == 5)
        }
    }

    // MARK: Requests that come bit by bit

    @Test func `a connection on which a part has come is given out again only when more comes`() throws {
        let (peer, end) = try connected()
        let (other, otherEnd) = try connected()
        #expect(poller.park(end) == nil)
        #expect(poller.park(otherEnd) == nil)
        peer.send([2])
        #expect(poller.next() == end)

        #expect(poller.awaitRest(end) == nil)
        other.send([9])

        #expect(poller.next() == otherEnd)
        peer.send([3])
        #expect(poller.next() == end)
        #expect(byte(of: end) == 2)
        #expect(byte(of: end) == 3)
        close(end)
        close(otherEnd)
    }

    @Test func `what came before the rest was awaited is not missed`() throws {
        let (peer, end) = try connected()
        let (other, otherEnd) = try connected()
        #expect(poller.park(end) == nil)
        #expect(poller.park(otherEnd) == nil)
        peer.send([2])
        #expect(poller.next() == end)
        peer.send([3])
        // The news of the second byte come while the first is being looked at.
        other.send([9])
        #expect(poller.next() == otherEnd)

        #expect(poller.awaitRest(end) == nil)

        #expect(poller.next() == end)
        close(end)
        close(otherEnd)
    }

    @Test func `a request whose rest does not come is given up`() throws {
        let poller = try Poller(listening: listener.descriptor, ioTimeout: 0)
        let peer = try listener.connected()
        peer.send([1])
        let end = try #require(poller.next())
        let waiter = POSIXThread(name: "waiter") { _ = poller.next() }

        #expect(poller.awaitRest(end) == nil)

        // Something that comes wakes the waiter, which then looks at the clock.
        let other = try listener.connected()
        #expect(peer.isClosedByService)
        #expect(poller.stop().count == 1)
        waiter.join()
        other.close()
    }

    // MARK: Threads

    private func echoThreads(_ count: Int, on poller: Poller) -> [POSIXThread] {
        (0..<count).map { _ in
            POSIXThread(name: "echo") {
                var ready: [Poller.Ready] = []
                while poller.next(into: &ready) {
                    for var end in ready.map(\.descriptor) {
                        while echo(on: end), let again = poller.park(end) { end = again }
                    }
                }
            }
        }
    }
}

extension Poller {
    /// The one connection that has something to read; nil once stopping.
    fileprivate func next() -> Int32? {
        var ready: [Poller.Ready] = []
        while next(into: &ready) {
            if let first = ready.first { return first.descriptor }
        }
        return nil
    }
}

/// Sends a byte back; false, and the connection is closed, when there is none.
@discardableResult
private func echo(on end: Int32) -> Bool {
    var byte: UInt8 = 0
    if recv(end, &byte, 1, 0) == 1, send(end, &byte, 1, Int32(MSG_NOSIGNAL)) == 1 { return true }
    close(end)
    return false
}
