import Contracts
import FastCGI
import Glibc
import HTTP

/// Where requests come in: the one thread that waits for connections. It never waits for anything else, so whatever hangs,
/// the next request is taken in and refused if need be.
final class Door: @unchecked Sendable {
    private let desk: Desk
    private let poller: Poller
    private let lanes: Lanes
    private let spool: Spool
    /// Connections on which a part of a request had come when the worker was stopped.
    private var left: [Int32] = []

    init(_ desk: Desk, poller: Poller, lanes: Lanes, spool: Spool) {
        self.desk = desk
        self.poller = poller
        self.lanes = lanes
        self.spool = spool
    }

    /// Returns once the poller is stopped.
    func run() {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Arrival.mostAwaited, alignment: 16)
        defer { buffer.deallocate() }
        var ready: [Poller.Ready] = []
        while poller.next(into: &ready) {
            for connection in ready { take(connection, buffer) }
        }
    }

    /// Takes in what is on its way once the poller is stopped. All of it together has `Desk.grace` to come.
    ///
    /// - Parameter connections: what `Poller.stop` gave back.
    func finish(_ connections: [Int32]) {
        let end = ContinuousClock.now + Desk.grace
        for descriptor in connections + left {
            switch Arrival.awaited(on: descriptor, until: end) {
            case .nothing, .partial, .closed: poller.drop(descriptor)
            case .whole: desk.visit(descriptor).map { lanes.take($0, from: desk) }
            case .long: if !spool.submit(descriptor) { desk.refuse(descriptor) }
            }
        }
    }

    private func take(_ connection: Poller.Ready, _ buffer: UnsafeMutableRawBufferPointer) {
        let descriptor = connection.descriptor
        switch Arrival(on: descriptor, buffer: buffer) {
        case .nothing: poller.park(descriptor).map { left.append($0) }
        case .partial where !connection.hasEnded: poller.awaitRest(descriptor).map { left.append($0) }
        case .closed: poller.drop(descriptor)
        case .whole, .partial:
            poller.restHasCome(descriptor)
            desk.visit(descriptor).map { lanes.take($0, from: desk) }
        case .long:
            poller.restHasCome(descriptor)
            if !spool.submit(descriptor) { desk.refuse(descriptor) }
        }
    }
}

/// Where requests are answered.
struct Lanes {
    let reading, light, passwords, pictures, lists, health: Queue

    /// Hands a request to the lane that it belongs in, or answers it at once.
    func take(_ visit: Visit, from desk: Desk) {
        if let question = visit.question { return take(visit, question, from: desk) }
        let lane: Queue
        switch visit.destination.weight(of: visit.request) {
        case .passwords: lane = passwords
        case .lists: lane = lists
        case nil: return desk.answer(visit)
        case .light where !visit.destination.isSignedIn: lane = light
        // A picture too: only who is signed in gets a place among those that wait.
        case .reading, .light, .pictures, .lightOrPicture:
            guard desk.prove(visit) else { return }
            lane = reading
        }
        if !lane.submit(visit) { desk.refuse(visit) }
    }

    private func take(_ visit: Visit, _ question: Health.Question, from desk: Desk) {
        if let reply = question.answer(to: visit.request.method) { return desk.send(reply, to: visit) }
        if !health.submit(visit) { desk.send(Health.notReady, to: visit) }
    }
}
