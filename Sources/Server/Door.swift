import Contracts
import FastCGI
import Glibc
import HTTP

/// Where requests come in: the one thread that waits for connections. It never waits for anything else, so whatever hangs,
/// the next request is taken in and refused if need be.
final class Door: @unchecked Sendable {
    struct Lanes {
        let reading, writing, light, heavy, health: Queue
    }

    /// Seconds within which a long body must have come.
    private static let patience = 60

    private let desk: Desk
    private let poller: Poller
    private let lanes: Lanes
    /// Connections on which a part of a request had come when the worker was stopped.
    private(set) var left: [Int32] = []

    init(_ desk: Desk, poller: Poller, lanes: Lanes) {
        self.desk = desk
        self.poller = poller
        self.lanes = lanes
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

    private func take(_ connection: Poller.Ready, _ buffer: UnsafeMutableRawBufferPointer) {
        let descriptor = connection.descriptor
        switch Arrival(on: descriptor, buffer: buffer) {
        case .nothing: poller.park(descriptor).map { left.append($0) }
        case .partial where !connection.hasEnded: poller.awaitRest(descriptor).map { left.append($0) }
        case .closed: poller.drop(descriptor)
        case .whole, .partial:
            poller.restHasCome(descriptor)
            desk.visit(descriptor).map(pass)
        case .long:
            poller.expectRest(descriptor, within: Door.patience)
            poller.setBlocking(descriptor, true)
            guard let visit = desk.visit(descriptor) else { return }
            visit.isBlocking = true
            pass(visit)
        }
    }

    private func pass(_ visit: Visit) {
        if let question = visit.question { return pass(visit, question) }
        let lane: Queue
        switch visit.destination.weight(of: visit.request) {
        case .heavy, .heavyWithFile: lane = lanes.heavy
        // Its body is read to the end, which may take time.
        case .some where visit.isBlocking, nil where visit.isBlocking: lane = lanes.light
        case nil: return desk.answer(visit)
        case .light where !visit.destination.isSignedIn: lane = lanes.light
        case .reading, .light, .writing:
            guard desk.prove(visit) else { return }
            lane = visit.destination.weight(of: visit.request) == .writing ? lanes.writing : lanes.reading
        }
        if !lane.submit(visit) { desk.refuse(visit) }
    }

    private func pass(_ visit: Visit, _ question: Health.Question) {
        if visit.isBlocking { visit.exchange.leaveBody() }
        if let reply = question.answer(to: visit.request.method) { return desk.send(reply, to: visit) }
        if !lanes.health.submit(visit) { desk.send(Health.notReady, to: visit) }
    }
}
